#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

TEST_CASE("an agent registers, stores the id it was given and keeps it after a restart") {
  World w;
  w.boot_and_register();
  REQUIRE(w.core->state().identity->id == AgentId("S0"));
  REQUIRE(std::holds_alternative<checkpoint::Identity>(w.disk.at(1)));
  w.crash();
  w.start();
  w.step(MasterConnected{});
  const auto registrations = w.to_master_all<to_master::Register>();
  REQUIRE(registrations.back().agent->id == AgentId("S0"));
  REQUIRE(registrations.back().cluster_id == "c");
  REQUIRE(registrations.back().epoch_seen == 7);
  REQUIRE(registrations.back().incarnation > registrations.front().incarnation);
}

TEST_CASE("an unanswered registration is repeated with back-off and jitter in a new session") {
  World w;
  w.start();
  w.step(MasterConnected{});
  w.pass(Duration::seconds(20));
  const auto sent = w.all<SendToMaster>();
  REQUIRE(sent.size() >= 4);
  REQUIRE(sent.size() <= 9);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    REQUIRE(sent[i].message.header.session > sent[i - 1].message.header.session);
  }
}

// MESOS-9147: after enough attempts the pause was too long for its number, and there was none.
TEST_CASE("an agent that nobody answers for days asks as often on the third as on the second") {
  World w;
  w.start();
  w.step(MasterConnected{});
  const auto asked = [&w] { return w.all<SendToMaster>().size(); };
  const auto a_day = [&] {
    const std::size_t before = asked();
    w.pass(Duration::seconds(86'400));
    return asked() - before;
  };
  a_day();
  for (const std::size_t asks : {a_day(), a_day()}) {
    CHECK(asks >= 86'400 / 30);  // register_retry_max
    CHECK(asks <= 2 * 86'400 / 30);
  }
}

TEST_CASE("a command with a lower epoch than was seen is refused") {
  World w;
  w.boot_and_register();
  w.epoch = 6;
  w.launch(World::task("t"));
  REQUIRE(w.count<StartContainer>() == 0);
  REQUIRE(w.notes.back().code == "master.stale_epoch");
}

TEST_CASE("a higher epoch is stored before anything that its master orders") {
  World w;
  w.boot_and_register();
  w.step(MasterLost{});
  w.auto_store = false;
  w.epoch = 8;
  w.connect();
  w.launch(World::task("t"));
  REQUIRE(w.writes.size() == 2);
  const auto* identity = std::get_if<checkpoint::Identity>(&w.writes[0].records.at(0));
  REQUIRE(identity != nullptr);
  REQUIRE(identity->epoch == 8);
}

TEST_CASE("frames of an older session and repeated frames change nothing, a gap ends the session") {
  World w;
  w.boot_and_register();
  const auto header = w.last<SendToMaster>().message.header;
  const auto kill = to_agent::ShutdownFramework{FrameworkId("none")};
  w.step(FromMaster{{LinkHeader{header.session - 1, 2, 7}, kill}});
  w.step(FromMaster{{LinkHeader{header.session, 1, 7}, kill}});
  REQUIRE(w.core->state().link.registered);
  w.step(FromMaster{{LinkHeader{header.session, 5, 7}, kill}});
  REQUIRE_FALSE(w.core->state().link.registered);
  REQUIRE(w.last<SendToMaster>().message.header.session > header.session);
}

TEST_CASE("sessions that break before they held begin again after longer and longer pauses") {
  World w;
  w.boot_and_register();
  const auto registrations = [&w] { return w.to_master_all<to_master::Register>().size(); };
  const auto gap = [&w] {
    w.step(FromMaster{{LinkHeader{w.core->state().link.session, 5, 7},
                       to_agent::ShutdownFramework{FrameworkId("none")}}});
  };
  gap();
  REQUIRE(registrations() == 2);  // the first one at once
  w.register_ok();
  gap();
  REQUIRE(registrations() == 2);
  gap();  // what is still on its way says nothing more
  REQUIRE(registrations() == 2);
  w.pass(w.config.register_retry * 2);
  REQUIRE(registrations() == 3);
  w.register_ok();
  w.step(FromMaster{{LinkHeader{w.core->state().link.session, 0, 7}, to_agent::Heartbeat{1}}});
  gap();
  REQUIRE(registrations() == 4);  // that one had held
}

TEST_CASE("a heartbeat that counts more frames than arrived ends the session") {
  World w;
  w.boot_and_register();
  const auto session = w.core->state().link.session;
  w.step(FromMaster{{LinkHeader{session, 0, 7}, to_agent::Heartbeat{1}}});
  REQUIRE(w.core->state().link.registered);
  w.step(FromMaster{{LinkHeader{session, 0, 7}, to_agent::Heartbeat{2}}});
  REQUIRE_FALSE(w.core->state().link.registered);
}

TEST_CASE("heartbeats go out, and a silent master is given up and looked for again") {
  World w;
  w.boot_and_register();
  w.pass(Duration::seconds(14));
  REQUIRE(w.to_master_all<to_master::Heartbeat>().size() == 2);
  REQUIRE(w.count<ReconnectMaster>() == 0);
  w.pass(Duration::seconds(2));
  REQUIRE(w.count<ReconnectMaster>() == 1);
}

TEST_CASE("an agent refused for ever stops with the reason") {
  World w;
  w.start();
  w.step(MasterConnected{});
  const auto session = w.last<SendToMaster>().message.header.session;
  w.step(
      FromMaster{{LinkHeader{session, 1, 1}, to_agent::Refused{"a newer agent runs", {}, false}}});
  REQUIRE(w.last<Stop>().reason == "a newer agent runs");
}

to_agent::Refused older_than(std::uint64_t newest) {
  to_agent::Refused refused{"agent_id: 'S1' is used by a newer process", {}, false};
  refused.newest_incarnation = newest;
  return refused;
}

TEST_CASE("an agent whose clock was set back takes the number after the one its master knows") {
  World w;
  w.start();
  w.step(MasterConnected{});
  const LinkHeader header = w.last<SendToMaster>().message.header;
  const std::uint64_t newest = w.core->state().incarnation + 3'600'000;
  w.step(FromMaster{{LinkHeader{header.session, 1, 1}, older_than(newest)}});
  REQUIRE(w.count<Stop>() == 0);
  const auto again = w.to_master_all<to_master::Register>().back();
  REQUIRE(again.incarnation == newest + 1);
  REQUIRE(w.last<SendToMaster>().message.header.session > header.session);
  REQUIRE(std::get<checkpoint::LifeBegun>(w.disk.back()).incarnation == newest + 1);
}

TEST_CASE("an agent that a master had registered stops when a newer process has its id") {
  World w;
  w.boot_and_register();
  w.step(MasterLost{});
  w.step(MasterConnected{});
  const auto session = w.last<SendToMaster>().message.header.session;
  w.step(FromMaster{{LinkHeader{session, 1, 9}, older_than(w.core->state().incarnation + 1)}});
  REQUIRE(w.count<Stop>() == 1);
}

namespace {

// The registry does not know its name any more.
void forget(World& w) {
  w.step(MasterLost{});
  w.step(MasterConnected{});
  const auto session = w.last<SendToMaster>().message.header.session;
  w.step(FromMaster{{LinkHeader{session, 1, 9},
                     to_agent::Refused{"unknown agent", Duration::milliseconds(100), true}}});
}

TaskFacetPtr launched_on(const char* agent, const char* id) {
  TaskFacet facet = *World::task(id);
  facet.agent_id = AgentId(agent);
  return std::make_shared<const TaskFacet>(std::move(facet));
}

}  // namespace

TEST_CASE("an agent that is forgotten ends what it runs and then registers as a new one") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  forget(w);
  REQUIRE(w.last<KillContainer>().container_id == w.container_of("t"));
  // While anything of its old name lives it has no other: no task changes its agent.
  const std::size_t before = w.to_master_all<to_master::Register>().size();
  w.pass(Duration::seconds(3));
  REQUIRE(w.to_master_all<to_master::Register>().size() == before);
  CHECK(w.count<KillContainer>() == 1);  // asked once
  w.exited("t", 15);
  w.pass(Duration::seconds(2));
  const auto last = w.to_master_all<to_master::Register>().back();
  REQUIRE(last.agent->id.empty());
  REQUIRE(last.cluster_id.empty());
}

TEST_CASE("an agent that was forgotten tells the ends of its tasks under its new name") {
  World w;
  w.boot_and_register();
  w.launch(launched_on("S0", "t"));
  w.started("t");
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  forget(w);
  w.exited("t", 15);
  w.pass(Duration::seconds(2));
  const auto tasks = w.to_master_all<to_master::Register>().back().tasks;
  REQUIRE(tasks.size() == 1);
  CHECK(tasks[0].state == TaskState::killed);
  CHECK(tasks[0].terminal_unacknowledged);
  CHECK(tasks[0].latest->agent_id == AgentId("S0"));  // it had no name when it ended
  w.register_ok("S1");
  REQUIRE(w.update().state == TaskState::killed);
  w.acknowledge(w.update());
  CHECK(w.core->state().tasks.empty());
  CHECK(w.core->state().executors.empty());
}

TEST_CASE(
    "an agent that dies while it ends what it is forgotten with ends the rest when it is back") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.launch(World::task("u"), World::executor());
  w.started("E");
  w.subscribe(5);
  const ContainerId command = w.container_of("t"), executor = w.container_of("E");
  forget(w);
  w.crash();
  w.done.clear();
  w.start({Started::FoundContainer{command, true, 100u, std::nullopt, false},
           Started::FoundContainer{executor, true, 50u, std::nullopt, false}});
  w.step(MasterConnected{});
  w.pass(Duration::seconds(3));
  CHECK(w.to_master_all<to_master::Register>().empty());
  std::set<ContainerId> killed;
  for (const auto& kill : w.all<KillContainer>()) killed.insert(kill.container_id);
  CHECK(killed == std::set<ContainerId>{command, executor});
  w.exited("t", 15);
  w.exited("E", 15);
  w.pass(Duration::seconds(2));
  const auto tasks = w.to_master_all<to_master::Register>().back().tasks;
  REQUIRE(tasks.size() == 2);
  for (const auto& task : tasks) CHECK(task.state == TaskState::killed);
}

TEST_CASE("an agent that was marked gone ends what runs and then stops") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const auto refuse = [&] {
    const auto session = w.last<SendToMaster>().message.header.session;
    w.step(FromMaster{{LinkHeader{session, 0, 9}, to_agent::Refused{"gone", {}, false, true}}});
  };
  w.step(MasterLost{});
  w.step(MasterConnected{});
  refuse();
  REQUIRE(w.last<KillContainer>().container_id == w.container_of("t"));
  REQUIRE(w.count<Stop>() == 0);
  const std::size_t kills = w.count<KillContainer>();
  w.pass(Duration::seconds(3));
  refuse();
  REQUIRE(w.count<KillContainer>() == kills);  // told once
  w.exited("t", 15);
  w.pass(Duration::seconds(3));
  refuse();
  REQUIRE(w.last<Stop>().reason == "gone");
}

TEST_CASE("an agent says which tasks it was told to kill, also after a restart") {
  World w;
  w.boot_and_register();
  w.run_command("t1");
  w.run_command("t2");
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t1"), std::nullopt});
  const auto ending = [&] {
    std::map<TaskId, bool> out;
    for (const auto& known : w.to_master_all<to_master::Register>().back().tasks) {
      out[known.task->id] = known.ending;
    }
    return out;
  };
  const std::map<TaskId, bool> expected{{TaskId("t1"), true}, {TaskId("t2"), false}};
  w.step(MasterLost{});
  w.step(MasterConnected{});
  REQUIRE(ending() == expected);
  w.crash();
  w.start();
  w.step(MasterConnected{});
  REQUIRE(ending() == expected);
}
