#include "tests/unit/agent/core/harness.hpp"

namespace bourse::agent::test {
namespace {

TaskChecked says(const World& w, std::optional<bool> healthy, Blob extra = {}) {
  TaskChecked checked;
  checked.container_id = w.container_of("t");
  checked.healthy = healthy;
  checked.extra = std::move(extra);
  return checked;
}

TEST_CASE("the health of a task is told when it changes, and only then") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  CHECK_FALSE(w.update().healthy);
  const std::size_t before = w.updates().size();
  w.step(says(w, std::nullopt));
  CHECK(w.updates().size() == before);

  w.step(says(w, true));
  CHECK(w.update().state == TaskState::running);
  CHECK(w.update().healthy == true);
  CHECK(w.update().reason == StatusReason::task_health_check_status_updated);
  CHECK(w.update().source == StatusSource::executor);
  w.acknowledge(w.update());
  w.step(says(w, true));  // its supervisor came back and says it again
  CHECK(w.updates().size() == before + 1);

  w.step(says(w, false));
  CHECK(w.update().healthy == false);
  CHECK(w.update().message == "its health check failed");
}

TEST_CASE("what a check says is in every status of its task, before anything is known too") {
  World w;
  w.status_extra = Blob("address");
  w.boot_and_register();
  w.launch(World::task("t"));
  w.step(says(w, std::nullopt, Blob("address and nothing known")));
  w.started("t");
  CHECK(w.update().state == TaskState::starting);
  CHECK(w.update().extra == Blob("address and nothing known"));
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  w.step(says(w, std::nullopt, Blob("address and 3")));
  CHECK(w.update().state == TaskState::running);
  CHECK(w.update().reason == StatusReason::task_check_status_updated);
  CHECK(w.update().extra == Blob("address and 3"));
  CHECK_FALSE(w.update().healthy);
  w.acknowledge(w.update());
  w.exited("t", 0);
  CHECK(w.update().state == TaskState::finished);
  CHECK(w.update().extra == Blob("address and 3"));
}

TEST_CASE("health that changes faster than it is acknowledged is told as it is then") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  for (int turn = 0; turn < 1'000; ++turn) w.step(says(w, turn % 2 == 0));
  const Task& task = w.core->state().tasks.at({FrameworkId("F"), TaskId("t")});
  CHECK(task.pending.size() == 4);
  std::vector<bool> told;
  while (!task.pending.empty()) {
    told.push_back(*w.update().healthy);
    w.acknowledge(w.update());
  }
  CHECK(told == std::vector<bool>{true, false, true, false});
  w.step(says(w, true));
  w.step(says(w, false));
  w.step(says(w, true));
  w.step(says(w, false));
  w.step(says(w, true));  // no room for this one until one is acknowledged
  for (int turn = 0; turn < 5; ++turn) w.acknowledge(w.update());
  CHECK(task.pending.empty());
  CHECK(w.update().healthy == true);
}

TEST_CASE("a task that was ended for its health is killed, and its end says for what") {
  World w;
  w.boot_and_register();
  w.launch(World::task("t"), nullptr, true);
  w.started("t");
  w.acknowledge(w.update());
  w.acknowledge(w.update());
  TaskChecked ends = says(w, false);
  ends.failures = 3;
  ends.ends = true;
  w.step(ends);
  CHECK(w.update().healthy == false);
  CHECK(w.update().message == "its health check failed 3 times in a row");
  w.acknowledge(w.update());
  CHECK(w.update().state == TaskState::killing);
  CHECK(w.update().healthy == false);
  CHECK(w.count<KillContainer>() == 0);  // its supervisor sees to that
  w.acknowledge(w.update());
  w.step(ends);  // said again after a lost connection
  ContainerExited end{w.container_of("t"), 15};
  end.unhealthy = true;
  w.step(end);
  CHECK(w.update().state == TaskState::killed);
  CHECK(w.update().healthy == false);
  CHECK(w.update().message.find("health check") != std::string::npos);
}

TEST_CASE("an agent that was away hears that a task was ended for its health") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.step(says(w, true));
  w.acknowledge(w.update());
  Started::FoundContainer found;
  found.container_id = w.container_of("t");
  found.wait_status = 15;
  found.unhealthy = true;
  w.crash();
  w.start({found});
  w.connect();
  CHECK(w.update().state == TaskState::killed);
  CHECK(w.update().healthy == false);
}

TEST_CASE("an agent that was away does not tell a health that was told before") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  w.step(says(w, true));
  w.acknowledge(w.update());
  Started::FoundContainer found;
  found.container_id = w.container_of("t");
  found.running = true;
  found.pid = 100;
  w.crash();
  w.start({found});
  w.connect();
  const std::size_t before = w.updates().size();
  w.step(says(w, true));
  CHECK(w.updates().size() == before);
  w.step(says(w, false));
  CHECK(w.update().healthy == false);
}

}  // namespace
}  // namespace bourse::agent::test
