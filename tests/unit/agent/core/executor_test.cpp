#include "harness.hpp"
#include "model/limits.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;

TEST_CASE("a custom executor gets its tasks once it has subscribed") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.launch(World::task("u"), World::executor());
  REQUIRE(w.count<StartContainer>() == 1);
  w.started("E");
  REQUIRE(w.to_executor_all<executor_event::Launch>().empty());
  w.subscribe(1);
  REQUIRE(w.to_executor_all<executor_event::Subscribed>().size() == 1);
  REQUIRE(w.to_executor_all<executor_event::Launch>().size() == 2);
  REQUIRE(w.last<ResizeContainer>().resources.scalar_milli("cpus") == 2100);
  w.launch(World::task("v"), World::executor());
  REQUIRE(w.to_executor_all<executor_event::Launch>().size() == 3);
}

TEST_CASE("an executor's update is acknowledged to it once stored and passed on") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.auto_store = false;
  w.executor_update(1, "t", TaskState::running, 5);
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().empty());
  w.store_next();
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == 1);
  REQUIRE(w.update().state == TaskState::running);
  REQUIRE(w.update().source == StatusSource::executor);
  REQUIRE(w.update().container_id == w.container_of("E"));
  w.executor_update(1, "t", TaskState::running, 5);  // heard twice
  REQUIRE(w.writes.empty());
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == 2);
}

TEST_CASE("an update that its framework acknowledged and its executor repeats goes nowhere") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.executor_update(1, "t", TaskState::running, 5);
  w.acknowledge(w.update());
  const std::size_t before = w.updates().size();
  w.executor_update(1, "t", TaskState::running, 5);  // it did not hear that it is stored
  REQUIRE(w.updates().size() == before);
  REQUIRE(w.core->state().tasks.begin()->second.pending.empty());
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == 2);
  w.executor_update(1, "t", TaskState::running, 6);  // another one of that state is news
  REQUIRE(w.updates().size() == before + 1);
}

TEST_CASE(
    "a wrong token, a foreign executor and an unsubscribed one are turned away with a reason") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  const auto call = [&](const char* id, const char* token, auto body) {
    w.step(FromExecutor{PeerId(4), {FrameworkId("F"), ExecutorId(id), token, body}});
    return w.last<CloseExecutor>().reason;
  };
  REQUIRE(call("E", "wrong", executor_call::Subscribe{}).find("token") == 0);
  REQUIRE(call("X", "wrong", executor_call::Subscribe{}).find("executor_id: 'X'") == 0);
  const std::string token = w.core->state().executors.begin()->second.token;
  REQUIRE(call("E", token.c_str(), executor_call::Message{"m"}).find("has not subscribed") !=
          std::string::npos);
  REQUIRE(w.to_executor_all<executor_event::Subscribed>().empty());
}

TEST_CASE("an executor that never subscribes is killed and its tasks fail with that reason") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  for (int i = 0; i < 12; ++i) {
    w.pass(Duration::seconds(5));
    w.step(FromMaster{{LinkHeader{w.core->state().link.session, 0, 7}, to_agent::Heartbeat{2}}});
  }
  REQUIRE(w.count<KillContainer>() == 1);
  w.exited("E", 9);
  REQUIRE(w.update().state == TaskState::failed);
  REQUIRE(w.update().reason == StatusReason::executor_registration_timeout);
  REQUIRE(w.to_master_all<to_master::ExecutorExited>().size() == 1);
}

TEST_CASE("an executor that dies takes its running tasks with it, ended ones keep their end") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.launch(World::task("u"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.executor_update(1, "u", TaskState::finished, 1);
  w.exited("E", 11);
  std::map<std::string, TaskState> ends;
  for (const TaskStatus& status : w.updates()) ends[status.task_id.raw()] = status.state;
  REQUIRE(ends ==
          std::map<std::string, TaskState>{{"t", TaskState::failed}, {"u", TaskState::finished}});
}

TEST_CASE("a task killed before its executor subscribed is killed at once and never delivered") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), std::nullopt});
  REQUIRE(w.update().state == TaskState::killed);
  REQUIRE(w.update().reason == StatusReason::task_killed_during_launch);
  w.subscribe(1);
  REQUIRE(w.to_executor_all<executor_event::Launch>().empty());
  REQUIRE(w.to_executor_all<executor_event::Shutdown>().size() == 1);
}

