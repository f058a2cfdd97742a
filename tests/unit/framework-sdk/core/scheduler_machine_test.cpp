#include "framework-sdk/core/scheduler_machine.hpp"

#include <catch2/catch.hpp>
#include <memory>

#include "tests/unit/framework-sdk/core/scheduler_world.hpp"

using namespace bourse;
using namespace bourse::sdk;
using World = bourse::sdk::test::SchedulerWorld;

namespace {

call::Accept accept_of(std::initializer_list<const char*> tasks) {
  LaunchOperation launch;
  for (const char* id : tasks) {
    TaskFacet task;
    task.id = TaskId(id);
    task.agent_id = AgentId("S0");
    launch.tasks.push_back(task);
  }
  call::Accept accept;
  accept.offer_ids = {OfferId("O1")};
  accept.operations.push_back({OperationId(), launch});
  return accept;
}

event::Update update_of(const char* task, TaskState state, std::uint64_t uuid = 0) {
  TaskStatus status;
  status.task_id = TaskId(task);
  status.agent_id = AgentId("S0");
  status.state = state;
  if (uuid != 0) status.uuid = make_uuid(3, uuid);
  return {status};
}

}  // namespace

TEST_CASE("an accept is repeated until each of its tasks was heard of") {
  World w;
  w.start();
  w.subscribe();
  w.call(accept_of({"a", "b"}));
  REQUIRE(w.calls<call::Accept>().size() == 1);
  w.from_master(update_of("a", TaskState::starting, 1));
  w.keep_alive(Duration::seconds(5));
  REQUIRE(w.calls<call::Accept>().size() == 2);
  w.from_master(update_of("b", TaskState::starting, 2));
  REQUIRE(w.machine->pending_calls() == 0);
  w.keep_alive(Duration::seconds(300));
  REQUIRE(w.calls<call::Accept>().size() == 2);
}

TEST_CASE("calls without consequence go out again in the next session, after SUBSCRIBE") {
  World w;
  w.start();
  w.subscribe();
  w.call(accept_of({"a"}));
  w.call(call::Kill{TaskId("b"), AgentId(), std::nullopt});
  w.step(scheduler_event::Lost{});
  REQUIRE(w.count<scheduler_effect::Disconnected>() == 1);
  w.out.clear();
  w.step(scheduler_event::Connected{});
  REQUIRE(w.calls<call::Accept>().empty());
  w.answer_subscribe();
  REQUIRE(w.calls<call::Accept>().size() == 1);
  REQUIRE(w.calls<call::Kill>().size() == 1);
  REQUIRE(w.count<scheduler_effect::SubscribedAgain>() == 1);
}

TEST_CASE("why a master closed the connection is told, also to who was never registered") {
  const auto reasons = [](const World& w) {
    std::vector<std::string> out;
    for (const SchedulerOutput& output : w.out) {
      const auto* gone = std::get_if<scheduler_effect::Disconnected>(&output);
      if (gone != nullptr) out.push_back(gone->reason);
    }
    return out;
  };
  World w;
  w.start();
  w.step(scheduler_event::Lost{"the master closed the connection: not so", true});
  REQUIRE(reasons(w) == std::vector<std::string>{"the master closed the connection: not so"});
  w.out.clear();
  // A connection that only breaks is no news before the framework was registered.
  w.step(scheduler_event::Connected{});
  w.step(scheduler_event::Lost{});
  REQUIRE(reasons(w).empty());
  w.step(scheduler_event::Connected{});
  w.answer_subscribe();
  w.step(scheduler_event::Lost{"it broke"});
  REQUIRE(reasons(w) == std::vector<std::string>{"it broke"});
}

TEST_CASE("a kill is repeated until its task has ended") {
  World w;
  w.start();
  w.subscribe();
  w.call(call::Kill{TaskId("a"), AgentId(), std::nullopt});
  w.from_master(update_of("a", TaskState::killing, 1));
  w.keep_alive(Duration::seconds(5));
  REQUIRE(w.calls<call::Kill>().size() == 2);
  // A master that does not know the task says UNKNOWN for ever to one that names no agent.
  CHECK(w.calls<call::Kill>()[0].agent_id == AgentId());
  CHECK(w.calls<call::Kill>()[1].agent_id == AgentId("S0"));
  w.from_master(update_of("a", TaskState::killed, 2));
  w.keep_alive(Duration::seconds(100));
  REQUIRE(w.calls<call::Kill>().size() == 2);
}

