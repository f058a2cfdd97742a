#include "master/allocator/refusal_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::allocator {

RefusalTable::RefusalTable(std::uint32_t dimensions) : dimensions_(dimensions) {
  ASSERT(dimensions >= 1 && dimensions <= kMaxDimensions);
}

void RefusalTable::grow_dimensions(std::uint32_t dimensions) {
  ASSERT(dimensions >= dimensions_ && dimensions <= kMaxDimensions);
  std::vector<std::int64_t> wide(rows_.size() * dimensions);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    std::copy_n(quantities_.data() + row * dimensions_, dimensions_,
                wide.data() + row * dimensions);
  }
  quantities_ = std::move(wide);
  dimensions_ = dimensions;
}

RowId RefusalTable::add(RoomId room, ClaimId claim, std::span<const std::int64_t> refused,
                        Kinds kinds) {
  ASSERT(refused.size() == dimensions_);
  if (room.raw() >= blocks_.size()) blocks_.resize(std::size_t{room.raw()} + 1);
  if (claim.raw() >= epochs_.size()) epochs_.resize(std::size_t{claim.raw()} + 1);
  claim_bound_ = std::max(claim_bound_, claim.raw() + 1);
  Block& block = blocks_[room.raw()];
  if (block.count == block.capacity) make_space(block);
  const std::uint32_t row = take_row(block, refused, kinds);
  const std::size_t at = lower_bound(block, claim.raw());
  const auto from = static_cast<std::ptrdiff_t>(at);
  const auto end = static_cast<std::ptrdiff_t>(block.first + block.count);
  std::move_backward(claims_.begin() + from, claims_.begin() + end, claims_.begin() + end + 1);
  std::move_backward(entries_.begin() + from, entries_.begin() + end, entries_.begin() + end + 1);
  claims_[at] = claim.raw();
  entries_[at] = {row, epochs_[claim.raw()]};
  ++block.count;
  ++size_;
  return RowId{row};
}

bool RefusalTable::remove(RoomId room, ClaimId claim, RowId row) {
  const Range range = find(room, claim);
  for (std::size_t at = range.first; at < range.end; ++at) {
    if (entries_[at].row != row.raw()) continue;
    Block& block = blocks_[room.raw()];
    const auto next = static_cast<std::ptrdiff_t>(at) + 1;
    const auto end = static_cast<std::ptrdiff_t>(block.first + block.count);
    std::move(claims_.begin() + next, claims_.begin() + end, claims_.begin() + next - 1);
    std::move(entries_.begin() + next, entries_.begin() + end, entries_.begin() + next - 1);
    --block.count;
    --size_;
    if (block.last_row == row.raw() && rows_[row.raw()].references == 1) block.last_row = ~0u;
    drop_row(row.raw());
    return true;
  }
  return false;
}

void RefusalTable::drop_room(RoomId room) {
  if (room.raw() >= blocks_.size()) return;
  Block& block = blocks_[room.raw()];
  for (std::size_t at = block.first; at < block.first + block.count; ++at) {
    drop_row(entries_[at].row);
  }
  size_ -= block.count;
  abandoned_ += block.capacity;
  block = Block{};
}

void RefusalTable::forget_claim(ClaimId claim) {
  if (claim.raw() < epochs_.size()) ++epochs_[claim.raw()];
}

// Claims are spread evenly over their ids more often than not, so the guess is off by a few
// places; galloping from it stays logarithmic in the distance when it is not.
std::size_t RefusalTable::lower_bound(const Block& block, std::uint32_t claim) const {
  if (block.count == 0) return block.first;
  const std::uint32_t* first = claims_.data() + block.first;
  const std::size_t count = block.count;
  const std::size_t guess = std::min<std::size_t>(
      count - 1, static_cast<std::size_t>(std::uint64_t{claim} * count / claim_bound_));
  std::size_t low = guess;
  std::size_t high = guess;
  std::size_t stride = 4;
  if (first[guess] < claim) {
    while (high < count && first[high] < claim) {
      low = high;
      high += stride;
      stride *= 2;
    }
    high = std::min(high, count);
  } else {
    while (low > 0 && first[low] >= claim) {
      high = low;
      low = low > stride ? low - stride : 0;
      stride *= 2;
    }
  }
  return block.first +
         static_cast<std::size_t>(std::lower_bound(first + low, first + high, claim) - first);
}

