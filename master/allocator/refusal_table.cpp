#include "master/allocator/refusal_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::allocator {

namespace {

// The ones of each byte, in that byte. Without the processor's own instruction, which not every one
// of the architecture has, and in a form that the compiler does for several words at once.
std::uint64_t ones_by_byte(std::uint64_t word) {
  word -= word >> 1 & 0x5555555555555555;
  word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
  return (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
}

std::uint32_t sum_of_bytes(std::uint64_t word) {
  word = (word & 0x00ff00ff00ff00ff) + (word >> 8 & 0x00ff00ff00ff00ff);
  return static_cast<std::uint32_t>(word * 0x0001000100010001 >> 48);
}

std::uint32_t ones_in(const std::uint64_t* words, std::size_t count) {
  constexpr std::size_t kBlock = 16;  // 8 ones in each byte, so 31 words fit
  std::uint32_t sum = 0;
  for (; count >= kBlock; words += kBlock, count -= kBlock) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < kBlock; ++i) bytes += ones_by_byte(words[i]);
    sum += sum_of_bytes(bytes);
  }
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) bytes += ones_by_byte(words[i]);
  return sum + sum_of_bytes(bytes);
}

}  // namespace

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

RowId RefusalTable::add(RoomId room_id, ClaimId claim, std::span<const std::int64_t> refused,
                        Kinds kinds) {
  ASSERT(refused.size() == dimensions_);
  if (room_id.raw() >= rooms_.size()) rooms_.resize(std::size_t{room_id.raw()} + 1);
  if (claim.raw() >= epochs_.size()) epochs_.resize(std::size_t{claim.raw()} + 1);
  counts_.resize(epochs_.size());
  claim_bound_ = std::max(claim_bound_, claim.raw() + 1);
  Room& room = rooms_[room_id.raw()];
  const std::uint32_t place = place_of(room_id.raw(), claim.raw());
  // A row names one refusal of its claim: when one that was forgotten ends, it must not take one
  // with it that counts.
  for (auto at = room.entries.begin() + place; at != room.entries.end() && at->claim == claim.raw();
       ++at) {
    if (at->row == room.last_row && at->epoch != epochs_[claim.raw()]) room.last_row = kNoRow;
  }
  const std::uint32_t row = take_row(room, refused, kinds);
  const Entry entry{claim.raw(), row, epochs_[claim.raw()]};
  room.entries.insert(room.entries.begin() + place, entry);
  ++size_;
  ++counts_[claim.raw()].counting;
  mark(room_id.raw(), claim.raw());
  return RowId{row};
}

bool RefusalTable::remove(RoomId room_id, ClaimId claim, RowId row) {
  const Range range = find(room_id, claim);
  for (std::uint32_t at = range.first; at < range.end; ++at) {
    Room& room = rooms_[room_id.raw()];
    if (room.entries[at].row != row.raw()) continue;
    uncount(room.entries[at]);
    room.entries.erase(room.entries.begin() + static_cast<std::ptrdiff_t>(at));
    --size_;
    if (range.end - range.first == 1) unmark(room_id.raw(), claim.raw());
    drop_row(row.raw());
    if (rows_[row.raw()].references == 0 && room.last_row == row.raw()) room.last_row = kNoRow;
    if (room.entries.empty()) room = Room{};
    return true;
  }
  return false;
}

void RefusalTable::drop_room(RoomId room_id) {
  if (room_id.raw() >= rooms_.size()) return;
  Room& room = rooms_[room_id.raw()];
  for (const Entry& entry : room.entries) {
    uncount(entry);
    drop_row(entry.row);
  }
  for (const Entry& entry : room.entries) unmark(room_id.raw(), entry.claim);
  size_ -= room.entries.size();
  room = Room{};
}

void RefusalTable::forget_claim(ClaimId claim) {
  if (claim.raw() >= epochs_.size()) return;
  ++epochs_[claim.raw()];
  Count& count = counts_[claim.raw()];
  count.forgotten += count.counting;
  count.counting = 0;
}

void RefusalTable::uncount(const Entry& entry) {
  Count& count = counts_[entry.claim];
  std::uint32_t& its_kind = entry.epoch == epochs_[entry.claim] ? count.counting : count.forgotten;
  ASSERT(its_kind > 0);
  --its_kind;
}

RefusalTable::Range RefusalTable::find(RoomId room_id, ClaimId claim) const {
  if (room_id.raw() >= rooms_.size()) return {};
  if (words_per_room_ != 0 && !marked(room_id.raw(), claim.raw())) return {};
  const Room& room = rooms_[room_id.raw()];
  const std::uint32_t first = place_of(room_id.raw(), claim.raw());
  std::uint32_t end = first;
  while (end < room.entries.size() && room.entries[end].claim == claim.raw()) ++end;
  return {room_id.raw(), first, end};
}

// With bits: how many claims before this one refuse the room, which is its place unless some refuse
// twice. Without: claims are spread evenly over their ids more often than not, so this is off by a
// few places and by one cache line.
std::uint32_t RefusalTable::guess_place(std::uint32_t room, std::uint32_t claim) const {
  const std::size_t first = std::size_t{room} * words_per_room_;
  if (claim / 64 < words_per_room_ && first + claim / 64 < bits_.size()) {
    const std::uint64_t* words = bits_.data() + first;
    const std::uint64_t last = words[claim / 64] & ((std::uint64_t{1} << (claim % 64)) - 1);
    return ones_in(words, claim / 64) + ones_in(&last, 1);
  }
  const std::uint64_t count = rooms_[room].entries.size();
  return static_cast<std::uint32_t>(std::uint64_t{claim} * count / claim_bound_);
}

