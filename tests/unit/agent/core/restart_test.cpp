// What the next life of an agent may be: another boot, another clock, another configuration, the
// last one under its name.
#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Found = Started::FoundContainer;

namespace {

constexpr const char* kSame = "cpus:4;mem:4096;disk:1000;ports:[31000-31099]";

std::uint64_t incarnation_of(const World& w) {
  return w.core->state().incarnation;
}

}  // namespace

TEST_CASE("after a reboot no process is taken for a task and each task says why it ended") {
  World w;
  w.boot_and_register();
  w.run_command("ran");
  w.launch(World::task("waits"), World::executor());
  w.started("E");
  w.launch(World::task("early"));
  const ContainerId ran = w.container_of("ran"), executor = w.container_of("E");
  w.crash();
  w.done.clear();
  // The pids are somebody else's now.
  w.start({Found{ran, true, 100u, std::nullopt, false},
           Found{executor, true, 50u, std::nullopt, false}},
          "another boot");
  REQUIRE(w.core->state().rebooted);
  REQUIRE(w.count<KillContainer>() == 0);
  w.connect();
  REQUIRE(w.to_master_all<to_master::Register>().back().executors.empty());
  std::map<TaskId, TaskStatus> ends;
  for (const TaskStatus& status : w.updates()) ends[status.task_id] = status;
  REQUIRE(ends.at(TaskId("ran")).state == TaskState::failed);
  REQUIRE(ends.at(TaskId("ran")).message == "the machine was restarted while it ran");
  REQUIRE(ends.at(TaskId("ran")).reason == StatusReason::agent_restarted);
  REQUIRE(ends.at(TaskId("early")).state == TaskState::dropped);
  REQUIRE(ends.at(TaskId("early")).message ==
          "the machine was restarted before the container was started");
  REQUIRE(ends.at(TaskId("waits")).state == TaskState::dropped);
  // The runtime tells of the old containers too, sooner or later: nothing new.
  const std::size_t told = w.updates().size();
  w.step(ContainerExited{ran, 9, false, false, false});
  REQUIRE(w.updates().size() == told);
  for (const auto& [id, status] : ends) w.acknowledge(status);
  REQUIRE(w.core->state().tasks.empty());
}

TEST_CASE("an exit code that was stored before a reboot is still reported") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.start({Found{id, false, std::nullopt, 3 << 8, false}}, "another boot");
  w.connect();
  REQUIRE(w.update().message == "Command exited with status 3");
}

TEST_CASE("a reboot keeps the agent's id") {
  World w;
  w.boot_and_register();
  w.crash();
  w.start({}, "another boot");
  w.step(MasterConnected{});
  REQUIRE(w.to_master_all<to_master::Register>().back().agent->id == AgentId("S0"));
  // And the life after it is no reboot any more.
  w.crash();
  w.start({}, "another boot");
  REQUIRE_FALSE(w.core->state().rebooted);
}

