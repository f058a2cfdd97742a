// IntervalSet: a sorted set of closed, disjoint, non-adjacent ranges of uint64 (ports and every
// other RANGES resource). Invariants: (1) begin <= end in each range, (2) ranges ascend, (3) no two
// touch or overlap, so equal sets have equal representations. Value; one owner per thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bourse {

struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // inclusive

  auto operator<=>(const Interval&) const = default;
};

class IntervalSet {
 public:
  IntervalSet() = default;
  // REQUIRES begin <= end.
  IntervalSet(std::uint64_t begin, std::uint64_t end) { add(begin, end); }

  bool empty() const { return ranges_.empty(); }
  const std::vector<Interval>& ranges() const { return ranges_; }
  // Count of members; saturates at the largest uint64.
  std::uint64_t size() const;

  // REQUIRES begin <= end.
  void add(std::uint64_t begin, std::uint64_t end);
  void subtract(std::uint64_t begin, std::uint64_t end);
  void add(const IntervalSet& other);
  void subtract(const IntervalSet& other);

  bool contains(std::uint64_t begin, std::uint64_t end) const;
  bool contains(const IntervalSet& other) const;
  bool intersects(const IntervalSet& other) const;

  bool operator==(const IntervalSet&) const = default;

 private:
  std::vector<Interval> ranges_;
};

}  // namespace bourse
