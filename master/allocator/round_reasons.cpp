#include <algorithm>

#include "master/allocator/round.hpp"

namespace bourse::allocator {

const char* name_of(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::disconnected:
      return "disconnected";
    case RefusalReason::suppressed:
      return "suppressed";
    case RefusalReason::nothing_free:
      return "nothing_free";
    case RefusalReason::no_gpu_capability:
      return "no_gpu_capability";
    case RefusalReason::remote_region:
      return "remote_region";
    case RefusalReason::reserved_for_other_role:
      return "reserved_for_other_role";
    case RefusalReason::not_capable:
      return "not_capable";
    case RefusalReason::below_minimum:
      return "below_minimum";
    case RefusalReason::filtered:
      return "filtered";
    case RefusalReason::better_claim:
      return "better_claim";
    case RefusalReason::over_quota:
      return "over_quota";
    case RefusalReason::kept_for_guarantees:
      return "kept_for_guarantees";
    case RefusalReason::constraint:
      return "constraint";
    case RefusalReason::demand:
      return "demand";
  }
  return "unknown";
}

// Why a class cannot have the parts in s_.context, or nullopt if it can.
std::optional<RefusalReason> Round::class_reason(const LiveClass& live) {
  if (left_ == 0) return RefusalReason::nothing_free;
  if ((place_.flags & kHasGpus) != 0 && (live.capabilities & kGpus) == 0) {
    return RefusalReason::no_gpu_capability;
  }
  if (!may_enter(live)) return RefusalReason::remote_region;
  if (s_.context.empty()) return RefusalReason::reserved_for_other_role;
  Row row;
  std::fill_n(row.begin(), dimensions_, 0);
  bool any = false;
  for (const std::uint32_t part : s_.context) {
    if ((parts_[part].traits & ~live.capabilities) != 0) continue;
    any = true;
    const std::int64_t* quantities = in_.rooms.row(place_.first_part + part);
    for (std::uint32_t d = 0; d < dimensions_; ++d) row[d] += quantities[d];
  }
  if (!any) return RefusalReason::not_capable;
  if (reaches_minimum(row.data(), live.minimum, live.minimum_rows, dimensions_)) return {};
  return live.demanded ? RefusalReason::demand : RefusalReason::below_minimum;
}

// Counts the classes that cannot have what is open to everyone before anything was granted, and
// for each role with a reservation here the classes below it that fare otherwise.
void Round::note_class_refusals(ClassMask mask) {
  s_.context = s_.open;
  for (const LiveClass& live : s_.classes) {
    if ((mask >> live.index & 1) != 0) continue;
    const auto reason = class_reason(live);
    ++out_.class_refusals[live.index][static_cast<std::size_t>(*reason)];
  }
  if (!has_reserved_) return;
  for (std::uint32_t part = 0; part < place_.part_count; ++part) {
    const NodeId role = parts_[part].role;
    if (s_.taken[part] != 0 || role == kRootRole) continue;
    bool first = true;
    for (std::uint32_t i = 0; i < part && first; ++i) {
      first = s_.taken[i] != 0 || parts_[i].role != role;
    }
    if (first) note_context_refusals(role.raw(), mask);
  }
}

void Round::note_context_refusals(std::uint32_t role, ClassMask outside) {
  const ClassMask concerned = tree_.classes_below(role) & ~outside;
  if (concerned == 0) return;
  // The next context further out: the closest role above this one with a part in this room.
  const auto gather = [this](std::uint32_t at, bool include_it) {
    s_.context.clear();
    for (std::uint32_t part = 0; part < place_.part_count; ++part) {
      if (s_.taken[part] != 0) continue;
      const std::uint32_t owner = parts_[part].role.raw();
      if (owner == at ? include_it : stands_above(owner, at)) s_.context.push_back(part);
    }
  };
  for (const LiveClass& live : s_.classes) {
    if ((concerned >> live.index & 1) == 0) continue;
    gather(role, false);
    const auto was = class_reason(live);
    if (!was) continue;
    gather(role, true);
    const auto now = class_reason(live);
    if (now == was) continue;
    out_.context_refusals.push_back(
        {RoomId{room_}, NodeId{role}, static_cast<std::uint8_t>(live.index), *was, now});
  }
}