TEST_CASE("an update is acknowledged by itself, shown once and acknowledged again when repeated") {
  World w;
  w.start();
  w.subscribe();
  w.from_master(update_of("a", TaskState::running, 1));
  w.from_master(update_of("a", TaskState::running, 1));
  REQUIRE(w.delivered<event::Update>() == 1);
  REQUIRE(w.calls<call::Acknowledge>().size() == 2);
  w.from_master(update_of("a", TaskState::running));  // an answer: nothing to acknowledge
  REQUIRE(w.delivered<event::Update>() == 2);
  REQUIRE(w.calls<call::Acknowledge>().size() == 2);
}

TEST_CASE("with explicit acknowledgements an update is shown until the framework acknowledges it") {
  World w;
  w.config.implicit_acknowledgements = false;
  w.start();
  w.subscribe();
  w.from_master(update_of("a", TaskState::running, 1));
  w.from_master(update_of("a", TaskState::running, 1));
  REQUIRE(w.delivered<event::Update>() == 2);
  REQUIRE(w.calls<call::Acknowledge>().empty());
  w.call(call::Acknowledge{AgentId("S0"), TaskId("a"), make_uuid(3, 1)});
  w.from_master(update_of("a", TaskState::running, 1));
  REQUIRE(w.delivered<event::Update>() == 2);
  REQUIRE(w.calls<call::Acknowledge>().size() == 2);
}

TEST_CASE("the number of remembered acknowledgements is bounded") {
  World w;
  w.config.remembered_acknowledgements = 3;
  w.start();
  w.subscribe();
  for (std::uint64_t i = 1; i <= 5; ++i) w.from_master(update_of("a", TaskState::running, i));
  w.out.clear();
  w.from_master(update_of("a", TaskState::running, 5));
  REQUIRE(w.delivered<event::Update>() == 0);
  w.from_master(update_of("a", TaskState::running, 1));
  REQUIRE(w.delivered<event::Update>() == 1);
}

TEST_CASE("after a new session the state of every living task is asked for") {
  World w;
  w.start();
  w.subscribe();
  w.call(accept_of({"a", "b"}));
  w.from_master(update_of("a", TaskState::running, 1));
  w.from_master(update_of("b", TaskState::finished, 2));
  w.step(scheduler_event::Lost{});
  w.out.clear();
  w.subscribe();
  const auto asked = w.calls<call::Reconcile>();
  REQUIRE(asked.size() == 1);
  REQUIRE(asked[0].tasks.size() == 1);
  REQUIRE(asked[0].tasks[0].task_id == TaskId("a"));
}

TEST_CASE("a lost message, revealed by a gap or a heartbeat, leads to a new session") {
  World w;
  w.start();
  w.subscribe();
  w.step(scheduler_event::FromMaster{{LinkHeader{w.session, w.sequence, 1}, event::Heartbeat{}}});
  w.sequence += 1;
  w.from_master(event::Rescind{OfferId("O")});
  REQUIRE_FALSE(w.machine->subscribed());
  REQUIRE(w.delivered<event::Rescind>() == 0);
  w.answer_subscribe();
  REQUIRE(w.machine->subscribed());
  w.step(scheduler_event::FromMaster{{LinkHeader{w.session, 9, 1}, event::Heartbeat{}}});
  REQUIRE_FALSE(w.machine->subscribed());
}

TEST_CASE("sessions that break before a heartbeat are begun again with growing back-off") {
  World w;
  w.start();
  w.subscribe();
  const auto lose_a_message = [&] {
    w.sequence += 1;
    w.from_master(event::Rescind{OfferId("O")});
    REQUIRE_FALSE(w.machine->subscribed());
  };
  // This one held.
  w.step(scheduler_event::FromMaster{{LinkHeader{w.session, w.sequence, 1}, event::Heartbeat{}}});
  std::size_t asked = w.calls<call::Subscribe>().size();
  lose_a_message();
  REQUIRE(w.calls<call::Subscribe>().size() == ++asked);
  Duration last;
  for (int i = 0; i < 5; ++i) {
    w.answer_subscribe();
    lose_a_message();
    REQUIRE(w.calls<call::Subscribe>().size() == asked);
    const Duration wait = w.machine->next_deadline() - w.stamp.now;
    REQUIRE(wait > last);
    last = wait;
    w.pass(wait);
    REQUIRE(w.calls<call::Subscribe>().size() == ++asked);
  }
}

