#include <catch2/catch.hpp>
#include <set>

#include "model/authorization.hpp"
#include "model/ids.hpp"
#include "model/link_session.hpp"

using namespace bourse;

TEST_CASE("a link applies each number once and in order and notices a gap") {
  LinkReceiver receiver;
  REQUIRE(receiver.arrive(1) == Arrival::fresh);
  REQUIRE(receiver.arrive(1) == Arrival::repeat);
  REQUIRE(receiver.arrive(2) == Arrival::fresh);
  REQUIRE(receiver.arrive(4) == Arrival::gap);
  REQUIRE(receiver.last() == 2);
  REQUIRE(receiver.arrive(0) == Arrival::fresh);
}

TEST_CASE("a heartbeat reveals a lost last frame") {
  LinkReceiver receiver;
  REQUIRE(receiver.arrive(1) == Arrival::fresh);
  REQUIRE(receiver.complete(1));
  REQUIRE_FALSE(receiver.complete(2));
}

TEST_CASE("uuids made from a seed differ by seed and counter and look like version 4") {
  std::set<Uuid> seen;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::uint64_t counter = 0; counter < 30; ++counter) seen.insert(make_uuid(seed, counter));
  }
  REQUIRE(seen.size() == 900);
  const std::string text = to_text(make_uuid(1, 2));
  REQUIRE(text.size() == 36);
  REQUIRE(text[14] == '4');
}

TEST_CASE("a framework that named a principal is spoken for by no other") {
  REQUIRE(authorize({"eve"}, Action::call_as_framework, "alice").error().message ==
          "Authenticated principal 'eve' does not match principal 'alice' set in `FrameworkInfo`");
  REQUIRE(authorize({"alice"}, Action::call_as_framework, "alice").ok());
  REQUIRE(authorize({}, Action::run_task, "root").ok());
}
