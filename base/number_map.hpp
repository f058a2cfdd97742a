// NumberMap<V>: from numbers to small values, in one flat table. Made for numbers that are given
// out one after the other: 64 in a row lie side by side, so looking up what came together touches
// memory that is together; such rows are scattered, so that no choice of numbers makes a look-up
// long. 0 is no key. Value; one owner. Never walked: the order would depend on history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/prng.hpp"

namespace bourse {

template <typename V>
class NumberMap {
 public:
  std::size_t size() const { return size_; }
  void clear() { *this = NumberMap(); }

  const V* find(std::uint64_t key) const {
    if (key == 0 || cells_.empty()) return nullptr;
    for (std::size_t at = home(key);; at = next(at)) {
      if (cells_[at].key == key) return &cells_[at].value;
      if (cells_[at].key == 0) return nullptr;
    }
  }

  // REQUIRES that the key is not 0 and not there.
  void insert(std::uint64_t key, V value) {
    ASSERT(key != 0);
    if (2 * (size_ + 1) > cells_.size()) grow();
    std::size_t at = home(key);
    for (; cells_[at].key != 0; at = next(at)) ASSERT(cells_[at].key != key);
    cells_[at] = {key, std::move(value)};
    ++size_;
  }

  // Whether it was there. Whoever was pushed on by it moves back, so that nothing is left behind.
  bool erase(std::uint64_t key) {
    if (find(key) == nullptr) return false;
    std::size_t hole = home(key);
    while (cells_[hole].key != key) hole = next(hole);
    for (std::size_t at = next(hole); cells_[at].key != 0; at = next(at)) {
      // It may stay if its home lies behind the hole.
      const std::size_t from_home = (at - home(cells_[at].key)) & (cells_.size() - 1);
      const std::size_t from_hole = (at - hole) & (cells_.size() - 1);
      if (from_home < from_hole) continue;
      cells_[hole] = std::move(cells_[at]);
      hole = at;
    }
    cells_[hole] = {};
    --size_;
    return true;
  }

 private:
  struct Cell {
    std::uint64_t key = 0;
    V value{};
  };

  std::size_t home(std::uint64_t key) const {
    std::uint64_t row = key / 64;
    return (splitmix64(row) * 64 + key % 64) & (cells_.size() - 1);
  }
  std::size_t next(std::size_t at) const { return (at + 1) & (cells_.size() - 1); }
  void grow() {
    std::vector<Cell> before = std::exchange(cells_, {});
    cells_.resize(before.empty() ? 16 : 2 * before.size());
    size_ = 0;
    for (Cell& cell : before) {
      if (cell.key != 0) insert(cell.key, std::move(cell.value));
    }
  }

  std::vector<Cell> cells_;  // a power of two of them, at most half full
  std::size_t size_ = 0;
};

}  // namespace bourse