TEST_CASE("messages of an older session are dropped") {
  World w;
  w.start();
  w.subscribe();
  w.step(
      scheduler_event::FromMaster{{LinkHeader{w.session - 1, 2, 1}, event::Rescind{OfferId("O")}}});
  REQUIRE(w.delivered<event::Rescind>() == 0);
  REQUIRE(w.machine->subscribed());
}

TEST_CASE("a silent master is left and looked for again") {
  World w;
  w.start();
  w.subscribe();
  w.pass(Duration::seconds(14));
  REQUIRE(w.count<scheduler_effect::Reconnect>() == 0);
  w.pass(Duration::seconds(2));
  REQUIRE(w.count<scheduler_effect::Reconnect>() == 1);
  REQUIRE_FALSE(w.machine->subscribed());
}

TEST_CASE("a master that says something rarely is waited for three times as long") {
  World w;
  w.heartbeat = Duration::seconds(15);
  w.start();
  w.subscribe();
  w.pass(Duration::seconds(44));
  REQUIRE(w.count<scheduler_effect::Reconnect>() == 0);
  w.pass(Duration::seconds(2));
  REQUIRE(w.count<scheduler_effect::Reconnect>() == 1);
  // The next one counts by its own words.
  w.heartbeat = Duration::seconds(5);
  w.subscribe();
  w.pass(Duration::seconds(16));
  REQUIRE(w.count<scheduler_effect::Reconnect>() == 2);
}

TEST_CASE("an ERROR from the master ends the driver") {
  World w;
  w.start();
  w.subscribe();
  w.from_master(event::Error{"Framework failed over"});
  REQUIRE(w.delivered<event::Error>() == 1);
  REQUIRE(w.count<scheduler_effect::Finished>() == 1);
  w.call(call::Revive{});
  REQUIRE(w.count<scheduler_effect::Refused>() == 1);
  REQUIRE(w.machine->next_deadline() == Instant::max());
}

TEST_CASE("stopping tears down unless the tasks are to be kept") {
  for (const bool keep : {false, true}) {
    World w;
    w.start();
    w.subscribe();
    w.step(scheduler_event::Stop{keep});
    REQUIRE(w.calls<call::Teardown>().size() == (keep ? 0u : 1u));
    REQUIRE(w.count<scheduler_effect::Finished>() == 1);
  }
}

TEST_CASE("launching a living task again is refused with its name") {
  World w;
  w.start();
  w.subscribe();
  w.call(accept_of({"a"}));
  w.call(accept_of({"a"}));
  REQUIRE(w.calls<call::Accept>().size() == 1);
  REQUIRE(w.count<scheduler_effect::Refused>() == 1);
}

TEST_CASE("calls beyond the bound of pending ones are refused") {
  World w;
  w.config.max_pending_calls = 1;
  w.start();
  w.subscribe();
  w.call(accept_of({"a"}));
  w.call(call::Kill{TaskId("b"), AgentId(), std::nullopt});
  REQUIRE(w.count<scheduler_effect::Refused>() == 1);
  REQUIRE(w.calls<call::Kill>().empty());
}

TEST_CASE("what is suppressed is said again when subscribing anew") {
  World w;
  w.start();
  w.subscribe();
  w.call(call::Suppress{});
  w.step(scheduler_event::Lost{});
  w.out.clear();
  w.step(scheduler_event::Connected{});
  REQUIRE(w.calls<call::Subscribe>().back().suppressed_roles == std::vector<std::string>{"*"});
  w.answer_subscribe();
  w.call(call::Revive{});
  w.step(scheduler_event::Lost{});
  w.step(scheduler_event::Connected{});
  REQUIRE(w.calls<call::Subscribe>().back().suppressed_roles.empty());
}

TEST_CASE("what is suppressed or revived while SUBSCRIBE is under way is said after its answer") {
  World w;
  w.start();
  w.call(call::Suppress{});
  w.step(scheduler_event::Connected{});
  REQUIRE(w.calls<call::Subscribe>().back().suppressed_roles == std::vector<std::string>{"*"});
  w.call(call::Revive{});
  REQUIRE(w.calls<call::Revive>().empty());
  w.answer_subscribe();
  REQUIRE(w.calls<call::Revive>().size() == 1);
  CHECK(w.calls<call::Revive>().back().roles == std::vector<std::string>{"*"});
  w.step(scheduler_event::Lost{});
  w.step(scheduler_event::Connected{});
  w.call(call::Suppress{});
  w.answer_subscribe();
  REQUIRE(w.calls<call::Suppress>().size() == 1);
  CHECK(w.calls<call::Suppress>().back().roles == std::vector<std::string>{"*"});
  CHECK(w.calls<call::Revive>().size() == 1);
}

