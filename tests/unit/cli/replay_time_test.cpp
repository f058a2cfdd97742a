#include "cli/replay_time.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::cli;

TEST_CASE("a time is read as it is shown, with a fraction or without") {
  const WallTime time{1'800'000'000'123'000'000};
  CHECK(utc_text(time) == "2027-01-15T08:00:00.123Z");
  CHECK(*parse_utc(utc_text(time)) == time);
  CHECK(*parse_utc("2027-01-15T08:00:00Z") == WallTime{1'800'000'000'000'000'000});
  CHECK(*parse_utc("2027-01-15T08:00:00") == WallTime{1'800'000'000'000'000'000});
  CHECK(*parse_utc("2027-01-15T08:00:00.123456789Z") == WallTime{1'800'000'000'123'456'789});
}

TEST_CASE("what is no time is refused with the form that is wanted") {
  for (const char* text : {"", "tomorrow", "2027-01-15", "2027-13-15T08:00:00Z",
                           "2027-01-15 08:00:00", "2027-01-15T08:00:00.Z", "2027-01-15T25:00:00Z",
                           "2027-01-15T08:00:00.1234567891Z", "2027-01-15T08:00:00+01"}) {
    const auto time = parse_utc(text);
    INFO(text);
    REQUIRE_FALSE(time.ok());
    CHECK(time.error().message.find("a time like 2026-01-31T12:00:00Z") != std::string::npos);
  }
}
