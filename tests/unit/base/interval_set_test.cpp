#include "base/interval_set.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "base/prng.hpp"

using bourse::Interval;
using bourse::IntervalSet;
using bourse::Prng;

namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

std::set<std::uint64_t> members(const IntervalSet& set) {
  std::set<std::uint64_t> out;
  for (const Interval& range : set.ranges()) {
    for (std::uint64_t value = range.begin; value <= range.end; ++value) out.insert(value);
  }
  return out;
}

void check_invariants(const IntervalSet& set) {
  for (std::size_t i = 0; i < set.ranges().size(); ++i) {
    REQUIRE(set.ranges()[i].begin <= set.ranges()[i].end);
    if (i > 0) REQUIRE(set.ranges()[i - 1].end + 1 < set.ranges()[i].begin);
  }
}

}  // namespace

TEST_CASE("ranges that touch are one range") {
  IntervalSet set(10, 19);
  set.add(20, 29);
  REQUIRE(set == IntervalSet(10, 29));
  set.add(0, 9);
  REQUIRE(set == IntervalSet(0, 29));
}

TEST_CASE("the ends of uint64 do not wrap") {
  IntervalSet set(0, 0);
  set.add(kMax, kMax);
  REQUIRE(set.ranges().size() == 2);
  REQUIRE(set.size() == 2);
  set.add(1, kMax - 1);
  REQUIRE(set == IntervalSet(0, kMax));
  REQUIRE(set.size() == kMax);
  set.subtract(0, kMax);
  REQUIRE(set.empty());
}

TEST_CASE("an interval set agrees with a plain set on random operations") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Prng prng(seed);
    IntervalSet set;
    std::set<std::uint64_t> model;
    for (int step = 0; step < 40; ++step) {
      const std::uint64_t begin = prng.below(60);
      const std::uint64_t end = begin + prng.below(12);
      const bool adding = prng.chance(3, 5);
      for (std::uint64_t v = begin; v <= end; ++v)
        adding ? (void)model.insert(v) : (void)model.erase(v);
      adding ? set.add(begin, end) : set.subtract(begin, end);
      check_invariants(set);
      REQUIRE(members(set) == model);
      REQUIRE(set.size() == model.size());
      const IntervalSet probe(prng.below(60), 60 + prng.below(5));
      bool all = true;
      bool any = false;
      for (const std::uint64_t v : members(probe)) {
        all = all && model.count(v) == 1;
        any = any || model.count(v) == 1;
      }
      REQUIRE(set.contains(probe) == all);
      REQUIRE(set.intersects(probe) == any);
    }
  }
}
