#include <algorithm>

#include "base/assert.hpp"
#include "master/allocator/forest.hpp"
#include "master/allocator/round.hpp"

namespace bourse::allocator {

// The first claim in share order that accepts, or kNone. `mask` as in descend(). Where nothing is
// reserved and the trees stand, the order is a walk from winner to winner.
std::uint32_t Round::search(ClassMask mask) {
  if (mask == 0 || has_reserved_) return descend(kRootRole.raw(), mask);
  const std::uint32_t f = forest_of(mask, quota_ && opens_uncounted());
  const Forest& forest = s_.forests[f];
  std::uint32_t node = kRootRole.raw();
  while (forest.trees[node].built == built_) {
    const std::uint32_t best = forest.slots[forest.trees[node].start + 1];
    if (best == s_.none) break;
    node = best;
  }
  if (tree_.node(node).kind == ShareTree::Kind::claim) {
    if (accepts(node, mask)) return node;
    knock_out(f, node);
  }
  return descend(kRootRole.raw(), mask);
}

// The first claim in share order below `node` that accepts, or kNone. `mask` holds the classes that
// could have an offer of the open parts. Whoever turns out unable is knocked out of its tree for as
// long as this room lasts: what is left only shrinks, so nobody unable becomes able again. On
// success s_.open holds the parts that are open to that claim.
std::uint32_t Round::descend(std::uint32_t node, ClassMask mask) {
  const bool in_mask = (tree_.classes_below(node) & mask) != 0;
  const std::uint32_t forest = in_mask ? forest_of(mask, quota_ && opens_uncounted()) : kNone;
  // Reservations further down matter only to classes that cannot live on what is open here, and to
  // claims that quotas leave nothing else.
  const bool ask_reserved = has_reserved_ && tree_.node(node).kind == ShareTree::Kind::role &&
                            ((tree_.classes_below(node) & ~mask) != 0 || quota_.has_value());
  for (;;) {
    std::uint32_t best = forest != kNone ? winner(forest, node) : kNone;
    bool reserved = false;
    if (ask_reserved) best = nearest_reserved(node, best, reserved);
    if (best == kNone) return kNone;
    const ShareTree::Kind kind = tree_.node(best).kind;
    if (kind == ShareTree::Kind::claim) {
      if (accepts(best, mask)) return best;
    } else {
      const std::size_t mark = s_.open.size();
      const ClassMask inner =
          kind == ShareTree::Kind::role && has_reserved_ ? enter(best, mask) : mask;
      const std::uint32_t found = descend(best, inner);
      if (found != kNone) return found;
      s_.open.resize(mark);
      for_good_ = false;
      if (may_leave_ && forest != kNone) {
        const Forest::Tree& below = s_.forests[forest].trees[best];
        for_good_ = below.built == built_ && below.left == 0;
      }
    }
    if (forest != kNone) knock_out(forest, best);
    if (reserved) s_.dead.push_back(best);
  }
}

// Of `best` and the children of `node` that lead to a role with an untaken reservation, the one
// that comes first.
std::uint32_t Round::nearest_reserved(std::uint32_t node, std::uint32_t best, bool& reserved) {
  for (std::uint32_t part = 0; part < place_.part_count; ++part) {
    if (s_.taken[part] != 0 || parts_[part].role == kRootRole) continue;
    std::uint32_t child = parts_[part].role.raw();
    ASSERT(child < tree_.node_capacity());
    if (child == node) continue;  // open here already
    while (child != kRootRole.raw() && tree_.node(child).parent != node) {
      child = tree_.node(child).parent;
    }
    if (child == kRootRole.raw() || tree_.classes_below(child) == 0) continue;
    if (std::find(s_.dead.begin(), s_.dead.end(), child) != s_.dead.end()) continue;
    if (child == best) {
      reserved = true;
      continue;
    }
    if (best != kNone) {
      refresh_key(child);
      refresh_key(best);
      if (match(best, child) == best) continue;
    }
    best = child;
    reserved = true;
  }
  return best;
}

// Opens what is reserved for this role. Where every class below could live without it, nothing
// changes: more to take makes nobody unable.
ClassMask Round::enter(std::uint32_t role, ClassMask mask) {
  bool more = false;
  for (std::uint32_t part = 0; part < place_.part_count; ++part) {
    if (s_.taken[part] != 0 || parts_[part].role.raw() != role) continue;
    s_.open.push_back(part);
    more = true;
  }
  return more && (tree_.classes_below(role) & ~mask) != 0 ? judge() : mask;
}

// The class of this claim may have an offer; is there anything against the claim itself?
bool Round::accepts(std::uint32_t claim_node, ClassMask mask) {
  const std::uint32_t index = tree_.node(claim_node).claim;
  const ShareTree::Claim& claim = tree_.claim(index);
  for_good_ = false;
  if ((mask >> claim.class_index & 1) == 0) return false;  // counted with its class
  if (is_met(index)) {
    for_good_ = true;
    return false;
  }
  if (quota_) [[unlikely]]
    return accepts_capped(index);
  Row row;
  Kinds kinds = 0;
  bool summed = false;
  if (claim.class_index < kFirstSharedClass || claim.demanded) {
    summed = true;
    sum_open(claim.capabilities, row, kinds);
    if (!is_of_use(index, row)) {
      note_refusal(index, claim.demanded ? RefusalReason::demand : RefusalReason::below_minimum);
      return false;
    }
  }
  if (excluded(index)) return false;
  if (!in_.refusals.refused(RoomId{room_}, ClaimId{index})) return true;
  if (!summed) sum_open(claim.capabilities, row, kinds);
  if (!in_.refusals.covers(RoomId{room_}, ClaimId{index}, row.data(), kinds)) return true;
  note_refusal(index, RefusalReason::filtered);
  return false;
}

// Whether the claim's constraints keep it from the room.
bool Round::excluded(std::uint32_t claim) {
  if (in_.constraints == nullptr) return false;
  if (!in_.constraints->excludes(ClaimId{claim}, RoomId{room_})) return false;
  note_refusal(claim, RefusalReason::constraint);
  return true;
}

// The forest for exactly these classes or, once there are too many of them, one for more classes:
// accepts() weeds out the rest.
std::uint32_t Round::forest_of(ClassMask mask, bool with_spent) {
  const auto is = [this, with_spent](std::uint32_t f, ClassMask wanted) {
    return s_.forests[f].mask == wanted && s_.forests[f].with_spent == with_spent;
  };
  for (std::uint32_t f = 0; f < s_.forest_count; ++f) {
    if (is(f, mask)) return f;
  }
  // The last two are for everybody: with and without those that are spent.
  if (s_.forest_count + 2 >= Scratch::kMaxForests) {
    mask = live_;
    for (std::uint32_t f = 0; f < s_.forest_count; ++f) {
      if (is(f, mask)) return f;
    }
  }
  ASSERT(s_.forest_count < Scratch::kMaxForests);
  Forest& forest = s_.forests[s_.forest_count];
  forest.mask = mask;
  forest.with_spent = with_spent;
  // Trees of earlier rounds are void by their stamp.
  forest.trees.resize(std::max<std::size_t>(forest.trees.size(), tree_.node_capacity()));
  forest.slots.clear();
  return s_.forest_count++;
}

std::uint32_t Round::winner(std::uint32_t f, std::uint32_t node) {
  Forest& forest = s_.forests[f];
  if (forest.trees[node].built != built_) plant(forest, node);
  const std::uint32_t best = forest.slots[forest.trees[node].start + 1];
  return best == s_.none ? kNone : best;
}

// Builds the tree over the children of a node, of those the forest is for.
void Round::plant(Forest& forest, std::uint32_t node) {
  const ShareTree::Group& group = tree_.group(tree_.node(node).group);
  Forest::Tree& tree = forest.trees[node];
  tree.left = 0;
  const bool inside = !for_guarantees_ || inside_lacking(node);
  const auto entrant = [&](std::uint32_t child) {
    if (tree_.node(child).kind == ShareTree::Kind::claim) {
      const ShareTree::Claim& claim = tree_.claim(tree_.node(child).claim);
      if (claim.state != ClaimState::active) return s_.none;
      if ((forest.mask >> claim.class_index & 1) == 0) return s_.none;
      if (is_met(tree_.node(child).claim)) return s_.none;
    } else if ((tree_.classes_below(child) & forest.mask) == 0) {
      return s_.none;
    }
    if (quota_ && !enters(child, forest, inside)) [[unlikely]]
      return s_.none;
    if (group.children.size() > 1) refresh_key(child);
    ++tree.left;
    return child;
  };
  build(forest, tree, group, s_.none, entrant,
        [this](std::uint32_t a, std::uint32_t b) { return match(a, b); });
  tree.built = built_;
}

void Round::knock_out(std::uint32_t f, std::uint32_t node) {
  Forest& forest = s_.forests[f];
  Forest::Tree& tree = forest.trees[tree_.node(node).parent];
  const std::uint32_t position = tree_.node(node).position;
  if (forest.slots[tree.start + tree.count + position] != node) return;
  replay(forest, tree, position, s_.none,
         [this](std::uint32_t a, std::uint32_t b) { return match(a, b); });
  if (for_good_) {
    --tree.left;
  } else {
    s_.knocked.push_back({f, node});
  }
}

void Round::restore() {
  for (const KnockOut& knock : s_.knocked) {
    Forest& forest = s_.forests[knock.forest];
    const ShareTree::Node& node = tree_.node(knock.node);
    replay(forest, forest.trees[node.parent], node.position, knock.node,
           [this](std::uint32_t a, std::uint32_t b) { return match(a, b); });
  }
  s_.knocked.clear();
}

std::array<Sum, kMaxDimensions> Round::charged(std::uint32_t node) const {
  std::array<Sum, kMaxDimensions> row{};
  const std::size_t first = std::size_t{node} * dimensions_;
  if (s_.charged_stamp[node] != s_.round) {
    std::copy_n(tree_.charged_row(node).data(), dimensions_, row.begin());
  } else if (narrow_) {
    std::copy_n(s_.charged_narrow.data() + first, dimensions_, row.begin());
  } else {
    std::copy_n(s_.charged.data() + first, dimensions_, row.begin());
  }
  return row;
}

// Neighbours with equal shares are common where agents are alike, so equal rows come first.
template <typename Amount>
int Round::order_of(const Amount* a, std::uint32_t weight_a, const Amount* b,
                    std::uint32_t weight_b) const {
  if (weight_a == weight_b && std::equal(a, a + dimensions_, b)) return 0;
  return s_.scale.compare(s_.scale.share_of(a, weight_a), s_.scale.share_of(b, weight_b));
}

std::uint32_t Round::match_exactly(std::uint32_t a, std::uint32_t b) const {
  if (a == s_.none) return b;
  if (b == s_.none) return a;
  const std::uint32_t weight_a = tree_.node(a).weight_milli;
  const std::uint32_t weight_b = tree_.node(b).weight_milli;
  int order = 0;
  if (narrow_ && s_.charged_stamp[a] == s_.round && s_.charged_stamp[b] == s_.round) {
    const std::uint64_t* rows = s_.charged_narrow.data();
    order = order_of(rows + std::size_t{a} * dimensions_, weight_a,
                     rows + std::size_t{b} * dimensions_, weight_b);
  } else {
    order = order_of(charged(a).data(), weight_a, charged(b).data(), weight_b);
  }
  if (order != 0) return order < 0 ? a : b;
  const std::uint64_t tie_a = tie_break(in_.seed, a);
  const std::uint64_t tie_b = tie_break(in_.seed, b);
  if (tie_a != tie_b) return tie_a < tie_b ? a : b;
  return a < b ? a : b;
}

void Round::refresh_key(std::uint32_t node) {
  if (s_.key_stamp[node] == s_.round) return;
  const std::uint32_t weight = tree_.node(node).weight_milli;
  const std::size_t first = std::size_t{node} * dimensions_;
  if (s_.charged_stamp[node] != s_.round) {
    s_.keys[node] = s_.scale.key_of(tree_.charged_row(node).data(), weight);
  } else if (narrow_) {
    s_.keys[node] = s_.scale.key_of(s_.charged_narrow.data() + first, weight);
  } else {
    s_.keys[node] = s_.scale.key_of(s_.charged.data() + first, weight);
  }
  s_.key_stamp[node] = s_.round;
}

}  // namespace bourse::allocator
