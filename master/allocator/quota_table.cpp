#include "master/allocator/quota_table.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"

namespace bourse::allocator {

namespace {

// Rows of `before` quantities become rows of `after`, the new ones `value`.
template <typename T>
std::vector<T> widened(const std::vector<T>& rows, std::size_t before, std::size_t after, T value) {
  std::vector<T> wide(rows.size() / before * after, value);
  for (std::size_t row = 0; row * before < rows.size(); ++row) {
    for (std::size_t d = 0; d < before; ++d) wide[row * after + d] = rows[row * before + d];
  }
  return wide;
}

Sum lacking(std::int64_t guarantee, Sum consumed) {
  const auto wanted = static_cast<Sum>(guarantee);
  return wanted > consumed ? wanted - consumed : 0;
}

}  // namespace

QuotaTable::QuotaTable(std::uint32_t dimensions)
    : dimensions_(dimensions), spare_(dimensions), needed_(dimensions) {
  ASSERT(dimensions >= 1 && dimensions <= kMaxDimensions);
}

void QuotaTable::grow_dimensions(std::uint32_t dimensions) {
  ASSERT(dimensions >= dimensions_ && dimensions <= kMaxDimensions);
  consumed_ = widened(consumed_, dimensions_, dimensions, Sum{0});
  guarantees_ = widened(guarantees_, dimensions_, dimensions, std::int64_t{0});
  limits_ = widened(limits_, dimensions_, dimensions, kNoLimit);
  below_ = widened(below_, dimensions_, dimensions, Sum{0});
  spare_.resize(dimensions);
  needed_.resize(dimensions);
  dimensions_ = dimensions;
}

void QuotaTable::set(NodeId role, std::span<const std::int64_t> guarantees,
                     std::span<const std::int64_t> limits) {
  ASSERT(role != kRootRole);
  ASSERT(guarantees.size() == dimensions_ && limits.size() == dimensions_);
  for (std::size_t d = 0; d < dimensions_; ++d) ASSERT(guarantees[d] >= 0 && limits[d] >= 0);
  if (role.raw() >= entry_of_.size()) entry_of_.resize(std::size_t{role.raw()} + 1, kNone);
  std::uint32_t entry = entry_of_[role.raw()];
  if (entry == kNone) {
    if (free_entries_.empty()) {
      entry = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(kNone);
      lacks_.push_back(0);
      guarantees_.resize(guarantees_.size() + dimensions_);
      limits_.resize(limits_.size() + dimensions_);
      below_.resize(below_.size() + dimensions_);
    } else {
      entry = free_entries_.back();
      free_entries_.pop_back();
    }
    entry_of_[role.raw()] = entry;
    nodes_[entry] = role.raw();
    ++entries_;
  }
  const auto at = static_cast<std::ptrdiff_t>(std::size_t{entry} * dimensions_);
  std::copy(guarantees.begin(), guarantees.end(), guarantees_.begin() + at);
  std::copy(limits.begin(), limits.end(), limits_.begin() + at);
  settled_ = false;
}

void QuotaTable::remove(NodeId role) {
  const std::uint32_t entry = entry_of(role.raw());
  ASSERT(entry != kNone);
  entry_of_[role.raw()] = kNone;
  nodes_[entry] = kNone;
  lacks_[entry] = 0;
  free_entries_.push_back(entry);
  --entries_;
  settled_ = false;
}

void QuotaTable::settle(const ShareTree& tree) {
  std::fill(below_.begin(), below_.end(), Sum{0});
  std::fill(needed_.begin(), needed_.end(), Sum{0});
  settled_ = true;
  // The deepest first, so that what lies below an entry is known when its turn comes.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order;  // depth, entry
  for (std::uint32_t entry = 0; entry < nodes_.size(); ++entry) {
    if (nodes_[entry] == kNone) continue;
    std::uint32_t depth = 0;
    for (std::uint32_t node = nodes_[entry]; node != kRootRole.raw();
         node = tree.node(node).parent) {
      ++depth;
    }
    order.emplace_back(depth, entry);
  }
  std::sort(order.rbegin(), order.rend());
  for (const auto& [depth, entry] : order) {
    judge(entry);
    std::uint32_t node = tree.node(nodes_[entry]).parent;
    while (node != kRootRole.raw() && entry_of(node) == kNone) node = tree.node(node).parent;
    const std::uint32_t above = node == kRootRole.raw() ? kNone : entry_of(node);
    Sum* sums = above == kNone ? needed_.data() : below_.data() + std::size_t{above} * dimensions_;
    for (std::uint32_t d = 0; d < dimensions_; ++d) sums[d] += need(entry, d);
  }
}

Sum QuotaTable::consumed(NodeId role, std::uint32_t dimension) const {
  const std::size_t at = std::size_t{role.raw()} * dimensions_ + dimension;
  return at < consumed_.size() ? consumed_[at] : 0;
}

Sum QuotaTable::need(std::uint32_t entry, std::uint32_t d) const {
  return std::max(lacking(guarantees(entry)[d], consumed(NodeId{nodes_[entry]}, d)),
                  needed_below(entry)[d]);
}

void QuotaTable::judge(std::uint32_t entry) {
  lacks_[entry] = 0;
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    if (lacking(guarantees(entry)[d], consumed(NodeId{nodes_[entry]}, d)) > 0) lacks_[entry] = 1;
  }
}

void QuotaTable::move(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row,
                      bool arrives) {
  ASSERT(row.size() == dimensions_);
  std::array<Sum, kMaxDimensions> change{};  // of the needs right below, modulo 2^128
  const std::size_t size = std::size_t{tree.node_capacity()} * dimensions_;
  if (consumed_.size() < size) consumed_.resize(size);
  for (std::uint32_t node = role.raw(); node != kRootRole.raw(); node = tree.node(node).parent) {
    const std::uint32_t entry = entry_of(node);
    Sum* sums = consumed_.data() + std::size_t{node} * dimensions_;
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      ASSERT(row[d] >= 0);
      const auto amount = static_cast<Sum>(row[d]);
      ASSERT(arrives || sums[d] >= amount);
      const Sum before = entry == kNone ? 0 : need(entry, d);
      sums[d] = arrives ? sums[d] + amount : sums[d] - amount;
      if (entry == kNone) continue;
      below_[std::size_t{entry} * dimensions_ + d] += change[d];
      change[d] = need(entry, d) - before;
    }
    if (entry != kNone) judge(entry);
  }
  for (std::uint32_t d = 0; d < dimensions_; ++d) needed_[d] += change[d];
}

void QuotaTable::consume(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row) {
  move(tree, role, row, true);
}

void QuotaTable::release(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row) {
  move(tree, role, row, false);
}

void QuotaTable::add_spare(std::span<const std::int64_t> row) {
  for (std::size_t d = 0; d < row.size(); ++d) spare_[d] += static_cast<std::uint64_t>(row[d]);
}

void QuotaTable::take_spare(std::span<const std::int64_t> row) {
  for (std::size_t d = 0; d < row.size(); ++d) {
    ASSERT(spare_[d] >= static_cast<std::uint64_t>(row[d]));
    spare_[d] -= static_cast<std::uint64_t>(row[d]);
  }
}

void QuotaTable::forget_consumption() {
  std::fill(consumed_.begin(), consumed_.end(), Sum{0});
  std::fill(spare_.begin(), spare_.end(), Sum{0});
  settled_ = false;
}

}  // namespace bourse::allocator