// Whether the role is a strict ancestor of the node.
bool Round::stands_above(std::uint32_t role, std::uint32_t node) const {
  while (node != kRootRole.raw()) {
    node = tree_.node(node).parent;
    if (node == role) return true;
  }
  return false;
}

// Counts what is against the claim itself, once in a room: a room with several grants may ask
// again.
void Round::note_refusal(std::uint32_t claim, RefusalReason reason) {
  if (!in_.policy.count_refusals || for_guarantees_) return;
  if (s_.refusal_stamp[claim] == s_.round && s_.refusal_room[claim] == room_) return;
  ClaimRefusals& refusals = refusals_of(claim);
  s_.refusal_room[claim] = room_;
  switch (reason) {
    case RefusalReason::filtered:
      ++refusals.filtered;
      return;
    case RefusalReason::over_quota:
      ++refusals.over_quota;
      return;
    case RefusalReason::kept_for_guarantees:
      ++refusals.kept_for_guarantees;
      return;
    case RefusalReason::constraint:
      ++refusals.constraint;
      return;
    case RefusalReason::demand:
      ++refusals.demand;
      return;
    default:
      ++refusals.below_minimum;
  }
}

ClaimRefusals& Round::refusals_of(std::uint32_t claim) {
  if (s_.refusal_stamp[claim] != s_.round) {
    s_.refusal_stamp[claim] = s_.round;
    s_.refusal_room[claim] = kNone;
    s_.refusal_slot[claim] = static_cast<std::uint32_t>(out_.claim_refusals.size());
    out_.claim_refusals.push_back({ClaimId{claim}});
  }
  return out_.claim_refusals[s_.refusal_slot[claim]];
}

RefusalCounts count_refusals(const ShareTree& tree, const Output& output, ClaimId id) {
  RefusalCounts counts{};
  const auto at = [&counts](RefusalReason reason) -> std::uint64_t& {
    return counts[static_cast<std::size_t>(reason)];
  };
  const ShareTree::Claim& claim = tree.at(id);
  if (claim.state != ClaimState::active) {
    at(claim.state == ClaimState::suppressed ? RefusalReason::suppressed
                                             : RefusalReason::disconnected) = output.rooms;
    return counts;
  }
  const auto& by_class = output.class_refusals[claim.class_index];
  for (std::size_t i = 0; i < kRefusalReasons; ++i) counts[i] = by_class[i];
  for (const ContextRefusal& context : output.context_refusals) {
    if (context.class_index != claim.class_index) continue;
    std::uint32_t role = claim.role;
    while (role != kRootRole.raw() && role != context.node.raw()) role = tree.node(role).parent;
    if (role != context.node.raw()) continue;
    --at(context.was);
    if (context.now) ++at(*context.now);
  }
  for (const ClaimRefusals& own : output.claim_refusals) {
    if (own.claim != id) continue;
    at(RefusalReason::below_minimum) += own.below_minimum;
    at(RefusalReason::filtered) += own.filtered;
    at(RefusalReason::over_quota) += own.over_quota;
    at(RefusalReason::kept_for_guarantees) += own.kept_for_guarantees;
    at(RefusalReason::constraint) += own.constraint;
    at(RefusalReason::demand) += own.demand;
  }
  std::uint64_t accounted = 0;
  for (const std::uint64_t count : counts) accounted += count;
  for (const Grant& grant : output.grants) accounted += grant.claim == id ? 1 : 0;
  // What a claim that is spent was refused is counted by its class, which a reservation may help.
  for (const auto reason :
       {RefusalReason::over_quota, RefusalReason::kept_for_guarantees, RefusalReason::demand}) {
    const std::uint64_t excess = accounted - std::min<std::uint64_t>(accounted, output.rooms);
    const std::uint64_t less = std::min(excess, at(reason));
    at(reason) -= less;
    accounted -= less;
  }
  at(RefusalReason::better_claim) = output.rooms - accounted;
  return counts;
}

