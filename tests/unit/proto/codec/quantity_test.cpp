#include "proto/codec/quantity.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}

TEST_CASE("quantities round to the nearest thousandth and come back as the same double") {
  CHECK(*milli_from_double(0.5, "x") == 500);
  CHECK(*milli_from_double(0.1 + 0.2, "x") == 300);
  CHECK(*milli_from_double(0.0004, "x") == 0);
  CHECK(*milli_from_double(0.0006, "x") == 1);
  CHECK(*milli_from_double(-0.0, "x") == 0);
  CHECK(*milli_from_double(1e12, "x") == limits::kMaxScalarMilli);
  for (std::int64_t milli : {0LL, 1LL, 100LL, 1500LL, 8192000LL, 999999999999999LL}) {
    CHECK(*milli_from_double(double_from_milli(milli), "x") == milli);
  }
}

TEST_CASE("negative, NaN, infinite and huge quantities are refused, naming field and value") {
  for (const double bad : {-1.0, -0.001, std::nan(""), kInfinity, -kInfinity, 1e13, 1e300}) {
    const auto refused = milli_from_double(bad, "resources[0].scalar.value");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("'resources[0].scalar.value' is " + shown(bad)) == 0);
  }
}

TEST_CASE("seconds become durations, capped; negative and NaN are refused") {
  const Duration most = Duration::seconds(100);
  CHECK(duration_from_seconds(1.5, most, "x")->ns == 1'500'000'000);
  CHECK(*duration_from_seconds(1e18, most, "x") == most);
  CHECK(*duration_from_seconds(kInfinity, most, "x") == most);
  CHECK_FALSE(duration_from_seconds(-1, most, "x").ok());
  CHECK_FALSE(duration_from_seconds(std::nan(""), most, "x").ok());
  CHECK(*duration_from_ns(5, most, "x") == Duration{5});
  CHECK(*duration_from_ns(std::numeric_limits<std::int64_t>::max(), most, "x") == most);
  CHECK_FALSE(duration_from_ns(-1, most, "x").ok());
}

TEST_CASE("timestamps come back as the double they came as") {
  for (const double seconds : {1795357989.8324947, 1795357989.814, 1795358182.5641856, 0.0, 1.0}) {
    CHECK(seconds_from_wall(wall_from_seconds(seconds)) == seconds);
  }
  for (const double bad : {-1.0, std::nan(""), kInfinity, 1e18}) {
    CHECK(wall_from_seconds(bad).ns == 0);
  }
}
