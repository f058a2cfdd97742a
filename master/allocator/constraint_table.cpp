#include "master/allocator/constraint_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::allocator {

void ConstraintTable::constrain(ClaimId claim) {
  if (rooms_of_.size() <= claim.raw()) rooms_of_.resize(claim.raw() + 1);
  rooms_of_[claim.raw()].clear();
  const auto at = std::lower_bound(constrained_.begin(), constrained_.end(), claim.raw());
  if (at == constrained_.end() || *at != claim.raw()) constrained_.insert(at, claim.raw());
}

void ConstraintTable::release(ClaimId claim) {
  const auto at = std::lower_bound(constrained_.begin(), constrained_.end(), claim.raw());
  if (at == constrained_.end() || *at != claim.raw()) return;
  constrained_.erase(at);
  rooms_of_[claim.raw()] = {};
}

void ConstraintTable::set(ClaimId claim, RoomId room, bool excluded) {
  ASSERT(std::binary_search(constrained_.begin(), constrained_.end(), claim.raw()));
  std::vector<std::uint64_t>& bits = rooms_of_[claim.raw()];
  const std::size_t word = room.raw() / 64;
  if (word >= bits.size() && !excluded) return;
  if (word >= bits.size()) bits.resize(word + 1);
  const std::uint64_t bit = std::uint64_t{1} << (room.raw() % 64);
  bits[word] = excluded ? bits[word] | bit : bits[word] & ~bit;
}

}  // namespace bourse::allocator
