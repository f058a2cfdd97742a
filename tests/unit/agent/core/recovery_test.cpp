#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Found = Started::FoundContainer;

TEST_CASE("a restarted agent keeps its running tasks with their pids") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.start({Found{id, true, 100u, std::nullopt, false}});
  w.connect();
  const auto known = w.to_master_all<to_master::Register>().back().tasks;
  REQUIRE(known.size() == 1);
  REQUIRE(known[0].state == TaskState::running);
  REQUIRE(w.core->state().executors.begin()->second.pid == 100u);
  REQUIRE(w.count<StartContainer>() == 1);
  REQUIRE(w.count<KillContainer>() == 0);
}

TEST_CASE("an exit that happened while no agent ran is learned and reported") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.crash();
  w.start({Found{id, false, std::nullopt, 3 << 8, false}});
  w.connect();
  REQUIRE(w.update().state == TaskState::failed);
  REQUIRE(w.update().message == "Command exited with status 3");
}

TEST_CASE("updates stored but not acknowledged are sent again after a restart, in order") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.started("t");
  w.exited("t", 0);
  const Uuid starting = *w.update().uuid;
  w.crash();
  w.start();
  w.connect();
  REQUIRE(w.update().uuid == starting);
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::running);
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::finished);
}

TEST_CASE("an executor that was forgotten takes with it what could not be written of its tasks") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 0);
  w.auto_store = false;
  w.acknowledge(w.update());
  // The acknowledgement, the task, its executor.
  REQUIRE(w.writes.size() == 3);
  w.store_next();
  w.reject_next("no space left on device");
  w.store_next();
  w.auto_store = true;
  w.crash();
  w.start();
  w.connect();
  REQUIRE(w.to_master_all<to_master::Register>().back().tasks.empty());
  REQUIRE(w.core->state().executors.empty());
}

TEST_CASE("a task whose container was never started is dropped after a restart, not run twice") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.crash();
  w.start();
  w.connect();
  REQUIRE(w.update().state == TaskState::dropped);
  REQUIRE(w.update().reason == StatusReason::agent_restarted);
  REQUIRE(w.count<StartContainer>() == 1);
}

TEST_CASE("a kill that was asked for before a crash is carried out after it") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  w.crash();
  w.start({Found{id, true, 100u, std::nullopt, false}});
  REQUIRE(w.count<KillContainer>() == 2);
  w.connect();
  w.exited("t", 15);
  REQUIRE(w.update().state == TaskState::killed);
}

TEST_CASE("an executor is found again, keeps its token and gets only the tasks it does not have") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.launch(World::task("u"), World::executor());
  const ContainerId id = w.container_of("E");
  w.crash();
  w.start({Found{id, true, 50u, std::nullopt, false}});
  w.connect();
  executor_call::Subscribe call;
  call.unacknowledged_tasks.push_back(*World::task("t"));
  w.subscribe(8, "E", call);
  const auto launched = w.to_executor_all<executor_event::Launch>();
  REQUIRE(launched.size() == 1);
  REQUIRE(launched[0].task->id == TaskId("u"));
}

TEST_CASE("an executor is told the role of its launch, and a master that of what runs") {
  World w;
  w.boot_and_register();
  const auto launch = [&](const char* task, bool group, std::uint64_t number) {
    w.from_master(to_agent::Launch{
        {7, number}, World::framework(), World::executor(), {World::task(task)}, group, "eng/web"});
  };
  launch("t", false, 1);
  w.started("E");
  w.subscribe(1);
  launch("u", true, 2);
  CHECK(w.to_executor_all<executor_event::Subscribed>().at(0).role == "eng/web");
  CHECK(w.to_executor_all<executor_event::Launch>().at(0).role == "eng/web");
  CHECK(w.to_executor_all<executor_event::LaunchGroup>().at(0).role == "eng/web");

  const ContainerId id = w.container_of("E");
  w.crash();
  w.start({Found{id, true, 50u, std::nullopt, false}});
  w.connect();
  const auto told = w.to_master_all<to_master::Register>().back();
  REQUIRE(told.tasks.size() == 2);
  for (const auto& task : told.tasks) CHECK(task.role == "eng/web");
  CHECK(told.executors.at(0).role == "eng/web");
  w.subscribe(8);
  CHECK(w.to_executor_all<executor_event::Subscribed>().back().role == "eng/web");
}

