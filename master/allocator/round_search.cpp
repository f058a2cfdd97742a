#include <algorithm>

#include "base/assert.hpp"
#include "master/allocator/forest.hpp"
#include "master/allocator/round.hpp"

namespace bourse::allocator {

// The first claim in share order below `node` that accepts, or kNone. `mask` holds the classes that
// could have an offer of the open parts. Whoever turns out unable is knocked out of its tree for as
// long as this room lasts: what is left only shrinks, so nobody unable becomes able again. On
// success s_.open holds the parts that are open to that claim.
std::uint32_t Round::descend(std::uint32_t node, ClassMask mask) {
  const std::uint32_t group = tree_.node(node).group;
  const bool in_mask = (tree_.classes_below(node) & mask) != 0;
  const std::uint32_t forest = in_mask ? forest_of(mask) : kNone;
  // Reservations further down matter only to classes that cannot live on what is open here.
  const bool ask_reserved = has_reserved_ && tree_.node(node).kind == ShareTree::Kind::role &&
                            (tree_.classes_below(node) & ~mask) != 0;
  for (;;) {
    std::uint32_t best = forest != kNone ? winner(forest, group) : kNone;
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
    }
    if (forest != kNone) knock_out(forest, group, best);
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
    refresh_share(child);
    if (best != kNone) refresh_share(best);
    if (best != kNone && before(best, child)) continue;
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
  if ((mask >> claim.class_index & 1) == 0) return false;  // counted with its class
  Row row;
  Kinds kinds = 0;
  bool summed = false;
  if (claim.class_index < kFirstSharedClass) {
    summed = true;
    sum_open(claim.capabilities, row, kinds);
    const auto minimum = tree_.minimum_rows(claim.minimum);
    const auto rows = static_cast<std::uint32_t>(minimum.size() / dimensions_);
    if (!reaches_minimum(row.data(), minimum.data(), rows, dimensions_)) {
      note_refusal(index, RefusalReason::below_minimum);
      return false;
    }
  }
  const RefusalTable::Range range = in_.refusals.find(RoomId{room_}, ClaimId{index});
  if (range.empty()) return true;
  if (!summed) sum_open(claim.capabilities, row, kinds);
  if (!in_.refusals.covers(range, row.data(), kinds)) return true;
  note_refusal(index, RefusalReason::filtered);
  return false;
}

// The forest for exactly these classes or, once there are too many of them, one for more classes:
// accepts() weeds out the rest.
std::uint32_t Round::forest_of(ClassMask mask) {
  for (std::uint32_t f = 0; f < s_.forest_count; ++f) {
    if (s_.forests[f].mask == mask) return f;
  }
  if (s_.forest_count + 1 >= Scratch::kMaxForests) {
    mask = live_;
    for (std::uint32_t f = 0; f < s_.forest_count; ++f) {
      if (s_.forests[f].mask == mask) return f;
    }
  }
  ASSERT(s_.forest_count < Scratch::kMaxForests);
  Forest& forest = s_.forests[s_.forest_count];
  forest.mask = mask;
  forest.built.resize(std::max<std::size_t>(forest.built.size(), tree_.group_capacity()));
  // The place in the array says nothing about the classes, so earlier rounds' marks are void by
  // their stamp and this round's cannot exist yet.
  forest.start.resize(forest.built.size());
  forest.slots.clear();
  return s_.forest_count++;
}

std::uint32_t Round::winner(std::uint32_t f, std::uint32_t group_index) {
  Forest& forest = s_.forests[f];
  if (forest.built[group_index] != s_.round) {
    const ShareTree::Group& group = tree_.group(group_index);
    const auto included = [this, &forest, &group](std::uint32_t node) {
      const ShareTree::Node& child = tree_.node(node);
      if (child.kind == ShareTree::Kind::claim) {
        const ShareTree::Claim& claim = tree_.claim(child.claim);
        if (claim.state != ClaimState::active) return false;
        if ((forest.mask >> claim.class_index & 1) == 0) return false;
      } else if ((tree_.classes_below(node) & forest.mask) == 0) {
        return false;
      }
      if (group.children.size() > 1) refresh_share(node);
      return true;
    };
    build(forest, group_index, group, included,
          [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
    forest.built[group_index] = s_.round;
  }
  return forest.slots[forest.start[group_index] + 1];
}

void Round::knock_out(std::uint32_t f, std::uint32_t group_index, std::uint32_t node) {
  Forest& forest = s_.forests[f];
  const ShareTree::Group& group = tree_.group(group_index);
  const std::uint32_t position = tree_.node(node).position;
  const std::size_t leaf = forest.start[group_index] + group.children.size() + position;
  if (forest.slots[leaf] != node) return;
  replay(forest, group_index, group, position, kNone,
         [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
  s_.knocked.push_back({f, group_index, node});
}

void Round::restore() {
  for (const KnockOut& knock : s_.knocked) {
    replay(s_.forests[knock.forest], knock.group, tree_.group(knock.group),
           tree_.node(knock.node).position, knock.node,
           [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
  }
  s_.knocked.clear();
}

// Rule 2 for two siblings. REQUIRES fresh shares of both.
bool Round::before(std::uint32_t a, std::uint32_t b) const {
  const std::uint64_t near_a = s_.approximate[a];
  const std::uint64_t near_b = s_.approximate[b];
  if (near_a != ShareScale::kNotApproximated && near_b != ShareScale::kNotApproximated) {
    if (near_a + ShareScale::kSlack < near_b) return true;
    if (near_b + ShareScale::kSlack < near_a) return false;
  }
  const int order = s_.scale.compare(s_.share[a], s_.share[b]);
  if (order != 0) return order < 0;
  const std::uint64_t tie_a = tie_break(in_.seed, a);
  const std::uint64_t tie_b = tie_break(in_.seed, b);
  return tie_a != tie_b ? tie_a < tie_b : a < b;
}

void Round::refresh_share(std::uint32_t node) {
  if (s_.share_stamp[node] == s_.round) return;
  const Sum* charged = s_.charged_stamp[node] == s_.round
                           ? s_.charged.data() + std::size_t{node} * dimensions_
                           : tree_.charged_row(node).data();
  s_.share[node] = s_.scale.share_of(charged, tree_.node(node).weight_milli, s_.approximate[node]);
  s_.share_stamp[node] = s_.round;
}

}  // namespace bourse::allocator