namespace {

bool is_role_or_above(const ShareTree& tree, std::uint32_t role, std::uint32_t node) {
  while (node != role && node != kRootRole.raw()) node = tree.node(node).parent;
  return node == role;
}

// Cuts the offer to what quotas leave of it; the reason if that is nothing.
template <typename Reaches>
std::optional<RefusalReason> cut_by_quota(const Input& input, const ShareTree::Claim& claim,
                                          RoomId room_id, QuotaRow& row, Kinds& kinds,
                                          const Reaches& reaches) {
  QuotaScratch memory;
  QuotaCaps caps;
  QuotaRound(*input.quotas, input.tree, memory, 1).caps_of(claim.role, caps);
  const RoomTable::Room& room = input.rooms.room(room_id.raw());
  const std::uint32_t dimensions = input.tree.dimensions();
  const auto cut = [&](QuotaRow left) {
    row.fill(0);
    kinds = 0;
    QuotaRow taken;
    for (std::uint32_t i = 0; i < room.part_count; ++i) {
      const Part& part = input.rooms.parts(room_id)[i];
      const std::int64_t* there = input.rooms.row(room.first_part + i);
      if (std::all_of(there, there + dimensions, [](auto q) { return q == 0; })) continue;
      if (!is_role_or_above(input.tree, part.role.raw(), claim.role)) continue;
      if ((part.traits & ~claim.capabilities) != 0) continue;
      if (!take_part(part, there, dimensions, left, taken.data())) continue;
      kinds |= kinds_of(part);
      for (std::uint32_t d = 0; d < dimensions; ++d) row[d] += taken[d];
    }
    return kinds != 0 && reaches(row.data());
  };
  if (!cut(caps.limit)) return RefusalReason::over_quota;
  if (!cut(caps.most)) return RefusalReason::kept_for_guarantees;
  return {};
}

}  // namespace

std::optional<RefusalReason> explain(const Input& input, ClaimId id, RoomId room_id) {
  const ShareTree& tree = input.tree;
  const ShareTree::Claim& claim = tree.at(id);
  if (claim.state == ClaimState::disconnected) return RefusalReason::disconnected;
  if (claim.state == ClaimState::suppressed) return RefusalReason::suppressed;
  if (room_id.raw() >= input.rooms.capacity()) return RefusalReason::nothing_free;
  const RoomTable::Room& room = input.rooms.room(room_id.raw());
  const std::uint32_t dimensions = tree.dimensions();
  std::array<std::int64_t, kMaxDimensions> row{};
  Kinds kinds = 0;
  bool any = false;
  bool any_for_role = false;
  for (std::uint32_t i = 0; i < room.part_count; ++i) {
    const Part& part = input.rooms.parts(room_id)[i];
    const std::int64_t* quantities = input.rooms.row(room.first_part + i);
    if (std::all_of(quantities, quantities + dimensions, [](auto q) { return q == 0; })) continue;
    any = true;
    if (!is_role_or_above(tree, part.role.raw(), claim.role)) continue;
    any_for_role = true;
    if ((part.traits & ~claim.capabilities) != 0) continue;
    kinds |= kinds_of(part);
    for (std::uint32_t d = 0; d < dimensions; ++d) row[d] += quantities[d];
  }
  if (!any) return RefusalReason::nothing_free;
  if ((room.flags & kHasGpus) != 0 && (claim.capabilities & kGpus) == 0) {
    return RefusalReason::no_gpu_capability;
  }
  if ((room.flags & kRemoteRegion) != 0 && (claim.capabilities & kRegionAware) == 0) {
    return RefusalReason::remote_region;
  }
  if (!any_for_role) return RefusalReason::reserved_for_other_role;
  if (kinds == 0) return RefusalReason::not_capable;
  const auto minimum = tree.minimum_rows(claim.minimum);
  const auto rows = static_cast<std::uint32_t>(minimum.size() / dimensions);
  const auto reaches = [&](const std::int64_t* offer) {
    if (claim.demanded) return input.demands->is_of_use(id, room_id, offer);
    return reaches_minimum(offer, minimum.data(), rows, dimensions);
  };
  if (!reaches(row.data())) {
    return claim.demanded ? RefusalReason::demand : RefusalReason::below_minimum;
  }
  if (input.quotas != nullptr && !input.quotas->empty()) {
    if (const auto reason = cut_by_quota(input, claim, room_id, row, kinds, reaches)) return reason;
  }
  if (input.constraints != nullptr && input.constraints->excludes(id, room_id)) {
    return RefusalReason::constraint;
  }
  const RefusalTable::Range range = input.refusals.find(room_id, id);
  if (input.refusals.covers(range, row.data(), kinds)) return RefusalReason::filtered;
  return {};
}

}  // namespace bourse::allocator
