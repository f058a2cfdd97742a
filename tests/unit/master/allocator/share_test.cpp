#include <catch2/catch.hpp>
#include <vector>

#include "base/prng.hpp"
#include "master/allocator/share.hpp"
#include "tests/unit/master/allocator/reference.hpp"

namespace bourse::allocator {
namespace {

Sum power(unsigned exponent) {
  return Sum{1} << exponent;
}

TEST_CASE("the dominant share is that of the dimension with the largest part of its total") {
  ShareScale scale;
  scale.prepare(std::vector<Sum>{1000, 50, 7}, ~0u);
  const std::vector<Sum> charged{100, 6, 0};
  const Share share = scale.share_of(charged.data(), 1000);
  CHECK(share.dimension == 1);
  CHECK(share.amount == 6);
}

TEST_CASE("dimensions outside the mask and without a total enter no share") {
  ShareScale scale;
  scale.prepare(std::vector<Sum>{1000, 50, 0}, 0b101);
  const std::vector<Sum> charged{100, 50, 12};
  CHECK(scale.share_of(charged.data(), 1000).dimension == 0);
  CHECK(scale.share_of(charged.data(), 1000).amount == 100);
}

TEST_CASE("a share counts less the heavier its owner") {
  ShareScale scale;
  scale.prepare(std::vector<Sum>{900}, 1);
  const std::vector<Sum> charged{300};
  CHECK(scale.compare(scale.share_of(charged.data(), 3000), scale.share_of(charged.data(), 1000)) <
        0);
  const std::vector<Sum> third{100};
  CHECK(scale.compare(scale.share_of(charged.data(), 3000), scale.share_of(third.data(), 1000)) ==
        0);
}

TEST_CASE("shares that differ by less than any rounding are still told apart") {
  ShareScale scale;
  const Sum total = power(95) + 12345;
  scale.prepare(std::vector<Sum>{total, total - 1}, 3);
  const std::vector<Sum> a{power(94), 0};
  const std::vector<Sum> b{0, power(94)};
  const std::vector<Sum> c{power(94) + 1, 0};
  const auto share = [&scale](const std::vector<Sum>& row) {
    return scale.share_of(row.data(), 4'000'000'000);
  };
  CHECK(scale.compare(share(a), share(b)) < 0);
  CHECK(scale.compare(share(a), share(c)) < 0);
  CHECK(scale.compare(share(c), share(a)) > 0);
  CHECK(scale.compare(share(a), share(a)) == 0);
}

// Amounts from nothing to more than the total, often equal or off by one.
std::vector<Sum> random_row(Prng& prng, const std::vector<Sum>& totals) {
  std::vector<Sum> row;
  for (const Sum total : totals) {
    const Sum part = total / (prng.below(5) + 1) + prng.below(3);
    row.push_back(prng.chance(1, 4) ? 0 : part);
    if (prng.chance(1, 3)) row.back() = total == 0 ? 0 : Sum{prng.next()} * prng.next() % total;
    if (prng.chance(1, 20)) row.back() = total * 3 + 1;
  }
  return row;
}

TEST_CASE("keys and shares order rows as their fractions do") {
  constexpr std::uint32_t kWeights[] = {1, 999, 1000, 1001, 4'294'967'295};
  Prng prng(7);
  ShareScale scale;
  for (int i = 0; i < 40'000; ++i) {
    std::vector<Sum> totals;
    const unsigned width = static_cast<unsigned>(prng.below(94) + 1);
    for (int d = 0; d < 3; ++d)
      totals.push_back((Sum{prng.next()} << 64 | prng.next()) >> (128 - width));
    scale.prepare(totals, ~0u);
    Share shares[2];
    std::uint64_t keys[2] = {0, 0};
    Sum best[2][2] = {{0, 1}, {0, 1}};
    for (int side = 0; side < 2; ++side) {
      const auto row = random_row(prng, totals);
      const std::uint32_t weight = kWeights[prng.below(5)];
      shares[side] = scale.share_of(row.data(), weight);
      keys[side] = scale.key_of(row.data(), weight);
      for (std::size_t d = 0; d < totals.size(); ++d) {
        if (totals[d] == 0) continue;
        if (reference::compare_fractions(best[side][0], best[side][1], row[d], totals[d]) >= 0) {
          continue;
        }
        best[side][0] = row[d];
        best[side][1] = totals[d];
      }
      best[side][1] *= weight;
    }
    const int expected =
        reference::compare_fractions(best[0][0], best[0][1], best[1][0], best[1][1]);
    REQUIRE(scale.compare(shares[0], shares[1]) == expected);
    if (ShareScale::decided(keys[0], keys[1])) REQUIRE((keys[0] < keys[1] ? -1 : 1) == expected);
  }
}

}  // namespace
}  // namespace bourse::allocator
