#include "master/allocator/demand_table.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"

namespace bourse::allocator {

DemandTable::DemandTable(std::uint32_t dimensions) : dimensions_(dimensions) {
  ASSERT(dimensions >= 1 && dimensions <= kMaxDimensions);
}

void DemandTable::grow_dimensions(std::uint32_t dimensions) {
  ASSERT(dimensions >= dimensions_ && dimensions <= kMaxDimensions);
  for (const std::uint32_t claim : demanding_) {
    Demand& demand = demands_[claim];
    std::vector<std::int64_t> wide(demand.shapes.size() * dimensions);
    for (std::size_t shape = 0; shape < demand.shapes.size(); ++shape) {
      std::copy_n(demand.rows.data() + shape * dimensions_, dimensions_,
                  wide.data() + shape * dimensions);
    }
    demand.rows = std::move(wide);
  }
  dimensions_ = dimensions;
}

void DemandTable::set(ClaimId claim, std::span<const std::int64_t> rows,
                      std::span<const Shape> shapes) {
  ASSERT(!shapes.empty() && rows.size() == shapes.size() * dimensions_);
  if (demands_.size() <= claim.raw()) demands_.resize(std::size_t{claim.raw()} + 1);
  Demand& demand = demands_[claim.raw()];
  demand.rows.assign(rows.begin(), rows.end());
  demand.shapes.assign(shapes.begin(), shapes.end());
  demand.unmet = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const auto row = rows.subspan(i * dimensions_, dimensions_);
    ASSERT(std::any_of(row.begin(), row.end(), [](std::int64_t q) { return q > 0; }));
    demand.shapes[i].unmet = demand.shapes[i].wanted;
    demand.unmet += demand.shapes[i].wanted;
  }
  const auto at = std::lower_bound(demanding_.begin(), demanding_.end(), claim.raw());
  if (at == demanding_.end() || *at != claim.raw()) demanding_.insert(at, claim.raw());
}

void DemandTable::clear(ClaimId claim) {
  const auto at = std::lower_bound(demanding_.begin(), demanding_.end(), claim.raw());
  if (at == demanding_.end() || *at != claim.raw()) return;
  demanding_.erase(at);
  demands_[claim.raw()] = {};
}

void DemandTable::take(ClaimId claim, std::span<const std::uint32_t> met) {
  Demand& demand = demands_[claim.raw()];
  ASSERT(met.size() == demand.shapes.size());
  for (std::size_t i = 0; i < met.size(); ++i) {
    ASSERT(met[i] <= demand.shapes[i].unmet);
    demand.shapes[i].unmet -= met[i];
    demand.unmet -= met[i];
  }
}

void DemandTable::give_back(ClaimId claim, std::span<const std::uint32_t> met) {
  Demand& demand = demands_[claim.raw()];
  ASSERT(met.size() == demand.shapes.size());
  for (std::size_t i = 0; i < met.size(); ++i) {
    ASSERT(met[i] <= demand.shapes[i].wanted - demand.shapes[i].unmet);
    demand.shapes[i].unmet += met[i];
    demand.unmet += met[i];
  }
}

std::span<const DemandTable::Shape> DemandTable::shapes(ClaimId claim) const {
  if (claim.raw() >= demands_.size()) return {};
  return demands_[claim.raw()].shapes;
}

bool DemandTable::holds(const std::int64_t* row, const std::int64_t* shape) const {
  bool reached = true;
  for (std::uint32_t d = 0; d < dimensions_; ++d) reached &= row[d] >= shape[d];
  return reached;
}

bool DemandTable::is_of_use(ClaimId claim, RoomId room, const std::int64_t* row,
                            std::span<const std::uint32_t> unmet) const {
  const Demand& demand = demands_[claim.raw()];
  for (std::size_t i = 0; i < unmet.size(); ++i) {
    if (unmet[i] == 0) continue;
    const std::uint32_t only = demand.shapes[i].room;
    if (only != kAnyRoom && only != room.raw()) continue;
    if (holds(row, demand.rows.data() + i * dimensions_)) return true;
  }
  return false;
}

bool DemandTable::is_of_use(ClaimId claim, RoomId room, const std::int64_t* row) const {
  const Demand& demand = demands_[claim.raw()];
  for (std::size_t i = 0; i < demand.shapes.size(); ++i) {
    const Shape& shape = demand.shapes[i];
    if (shape.unmet == 0 || (shape.room != kAnyRoom && shape.room != room.raw())) continue;
    if (holds(row, demand.rows.data() + i * dimensions_)) return true;
  }
  return false;
}

std::uint64_t DemandTable::meet(ClaimId claim, RoomId room, const std::int64_t* row,
                                std::span<std::uint32_t> unmet,
                                std::span<std::uint32_t> met) const {
  const Demand& demand = demands_[claim.raw()];
  ASSERT(unmet.size() == demand.shapes.size() && met.size() == unmet.size());
  std::array<std::int64_t, kMaxDimensions> left{};
  std::copy_n(row, dimensions_, left.begin());
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < unmet.size(); ++i) {
    const std::uint32_t only = demand.shapes[i].room;
    const std::int64_t* shape = demand.rows.data() + i * dimensions_;
    std::int64_t copies = only == kAnyRoom || only == room.raw() ? unmet[i] : 0;
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      if (shape[d] > 0) copies = std::min(copies, left[d] / shape[d]);
    }
    for (std::uint32_t d = 0; d < dimensions_; ++d) left[d] -= copies * shape[d];
    met[i] = static_cast<std::uint32_t>(copies);
    unmet[i] -= met[i];
    all += met[i];
  }
  return all;
}

}  // namespace bourse::allocator