TEST_CASE("kills and shutdowns reach a subscribed executor, and the container after its grace") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId("t"), Duration::seconds(1)});
  REQUIRE(w.to_executor_all<executor_event::Kill>().size() == 1);
  w.from_master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("E")});
  REQUIRE(w.to_executor_all<executor_event::Shutdown>().size() == 1);
  REQUIRE(w.count<KillContainer>() == 0);
  w.pass(Duration::seconds(5));
  REQUIRE(w.count<KillContainer>() == 1);
}

TEST_CASE("an executor that reports too much is not acknowledged beyond the queue's limit") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  for (std::uint64_t i = 0; i < limits::kMaxPendingUpdatesPerTask + 20; ++i) {
    w.executor_update(1, "t", TaskState::running, 100 + i);
  }
  const Task& task = w.core->state().tasks.begin()->second;
  REQUIRE(task.pending.size() == limits::kMaxPendingUpdatesPerTask - 1);
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == task.pending.size());
  w.executor_update(1, "t", TaskState::finished, 99);  // the end always has a place
  REQUIRE(task.pending.size() == limits::kMaxPendingUpdatesPerTask);
}

TEST_CASE("impossible updates of an executor are acknowledged and go nowhere") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  w.executor_update(1, "t", TaskState::finished, 1);
  const std::size_t before = w.updates().size();
  w.executor_update(1, "t", TaskState::running, 2);
  w.executor_update(1, "other", TaskState::running, 3);
  w.executor_update(1, "t", TaskState::finished, 1);  // as it was, once more: neither
  REQUIRE(w.updates().size() == before);
  REQUIRE(w.core->state().counts.valid_updates == 1);
  REQUIRE(w.core->state().counts.invalid_updates == 2);
  REQUIRE(w.to_executor_all<executor_event::Acknowledged>().size() == 4);
}

TEST_CASE("messages pass both ways while the executor is connected") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.from_master(to_agent::FrameworkMessage{FrameworkId("F"), ExecutorId("E"), "lost"});
  w.subscribe(1);
  w.from_master(to_agent::FrameworkMessage{FrameworkId("F"), ExecutorId("E"), "hello"});
  REQUIRE(w.to_executor_all<executor_event::Message>().size() == 1);
  const std::string token = w.core->state().executors.begin()->second.token;
  w.step(FromExecutor{PeerId(1),
                      {FrameworkId("F"), ExecutorId("E"), token, executor_call::Message{"back"}}});
  REQUIRE(w.to_master_all<to_master::ExecutorMessage>().back().data == "back");
}

TEST_CASE("what was acknowledged is not told again, whichever of its updates an executor repeats") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    w.executor_update(1, "t", TaskState::running, i);
    w.acknowledge(w.update());
  }
  enum class Since { nothing, restart, compaction };
  const Since since = GENERATE(Since::nothing, Since::restart, Since::compaction);
  if (since == Since::compaction) w.disk = w.core->snapshot();
  if (since == Since::nothing) {
    w.step(ExecutorGone{PeerId(1)});
  } else {
    const ContainerId id = w.container_of("E");
    w.crash();
    w.start({Started::FoundContainer{id, true, 100u, std::nullopt, false}});
    w.connect();
  }
  w.done.clear();
  executor_call::Subscribe call;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    TaskStatus status;
    status.task_id = TaskId("t");
    status.state = TaskState::running;
    status.uuid = make_uuid(9, i);
    call.unacknowledged_updates.push_back(status);
  }
  w.subscribe(2, "E", call);
  CHECK(w.to_executor_all<executor_event::Acknowledged>().size() == 4);
  REQUIRE(w.updates().size() == 1);  // the one that is new
  CHECK(w.update().uuid == make_uuid(9, 4));
}

TEST_CASE("of a task with many updates the newest are remembered, and no more") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), World::executor());
  w.started("E");
  w.subscribe(1);
  const std::uint64_t most = limits::kMaxAcknowledgedUpdatesPerTask;
  for (std::uint64_t i = 0; i <= most; ++i) {
    w.executor_update(1, "t", TaskState::running, i);
    w.acknowledge(w.update());
  }
  CHECK(w.core->state().tasks.begin()->second.acknowledged.size() == most);
  w.done.clear();
  w.executor_update(1, "t", TaskState::running, 1);
  CHECK(w.updates().empty());
  w.executor_update(1, "t", TaskState::running, 0);
  CHECK(w.updates().size() == 1);  // told again, as at-least-once permits
}