TEST_CASE("what the framework wants is said again in every session, the newest of it") {
  World w;
  w.start();
  const auto want = [](std::int64_t cpu_milli) {
    return call::Request{{{"", {{{"cpus", cpu_milli}}, 3, AgentId()}}}};
  };
  w.call(want(1'000));
  CHECK(w.calls<call::Request>().empty());
  w.subscribe();
  REQUIRE(w.calls<call::Request>().size() == 1);
  CHECK(w.calls<call::Request>()[0].wanted == want(1'000).wanted);
  w.call(want(2'000));
  CHECK(w.calls<call::Request>().size() == 2);
  w.step(scheduler_event::Lost{});
  w.subscribe();
  REQUIRE(w.calls<call::Request>().size() == 3);
  CHECK(w.calls<call::Request>()[2].wanted == want(2'000).wanted);
  w.call(call::Request{});
  CHECK(w.calls<call::Request>().size() == 4);
  w.step(scheduler_event::Lost{});
  w.subscribe();
  CHECK(w.calls<call::Request>().size() == 4);
}

TEST_CASE("an unanswered SUBSCRIBE is repeated with back-off") {
  World w;
  w.start();
  w.step(scheduler_event::Connected{});
  w.pass(Duration::seconds(30));
  const std::size_t tries = w.calls<call::Subscribe>().size();
  REQUIRE(tries >= 5);
  REQUIRE(tries <= 12);
}

TEST_CASE("a framework that nobody answers for days asks as often on the third as on the second") {
  World w;
  w.start();
  w.step(scheduler_event::Connected{});
  const auto asked = [&w] { return w.calls<call::Subscribe>().size(); };
  const auto a_day = [&] {
    const std::size_t before = asked();
    w.pass(Duration::seconds(86'400));
    return asked() - before;
  };
  a_day();
  for (const std::size_t asks : {a_day(), a_day()}) {
    CHECK(asks >= 86'400 / 15);  // subscribe_retry_max
    CHECK(asks <= 2 * 86'400 / 15);
  }
}

TEST_CASE("an accept is repeated until its tasks and its named operations were heard of") {
  World w;
  w.start();
  w.subscribe();
  call::Accept accept = accept_of({"t"});
  accept.operations.insert(accept.operations.begin(),
                           {{OperationId("op"), ResourceOperation()}, {{}, ResourceOperation()}});
  w.call(accept);
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = TaskState::running;
  w.from_master(event::Update{status});
  w.keep_alive(Duration::seconds(5));
  REQUIRE(w.calls<call::Accept>().size() == 2);
  w.from_master(event::UpdateOperation{{OperationId("op"), OperationState::unknown, "", {}, {}}});
  w.keep_alive(Duration::seconds(10));
  REQUIRE(w.calls<call::Accept>().size() == 3);
  w.from_master(event::UpdateOperation{{OperationId("op"), OperationState::pending, "", {}, {}}});
  w.keep_alive(Duration::seconds(60));
  REQUIRE(w.calls<call::Accept>().size() == 3);
  REQUIRE(w.machine->pending_calls() == 0);
}

TEST_CASE("an operation's status is acknowledged, and again when it is heard again") {
  World w;
  w.start();
  w.subscribe();
  call::Accept accept;
  accept.operations.push_back({OperationId("op"), ResourceOperation()});
  w.call(accept);
  w.call(accept);
  REQUIRE(w.count<scheduler_effect::Refused>() == 1);
  const OperationStatus status{OperationId("op"), OperationState::finished, "", make_uuid(1, 2),
                               AgentId("S0")};
  w.from_master(event::UpdateOperation{status});
  w.from_master(event::UpdateOperation{status});
  REQUIRE(w.delivered<event::UpdateOperation>() == 1);
  const auto acknowledged = w.calls<call::AcknowledgeOperation>();
  REQUIRE(acknowledged.size() == 2);
  REQUIRE(acknowledged[0].operation_id == OperationId("op"));
  REQUIRE(acknowledged[0].agent_id == AgentId("S0"));
}
