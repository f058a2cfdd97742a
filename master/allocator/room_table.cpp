#include "master/allocator/room_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::allocator {

RoomTable::RoomTable(std::uint32_t dimensions) : dimensions_(dimensions), free_(dimensions) {
  ASSERT(dimensions >= 1 && dimensions <= kMaxDimensions);
}

void RoomTable::grow_dimensions(std::uint32_t dimensions) {
  ASSERT(dimensions >= dimensions_ && dimensions <= kMaxDimensions);
  std::vector<std::int64_t> wide(parts_.size() * dimensions);
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    std::copy_n(quantities_.data() + part * dimensions_, dimensions_,
                wide.data() + part * dimensions);
  }
  quantities_ = std::move(wide);
  free_.resize(dimensions);
  dimensions_ = dimensions;
}

void RoomTable::set(RoomId id, RoomFlags flags, std::span<const Part> parts,
                    std::span<const std::int64_t> quantities) {
  ASSERT(quantities.size() == parts.size() * dimensions_);
  for (std::size_t d = 0; d < dimensions_; ++d) {
    std::int64_t room_left = kMaxRoomQuantity;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::int64_t quantity = quantities[part * dimensions_ + d];
      ASSERT(quantity >= 0 && quantity <= room_left);
      room_left -= quantity;
    }
  }
  if (id.raw() >= rooms_.size()) rooms_.resize(std::size_t{id.raw()} + 1);
  const auto count = static_cast<std::uint32_t>(parts.size());
  Room& room = rooms_[id.raw()];
  room.flags = flags;
  count_free(room, false);
  if (count > room.capacity) relocate(room, count);
  room.part_count = count;
  std::copy(parts.begin(), parts.end(), parts_.begin() + room.first_part);
  std::copy(quantities.begin(), quantities.end(),
            quantities_.begin() + static_cast<std::ptrdiff_t>(room.first_part) * dimensions_);
  count_free(room, true);
}

void RoomTable::clear(RoomId id) {
  if (id.raw() >= rooms_.size()) return;
  Room& room = rooms_[id.raw()];
  count_free(room, false);
  room.part_count = 0;
}

void RoomTable::count_free(const Room& room, bool arrives) {
  for (std::uint32_t part = 0; part < room.part_count; ++part) {
    const std::int64_t* quantities = row(room.first_part + part);
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      const auto quantity = static_cast<std::uint64_t>(quantities[d]);
      free_[d] = arrives ? free_[d] + quantity : free_[d] - quantity;
    }
  }
}

std::span<const Part> RoomTable::parts(RoomId id) const {
  if (id.raw() >= rooms_.size()) return {};
  const Room& room = rooms_[id.raw()];
  return {parts_.data() + room.first_part, room.part_count};
}

// Rooms that outgrow their place move to the end; what they leave is reclaimed once it is half of
// everything, so that setting a room costs a constant number of copies on average.
void RoomTable::relocate(Room& room, std::uint32_t count) {
  abandoned_ += room.capacity;
  room.part_count = 0;
  room.capacity = 0;
  if (abandoned_ > 1024 && abandoned_ > parts_.size() / 2) compact();
  room.first_part = static_cast<std::uint32_t>(parts_.size());
  room.capacity = count <= 1 ? count : count + count / 2;
  parts_.resize(parts_.size() + room.capacity);
  quantities_.resize(parts_.size() * dimensions_);
}

void RoomTable::compact() {
  std::vector<Part> parts;
  std::vector<std::int64_t> quantities;
  parts.reserve(parts_.size() - abandoned_);
  quantities.reserve((parts_.size() - abandoned_) * dimensions_);
  for (Room& room : rooms_) {
    const auto first = static_cast<std::ptrdiff_t>(room.first_part);
    const auto end = first + static_cast<std::ptrdiff_t>(room.capacity);
    const auto d = static_cast<std::ptrdiff_t>(dimensions_);
    room.first_part = static_cast<std::uint32_t>(parts.size());
    parts.insert(parts.end(), parts_.begin() + first, parts_.begin() + end);
    quantities.insert(quantities.end(), quantities_.begin() + first * d,
                      quantities_.begin() + end * d);
  }
  parts_ = std::move(parts);
  quantities_ = std::move(quantities);
  abandoned_ = 0;
}

}  // namespace bourse::allocator
