#include "model/principal_limits.hpp"

#include <catch2/catch.hpp>

using namespace bourse;

namespace {
Instant at_ms(std::int64_t ms) {
  return Instant{} + Duration::seconds(1000) + Duration::milliseconds(ms);
}
int taken(PrincipalLimits& limits, const std::string& who, std::int64_t ms, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limits.take_call(who, at_ms(ms)) ? 1 : 0;
  return count;
}
}  // namespace

TEST_CASE("a principal has its calls of a second, at once or spread, and others have theirs") {
  PrincipalLimits limits({10, 0});
  CHECK(taken(limits, "a", 0, 50) == 10);
  CHECK(taken(limits, "b", 0, 50) == 10);
  CHECK(taken(limits, "a", 300, 50) == 3);
  CHECK(taken(limits, "a", 300, 50) == 0);
  CHECK(taken(limits, "a", 60'000, 50) == 10);  // what a minute did not use is not saved
}

TEST_CASE("a principal has so many streams and may open another when one is closed") {
  PrincipalLimits limits({0, 2});
  CHECK(limits.open_stream("a"));
  CHECK(limits.open_stream("a"));
  CHECK_FALSE(limits.open_stream("a"));
  CHECK(limits.open_stream("b"));
  limits.close_stream("a");
  CHECK(limits.open_stream("a"));
  CHECK_FALSE(limits.open_stream("a"));
}

TEST_CASE("principals that come and go leave nothing behind, and those with streams their count") {
  PrincipalLimits limits({1, 1});
  CHECK(limits.open_stream("stays"));
  for (int i = 0; i < 1000; ++i) {
    CHECK(limits.take_call(std::to_string(i), at_ms(i)));
  }
  CHECK(limits.take_call("later", at_ms(10'000)));
  CHECK(limits.rows() == 2);
  CHECK_FALSE(limits.open_stream("stays"));
}

TEST_CASE("without limits nothing is counted") {
  PrincipalLimits limits({});
  CHECK(taken(limits, "a", 0, 1000) == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(limits.open_stream("a"));
  CHECK(limits.rows() == 0);
}
