// What an agent checks after an event follows from what the event touched, not from how much there
// is. Work is counted, not timed.
#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Found = Started::FoundContainer;

namespace {

std::string name_of_task(int number) {
  return "t" + std::to_string(1000 + number);
}

// Rows that steps looked at, for each step since `begin`.
struct Meter {
  explicit Meter(const World& w) : w_(w), steps_(w.steps), rows_(w.core->state().rows_looked_at) {}
  double rows_a_step() const {
    return static_cast<double>(w_.core->state().rows_looked_at - rows_) /
           static_cast<double>(w_.steps - steps_);
  }

 private:
  const World& w_;
  std::uint64_t steps_;
  std::uint64_t rows_;
};

}  // namespace

TEST_CASE("after an event an agent checks the rows that it touched, however many there are") {
  const bool own_executor = GENERATE(false, true);
  CAPTURE(own_executor);
  constexpr int kTasks = 400;
  World w("cpus:1000;mem:1000000;disk:1000");
  w.sweeps = false;
  w.boot_and_register();
  if (own_executor) {
    w.launch(World::task("t", "cpus:0.1;mem:1"), World::executor());
    w.started("E");
    w.subscribe(1);
  }
  const Meter meter(w);
  for (int i = 0; i < kTasks; ++i) {
    const std::string name = name_of_task(i);
    w.done.clear();  // words look through it
    if (own_executor) {
      w.launch(World::task(name.c_str(), "cpus:0.1;mem:1"), World::executor());
      w.executor_update(1, name.c_str(), TaskState::running, static_cast<std::uint64_t>(i + 1));
      w.acknowledge(w.update());
    } else {
      w.launch(World::task(name.c_str(), "cpus:0.1;mem:1"));
      w.started(name.c_str());
      w.acknowledge(w.update());
      w.acknowledge(w.update());
    }
  }
  REQUIRE(w.core->state().tasks.size() >= kTasks);
  for (int i = 0; i < kTasks; ++i) {
    const std::string name = name_of_task(i);
    w.done.clear();  // words look through it
    w.from_master(to_agent::Kill{FrameworkId("F"), TaskId(name), std::nullopt});
    if (own_executor) {
      w.executor_update(1, name.c_str(), TaskState::killed, static_cast<std::uint64_t>(10'000 + i));
    } else {
      w.exited(name.c_str(), 15);
    }
    w.acknowledge(w.update());
  }
  REQUIRE(w.core->state().tasks.size() <= 1);
  CHECK(meter.rows_a_step() < 4);
  w.core->check_invariants();
}

TEST_CASE("a cleanup of many containers looks at each once, in whatever order they end") {
  const bool backwards = GENERATE(false, true);
  CAPTURE(backwards);
  constexpr int kTasks = 300;
  World w("cpus:1000;mem:1000000;disk:1000");
  w.sweeps = false;
  w.boot_and_register();
  std::vector<Found> found;
  for (int i = 0; i < kTasks; ++i) {
    const std::string name = name_of_task(i);
    w.done.clear();  // words look through it
    w.launch(World::task(name.c_str(), "cpus:0.1;mem:1"));
    w.started(name.c_str());
    found.push_back(Found{w.container_of(name.c_str()), true, 100u, std::nullopt, false});
  }
  w.crash();
  w.config.recover = RecoverMode::cleanup;
  w.start(found);
  w.connect();
  const Meter meter(w);
  for (int i = 0; i < kTasks; ++i) {
    REQUIRE(w.core->state().cleanup == CleanupPhase::killing);
    w.done.clear();
    w.exited(name_of_task(backwards ? kTasks - 1 - i : i).c_str(), 15);
  }
  CHECK(w.core->state().cleanup == CleanupPhase::reporting);
  CHECK(meter.rows_a_step() < 4);
  w.core->check_invariants();
}
