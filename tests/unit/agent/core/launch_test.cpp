#include "harness.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

TEST_CASE(
    "a command task runs through starting, running and finished, each acknowledged in order") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  REQUIRE(w.count<StartContainer>() == 1);
  const auto start = w.last<StartContainer>();
  REQUIRE(start.user == "user");
  REQUIRE(start.resources.scalar_milli("cpus") == 1000);
  w.started("t");
  REQUIRE(w.updates().size() == 1);
  REQUIRE(w.update().state == TaskState::starting);
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::running);
  REQUIRE(w.update().executor_pid == 100);
  w.exited("t", 0);
  REQUIRE(w.update().state == TaskState::running);  // not acknowledged yet
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::finished);
  REQUIRE(w.update().message == "Command exited with status 0");
  w.acknowledge(w.update());
  REQUIRE(w.core->state().tasks.empty());
  REQUIRE(w.core->state().executors.empty());
  REQUIRE(w.core->state().frameworks.empty());
  REQUIRE(w.count<ReleaseContainer>() == 1);
}

TEST_CASE("nothing is started before the launch is stored, and it takes one durable write") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.launch(World::task("t"));
  REQUIRE(w.count<StartContainer>() == 0);
  REQUIRE(w.writes.size() == 1);
  w.store_next();
  REQUIRE(w.count<StartContainer>() == 1);
  w.started("t");
  REQUIRE(w.updates().empty());
  w.store_next();
  REQUIRE(w.update().state == TaskState::starting);
}

TEST_CASE("from a launch to RUNNING there are two durable waits") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  int waits = 0;
  // What is asked for at one moment is written as one group, so it is one wait.
  const auto wait = [&] {
    REQUIRE_FALSE(w.writes.empty());
    ++waits;
    for (std::size_t left = w.writes.size(); left > 0; --left) w.store_next();
  };
  w.launch(World::task("t"));
  wait();
  w.started("t");
  wait();
  REQUIRE(w.update().state == TaskState::starting);
  w.acknowledge(w.update());
  REQUIRE(w.update().state == TaskState::running);
  REQUIRE(waits == 2);
}

TEST_CASE("a launch that cannot be stored is dropped with the reason and leaves nothing") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.launch(World::task("t"));
  w.reject_next("disk full");
  REQUIRE(w.update().state == TaskState::dropped);
  REQUIRE(w.update().message == "the agent could not store it: disk full");
  REQUIRE_FALSE(w.update().uuid.has_value());
  REQUIRE(w.core->state().executors.empty());
  REQUIRE(w.core->state().frameworks.empty());
  REQUIRE(w.count<StartContainer>() == 0);
}

TEST_CASE("a container does not begin with the share of a task that could not be stored") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.launch(World::task("t"), World::executor());
  w.launch(World::task("u"), World::executor());
  w.launch(World::task("v"), World::executor());
  w.reject_next("disk full");  // t, and with it the executor: tried again with u
  w.store_next();
  w.reject_next("disk full");  // v, which that try counts
  w.store_next();
  REQUIRE(w.count<StartContainer>() == 1);
  REQUIRE(w.all<StartContainer>().back().resources.scalar_milli("cpus") == 2100);
  REQUIRE(w.last<ResizeContainer>().resources.scalar_milli("cpus") == 1100);
}

TEST_CASE("a launch heard twice starts once") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.launch(World::task("t"));
  REQUIRE(w.count<StartContainer>() == 1);
}

TEST_CASE("a launch beyond what the agent has is dropped, naming what is missing") {
  World w;
  w.boot_and_register();
  w.launch(World::task("a", "cpus:3;mem:64"));
  w.launch(World::task("b", "cpus:2;mem:64"));
  REQUIRE(w.count<StartContainer>() == 1);
  REQUIRE(w.update().state == TaskState::dropped);
  REQUIRE(w.update().message == "this agent would need cpus:1 more than it has");
}

TEST_CASE("exit codes, signals, memory limits and kills are told apart") {
  World w;
  w.boot_and_register();
  const auto end = [&](const char* id, int status, bool oom, bool kill) {
    w.run_command(id);
    if (kill) w.from_master(to_agent::Kill{FrameworkId("F"), TaskId(id), std::nullopt});
    w.exited(id, status, oom);
    const TaskStatus last = w.update();
    w.acknowledge(last);
    return last;
  };
  REQUIRE(end("a", 3 << 8, false, false).message == "Command exited with status 3");
  REQUIRE(end("b", 9, false, false).message == "Command terminated with signal Killed");
  const TaskStatus oom = end("c", 9, true, false);
  REQUIRE(oom.state == TaskState::failed);
  REQUIRE(oom.reason == StatusReason::container_limitation_memory);
  REQUIRE(end("d", 15, false, true).state == TaskState::killed);
  REQUIRE(end("e", 0, false, true).state == TaskState::killed);
}