RefusalTable::Range RefusalTable::find(RoomId room, ClaimId claim) const {
  if (room.raw() >= blocks_.size()) return {};
  const Block& block = blocks_[room.raw()];
  const std::size_t first = lower_bound(block, claim.raw());
  const std::size_t block_end = std::size_t{block.first} + block.count;
  std::size_t end = first;
  while (end < block_end && claims_[end] == claim.raw()) ++end;
  return {first, end};
}

bool RefusalTable::covers(Range range, const std::int64_t* offered, Kinds kinds) const {
  for (std::size_t at = range.first; at < range.end; ++at) {
    const Entry& entry = entries_[at];
    if (entry.epoch != epochs_[claims_[at]] || (kinds & ~rows_[entry.row].kinds) != 0) continue;
    const std::int64_t* refused = quantities_.data() + std::size_t{entry.row} * dimensions_;
    bool grew = false;
    for (std::uint32_t d = 0; d < dimensions_; ++d) grew |= offered[d] > refused[d];
    if (!grew) return true;
  }
  return false;
}

std::uint32_t RefusalTable::take_row(Block& block, std::span<const std::int64_t> refused,
                                     Kinds kinds) {
  if (block.last_row != ~0u && rows_[block.last_row].kinds == kinds &&
      std::equal(refused.begin(), refused.end(),
                 quantities_.begin() + std::ptrdiff_t{block.last_row} * dimensions_)) {
    ++rows_[block.last_row].references;
    return block.last_row;
  }
  std::uint32_t row = 0;
  if (free_rows_.empty()) {
    row = static_cast<std::uint32_t>(rows_.size());
    rows_.emplace_back();
    quantities_.resize(rows_.size() * dimensions_);
  } else {
    row = free_rows_.back();
    free_rows_.pop_back();
  }
  rows_[row] = {1, kinds};
  std::copy(refused.begin(), refused.end(),
            quantities_.begin() + std::ptrdiff_t{row} * dimensions_);
  block.last_row = row;
  return row;
}

void RefusalTable::drop_row(std::uint32_t row) {
  ASSERT(rows_[row].references > 0);
  if (--rows_[row].references == 0) free_rows_.push_back(row);
}

// A full block doubles at the end of the arrays; what it leaves is reclaimed once it is half of
// everything.
void RefusalTable::make_space(Block& block) {
  const std::uint32_t capacity = std::max(4u, block.capacity * 2);
  const std::size_t first = claims_.size();
  ASSERT(first + capacity <= ~std::uint32_t{0});
  claims_.resize(first + capacity);
  entries_.resize(first + capacity);
  std::copy_n(claims_.begin() + block.first, block.count,
              claims_.begin() + static_cast<std::ptrdiff_t>(first));
  std::copy_n(entries_.begin() + block.first, block.count,
              entries_.begin() + static_cast<std::ptrdiff_t>(first));
  abandoned_ += block.capacity;
  block.first = static_cast<std::uint32_t>(first);
  block.capacity = capacity;
  if (abandoned_ > 4096 && abandoned_ > claims_.size() / 2) compact();
}

void RefusalTable::compact() {
  std::vector<std::uint32_t> claims;
  std::vector<Entry> entries;
  claims.reserve(claims_.size() - abandoned_);
  entries.reserve(claims_.size() - abandoned_);
  for (Block& block : blocks_) {
    const auto first = static_cast<std::ptrdiff_t>(block.first);
    const auto end = first + static_cast<std::ptrdiff_t>(block.capacity);
    block.first = static_cast<std::uint32_t>(claims.size());
    claims.insert(claims.end(), claims_.begin() + first, claims_.begin() + end);
    entries.insert(entries.end(), entries_.begin() + first, entries_.begin() + end);
  }
  claims_ = std::move(claims);
  entries_ = std::move(entries);
  abandoned_ = 0;
}

}  // namespace bourse::allocator
