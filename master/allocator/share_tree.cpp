#include "master/allocator/share_tree.hpp"

#include <algorithm>
#include <numeric>

#include "base/assert.hpp"

namespace bourse::allocator {

namespace {

// The index of a fresh or reused cell of a table with a free list.
template <typename T>
std::uint32_t take_cell(std::vector<T>& table, std::vector<std::uint32_t>& free) {
  if (!free.empty()) {
    const std::uint32_t index = free.back();
    free.pop_back();
    return index;
  }
  table.emplace_back();
  return static_cast<std::uint32_t>(table.size() - 1);
}

// Rows of `before` quantities become rows of `after`, the new ones zero.
template <typename T>
std::vector<T> widened(const std::vector<T>& rows, std::uint32_t before, std::uint32_t after) {
  std::vector<T> wide(rows.size() / before * after);
  for (std::size_t row = 0; row * before < rows.size(); ++row) {
    for (std::size_t d = 0; d < before; ++d) wide[row * after + d] = rows[row * before + d];
  }
  return wide;
}

}  // namespace

ShareTree::ShareTree(std::uint32_t dimensions) : dimensions_(dimensions) {
  ASSERT(dimensions >= 1 && dimensions <= kMaxDimensions);
  add_node(kNone, Kind::role, kDefaultWeightMilli);
  // Minimum 0 is "anything", for ever.
  minimums_.push_back({{}, 1});
  minimum_of_[{}] = 0;
  for (std::uint32_t i = 0; i < kFirstSharedClass; ++i) {
    classes_[i].capabilities = static_cast<Capabilities>(i);
  }
}

void ShareTree::grow_dimensions(std::uint32_t dimensions) {
  ASSERT(dimensions >= dimensions_ && dimensions <= kMaxDimensions);
  charged_ = widened(charged_, dimensions_, dimensions);
  minimum_of_.clear();
  for (std::uint32_t i = 0; i < minimums_.size(); ++i) {
    Minimum& minimum = minimums_[i];
    minimum.rows = widened(minimum.rows, dimensions_, dimensions);
    if (minimum.references > 0) minimum_of_[minimum.rows] = i;
  }
  dimensions_ = dimensions;
}

std::uint32_t ShareTree::add_node(std::uint32_t parent, Kind kind, std::uint32_t weight_milli) {
  ASSERT(weight_milli >= 1);
  const std::uint32_t index = take_cell(nodes_, free_nodes_);
  charged_.resize(nodes_.size() * dimensions_);
  Node node;
  node.parent = parent;
  node.weight_milli = weight_milli;
  node.kind = kind;
  if (kind != Kind::claim) {
    node.group = take_cell(groups_, free_groups_);
    class_counts_.resize(groups_.size());
  }
  if (parent != kNone) {
    auto& siblings = groups_[nodes_[parent].group].children;
    node.position = static_cast<std::uint32_t>(siblings.size());
    siblings.push_back(index);
  }
  nodes_[index] = node;
  return index;
}

void ShareTree::remove_node(std::uint32_t index) {
  const Node node = nodes_[index];
  for (const Sum amount : charged_row(index)) ASSERT(amount == 0);
  if (node.group != kNone) {
    ASSERT(groups_[node.group].children.empty());
    groups_[node.group] = Group{};
    free_groups_.push_back(node.group);
  }
  auto& siblings = groups_[nodes_[node.parent].group].children;
  siblings[node.position] = siblings.back();
  nodes_[siblings[node.position]].position = node.position;
  siblings.pop_back();
  nodes_[index] = Node{};
  free_nodes_.push_back(index);
}

NodeId ShareTree::add_role(NodeId parent, std::uint32_t weight_milli) {
  ASSERT(parent.raw() < nodes_.size() && nodes_[parent.raw()].kind == Kind::role);
  return NodeId{add_node(parent.raw(), Kind::role, weight_milli)};
}

void ShareTree::remove_role(NodeId role) {
  ASSERT(role != kRootRole && role.raw() < nodes_.size());
  ASSERT(nodes_[role.raw()].kind == Kind::role);
  remove_node(role.raw());
}

void ShareTree::set_weight(NodeId role, std::uint32_t weight_milli) {
  ASSERT(role.raw() < nodes_.size() && nodes_[role.raw()].kind == Kind::role);
  ASSERT(weight_milli >= 1);
  nodes_[role.raw()].weight_milli = weight_milli;
  // The root has no siblings. Its weight is that of the frameworks in it, among the topmost roles.
  const std::uint32_t own = nodes_[role.raw()].own;
  if (role == kRootRole && own != kNone) nodes_[own].weight_milli = weight_milli;
}

ClaimId ShareTree::add_claim(const ClaimSpec& spec) {
  const std::uint32_t role = spec.role.raw();
  ASSERT(role < nodes_.size() && nodes_[role].kind == Kind::role);
  if (nodes_[role].own == kNone) {
    const std::uint32_t weight_milli =
        spec.role == kRootRole ? nodes_[role].weight_milli : kDefaultWeightMilli;
    const std::uint32_t own = add_node(role, Kind::own, weight_milli);
    nodes_[role].own = own;
  }
  const std::uint32_t index = take_cell(claims_, free_claims_);
  const std::uint32_t node = add_node(nodes_[role].own, Kind::claim, spec.weight_milli);
  nodes_[node].claim = index;
  Claim& claim = claims_[index];
  claim = Claim{};
  claim.node = node;
  claim.role = role;
  enlist(claim, spec);
  return ClaimId{index};
}

void ShareTree::update_claim(ClaimId id, const ClaimSpec& spec) {
  Claim& claim = claims_[id.raw()];
  ASSERT(at(id).role == spec.role.raw() && spec.weight_milli >= 1);
  delist(claim);
  nodes_[claim.node].weight_milli = spec.weight_milli;
  enlist(claim, spec);
}

void ShareTree::remove_claim(ClaimId id) {
  ASSERT(at(id).node != kNone);
  Claim& claim = claims_[id.raw()];
  delist(claim);
  Node& role = nodes_[claim.role];
  remove_node(claim.node);
  if (groups_[nodes_[role.own].group].children.empty()) {
    remove_node(role.own);
    role.own = kNone;
  }
  claim = Claim{};
  free_claims_.push_back(id.raw());
}

const ShareTree::Claim& ShareTree::at(ClaimId claim) const {
  ASSERT(claim.raw() < claims_.size() && claims_[claim.raw()].node != kNone);
  return claims_[claim.raw()];
}

void ShareTree::set_state(ClaimId id, ClaimState state) {
  const ClaimState before = at(id).state;
  Claim& claim = claims_[id.raw()];
  claim.state = state;
  if ((before == ClaimState::active) != (state == ClaimState::active)) {
    count_active(claim, state == ClaimState::active);
  }
}

void ShareTree::enlist(Claim& claim, const ClaimSpec& spec) {
  ASSERT(spec.minimum.size() % dimensions_ == 0 && spec.capabilities < kCapabilitySets);
  claim.capabilities = spec.capabilities;
  claim.minimum = take_minimum(spec.minimum);
  claim.demanded = spec.demanded;
  claim.class_index = take_class(spec.capabilities, claim.minimum, spec.demanded);
  if (claim.state == ClaimState::active) count_active(claim, true);
}

void ShareTree::delist(Claim& claim) {
  if (claim.state == ClaimState::active) count_active(claim, false);
  ClaimClass& its_class = classes_[claim.class_index];
  ASSERT(its_class.references > 0);
  --its_class.references;
  drop_minimum(claim.minimum);
}

void ShareTree::count_active(const Claim& claim, bool arrives) {
  const ClassMask bit = ClassMask{1} << claim.class_index;
  for (std::uint32_t node = nodes_[claim.node].parent; node != kNone; node = nodes_[node].parent) {
    Group& group = groups_[nodes_[node].group];
    std::uint32_t& count = class_counts_[nodes_[node].group][claim.class_index];
    ASSERT(arrives || count > 0);
    count = arrives ? count + 1 : count - 1;
    group.classes = count > 0 ? group.classes | bit : group.classes & ~bit;
  }
}

std::uint32_t ShareTree::active_below(std::uint32_t node) const {
  if (nodes_[node].kind == Kind::claim) {
    return claims_[nodes_[node].claim].state == ClaimState::active ? 1 : 0;
  }
  const auto& counts = class_counts_[nodes_[node].group];
  return std::accumulate(counts.begin(), counts.end(), std::uint32_t{0});
}

std::uint32_t ShareTree::take_minimum(const std::vector<std::int64_t>& rows) {
  if (const auto found = minimum_of_.find(rows); found != minimum_of_.end()) {
    ++minimums_[found->second].references;
    return found->second;
  }
  const std::uint32_t index = take_cell(minimums_, free_minimums_);
  minimums_[index] = {rows, 1};
  minimum_of_[rows] = index;
  return index;
}

void ShareTree::drop_minimum(std::uint32_t index) {
  Minimum& minimum = minimums_[index];
  ASSERT(minimum.references > 0);
  if (--minimum.references > 0) return;
  minimum_of_.erase(minimum.rows);
  minimum.rows.clear();
  free_minimums_.push_back(index);
}

std::uint8_t ShareTree::take_class(Capabilities capabilities, std::uint32_t minimum,
                                   bool demanded) {
  std::uint32_t chosen = capabilities;
  for (std::uint32_t i = kFirstSharedClass; i < kClasses; ++i) {
    ClaimClass& candidate = classes_[i];
    if (candidate.references > 0) {
      if (candidate.capabilities != capabilities || candidate.minimum != minimum) continue;
      if (candidate.demanded != demanded) continue;
      chosen = i;
      break;
    }
    if (chosen == capabilities) chosen = i;  // the first free one, unless a match follows
  }
  ClaimClass& taken = classes_[chosen];
  taken.capabilities = capabilities;
  taken.minimum = chosen < kFirstSharedClass ? 0 : minimum;
  taken.demanded = chosen >= kFirstSharedClass && demanded;
  ++taken.references;
  return static_cast<std::uint8_t>(chosen);
}

void ShareTree::charge(ClaimId id, std::span<const std::int64_t> row) {
  ASSERT(row.size() == dimensions_);
  for (const std::int64_t quantity : row) ASSERT(quantity >= 0);
  for (std::uint32_t node = at(id).node; node != kNone; node = nodes_[node].parent) {
    Sum* charged = charged_.data() + std::size_t{node} * dimensions_;
    for (std::size_t d = 0; d < row.size(); ++d) charged[d] += static_cast<std::uint64_t>(row[d]);
  }
}

void ShareTree::release(ClaimId id, std::span<const std::int64_t> row) {
  ASSERT(row.size() == dimensions_);
  for (const std::int64_t quantity : row) ASSERT(quantity >= 0);
  for (std::uint32_t node = at(id).node; node != kNone; node = nodes_[node].parent) {
    Sum* charged = charged_.data() + std::size_t{node} * dimensions_;
    for (std::size_t d = 0; d < row.size(); ++d) {
      ASSERT(charged[d] >= static_cast<std::uint64_t>(row[d]));
      charged[d] -= static_cast<std::uint64_t>(row[d]);
    }
  }
}

}  // namespace bourse::allocator
