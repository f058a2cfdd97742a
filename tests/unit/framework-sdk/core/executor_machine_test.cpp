#include "framework-sdk/core/executor_machine.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::sdk;

namespace {

struct World {
  ExecutorMachine machine{ExecutorConfig{}};
  Stamp stamp{Instant{1'000'000'000}, WallTime{77}};
  std::vector<ExecutorOutput> out;

  World() { step(executor_input::Start{FrameworkId("F"), ExecutorId("E"), "token", 1}); }
  template <typename Body>
  void step(Body body) {
    machine.step(ExecutorInput{stamp, std::move(body)}, out);
  }
  void from_agent(ExecutorEvent event) { step(executor_input::FromAgent{std::move(event)}); }
  void subscribe() {
    step(executor_input::Connected{});
    from_agent(executor_event::Subscribed{});
  }
  void launch(const char* id) {
    TaskFacet task;
    task.id = TaskId(id);
    from_agent(executor_event::Launch{std::make_shared<const TaskFacet>(task)});
  }
  void report(const char* id, TaskState state) {
    TaskStatus status;
    status.task_id = TaskId(id);
    status.state = state;
    step(executor_input::SendUpdate{status});
  }
  template <typename Body>
  std::vector<Body> calls() const {
    std::vector<Body> list;
    for (const auto& output : out) {
      const auto* send = std::get_if<executor_effect::Send>(&output);
      if (send == nullptr) continue;
      if (const auto* body = std::get_if<Body>(&send->call.body)) list.push_back(*body);
    }
    return list;
  }
  template <typename Effect>
  std::size_t count() const {
    std::size_t count = 0;
    for (const auto& output : out) count += std::holds_alternative<Effect>(output) ? 1 : 0;
    return count;
  }
  void pass(Duration span) {
    const Instant target = stamp.now + span;
    while (machine.next_deadline() <= target) {
      stamp.now = std::max(stamp.now, machine.next_deadline());
      step(executor_input::Tick{});
    }
    stamp.now = target;
  }
};

}  // namespace

TEST_CASE("an executor keeps updates and tasks until acknowledged and tells them when it is back") {
  World w;
  w.subscribe();
  w.launch("a");
  w.launch("b");
  w.report("a", TaskState::running);
  const TaskStatus sent = w.calls<executor_call::Update>().back().status;
  REQUIRE(sent.uuid.has_value());
  REQUIRE(sent.timestamp == WallTime{77});
  w.step(executor_input::Lost{});
  w.report("b", TaskState::failed);  // while away
  w.out.clear();
  w.subscribe();
  const auto again = w.calls<executor_call::Subscribe>().back();
  REQUIRE(again.unacknowledged_tasks.size() == 2);
  REQUIRE(again.unacknowledged_updates.size() == 2);
  REQUIRE(again.unacknowledged_updates[0].uuid == sent.uuid);
  REQUIRE(w.count<executor_effect::SubscribedAgain>() == 1);
  w.from_agent(executor_event::Acknowledged{TaskId("a"), *sent.uuid});
  REQUIRE(w.machine.unacknowledged() == 1);
}

TEST_CASE("an unacknowledged update is repeated while connected") {
  World w;
  w.subscribe();
  w.launch("a");
  w.report("a", TaskState::running);
  w.pass(Duration::seconds(25));
  REQUIRE(w.calls<executor_call::Update>().size() == 3);
}

TEST_CASE("a launch heard twice is delivered once") {
  World w;
  w.subscribe();
  w.launch("a");
  const std::size_t before = w.count<executor_effect::Deliver>();
  w.launch("a");
  REQUIRE(w.count<executor_effect::Deliver>() == before);
}

TEST_CASE("an executor without an agent for too long shuts down") {
  World w;
  w.subscribe();
  w.step(executor_input::Lost{});
  w.pass(Duration::seconds(899));
  REQUIRE(w.count<executor_effect::Shutdown>() == 0);
  w.pass(Duration::seconds(2));
  REQUIRE(w.count<executor_effect::Shutdown>() == 1);
}

TEST_CASE("a shutdown is delivered once and ends the machine") {
  World w;
  w.subscribe();
  w.from_agent(executor_event::Shutdown{});
  w.from_agent(executor_event::Shutdown{});
  REQUIRE(w.count<executor_effect::Shutdown>() == 1);
}

TEST_CASE("a machine that has shut down asks for no more ticks") {
  World w;
  w.subscribe();
  w.launch("a");
  w.report("a", TaskState::running);
  w.from_agent(executor_event::Shutdown{});
  REQUIRE(w.machine.next_deadline() == Instant::max());
}
