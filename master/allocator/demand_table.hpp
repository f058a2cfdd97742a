// DemandTable: how many of which shapes a claim wants, of those claims that say so, and how many of
// them no offer meets yet.
//
// An offer meets a shape as often as it holds it, one shape after the other in the claim's order,
// and no more of each than is still wanted. A shape may be wanted in one room only.
//
// Value (copyable); one owner, one thread. Breaking a REQUIRES is our bug and ASSERTs.
#pragma once

#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

class DemandTable {
 public:
  static constexpr std::uint32_t kAnyRoom = ~std::uint32_t{0};
  static constexpr std::uint32_t kNoRoom = kAnyRoom - 1;  // the one it names is not here

  struct Shape {
    std::uint32_t wanted = 0;
    std::uint32_t unmet = 0;
    std::uint32_t room = kAnyRoom;
  };

  // REQUIRES 1 <= dimensions <= kMaxDimensions.
  explicit DemandTable(std::uint32_t dimensions);

  // REQUIRES growth. Nobody wants anything of the new dimensions.
  void grow_dimensions(std::uint32_t dimensions);

  // A row for each shape, of which something is over 0. Nothing is met yet. REQUIRES a shape.
  void set(ClaimId claim, std::span<const std::int64_t> rows, std::span<const Shape> shapes);
  void clear(ClaimId claim);
  // REQUIRES at most what is unmet; at most what was taken.
  void take(ClaimId claim, std::span<const std::uint32_t> met);
  void give_back(ClaimId claim, std::span<const std::uint32_t> met);

  bool empty() const { return demanding_.empty(); }
  // Ascending.
  const std::vector<std::uint32_t>& demanding() const { return demanding_; }
  bool has(ClaimId claim) const { return !shapes(claim).empty(); }
  std::span<const Shape> shapes(ClaimId claim) const;
  const std::int64_t* row(ClaimId claim, std::size_t shape) const {
    return demands_[claim.raw()].rows.data() + shape * dimensions_;
  }
  bool is_met(ClaimId claim) const { return demands_[claim.raw()].unmet == 0; }

  // Whether a row holds a shape of which `unmet` says that some are wanted.
  bool is_of_use(ClaimId claim, RoomId room, const std::int64_t* row,
                 std::span<const std::uint32_t> unmet) const;
  bool is_of_use(ClaimId claim, RoomId room, const std::int64_t* row) const;
  // How many of each shape a row holds, of those unmet: given in `met` and taken from `unmet`.
  // Returns how many there are in all. REQUIRES spans as long as shapes().
  std::uint64_t meet(ClaimId claim, RoomId room, const std::int64_t* row,
                     std::span<std::uint32_t> unmet, std::span<std::uint32_t> met) const;

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&DemandTable::dimensions_, &DemandTable::demands_, &DemandTable::demanding_);
  }

 private:
  struct Demand {
    std::vector<Shape> shapes;
    std::vector<std::int64_t> rows;  // shape x dimension
    std::uint64_t unmet = 0;         // of all shapes
  };

  bool holds(const std::int64_t* row, const std::int64_t* shape) const;

  std::uint32_t dimensions_;
  std::vector<Demand> demands_;  // by claim
  std::vector<std::uint32_t> demanding_;
};

}  // namespace bourse::allocator
