// RoomTable: what is free on each agent just now, as flat arrays.
//
// Rooms are addressed by the caller's own dense index (the agent's). A room's parts lie side by
// side, so judging a room touches two or three cache lines. The caller sets a room whenever the
// free resources of that agent change; the cost is that of copying its parts. Value (copyable);
// one owner, one thread. Breaking a REQUIRES is our bug and ASSERTs.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

class RoomTable {
 public:
  struct Room {
    std::uint32_t first_part = 0;
    std::uint32_t part_count = 0;
    std::uint32_t capacity = 0;
    RoomFlags flags = 0;
  };

  // REQUIRES 1 <= dimensions <= kMaxDimensions.
  explicit RoomTable(std::uint32_t dimensions);

  std::uint32_t dimensions() const { return dimensions_; }
  // REQUIRES growth. Rows keep their values, the new quantities are 0.
  void grow_dimensions(std::uint32_t dimensions);

  // Replaces the room's parts; `quantities` holds one row for each part, in order. REQUIRES no
  // negative quantity and a sum over the parts of at most kMaxRoomQuantity in each dimension.
  void set(RoomId room, RoomFlags flags, std::span<const Part> parts,
           std::span<const std::int64_t> quantities);
  // Nothing is free there: the agent is full, silent, gone or under maintenance.
  void clear(RoomId room);

  // One past the largest room ever set.
  std::uint32_t capacity() const { return static_cast<std::uint32_t>(rooms_.size()); }
  const Room& room(std::uint32_t index) const { return rooms_[index]; }
  std::span<const Part> parts(RoomId room) const;
  const Part* part_data() const { return parts_.data(); }
  // What is free in all rooms together, by dimension.
  std::span<const Sum> free() const { return free_; }
  // The row of a part, by its place in the flat array.
  const std::int64_t* row(std::uint32_t part) const {
    return quantities_.data() + std::size_t{part} * dimensions_;
  }

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&RoomTable::dimensions_, &RoomTable::rooms_, &RoomTable::parts_,
                      &RoomTable::quantities_, &RoomTable::free_, &RoomTable::abandoned_);
  }

 private:
  void count_free(const Room& room, bool arrives);
  void relocate(Room& room, std::uint32_t count);
  void compact();

  std::uint32_t dimensions_;
  std::vector<Room> rooms_;
  std::vector<Part> parts_;
  std::vector<std::int64_t> quantities_;  // part x dimension
  std::vector<Sum> free_;                 // by dimension
  std::size_t abandoned_ = 0;             // parts that no room owns any more
};

}  // namespace bourse::allocator
