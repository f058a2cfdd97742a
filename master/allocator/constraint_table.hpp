// ConstraintTable: which rooms a claim may not be offered because of what their agents are: a bit
// for each room, of those claims that are constrained. Agents and constraints change seldom, so the
// caller judges a pair once and allocate() only looks.
//
// Value (copyable); one owner, one thread.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

class ConstraintTable {
 public:
  // From here on rooms may be excluded for the claim; none is yet.
  void constrain(ClaimId claim);
  void release(ClaimId claim);
  // REQUIRES a constrained claim.
  void set(ClaimId claim, RoomId room, bool excluded);

  bool excludes(ClaimId claim, RoomId room) const {
    if (claim.raw() >= rooms_of_.size()) return false;
    const std::vector<std::uint64_t>& bits = rooms_of_[claim.raw()];
    const std::size_t word = room.raw() / 64;
    return word < bits.size() && (bits[word] >> (room.raw() % 64) & 1) != 0;
  }
  // Ascending.
  const std::vector<std::uint32_t>& constrained() const { return constrained_; }

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&ConstraintTable::rooms_of_, &ConstraintTable::constrained_);
  }

 private:
  std::vector<std::vector<std::uint64_t>> rooms_of_;  // by claim; bits of rooms
  std::vector<std::uint32_t> constrained_;
};

}  // namespace bourse::allocator
