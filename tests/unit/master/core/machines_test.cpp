// Plans of machines: what is refused and in which words, and what a new master knows.
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

struct Asker {
  Harness& h;
  std::uint64_t asked = 1000;

  Status ask(decltype(FromOperator::body) body) {
    const RequestId request(++asked);
    h.step(FromOperator{request, {}, std::move(body)});
    return h.answers.at(request).status;
  }
  Status plan(std::vector<MachineId> machines, std::int64_t start = 100) {
    return ask(operation::UpdateSchedule{{{std::move(machines), {WallTime{start}, {}}}}});
  }
};

}  // namespace

TEST_CASE("what is wrong with a schedule is said with its place") {
  Harness h;
  h.lead();
  Asker asker{h};
  REQUIRE(asker.plan({{"a", ""}}).ok());
  const Registry before = h.registry;
  const Unavailability some{WallTime{100}, std::nullopt};
  struct Case {
    operation::UpdateSchedule update;
    const char* says;
  };
  const std::string long_name(254, 'x');
  for (const Case& one :
       {Case{{{{{}, some}}}, "schedule.windows[0].machine_ids: is empty"},
        Case{{{{{{"a", ""}}, some}, {{{"", ""}}, some}}},
             "schedule.windows[1].machine_ids[0]: names neither hostname nor ip"},
        Case{{{{{{"a", "300.x"}}, some}}}, "machine_ids[0].ip: '300.x' is no address"},
        Case{{{{{{"a b", ""}}, some}}}, "machine_ids[0].hostname: 'a b' is no host name"},
        Case{{{{{{long_name, ""}}, some}}}, "is no host name"},
        Case{{{{{{"A", ""}}, some}, {{{"a", ""}}, some}}},
             "windows[1].machine_ids[0]: machine 'a' is given twice"},
        Case{{{{{{"a", ""}}, {WallTime{1}, Duration{-1}}}}}, "duration: is negative"}}) {
    INFO(one.says);
    const Status status = asker.ask(one.update);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::invalid);
    INFO(status.error().message);
    CHECK(status.error().message.find(one.says) != std::string::npos);
    CHECK(h.registry == before);
  }
  std::vector<MachineId> many;
  for (int i = 0; i < 3000; ++i) many.push_back({"machine" + std::to_string(i), ""});
  const Status much = asker.plan(many);
  REQUIRE_FALSE(much.ok());
  CHECK(much.error().code == ErrorCode::too_large);
  CHECK(h.registry == before);
}

TEST_CASE("a machine that is down is so under the next master") {
  Harness h;
  h.lead();
  Asker asker{h};
  FakeAgent& a = h.add_agent("a");
  REQUIRE(asker.plan({{"A", ""}}).ok());
  REQUIRE(asker.ask(operation::StartMaintenance{{{"a", ""}}}).ok());
  CHECK(h.row(a).phase == AgentPhase::unreachable);
  CHECK(h.registry.schedule.down.contains({"a", ""}));
  h.restart_master();
  h.enroll(a);
  REQUIRE_FALSE(a.heard_of<to_agent::Refused>().empty());
  CHECK(a.heard_of<to_agent::Refused>().back().reason.find("down for maintenance") !=
        std::string::npos);
  CHECK(h.row(a).phase == AgentPhase::unreachable);
  REQUIRE(asker.ask(operation::StopMaintenance{{{"a", ""}}}).ok());
  CHECK(h.registry.schedule.empty());
  h.enroll(a);
  CHECK(h.row(a).phase == AgentPhase::active);
  CHECK_FALSE(h.row(a).unavailability);
}

TEST_CASE("an agent whose machine went down while no master led is given up by the next") {
  Harness h;
  h.lead();
  Asker asker{h};
  FakeAgent& a = h.add_agent("a");
  REQUIRE(asker.plan({{"a", ""}}).ok());
  // Stored, and the master ends before it could give the agent up.
  h.hold_writes = true;
  h.step(FromOperator{RequestId(1), {}, operation::StartMaintenance{{{"a", ""}}}});
  Registry registry = h.registry;
  REQUIRE(bourse::apply(registry, h.writes.front().command).ok());
  Harness next;
  next.lead(registry);
  CHECK(next.registry.agents.at(a.id).standing == registry::AgentStanding::unreachable);
}
