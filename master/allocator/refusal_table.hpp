// RefusalTable: which claim refused how much of which room, and has not been released from it.
//
// A refusal holds while the room offers no more than what was refused: every quantity at most that
// of the refused row, and no kind of resource (reserved, revocable, ...) that was not in it. Time
// does not enter: the caller removes what expired. A framework that revives drops all its refusals
// at once in constant time; they stop counting and are reclaimed when their removal comes due.
//
// Most refusals of a room are of the same free resources, so equal neighbouring rows are stored
// once. A room's refusals are sorted by claim; once more than a claim in 32 refuses the average
// room, a bit for each pair stands beside the lists: it is smaller than they are by then and
// answers with one cache line. Value (copyable); one owner, one thread. Breaking a REQUIRES
// ASSERTs.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
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
    std::uint32_t room = 0;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
    bool empty() const { return first == end; }
  };
  // The refusals of a pair, forgotten ones included; usually none.
  Range find(RoomId room, ClaimId claim) const;
  // Whether one of them covers this offer.
  bool covers(Range range, const std::int64_t* offered, Kinds kinds) const;
  // The same two questions for who does not want the refusals themselves: most often they are
  // answered without a look into the room's list, which lies where nobody has looked lately.
  bool refused(RoomId room, ClaimId claim) const {
    if (words_per_room_ != 0) return marked(room.raw(), claim.raw());
    return !find(room, claim).empty();
  }
  // REQUIRES refused(room, claim).
  bool covers(RoomId room, ClaimId claim, const std::int64_t* offered, Kinds kinds) const;

  std::size_t size() const { return size_; }  // forgotten ones included
  // Hints that a room will be asked for soon, and very soon.
  void prefetch(RoomId room) const {
    if (room.raw() < rooms_.size()) __builtin_prefetch(&rooms_[room.raw()].entries);
  }
  void prefetch_contents(RoomId room) const;

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&RefusalTable::dimensions_, &RefusalTable::claim_bound_,
                      &RefusalTable::rooms_, &RefusalTable::bits_, &RefusalTable::words_per_room_,
                      &RefusalTable::epochs_, &RefusalTable::counts_, &RefusalTable::rows_,
                      &RefusalTable::quantities_, &RefusalTable::free_rows_, &RefusalTable::size_);
  }

 private:
  struct Entry {
    std::uint32_t claim = 0;
    std::uint32_t row = 0;
    std::uint32_t epoch = 0;  // of the claim when it refused
  };
  struct Room {
    std::vector<Entry> entries;       // sorted by claim
    std::uint32_t last_row = kNoRow;  // taken last, while it is in use
  };
  // The refusals of one claim in all rooms.
  struct Count {
    std::uint32_t counting = 0;
    std::uint32_t forgotten = 0;
  };
  struct Row {
    std::uint32_t references = 0;
    Kinds kinds = 0;
  };
  static constexpr std::uint32_t kNoRow = ~std::uint32_t{0};

  // Keeps the bits in step with a refusal that was just added.
  void mark(std::uint32_t room, std::uint32_t claim);
  void unmark(std::uint32_t room, std::uint32_t claim);
  void rebuild_bits();
  bool marked(std::uint32_t room, std::uint32_t claim) const {
    // Whoever lies beyond the bits of a room came after the last refusal.
    const std::size_t word = std::size_t{room} * words_per_room_ + claim / 64;
    if (claim / 64 >= words_per_room_ || word >= bits_.size()) return false;
    return (bits_[word] >> (claim % 64) & 1) != 0;
  }
  // Where the claim's refusals are in the room's list, or would be.
  std::uint32_t place_of(std::uint32_t room, std::uint32_t claim) const;
  std::uint32_t guess_place(std::uint32_t room, std::uint32_t claim) const;
  bool row_covers(std::uint32_t row, const std::int64_t* offered, Kinds kinds) const;
  void uncount(const Entry& entry);
  std::uint32_t take_row(Room& room, std::span<const std::int64_t> refused, Kinds kinds);
  void drop_row(std::uint32_t row);

  std::uint32_t dimensions_;
  std::uint32_t claim_bound_ = 1;  // one past the largest claim seen
  std::vector<Room> rooms_;
  std::vector<std::uint64_t> bits_;    // room x claim, while there are many refusals
  std::uint32_t words_per_room_ = 0;   // 0: no bits are kept
  std::vector<std::uint32_t> epochs_;  // by claim
  std::vector<Count> counts_;          // by claim
  std::vector<Row> rows_;
  std::vector<std::int64_t> quantities_;  // row x dimension
  std::vector<std::uint32_t> free_rows_;
  std::size_t size_ = 0;
};

}  // namespace bourse::allocator
