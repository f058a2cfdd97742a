// How long a framework is away: counted on by each leader, and by no wall clock.
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// Steps of a hundred seconds.
const Duration kTimeout = Duration::seconds(1'600);

FakeFramework& subscribed(Harness& h, Duration timeout = kTimeout) {
  FakeFramework& f = h.add_framework("f");
  f.http = true;  // says nothing for as long as it likes
  f.facet.failover_timeout = timeout;
  h.subscribe(f);
  return f;
}

Duration away(const Harness& h, const FakeFramework& f) {
  return h.registry.frameworks.at(f.facet.id).away;
}

bool is_armed(const Harness& h, const FakeFramework& f) {
  const FrameworkSlot slot = h.core.state().framework_of.at(f.facet.id);
  return h.core.state()
      .deadlines.deadline_of({DeadlineKey::Kind::framework_removal, slot.index, slot.generation})
      .has_value();
}

}  // namespace

TEST_CASE("a failover_timeout runs on over two changes of the leader") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  h.break_connection(f);
  h.advance(Duration::seconds(500));
  h.restart_master();
  h.advance(Duration::seconds(500));
  h.restart_master();
  CHECK(away(h, f) == Duration::seconds(1'000));
  h.advance(Duration::seconds(599));
  CHECK(h.registry.frameworks.contains(f.facet.id));
  h.advance(Duration::seconds(1));
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
  CHECK(h.registry.removed_frameworks.contains(f.facet.id));
}

TEST_CASE("a framework that died with its master is counted as away since the next one leads") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  for (int i = 0; i < 3; ++i) {
    h.restart_master();
    h.advance(Duration::seconds(500));
  }
  CHECK(away(h, f) == Duration::seconds(1'500));
  h.restart_master();
  h.advance(Duration::seconds(99));
  CHECK(h.registry.frameworks.contains(f.facet.id));
  h.advance(Duration::seconds(1));
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
}

TEST_CASE("what is left of a failover_timeout is at least the time to come back to a new leader") {
  MasterConfig config = Harness::default_config();
  config.framework_recovery = Duration::seconds(300);
  Harness h(config);
  h.lead();
  FakeFramework& f = subscribed(h);
  h.break_connection(f);
  h.advance(kTimeout - Duration::seconds(1));
  h.restart_master();
  h.advance(h.config.framework_recovery - Duration::milliseconds(1));
  CHECK(h.registry.frameworks.contains(f.facet.id));
  h.advance(Duration::milliseconds(1));
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
}

TEST_CASE("wall clocks that jump end no failover_timeout") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  h.break_connection(f);
  h.advance(Duration::seconds(200));
  h.now.wall = h.now.wall + Duration::seconds(1'000'000);
  h.restart_master();
  h.advance(Duration::seconds(1'399));
  CHECK(h.registry.frameworks.contains(f.facet.id));
  h.advance(Duration::seconds(1));
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
}

TEST_CASE("nothing is written of a framework that is back within a minute") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  const std::size_t before = h.persists;
  h.break_connection(f);
  h.advance(h.config.framework_recovery - Duration::milliseconds(1));
  h.subscribe(f);
  h.advance(Duration::seconds(1'000));
  CHECK(h.persists == before);
}

TEST_CASE("a framework that was away hears SUBSCRIBED once it is stored that it is back") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  h.break_connection(f);
  h.advance(Duration::seconds(1'000));
  REQUIRE(away(h, f) == Duration::seconds(1'000));
  f.heard.clear();
  h.hold_writes = true;
  h.subscribe(f);
  CHECK(f.heard_of<event::Subscribed>().empty());
  // That it is away is not written over it.
  h.advance(Duration::seconds(200));
  REQUIRE(h.writes.size() == 1);
  h.hold_writes = false;
  h.store_all();
  CHECK(f.heard_of<event::Subscribed>().size() == 1);
  CHECK(away(h, f) == Duration{});
  // A change of the leader gives it all its time again, and needs no write.
  const std::size_t before = h.persists;
  h.restart_master();
  h.subscribe(f);
  CHECK(h.persists == before + 1);  // who leads
  h.restart_master();
  h.advance(kTimeout - Duration::seconds(1));
  CHECK(h.registry.frameworks.contains(f.facet.id));
}

TEST_CASE("an absence that the registry refuses to note is noted the next time") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  h.break_connection(f);
  h.hold_writes = true;
  h.advance(Duration::seconds(100));
  h.reject_one("disk full");
  h.hold_writes = false;
  h.advance(Duration::seconds(100));
  CHECK(away(h, f) == Duration::seconds(200));
}

TEST_CASE("a framework whose return is refused by the registry has its failover_timeout again") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  f.facet.name = "other";
  h.hold_writes = true;
  h.subscribe(f);
  h.break_connection(f);
  CHECK_FALSE(is_armed(h, f));
  h.reject_one("disk full");
  h.hold_writes = false;
  CHECK(is_armed(h, f));
  h.advance(kTimeout);
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
}

TEST_CASE("a framework that disconnects while its update is written has its failover_timeout") {
  Harness h;
  h.lead();
  FakeFramework& f = subscribed(h);
  FrameworkFacet other = f.facet;
  other.name = "other";
  h.hold_writes = true;
  (void)h.http_call(f, call::UpdateFramework{other, {}, {}});
  REQUIRE(h.writes.size() == 1);
  h.break_connection(f);
  h.hold_writes = false;
  h.store_all();
  h.advance(kTimeout);
  CHECK_FALSE(h.registry.frameworks.contains(f.facet.id));
}
