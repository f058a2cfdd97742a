// What led to a kill is stored by the agent, and told by it.
#include "harness.hpp"

using namespace bourse;
using namespace bourse::agent;
using bourse::agent::test::World;
using Found = Started::FoundContainer;

namespace {

constexpr KillCause kAsked = KillCause::asked;
constexpr KillCause kDrain = KillCause::drain;
constexpr KillCause kToGone = KillCause::drain_to_gone;
constexpr KillCause kUnsaid = KillCause::unsaid;

void kill(World& w, KillCause cause, const char* task = "t") {
  w.from_master(to_agent::Kill{FrameworkId("F"), TaskId(task), std::nullopt, cause});
}

struct End {
  TaskState state = TaskState::killed;
  std::optional<StatusReason> reason = std::nullopt;
  bool settled = true;
  bool operator==(const End&) const = default;
};

// As the last update says it.
End end_of(const World& w) {
  const auto updates = w.to_master_all<to_master::StatusUpdate>();
  REQUIRE_FALSE(updates.empty());
  const to_master::StatusUpdate& last = updates.back();
  CHECK(last.latest_state == last.status->state);
  return {last.status->state, last.status->reason, last.end_settled};
}

const End kByDrain{TaskState::killed, StatusReason::agent_draining};
const End kByDrainToGone{TaskState::gone_by_operator, StatusReason::agent_draining};

// A command task that was killed for these causes, one after the other, and ended by a signal.
End killed_by(std::initializer_list<KillCause> causes) {
  World w;
  w.boot_and_register();
  w.run_command("t");
  for (const KillCause cause : causes) kill(w, cause);
  w.exited("t", 15);
  return end_of(w);
}

}  // namespace

TEST_CASE("the first kill says how the end is told, whatever kills came after it") {
  CHECK(killed_by({kAsked}) == End{});
  CHECK(killed_by({kDrain}) == kByDrain);
  CHECK(killed_by({kToGone}) == kByDrainToGone);
  CHECK(killed_by({kAsked, kDrain}) == End{});
  CHECK(killed_by({kAsked, kToGone}) == End{});
  CHECK(killed_by({kDrain, kAsked}) == kByDrain);
  CHECK(killed_by({kDrain, kToGone}) == kByDrain);
  CHECK(killed_by({kToGone, kAsked}) == kByDrainToGone);
  CHECK(killed_by({kToGone, kDrain}) == kByDrainToGone);
}

TEST_CASE("a kill of a master that does not say why leaves it to masters how the end is told") {
  const End unsettled{TaskState::killed, std::nullopt, false};
  CHECK(killed_by({kUnsaid}) == unsettled);
  CHECK(killed_by({kUnsaid, kToGone}) == unsettled);
  CHECK(killed_by({kAsked, kUnsaid}) == End{});
  CHECK(killed_by({kToGone, kUnsaid}) == kByDrainToGone);
}

TEST_CASE("an agent that was restarted tells an end as it would have before") {
  const bool compacted = GENERATE(false, true);
  CAPTURE(compacted);
  for (const auto& [cause, end] : {std::pair(kAsked, End{}), std::pair(kDrain, kByDrain),
                                   std::pair(kToGone, kByDrainToGone)}) {
    CAPTURE(static_cast<int>(cause));
    World w;
    w.boot_and_register();
    w.run_command("t");
    kill(w, cause);
    const ContainerId id = w.container_of("t");
    if (compacted) w.disk = w.core->snapshot();
    w.crash();
    w.start({Found{id, true, 100u, std::nullopt, false}});
    w.connect();
    // Of another leader, which knows of the drain and not of what was before it.
    kill(w, kToGone);
    w.exited("t", 15);
    CHECK(end_of(w) == end);
    const Uuid uuid = *w.update().uuid;
    w.crash();
    w.start();
    w.connect();
    CHECK(end_of(w) == end);
    CHECK(w.update().uuid == uuid);
    const auto known = w.to_master_all<to_master::Register>().back().tasks;
    REQUIRE(known.size() == 1);
    CHECK(known[0].state == end.state);
    CHECK(known[0].end_settled);
  }
}

TEST_CASE("a kill in a checkpoint of a build that stored no cause is not guessed at") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  const ContainerId id = w.container_of("t");
  w.disk.push_back(checkpoint::KillRequested{FrameworkId("F"), TaskId("t"), kUnsaid});
  w.crash();
  w.start({Found{id, true, 100u, std::nullopt, false}});
  w.connect();
  kill(w, kToGone);
  CHECK_FALSE(w.to_master_all<to_master::Register>().back().tasks.at(0).end_settled);
  w.exited("t", 15);
  CHECK(end_of(w) == End{TaskState::killed, std::nullopt, false});
}

TEST_CASE("an end that no kill made stays what it is, also amid a drain") {
  World w;
  w.boot_and_register();
  w.run_command("t");
  SECTION("of itself, before it was told to end") {
    w.exited("t", 3 << 8);
    kill(w, kToGone);
    CHECK(end_of(w) == End{TaskState::failed});
  }
  SECTION("by its memory limit") {
    kill(w, kToGone);
    w.exited("t", 9, true);
    CHECK(end_of(w) == End{TaskState::failed, StatusReason::container_limitation_memory});
  }
  SECTION("by its health check") {
    kill(w, kToGone);
    w.step(ContainerExited{w.container_of("t"), 15, true, false, false, true});
    CHECK(end_of(w) == End{TaskState::killed});
    CHECK(w.update().healthy == false);
  }
}

TEST_CASE("what a drain kills is told so, wherever the task was on its way") {
  World w;
  w.boot_and_register();
  SECTION("its container vanished with the machine") {
    w.run_command("t");
    kill(w, kDrain);
    w.crash();
    w.start();
    w.connect();
    CHECK(end_of(w) == kByDrain);
  }
  SECTION("its container could not be started") {
    w.launch(World::task("t"));
    kill(w, kToGone);
    w.step(ContainerFailed{w.container_of("t"), "no such image"});
    CHECK(end_of(w) == kByDrainToGone);
  }
  SECTION("its executor had not subscribed") {
    w.launch(World::task("t"), World::executor());
    kill(w, kToGone);
    CHECK(end_of(w) == kByDrainToGone);
  }
  SECTION("its executor says that it killed it, and is acknowledged") {
    w.launch(World::task("t"), World::executor());
    w.started("E");
    w.subscribe(1);
    kill(w, kToGone);
    w.executor_update(1, "t", TaskState::killed, 5);
    CHECK(end_of(w) == kByDrainToGone);
    CHECK(w.update().uuid == make_uuid(9, 5));
    CHECK(w.to_executor_all<executor_event::Acknowledged>().size() == 1);
    w.executor_update(1, "t", TaskState::killed, 5);  // it did not hear
    CHECK(w.to_executor_all<executor_event::Acknowledged>().size() == 2);
    CHECK(w.core->state().tasks.begin()->second.pending.size() == 1);
  }
  SECTION("its executor was told by nobody to end it") {
    w.launch(World::task("t"), World::executor());
    w.started("E");
    w.subscribe(1);
    w.executor_update(1, "t", TaskState::killed, 5);
    CHECK(end_of(w) == End{});
  }
}