TEST_CASE("an executor that does not come back after a restart is reaped") {
  World w;
  w.config.executor_reregister_timeout = Duration::seconds(8);
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  const ContainerId id = w.container_of("E");
  w.crash();
  w.start({Found{id, true, 50u, std::nullopt, false}});
  w.connect();
  w.pass(Duration::seconds(8));
  REQUIRE(w.count<KillContainer>() == 1);
  w.exited("E", 9);
  REQUIRE(w.update().reason == StatusReason::executor_reregistration_timeout);
}

TEST_CASE("a container that nobody remembers is taken down") {
  World w;
  w.start({Found{ContainerId("ghost"), true, 7u, std::nullopt, false}});
  REQUIRE(w.last<KillContainer>().container_id == ContainerId("ghost"));
  REQUIRE(w.last<ReleaseContainer>().container_id == ContainerId("ghost"));
}

TEST_CASE("a crash at every point of a task's life ends in one terminal state") {
  // Crash after each stored write; whatever the container did meanwhile is told at the restart.
  for (std::size_t keep = 1; keep <= 8; ++keep) {
    INFO("writes kept: " << keep);
    World w;
    w.boot_and_register();
    w.auto_store = false;
    std::size_t stored = 0;
    const auto store_some = [&] {
      while (!w.writes.empty() && stored < keep) {
        w.store_next();
        ++stored;
      }
    };
    w.launch(World::task("t"));
    const ContainerId id = w.container_of("t");
    store_some();
    const bool ran = w.count<StartContainer>() == 1;
    if (ran) {
      w.step(ContainerStarted{id, 100});
      store_some();
      if (!w.updates().empty()) w.acknowledge(w.update());
      store_some();
      w.step(ContainerExited{id, 0, true, false, false});
      store_some();
    }
    w.crash();
    w.auto_store = true;
    std::vector<Found> found;
    if (ran) found.push_back(Found{id, false, std::nullopt, 0, false});
    w.start(found);
    w.connect();
    for (int i = 0; i < 4 && !w.core->state().tasks.empty(); ++i) w.acknowledge(w.update());
    REQUIRE(w.core->state().tasks.empty());
    REQUIRE(w.count<StartContainer>() <= 1);
    if (ran) REQUIRE(w.update().state == TaskState::finished);
  }
}

TEST_CASE("an agent recovered from a snapshot is as one recovered from every record") {
  World w;
  w.boot_and_register();
  w.run_command("a");
  w.launch(World::task("b"));
  w.started("b");
  w.launch(World::task("c"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.executor_update(1, "c", TaskState::running, 1);
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("b"), std::nullopt});
  std::vector<Found> found;
  for (const char* id : {"a", "b", "E"}) {
    found.push_back(Found{w.container_of(id), true, 9u, std::nullopt, false});
  }
  const auto short_disk = w.core->snapshot();
  REQUIRE(short_disk.size() < w.disk.size());
  World other;
  other.disk = short_disk;
  w.crash();
  w.start(found);
  other.start(found);
  REQUIRE(other.core->state().tasks.size() == 3);
  for (const auto& [key, task] : w.core->state().tasks) {
    const Task& twin = other.core->state().tasks.at(key);
    REQUIRE(twin.state == task.state);
    REQUIRE(twin.pending.size() == task.pending.size());
    REQUIRE(twin.kill_requested == task.kill_requested);
  }
  REQUIRE(other.core->state().identity->id == w.core->state().identity->id);
}