TEST_CASE("a kill carries its grace, and KILLING goes to frameworks that know it") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), nullptr, true);
  w.started("t");
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), Duration::seconds(9)});
  REQUIRE(w.last<KillContainer>().grace == Duration::seconds(9));
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  REQUIRE(w.last<KillContainer>().grace == Duration::seconds(2));  // the task's own
  w.exited("t", 15);
  std::vector<TaskState> seen;
  for (int i = 0; i < 4; ++i) {
    seen.push_back(w.update().state);
    w.acknowledge(w.update());
  }
  REQUIRE(seen == std::vector<TaskState>{TaskState::starting, TaskState::running,
                                         TaskState::killing, TaskState::killed});
}

TEST_CASE("a task killed while its launch is being stored never runs on") {
  World w;
  w.boot_and_register();
  w.auto_store = false;
  w.launch(World::task("t"));
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  REQUIRE(w.count<KillContainer>() == 0);
  w.store_next();
  REQUIRE(w.count<KillContainer>() == 1);
}

TEST_CASE("a kill of an unknown task is answered without a uuid") {
  World w;
  w.boot_and_register();
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("none"), std::nullopt});
  REQUIRE(w.update().state == TaskState::dropped);
  REQUIRE_FALSE(w.update().uuid.has_value());
}

TEST_CASE("a task that outlives its max_completion_time is killed and fails with that reason") {
  World w;
  w.boot_and_register();
  TaskFacet facet = *World::task("t");
  facet.max_completion = Duration::seconds(4);
  w.launch(std::make_shared<const TaskFacet>(facet));
  w.started("t");
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  w.pass(Duration::seconds(4));
  REQUIRE(w.count<KillContainer>() == 1);
  w.exited("t", 15);
  REQUIRE(w.update().state == TaskState::failed);
  REQUIRE(w.update().reason == StatusReason::max_completion_time_reached);
}

TEST_CASE("a container that cannot start fails its task with the runtime's reason") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"));
  w.step(ContainerFailed{w.container_of("t"), "no such user: user"});
  REQUIRE(w.update().state == TaskState::failed);
  REQUIRE(w.update().message == "the container could not be started: no such user: user");
  REQUIRE(w.core->state().counts.launch_errors == 1);
}

TEST_CASE("a leaked container keeps its resources withheld until it is clean") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.exited("t", 9, false, true);
  REQUIRE(w.to_master_all<to_master::ContainerLeaked>().back().resources.scalar_milli("cpus") ==
          1000);
  w.acknowledge(w.update());
  REQUIRE(w.count<ReleaseContainer>() == 0);
  w.step(ContainerCleaned{w.container_of("t")});
  REQUIRE(w.to_master_all<to_master::ContainerLeaked>().back().resolved);
  REQUIRE(w.count<ReleaseContainer>() == 1);
}

TEST_CASE("a removed framework's tasks are killed and say so once, without a uuid") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.from_master(to_agent::ShutdownFramework{FrameworkId("F")});
  REQUIRE(w.count<KillContainer>() == 1);
  w.exited("t", 9);
  REQUIRE(is_terminal(w.update().state));
  REQUIRE_FALSE(w.update().uuid.has_value());
  REQUIRE(w.core->state().frameworks.empty());
}

TEST_CASE("an agent holds so many executors: a launch beyond that is dropped with the reason") {
  World w("cpus:100;mem:4096");
  w.boot_and_register();
  const auto launch = [&](std::size_t first, std::size_t count) {
    std::vector<TaskFacetPtr> tasks;
    for (std::size_t i = first; i < first + count; ++i) {
      tasks.push_back(World::task(("t" + std::to_string(i)).c_str(), "cpus:0.001"));
    }
    w.from_master(
        to_agent::Launch{{w.epoch, 1000 + first}, World::framework(), nullptr, tasks, false});
  };
  const std::string limit = "this agent holds its limit of executors, 10000";
  launch(0, 3);
  CHECK(w.count<StartContainer>() == 3);
  CHECK(w.updates().empty());
  const std::size_t too_many = limits::kMaxExecutorsPerAgent - 2;
  launch(20'000, too_many);
  REQUIRE(w.updates().size() == too_many);
  for (const TaskStatus& status : w.updates()) {
    REQUIRE(status.state == TaskState::dropped);
    REQUIRE(status.message == limit);
  }
  CHECK(w.count<StartContainer>() == 3);
  CHECK(w.core->state().executors.size() == 3);
  launch(40'000, 1);
  CHECK(w.count<StartContainer>() == 4);
}
