#include "base/interval_set.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"

namespace bourse {

namespace {
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
}  // namespace

std::uint64_t IntervalSet::size() const {
  std::uint64_t total = 0;
  for (const Interval& range : ranges_) {
    const std::uint64_t span = range.end - range.begin;
    if (span == kMax || total > kMax - span - 1) return kMax;
    total += span + 1;
  }
  return total;
}

void IntervalSet::add(std::uint64_t begin, std::uint64_t end) {
  ASSERT(begin <= end);
  // First range that touches [begin, end] or lies behind it: its end reaches begin - 1 or more.
  const auto first = std::lower_bound(ranges_.begin(), ranges_.end(), begin,
                                      [](const Interval& range, std::uint64_t value) {
                                        return value != 0 && range.end < value - 1;
                                      });
  auto last = first;
  while (last != ranges_.end() && (end == kMax || last->begin <= end + 1)) {
    begin = std::min(begin, last->begin);
    end = std::max(end, last->end);
    ++last;
  }
  if (first == last) {
    ranges_.insert(first, Interval{begin, end});
    return;
  }
  *first = Interval{begin, end};
  ranges_.erase(first + 1, last);
}

void IntervalSet::subtract(std::uint64_t begin, std::uint64_t end) {
  ASSERT(begin <= end);
  auto it = std::lower_bound(
      ranges_.begin(), ranges_.end(), begin,
      [](const Interval& range, std::uint64_t value) { return range.end < value; });
  while (it != ranges_.end() && it->begin <= end) {
    const Interval cut = *it;
    const bool keep_left = cut.begin < begin;
    const bool keep_right = cut.end > end;
    if (keep_left && keep_right) {
      *it = Interval{cut.begin, begin - 1};
      ranges_.insert(it + 1, Interval{end + 1, cut.end});
      return;
    }
    if (keep_left) {
      *it = Interval{cut.begin, begin - 1};
      ++it;
    } else if (keep_right) {
      *it = Interval{end + 1, cut.end};
      return;
    } else {
      it = ranges_.erase(it);
    }
  }
}

void IntervalSet::add(const IntervalSet& other) {
  if (&other == this) return;
  for (const Interval& range : other.ranges_) add(range.begin, range.end);
}

void IntervalSet::subtract(const IntervalSet& other) {
  if (&other == this) {
    ranges_.clear();
    return;
  }
  for (const Interval& range : other.ranges_) subtract(range.begin, range.end);
}

bool IntervalSet::contains(std::uint64_t begin, std::uint64_t end) const {
  const auto it = std::lower_bound(
      ranges_.begin(), ranges_.end(), begin,
      [](const Interval& range, std::uint64_t value) { return range.end < value; });
  return it != ranges_.end() && it->begin <= begin && end <= it->end;
}

bool IntervalSet::contains(const IntervalSet& other) const {
  return std::all_of(other.ranges_.begin(), other.ranges_.end(),
                     [this](const Interval& range) { return contains(range.begin, range.end); });
}

bool IntervalSet::intersects(const IntervalSet& other) const {
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    if (a->end < b->begin) {
      ++a;
    } else if (b->end < a->begin) {
      ++b;
    } else {
      return true;
    }
  }
  return false;
}

}  // namespace bourse
