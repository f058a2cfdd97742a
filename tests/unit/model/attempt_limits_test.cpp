#include "model/attempt_limits.hpp"

#include <catch2/catch.hpp>

using namespace bourse;

namespace {

Instant at(std::int64_t ms) {
  return Instant{} + Duration::milliseconds(ms);
}

// How many of so many wrong ones, one after the other at one time, were looked at.
int looked_at(AttemptLimits& limits, const std::string& address, std::size_t account,
              std::int64_t ms, int tries) {
  int out = 0;
  for (int i = 0; i < tries; ++i) {
    if (!limits.may_try(address, account, at(ms))) continue;
    limits.failed(address, account, at(ms));
    ++out;
  }
  return out;
}

}  // namespace

TEST_CASE("an address may be wrong so often at once, then once per interval") {
  AttemptLimits limits({3, Duration::seconds(1), 100});
  CHECK(looked_at(limits, "a", 0, 0, 10) == 3);
  CHECK(looked_at(limits, "a", 0, 999, 10) == 0);
  CHECK(looked_at(limits, "a", 0, 1000, 10) == 1);
  CHECK(looked_at(limits, "a", 0, 60'000, 10) == 3);
}

TEST_CASE("guesses at one account from one address shut out no other of either") {
  AttemptLimits limits({3, Duration::seconds(1), 100});
  CHECK(looked_at(limits, "a", 0, 0, 10) == 3);
  CHECK(looked_at(limits, "a", 1, 0, 10) == 3);
  CHECK(looked_at(limits, "b", 0, 0, 10) == 3);
}

TEST_CASE("an attempt that was counted and was right is forgiven") {
  AttemptLimits limits({1, Duration::seconds(1), 100});
  limits.failed("a", 0, at(0));
  CHECK_FALSE(limits.may_try("a", 0, at(0)));
  limits.forgive("a", 0);
  CHECK(limits.may_try("a", 0, at(0)));
  limits.forgive("b", 0);
  CHECK(limits.rows() == 1);
}

TEST_CASE("addresses without number cost no more than the rows there are") {
  AttemptLimits limits({3, Duration::seconds(1), 10});
  looked_at(limits, "steady", 0, 0, 3);
  for (int i = 0; i < 100; ++i) limits.failed("10.0.0." + std::to_string(i), 0, at(0));
  CHECK(limits.rows() == 10);
  // Those that were wrong least go, not the one that guesses.
  CHECK_FALSE(limits.may_try("steady", 0, at(0)));
  limits.failed("late", 0, at(5000));
  CHECK(limits.rows() == 1);
}
