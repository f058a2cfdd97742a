#include "harness.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

TEST_CASE("an update is resent with back-off until it is acknowledged") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  REQUIRE(w.updates().size() == 1);
  for (int i = 0; i < 14; ++i) {  // heartbeats keep the master present
    w.pass(Duration::seconds(5));
    w.step(FromMaster{{LinkHeader{w.core->state().link.session, 0, 7}, to_agent::Heartbeat{1}}});
  }
  REQUIRE(w.updates().size() >= 3);
  REQUIRE(w.updates().size() <= 4);
  for (const TaskStatus& status : w.updates()) REQUIRE(status.uuid == w.update().uuid);
}

TEST_CASE("an update is resent after ten seconds, then twice as late, up to every ten minutes") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  const Instant begin = w.stamp.now;
  std::vector<std::int64_t> waited;  // seconds between one and the next
  Instant last = begin;
  while (w.stamp.now - begin < Duration::seconds(7'200)) {
    w.pass(Duration::seconds(1));
    // Heartbeats keep the master present.
    w.step(FromMaster{{LinkHeader{w.core->state().link.session, 0, 7}, to_agent::Heartbeat{1}}});
    if (w.updates().size() == waited.size() + 1) continue;
    REQUIRE(w.updates().size() == waited.size() + 2);
    waited.push_back((w.stamp.now - last).ms() / 1'000);
    last = w.stamp.now;
  }
  REQUIRE(waited.size() == 16);
  const std::vector<std::int64_t> growing(waited.begin(), waited.begin() + 6);
  CHECK(growing == std::vector<std::int64_t>{10, 20, 40, 80, 160, 320});
  for (std::size_t i = 6; i < waited.size(); ++i) CHECK(waited[i] == 600);
  for (const TaskStatus& status : w.updates()) CHECK(status.uuid == w.update().uuid);
  // The next update begins anew.
  w.acknowledge(w.update());
  REQUIRE(w.updates().size() == 18);
  w.pass(Duration::seconds(10));
  CHECK(w.updates().size() == 19);
}

TEST_CASE("an acknowledgement of another update is ignored") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  TaskStatus other = w.update();
  other.uuid = make_uuid(1, 1);
  w.acknowledge(other);
  REQUIRE(w.updates().size() == 1);
  REQUIRE(w.core->state().tasks.begin()->second.pending.size() == 2);
}

TEST_CASE("an acknowledgement holds nothing back: the next update leaves before it is stored") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  w.auto_store = false;
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::running);
  REQUIRE(w.writes.size() == 1);
}

TEST_CASE("an update that cannot be stored is kept, tried again and sent once it is stored") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.auto_store = false;
  w.exited("t", 0);
  w.reject_next("disk full");
  REQUIRE(w.update().state == TaskState::running);
  w.pass(Duration::seconds(1));
  REQUIRE(w.writes.size() == 1);
  w.store_next();
  REQUIRE(w.update().state == TaskState::finished);
}

TEST_CASE("unacknowledged updates go out again in a new session") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  w.step(MasterLost{});
  const std::size_t before = w.updates().size();
  w.connect();
  REQUIRE(w.updates().size() == before + 1);
  const auto known = w.to_master_all<to_master::Register>().back().tasks;
  REQUIRE(known.size() == 1);
  REQUIRE(known[0].state == TaskState::running);
}

TEST_CASE("without a session updates wait and nothing is sent") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.step(MasterLost{});
  w.started("t");
  REQUIRE(w.updates().empty());
  w.connect();
  REQUIRE(w.update().state == TaskState::starting);
}
