// What demands add to a round: offers that hold something still wanted, and claims that are out
// once all they want is on offer to them.
#include <numeric>

#include "base/assert.hpp"
#include "master/allocator/round.hpp"

namespace bourse::allocator {

void Round::prepare_demands() {
  may_leave_ = in_.demands != nullptr && !in_.demands->empty();
  out_.met.clear();
  s_.met.clear();
  s_.unmet.clear();
  if (!may_leave_) return;
  const std::size_t claims = std::max<std::size_t>(s_.met_stamp.size(), tree_.claim_capacity());
  s_.unmet_stamp.resize(claims);
  s_.unmet_slot.resize(claims);
  s_.met_stamp.resize(claims);
  for (const std::uint32_t claim : in_.demands->demanding()) {
    if (!in_.demands->is_met(ClaimId{claim})) continue;
    if (tree_.claim(claim).state == ClaimState::active) note_met(claim, 0);
  }
}

bool Round::is_of_use(std::uint32_t index, const Row& row) const {
  const ShareTree::Claim& claim = tree_.claim(index);
  if (!claim.demanded) {
    const auto minimum = tree_.minimum_rows(claim.minimum);
    const auto rows = static_cast<std::uint32_t>(minimum.size() / dimensions_);
    return reaches_minimum(row.data(), minimum.data(), rows, dimensions_);
  }
  if (s_.unmet_stamp[index] != s_.round) {
    return in_.demands->is_of_use(ClaimId{index}, RoomId{room_}, row.data());
  }
  const std::span<const std::uint32_t> unmet(s_.unmet.data() + s_.unmet_slot[index] + 1,
                                             in_.demands->shapes(ClaimId{index}).size());
  return in_.demands->is_of_use(ClaimId{index}, RoomId{room_}, row.data(), unmet);
}

// A row of what it still wants stands behind the number of its grants, from its first one on.
void Round::meet_demand(std::uint32_t index, const Row& row, Grant& granted) {
  const auto shapes = in_.demands->shapes(ClaimId{index});
  if (s_.unmet_stamp[index] != s_.round) {
    s_.unmet_stamp[index] = s_.round;
    s_.unmet_slot[index] = static_cast<std::uint32_t>(s_.unmet.size());
    s_.unmet.push_back(0);
    for (const DemandTable::Shape& shape : shapes) s_.unmet.push_back(shape.unmet);
  }
  std::uint32_t* block = s_.unmet.data() + s_.unmet_slot[index];
  ++*block;
  const std::span<std::uint32_t> unmet(block + 1, shapes.size());
  granted.first_met = static_cast<std::uint32_t>(out_.met.size());
  out_.met.resize(out_.met.size() + shapes.size());
  const std::span<std::uint32_t> met(out_.met.data() + granted.first_met, shapes.size());
  const std::uint64_t some =
      in_.demands->meet(ClaimId{index}, RoomId{room_}, row.data(), unmet, met);
  ASSERT(some > 0);
  for (const std::uint32_t left : unmet) {
    if (left > 0) return;
  }
  note_met(index, for_guarantees_ ? 0 : visited_ + 1);
}

void Round::note_met(std::uint32_t index, std::uint32_t rooms) {
  s_.met_stamp[index] = s_.round;
  if (!in_.policy.count_refusals) return;
  const auto& refused = out_.class_refusals[tree_.claim(index).class_index];
  s_.met.push_back({index, rooms, std::accumulate(refused.begin(), refused.end(), 0u),
                    static_cast<std::uint32_t>(out_.context_refusals.size())});
}

// Whoever wants nothing more is not asked: of the rooms since then, those that its class was not
// refused.
void Round::count_met() {
  for (const MetClaim& met : s_.met) {
    const ShareTree::Claim& claim = tree_.claim(met.claim);
    const auto& refused = out_.class_refusals[claim.class_index];
    std::uint32_t others = std::accumulate(refused.begin(), refused.end(), 0u) - met.refusals;
    for (std::size_t i = met.contexts; i < out_.context_refusals.size(); ++i) {
      const ContextRefusal& context = out_.context_refusals[i];
      if (context.class_index != claim.class_index || context.now) continue;
      const std::uint32_t role = context.node.raw();
      if (role == claim.role || stands_above(role, claim.role)) --others;
    }
    if (met.rooms == 0 && s_.unmet_stamp[met.claim] == s_.round) {
      others += s_.unmet[s_.unmet_slot[met.claim]];
    }
    const std::uint32_t rooms = out_.rooms - met.rooms;
    refusals_of(met.claim).demand += rooms - std::min(rooms, others);
  }
}

}  // namespace bourse::allocator
