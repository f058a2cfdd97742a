#include "base/paged_map.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "base/prng.hpp"

using bourse::PagedMap;
using bourse::Prng;

namespace {

// Counts how often it was copied.
struct Counted {
  Counted(int n = 0) : value(n) {}
  Counted(const Counted& other) : value(other.value) { ++copies; }
  Counted(Counted&&) = default;
  Counted& operator=(const Counted& other) {
    value = other.value;
    ++copies;
    return *this;
  }
  Counted& operator=(Counted&&) = default;
  int value = 0;
  static inline int copies = 0;
};

template <typename Less>
void check_same(const PagedMap<int, int, Less>& paged, const std::map<int, int, Less>& plain) {
  REQUIRE(paged.size() == plain.size());
  REQUIRE(paged.empty() == plain.empty());
  REQUIRE(std::equal(paged.begin(), paged.end(), plain.begin(), plain.end()));
  REQUIRE(std::equal(paged.rbegin(), paged.rend(), plain.rbegin(), plain.rend()));
}

template <typename Less>
void compare_with_a_map(std::uint64_t seed) {
  Prng prng(seed);
  PagedMap<int, int, Less> paged;
  std::map<int, int, Less> plain;
  PagedMap<int, int, Less> paged_before;
  std::map<int, int, Less> plain_before;
  for (int step = 0; step < 6'000; ++step) {
    const int key = static_cast<int>(prng.below(1'500));
    const int value = static_cast<int>(prng.below(1'000'000));
    // It grows for a while and then shrinks.
    if (prng.below(100) < (step < 3'000 ? 80u : 20u)) {
      if (prng.below(2) == 0) {
        REQUIRE(paged.put(key, value) == value);
      } else {
        paged.edit_or_add(key) = value;
      }
      plain.insert_or_assign(key, value);
    } else {
      REQUIRE(paged.erase(key) == (plain.erase(key) == 1));
    }
    if (int* row = paged.edit(key + 1)) {
      *row += 1;
      plain.at(key + 1) += 1;
    } else {
      REQUIRE_FALSE(plain.contains(key + 1));
    }
    const auto at = paged.lower_bound(value % 1'500);
    const auto should = plain.lower_bound(value % 1'500);
    REQUIRE((at == paged.end()) == (should == plain.end()));
    if (at != paged.end()) REQUIRE(*at == *should);
    REQUIRE(paged.contains(value % 1'500) == plain.contains(value % 1'500));
    if (step % 500 == 0) {
      check_same(paged, plain);
      check_same(paged_before, plain_before);
      paged_before = paged;
      plain_before = plain;
    }
  }
}

}  // namespace

TEST_CASE("a paged map is an ordered map, and a copy of it stays what it was") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    compare_with_a_map<std::less<int>>(seed);
    compare_with_a_map<std::greater<int>>(seed);
  }
}

TEST_CASE("a copy of a paged map copies no row, and a change then the rows of one page, once") {
  PagedMap<int, Counted> map;
  for (int i = 0; i < 100'000; ++i) map.put(i, i);
  Counted::copies = 0;
  const PagedMap<int, Counted> before = map;
  CHECK(Counted::copies == 0);
  const int most = static_cast<int>(map.kMostRowsInPage);
  map.edit(50'000)->value = -1;
  map.edit(50'000)->value = -2;
  CHECK(Counted::copies >= 1);
  CHECK(Counted::copies <= most);
  map.erase(7);
  CHECK(Counted::copies <= 2 * most);
  CHECK(before.find(50'000)->second.value == 50'000);
  CHECK(before.contains(7));
}

TEST_CASE("pages that emptied are joined: what is left of many rows is few pages") {
  PagedMap<int, Counted> map;
  for (int i = 0; i < 100'000; ++i) map.put(i, i);
  for (int i = 0; i < 100'000; ++i) {
    if (i % 100 != 0) map.erase(i);
  }
  REQUIRE(map.size() == 1'000);
  PagedMap<int, Counted> before = map;
  Counted::copies = 0;
  map.edit(50'000)->value = -1;
  CHECK(Counted::copies >= 16);
}