// Galloping from a guess stays logarithmic in the distance when the guess is far off.
std::uint32_t RefusalTable::place_of(std::uint32_t room, std::uint32_t claim) const {
  const auto count = static_cast<std::uint32_t>(rooms_[room].entries.size());
  if (count == 0) return 0;
  const Entry* entries = rooms_[room].entries.data();
  std::uint32_t low = std::min(guess_place(room, claim), count - 1);
  std::uint32_t high = low;
  if (entries[low].claim < claim) {
    for (std::uint32_t stride = 4; high < count && entries[high].claim < claim; stride *= 2) {
      low = high;
      high += stride;
    }
    high = std::min(high, count);
  } else {
    for (std::uint32_t stride = 4; low > 0 && entries[low].claim >= claim; stride *= 2) {
      high = low;
      low -= std::min(low, stride);
    }
  }
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (entries[middle].claim < claim) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool RefusalTable::covers(Range range, const std::int64_t* offered, Kinds kinds) const {
  for (std::uint32_t at = range.first; at < range.end; ++at) {
    const Room& room = rooms_[range.room];
    const Entry& entry = room.entries[at];
    if (entry.epoch != epochs_[entry.claim]) continue;
    if (row_covers(entry.row, offered, kinds)) return true;
  }
  return false;
}

// Where all of a room's refusals are of one row, and none of the claim's is forgotten, that row
// answers.
bool RefusalTable::covers(RoomId room_id, ClaimId claim, const std::int64_t* offered,
                          Kinds kinds) const {
  const Room& room = rooms_[room_id.raw()];
  if (room.last_row != kNoRow && rows_[room.last_row].references == room.entries.size() &&
      counts_[claim.raw()].forgotten == 0) {
    return row_covers(room.last_row, offered, kinds);
  }
  return covers(find(room_id, claim), offered, kinds);
}

bool RefusalTable::row_covers(std::uint32_t row, const std::int64_t* offered, Kinds kinds) const {
  if ((kinds & ~rows_[row].kinds) != 0) return false;
  const std::int64_t* refused = quantities_.data() + std::size_t{row} * dimensions_;
  bool grew = false;
  for (std::uint32_t d = 0; d < dimensions_; ++d) grew |= offered[d] > refused[d];
  return !grew;
}

void RefusalTable::prefetch_contents(RoomId room) const {
  if (room.raw() >= rooms_.size()) return;
  // Most of a room's refusals are of the row that was taken last.
  if (const std::uint32_t row = rooms_[room.raw()].last_row; row != kNoRow) {
    __builtin_prefetch(&rows_[row]);
    __builtin_prefetch(&quantities_[std::size_t{row} * dimensions_]);
  }
  constexpr std::size_t kWordsPerLine = 8;
  constexpr std::size_t kMostWords = 16 * kWordsPerLine;
  if (words_per_room_ == 0) {
    __builtin_prefetch(rooms_[room.raw()].entries.data());
    return;
  }
  const std::size_t first = std::size_t{room.raw()} * words_per_room_;
  const std::size_t words = std::min<std::size_t>(claim_bound_ / 64 + 1, kMostWords);
  const std::size_t end = std::min(bits_.size(), first + words);
  for (std::size_t at = first; at < end; at += kWordsPerLine) __builtin_prefetch(&bits_[at]);
}

// Bits are built when they take less memory than the lists, and dropped at a quarter of that; each
// building is paid for by the refusals that came before it.
void RefusalTable::mark(std::uint32_t room, std::uint32_t claim) {
  const std::size_t pairs = rooms_.size() * claim_bound_;
  if (words_per_room_ == 0) {
    if (size_ > 64 && size_ * 32 > pairs) rebuild_bits();
    return;
  }
  const std::size_t word = std::size_t{room} * words_per_room_ + claim / 64;
  if (claim / 64 >= words_per_room_) {
    rebuild_bits();
    return;
  }
  if (word >= bits_.size()) bits_.resize(rooms_.size() * words_per_room_);
  bits_[word] |= std::uint64_t{1} << (claim % 64);
}

void RefusalTable::unmark(std::uint32_t room, std::uint32_t claim) {
  if (words_per_room_ == 0) return;
  bits_[std::size_t{room} * words_per_room_ + claim / 64] &= ~(std::uint64_t{1} << (claim % 64));
  if (size_ * 128 >= rooms_.size() * claim_bound_) return;
  words_per_room_ = 0;
  bits_ = {};
}

void RefusalTable::rebuild_bits() {
  const std::size_t words = std::size_t{claim_bound_} / 64 + 1;
  words_per_room_ = static_cast<std::uint32_t>(words + words / 4);
  bits_.assign(rooms_.size() * words_per_room_, 0);
  for (std::size_t room = 0; room < rooms_.size(); ++room) {
    for (const Entry& entry : rooms_[room].entries) {
      bits_[room * words_per_room_ + entry.claim / 64] |= std::uint64_t{1} << (entry.claim % 64);
    }
  }
}

std::uint32_t RefusalTable::take_row(Room& room, std::span<const std::int64_t> refused,
                                     Kinds kinds) {
  if (room.last_row != kNoRow && rows_[room.last_row].kinds == kinds &&
      std::equal(refused.begin(), refused.end(),
                 quantities_.begin() + std::ptrdiff_t{room.last_row} * dimensions_)) {
    ++rows_[room.last_row].references;
    return room.last_row;
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
  room.last_row = row;
  return row;
}

void RefusalTable::drop_row(std::uint32_t row) {
  ASSERT(rows_[row].references > 0);
  if (--rows_[row].references == 0) free_rows_.push_back(row);
}

}  // namespace bourse::allocator