TEST_CASE("a life counts higher than the one before though the clock was set back by a day") {
  World w;
  w.stamp.wall = WallTime{} + Duration::seconds(1'700'000'000);
  w.boot_and_register();
  const std::uint64_t first = incarnation_of(w);
  const auto session = w.last<SendToMaster>().message.header.session;
  w.crash();
  w.stamp.wall = w.stamp.wall + Duration::seconds(-24 * 3600);
  w.start();
  REQUIRE(incarnation_of(w) == first + 1);
  w.connect();
  REQUIRE(w.last<SendToMaster>().message.header.session > session);
  // Also after the records were rewritten.
  w.disk = w.core->snapshot();
  w.crash();
  w.start();
  REQUIRE(incarnation_of(w) == first + 2);
}

TEST_CASE("a clock set back by a day makes nothing expire early, and forward neither") {
  for (const std::int64_t jump : {-24 * 3600, 24 * 3600}) {
    World w;
    w.stamp.wall = WallTime{} + Duration::seconds(1'700'000'000);
    w.boot_and_register();
    TaskFacet facet = *World::task("t");
    facet.max_completion = Duration::seconds(100);
    w.launch(std::make_shared<const TaskFacet>(facet));
    w.started("t");
    w.launch(World::task("u"), World::executor());
    w.started("E");
    w.stamp.wall = w.stamp.wall + Duration::seconds(jump);
    w.step(Tick{});
    w.from_master(to_agent::Heartbeat{w.master_sequence});
    w.pass(Duration::seconds(14));
    REQUIRE(w.count<KillContainer>() == 0);
    REQUIRE(w.count<ReconnectMaster>() == 0);
  }
}

TEST_CASE("a registration waits until this life's number is stored") {
  World w;
  w.auto_store = false;
  w.start();
  w.step(MasterConnected{});
  REQUIRE(w.to_master_all<to_master::Register>().empty());
  w.store_next();
  REQUIRE(w.to_master_all<to_master::Register>().size() == 1);
}

TEST_CASE("an agent on a full disk registers with what runs all the same") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.auto_store = false;
  w.start({Found{id, true, 100u, std::nullopt, false}});
  w.step(MasterConnected{});
  w.reject_next("no space left on device");
  REQUIRE(w.to_master_all<to_master::Register>().back().tasks.size() == 1);
  w.register_ok();
  w.exited("t", 0);
  const std::size_t told = w.updates().size();
  while (!w.writes.empty()) w.reject_next("no space left on device");
  REQUIRE(w.updates().size() == told);
  // Space again: the end is stored and then told.
  w.auto_store = true;
  w.pass(Duration::seconds(2));
  REQUIRE(w.update().state == TaskState::finished);
}

TEST_CASE("a task launched while the new boot was not stored yet is not taken for one of before") {
  World w;
  w.boot_and_register();
  w.crash();
  w.auto_store = false;
  w.start({}, "another boot");
  w.step(MasterConnected{});
  w.reject_next("no space left on device");
  w.auto_store = true;
  w.register_ok();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.start({Found{id, true, 100u, std::nullopt, false}}, "another boot");
  REQUIRE_FALSE(w.core->state().rebooted);
  w.connect();
  REQUIRE(w.to_master_all<to_master::Register>().back().tasks.front().state == TaskState::running);
}

TEST_CASE("a refused beginning of a life is written again") {
  World w;
  w.boot_and_register();
  w.crash();
  w.auto_store = false;
  w.start();
  w.reject_next("no space left on device");
  REQUIRE_FALSE(w.core->state().life_stored);
  w.auto_store = true;
  w.pass(Duration::seconds(2));
  REQUIRE(w.core->state().life_stored);
  REQUIRE(w.to_master_all<to_master::Register>().size() == 1);
}

TEST_CASE("a task's completion limit counts from its launch, over a restart") {
  World w;
  w.stamp.wall = WallTime{} + Duration::seconds(1'700'000'000);
  w.boot_and_register();
  TaskFacet facet = *World::task("t");
  facet.max_completion = Duration::seconds(100);
  w.launch(std::make_shared<const TaskFacet>(facet));
  w.started("t");
  const ContainerId id = w.container_of("t");
  w.pass(Duration::seconds(10));
  w.crash();
  w.start({Found{id, true, 100u, std::nullopt, false}});
  w.pass(Duration::seconds(85));
  REQUIRE(w.count<KillContainer>() == 0);
  w.pass(Duration::seconds(5));
  REQUIRE(w.last<KillContainer>().container_id == id);
}

TEST_CASE("of an executor whose name was used again, the first is forgotten at a start") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId first = w.container_of("t");
  w.exited("t", 0);
  w.auto_store = false;
  w.acknowledge(w.update());
  while (!w.writes.empty()) w.reject_next("no space left on device");
  w.auto_store = true;
  REQUIRE(w.core->state().executors.empty());  // it knows that all is over, its disk does not
  w.launch(World::task("t"));
  const ContainerId second = w.container_of("t");
  REQUIRE(second != first);
  w.crash();
  w.start({Found{second, true, 7u, std::nullopt, false}});
  REQUIRE(w.container_of("t") == second);
  REQUIRE(w.core->state().by_container.size() == 1);
  REQUIRE(w.core->state().tasks.size() == 1);
  REQUIRE_FALSE(is_terminal(w.core->state().tasks.begin()->second.state));
  REQUIRE(w.count<KillContainer>() == 0);
}

TEST_CASE("a container that ends after everybody forgot it is released") {
  World w;
  w.start({Found{ContainerId("ghost"), true, 7u, std::nullopt, false}});
  w.done.clear();
  w.step(ContainerExited{ContainerId("ghost"), 9, false, false, true});
  REQUIRE(w.count<ReleaseContainer>() == 0);  // leaked: it is not over
  w.step(ContainerCleaned{ContainerId("ghost")});
  w.step(ContainerExited{ContainerId("other"), 9, false, false, false});
  w.step(ContainerFailed{ContainerId("third"), "no shim"});
  REQUIRE(w.count<ReleaseContainer>() == 3);
}

// ---- configuration

TEST_CASE("a changed machine is refused under equal, naming resource, before, now and what to do") {
  struct Case {
    const char* resources;
    std::vector<Attribute> attributes;
    std::vector<const char*> words;
  };
  const std::vector<Case> cases{
      {"cpus:4;mem:2048;disk:1000;ports:[31000-31099]",
       {},
       {"'mem'", "mem:4096", "mem:2048", "S0", "--recover=cleanup"}},
      {"cpus:8;mem:4096;disk:1000;ports:[31000-31099]",
       {},
       {"'cpus'", "cpus:4", "cpus:8", "--reconfiguration=additive"}},
      {"cpus:4;mem:4096;disk:1000;ports:[31000-31099];gpus:1",
       {},
       {"'gpus'", "was none", "without it"}},
      {"cpus:4;mem:4096;disk:1000;ports:[31010-31099]", {}, {"'ports'", "31000", "31010"}},
      {kSame, {World::text("rack", "r1")}, {"attribute 'rack'", "was none", "r1"}},
  };
  for (const Case& change : cases) {
    INFO(change.resources);
    World w;
    w.boot_and_register();
    w.run_command("t");
    const ContainerId id = w.container_of("t");
    w.crash();
    w.done.clear();
    const auto disk = w.disk.size();
    w.configure(change.resources, change.attributes);
    w.start({Found{id, true, 100u, std::nullopt, false}});
    const Stop stop = w.last<Stop>();
    REQUIRE(stop.cause == Stop::Cause::refused);
    for (const char* word : change.words) {
      INFO(stop.reason);
      REQUIRE(stop.reason.find(word) != std::string::npos);
    }
    REQUIRE(w.done.size() == 1);  // nothing that runs was touched, nothing was written
    REQUIRE(w.disk.size() == disk);
  }
}

TEST_CASE("additive lets a machine grow and refuses less") {
  World w;
  w.configure(kSame, {World::text("rack", "r1")});
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.config.reconfiguration = Reconfiguration::additive;
  w.configure("cpus:8;mem:4096;disk:1000;ports:[30000-31099];gpus:1",
              {World::text("rack", "r1"), World::text("ssd", "yes")});
  w.start({Found{id, true, 100u, std::nullopt, false}});
  REQUIRE(w.count<Stop>() == 0);
  w.connect();
  const auto told = w.to_master_all<to_master::Register>().back();
  REQUIRE(told.agent->id == AgentId("S0"));
  REQUIRE(told.agent->total.scalar_milli("cpus") == 8000);
  REQUIRE(told.tasks.size() == 1);
  // From now on this is what less is measured by, whichever way it is allowed to change.
  for (const auto allowed : {Reconfiguration::additive, Reconfiguration::equal}) {
    World later;
    later.disk = w.disk;
    later.config.reconfiguration = allowed;
    later.configure(kSame, {World::text("rack", "r1"), World::text("ssd", "yes")});
    later.start();
    REQUIRE(later.last<Stop>().reason.find("cpus:8") != std::string::npos);
  }
  for (const char* rack : {"r2", ""}) {
    World later;
    later.disk = w.disk;
    later.config.reconfiguration = Reconfiguration::additive;
    later.configure("cpus:8;mem:4096;disk:1000;ports:[30000-31099];gpus:1",
                    {World::text("rack", rack), World::text("ssd", "yes")});
    later.start();
    REQUIRE(later.last<Stop>().reason.find("attribute 'rack' was r1") != std::string::npos);
  }
}

TEST_CASE("an agent that never registered may be configured at will") {
  World w;
  w.start();
  w.crash();
  w.configure("cpus:1;mem:64");
  w.start();
  REQUIRE(w.count<Stop>() == 0);
}

// ---- cleanup

TEST_CASE("a cleanup kills what runs, reports it, gives the name up and stops") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.launch(World::task("u"), World::executor());
  w.started("E");
  const ContainerId command = w.container_of("t"), executor = w.container_of("E");
  w.crash();
  w.done.clear();
  w.config.recover = RecoverMode::cleanup;
  w.configure("");  // a cleanup offers nothing
  w.start({Found{command, true, 100u, std::nullopt, false},
           Found{executor, true, 50u, std::nullopt, false}});
  REQUIRE(w.count<Stop>() == 0);
  REQUIRE(w.count<KillContainer>() == 2);
  w.connect();
  w.launch(World::task("new"));
  REQUIRE(w.update().state == TaskState::dropped);
  REQUIRE(w.update().message.find("--recover=cleanup") != std::string::npos);
  w.exited("t", 15);
  REQUIRE(w.update().state == TaskState::killed);
  w.acknowledge(w.update());
  REQUIRE(w.count<Stop>() == 0);
  w.exited("E", 15);
  REQUIRE(w.update().state == TaskState::killed);
  w.acknowledge(w.update());
  REQUIRE(w.last<Stop>().cause == Stop::Cause::done);
  // Started again it is a new agent, configured as it likes.
  w.crash();
  w.config.recover = RecoverMode::reconnect;
  w.configure("cpus:1;mem:32");
  w.start();
  w.step(MasterConnected{});
  REQUIRE(w.to_master_all<to_master::Register>().back().agent->id.empty());
}

TEST_CASE(
    "a cleanup whose frameworks stay away stops too and leaves the updates to the next start") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.config.recover = RecoverMode::cleanup;
  w.configure("");
  w.start({Found{id, true, 100u, std::nullopt, false}});
  w.connect();
  w.exited("t", 15);
  w.pass(Duration::seconds(29));
  REQUIRE(w.count<Stop>() == 0);
  w.pass(Duration::seconds(1));
  REQUIRE(w.last<Stop>().cause == Stop::Cause::done);
  REQUIRE(w.last<Stop>().reason.find("1 updates are not acknowledged") != std::string::npos);
  w.crash();
  w.config.recover = RecoverMode::reconnect;
  w.configure(kSame);  // compared with what it was before the cleanup
  w.start();
  w.connect();
  REQUIRE(w.to_master_all<to_master::Register>().back().agent->id == AgentId("S0"));
  REQUIRE(w.update().state == TaskState::killed);
}

TEST_CASE("a cleanup with nothing to clean stops at once") {
  World w;
  w.config.recover = RecoverMode::cleanup;
  w.start();
  REQUIRE(w.last<Stop>().cause == Stop::Cause::done);
}
