#include "base/time.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

using bourse::Duration;
using bourse::Instant;

TEST_CASE("time arithmetic saturates instead of wrapping") {
  REQUIRE(Instant::max() + Duration::seconds(1) == Instant::max());
  REQUIRE(Duration::seconds(std::numeric_limits<std::int64_t>::max()) == Duration::max());
  REQUIRE(Duration::seconds(-std::numeric_limits<std::int64_t>::max()).ns ==
          std::numeric_limits<std::int64_t>::min());
  REQUIRE(Duration::max() * 2 == Duration::max());
}

TEST_CASE("units of time agree") {
  REQUIRE(Duration::seconds(2) == Duration::milliseconds(2000));
  REQUIRE(Duration::milliseconds(3) == Duration::microseconds(3000));
  REQUIRE((Instant{500} - Instant{200}) == Duration::nanoseconds(300));
}
