// RefusalTable: which claim refused how much of which room, and has not been released from it.
//
// A refusal holds while the room offers no more than what was refused: every quantity at most that
// of the refused row, and no kind of resource (reserved, revocable, ...) that was not in it. Time
// does not enter: the caller removes what expired. A framework that revives drops all its refusals
// at once in constant time; they stop counting and are reclaimed when their removal comes due.
//
// Most refusals of a room are of the same free resources, so equal neighbouring rows are stored
// once. A room's refusals are sorted by claim and found by interpolation: two or three cache lines
// whatever their number. Value (copyable); one owner, one thread. Breaking a REQUIRES ASSERTs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

// What an offer is made of besides quantities.
using Kinds = std::uint8_t;  // the traits kRevocable, kShared, kRefined, and:
inline constexpr Kinds kUnreservedKind = 64;
inline constexpr Kinds kReservedKind = 128;

constexpr Kinds kinds_of(const Part& part) {
  return static_cast<Kinds>(part.traits |
                            (part.role == kRootRole ? kUnreservedKind : kReservedKind));
}

class RefusalTable {
 public:
  // REQUIRES 1 <= dimensions <= kMaxDimensions.
  explicit RefusalTable(std::uint32_t dimensions);

  // REQUIRES growth. What was refused holds nothing of a dimension that did not exist.
  void grow_dimensions(std::uint32_t dimensions);

  // The claim refused this row of this room. A pair may have several refusals. The result names
  // the refusal, with room and claim, until it is removed, dropped or forgotten; it may then be
  // reused, so a caller's timer carries the generations of its agent and framework.
  RowId add(RoomId room, ClaimId claim, std::span<const std::int64_t> refused, Kinds kinds);
  // False if there is no such refusal any more.
  bool remove(RoomId room, ClaimId claim, RowId row);
  // The room is another agent's now, or its agent is gone.
  void drop_room(RoomId room);
  // The claim revived or left: none of its refusals counts from here on.
  void forget_claim(ClaimId claim);

  struct Range {
    std::size_t first = 0;
    std::size_t end = 0;
    bool empty() const { return first == end; }
  };
  // The refusals of a pair, forgotten ones included; usually none.
  Range find(RoomId room, ClaimId claim) const;
  // Whether one of them covers this offer.
  bool covers(Range range, const std::int64_t* offered, Kinds kinds) const;

  std::size_t size() const { return size_; }  // forgotten ones included
  // Hints that a room will be asked for soon.
  void prefetch(RoomId room) const {
    if (room.raw() < blocks_.size()) __builtin_prefetch(&blocks_[room.raw()]);
  }

 private:
  struct Block {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;
    std::uint32_t last_row = ~std::uint32_t{0};
  };
  struct Entry {
    std::uint32_t row = 0;
    std::uint32_t epoch = 0;  // of the claim when it refused
  };
  struct Row {
    std::uint32_t references = 0;
    Kinds kinds = 0;
  };

  std::size_t lower_bound(const Block& block, std::uint32_t claim) const;
  std::uint32_t take_row(Block& block, std::span<const std::int64_t> refused, Kinds kinds);
  void drop_row(std::uint32_t row);
  void make_space(Block& block);
  void compact();

  std::uint32_t dimensions_;
  std::uint32_t claim_bound_ = 1;      // one past the largest claim seen
  std::vector<Block> blocks_;          // by room
  std::vector<std::uint32_t> claims_;  // sorted within a block
  std::vector<Entry> entries_;         // parallel to claims_
  std::vector<std::uint32_t> epochs_;  // by claim
  std::vector<Row> rows_;
  std::vector<std::int64_t> quantities_;  // row x dimension
  std::vector<std::uint32_t> free_rows_;
  std::size_t abandoned_ = 0;
  std::size_t size_ = 0;
};

}  // namespace bourse::allocator
