#include <catch2/catch.hpp>

#include "agent/core/sandbox_retention.hpp"

using namespace bourse;
using namespace bourse::agent;
using Names = std::vector<std::string>;

namespace {

struct Keeper {
  explicit Keeper(RetentionConfig config) : machine(config) {}

  SandboxRetention machine;
  Instant now{5'000'000'000};

  template <typename Body>
  Names step(Body body) {
    Names out;
    machine.step({now, std::move(body)}, out);
    return out;
  }
  Names ended(const char* name, Duration age = {}) { return step(retention::Ended{name, age}); }
  Names disk(std::uint64_t used, std::uint64_t total = 100'000) {
    return step(retention::DiskLooked{used, total});
  }
  Names pass(Duration span, std::uint64_t used = 0) {
    now = now + span;
    return disk(used);
  }
};

constexpr Duration kDay = Duration::seconds(24 * 3600);

}  // namespace

TEST_CASE("a sandbox goes when its age reaches the delay, shortened by headroom and what is used") {
  Keeper k({.delay = kDay * 10, .headroom_permille = 100});
  k.disk(0);
  REQUIRE(k.machine.kept_for() == kDay * 9);
  REQUIRE(k.ended("a").empty());
  k.pass(kDay);
  k.ended("b");
  REQUIRE(k.pass(kDay * 8 + Duration{-1}).empty());
  REQUIRE(k.pass(Duration{1}) == Names{"a"});
  REQUIRE(k.pass(kDay) == Names{"b"});
  // Half full: half of it less.
  k.ended("c");
  REQUIRE(k.pass(kDay * 4 + Duration{-1}, 50'000).empty());
  REQUIRE(k.pass(Duration{1}, 50'000) == Names{"c"});
  REQUIRE(k.machine.kept() == 0);
}

TEST_CASE("on a disk without headroom no ended sandbox is kept, oldest first") {
  Keeper k({.delay = kDay, .headroom_permille = 100});
  k.disk(10'000);
  for (const char* name : {"x", "b", "a"}) {
    k.ended(name);
    k.now = k.now + Duration::seconds(1);
  }
  REQUIRE(k.disk(90'000) == Names{"x", "b", "a"});
  k.disk(95'000);
  REQUIRE(k.ended("late") == Names{"late"});
  REQUIRE(k.disk(0).empty());  // each is named once
}

TEST_CASE("a sandbox found at a start goes on aging, and one from the future starts at zero") {
  Keeper k({.delay = kDay, .headroom_permille = 0});
  k.disk(0);
  REQUIRE(k.ended("old", kDay * 2) == Names{"old"});
  k.ended("half", Duration{kDay.ns / 2});
  k.ended("future", kDay * -3);
  REQUIRE(k.pass(Duration{kDay.ns / 2}) == Names{"half"});
  REQUIRE(k.pass(Duration{kDay.ns / 2}) == Names{"future"});
}

TEST_CASE("a sandbox told twice is one, as old as it was first told") {
  Keeper k({.delay = kDay, .headroom_permille = 0});
  k.ended("a", Duration::seconds(10));
  k.ended("a");
  REQUIRE(k.machine.kept() == 1);
  REQUIRE(k.pass(kDay + Duration::seconds(-10)) == Names{"a"});
}

TEST_CASE("more sandboxes than the limit lose the oldest") {
  Keeper k({.delay = kDay, .headroom_permille = 0, .most = 2});
  k.ended("a", Duration::seconds(1));
  k.ended("b", Duration::seconds(3));
  REQUIRE(k.ended("c") == Names{"b"});
}

TEST_CASE("a disk of any size, and one that says nothing, is no trouble") {
  Keeper k({.delay = kDay, .headroom_permille = 100});
  k.disk(0, 0);
  REQUIRE(k.machine.kept_for() == Duration{kDay.ns / 1000 * 900});
  k.disk(~0ull, ~0ull);
  REQUIRE(k.machine.kept_for() == Duration{});
  k.disk(~0ull / 2, ~0ull);
  REQUIRE(k.machine.kept_for() > kDay * 0);
  k.disk(3, 7);
  REQUIRE(k.machine.kept_for() >= Duration{});
}
