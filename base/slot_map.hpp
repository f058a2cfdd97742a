// SlotMap<Tag, T>: a dense table addressed by Slot{index, generation}. A removed slot's index is
// reused with a new generation, so a stale Slot finds nothing instead of somebody else. Iteration
// is in index order, hence deterministic. Value (copyable); one owner, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"

namespace bourse {

template <typename Tag>
struct Slot {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0 names nothing

  bool empty() const { return generation == 0; }
  auto operator<=>(const Slot&) const = default;
};

template <typename Tag, typename T>
class SlotMap {
 public:
  using SlotType = Slot<Tag>;

  SlotType insert(T value) {
    std::uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(cells_.size());
      cells_.emplace_back();
      cells_.back().generation = 1;
    } else {
      index = free_.back();
      free_.pop_back();
      // Freed in no order of memory; whoever inserts one often inserts many.
      constexpr std::size_t kAhead = 8;
      if (free_.size() >= kAhead) __builtin_prefetch(&cells_[free_[free_.size() - kAhead]]);
    }
    Cell& cell = cells_[index];
    cell.value.emplace(std::move(value));
    cell.live = true;
    ++size_;
    return {index, cell.generation};
  }

  T* find(SlotType slot) {
    if (slot.index >= cells_.size()) return nullptr;
    Cell& cell = cells_[slot.index];
    return cell.generation == slot.generation ? &*cell.value : nullptr;
  }
  const T* find(SlotType slot) const { return const_cast<SlotMap*>(this)->find(slot); }

  // REQUIRES that the slot is live.
  T& at(SlotType slot) {
    T* value = find(slot);
    ASSERT(value != nullptr);
    return *value;
  }
  const T& at(SlotType slot) const { return const_cast<SlotMap*>(this)->at(slot); }

  // REQUIRES that the slot is live.
  void erase(SlotType slot) {
    ASSERT(find(slot) != nullptr);
    Cell& cell = cells_[slot.index];
    cell.value.reset();
    cell.live = false;
    if (++cell.generation == 0) ++cell.generation;  // nobody has a slot of it yet
    free_.push_back(slot.index);
    --size_;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // One past the largest index ever used: the size that arrays parallel to this table need.
  std::size_t capacity() const { return cells_.size(); }

  // The live value at a dense index, or null. The companion of arrays parallel to this table.
  T* find_index(std::uint32_t index) {
    return index < cells_.size() && cells_[index].live ? &*cells_[index].value : nullptr;
  }
  const T* find_index(std::uint32_t index) const {
    return const_cast<SlotMap*>(this)->find_index(index);
  }
  SlotType slot_of_index(std::uint32_t index) const {
    ASSERT(find_index(index) != nullptr);
    return {index, cells_[index].generation};
  }

  // Hints that the value at a dense index will be asked for soon: its first `bytes`.
  void prefetch_index(std::uint32_t index, std::size_t bytes) const {
    if (index >= cells_.size()) return;
    const auto* at = reinterpret_cast<const char*>(&cells_[index]);
    for (std::size_t i = 0; i < bytes; i += 64) __builtin_prefetch(at + i);
  }

  // Everything besides the live values that a table is, for whoever writes one down: the
  // generation of each index, and the indices that are free, the last of them used next.
  std::vector<std::uint32_t> generations() const {
    std::vector<std::uint32_t> out;
    out.reserve(cells_.size());
    for (const Cell& cell : cells_) out.push_back(cell.generation);
    return out;
  }
  const std::vector<std::uint32_t>& free_indices() const { return free_; }
  // The table of these parts; nothing if they are not one's: each index is live or free, once.
  static std::optional<SlotMap> assemble(const std::vector<std::uint32_t>& generations,
                                         std::vector<std::uint32_t> free,
                                         std::vector<std::pair<std::uint32_t, T>> live) {
    if (free.size() + live.size() != generations.size()) return std::nullopt;
    SlotMap out;
    out.cells_.resize(generations.size());
    for (std::size_t i = 0; i < generations.size(); ++i) {
      if (generations[i] == 0) return std::nullopt;
      out.cells_[i].generation = generations[i];
    }
    for (auto& [index, value] : live) {
      if (index >= generations.size() || out.cells_[index].live) return std::nullopt;
      out.cells_[index].value.emplace(std::move(value));
      out.cells_[index].live = true;
    }
    std::vector<bool> seen(generations.size());
    for (const std::uint32_t index : free) {
      if (index >= generations.size() || out.cells_[index].live || seen[index]) return std::nullopt;
      seen[index] = true;
    }
    out.free_ = std::move(free);
    out.size_ = live.size();
    return out;
  }

  // Calls f(slot, value) for each live value in index order. f must not insert or erase.
  template <typename F>
  void for_each(F&& f) {
    for (std::uint32_t index = 0; index < cells_.size(); ++index) {
      Cell& cell = cells_[index];
      if (cell.live) f(SlotType{index, cell.generation}, *cell.value);
    }
  }
  template <typename F>
  void for_each(F&& f) const {
    for (std::uint32_t index = 0; index < cells_.size(); ++index) {
      const Cell& cell = cells_[index];
      if (cell.live) f(SlotType{index, cell.generation}, *cell.value);
    }
  }

 private:
  struct Cell {
    std::uint32_t generation = 0;
    bool live = false;  // here and not only behind a large value: most lookups go no further
    std::optional<T> value;
  };

  std::vector<Cell> cells_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace bourse
