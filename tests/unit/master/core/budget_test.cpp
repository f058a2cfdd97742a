// Disruption budgets: what a framework may declare, and that drains keep to it whatever comes.
#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

Result<std::optional<DisruptionBudget>> declared(const std::string& value) {
  return disruption_budget_of({{"team", "web"}, {std::string(kDisruptionBudgetLabel), value}});
}

// That run and were not told to end.
std::uint64_t running_of(const MasterState& state, const FrameworkId& id) {
  std::uint64_t count = 0;
  state.tasks.for_each([&](TaskSlot, const Task& task) {
    if (task.standing != TaskStanding::live || task.framework_id != id) return;
    if (task.state == TaskState::running && !task.kill_requested && !task.ending) ++count;
  });
  return count;
}

}  // namespace

TEST_CASE("a disruption budget is declared in two forms, and anything else is refused") {
  CHECK(declared("min_running=8")->value() == DisruptionBudget{8, std::nullopt});
  CHECK(declared("max_away=2,of=10")->value() == DisruptionBudget{8, 10});
  CHECK(declared("of=10,max_away=10")->value() == DisruptionBudget{0, 10});
  CHECK_FALSE(disruption_budget_of({{"team", "web"}})->has_value());
  for (const char* wrong :
       {"", "2", "min_running", "min_running=", "min_running=-1", "min_running=1.5", "max_away=2",
        "of=2", "max_away=3,of=2", "min_running=1,of=2", "min_running=1,min_running=2",
        "min_running=200001", "max_away=1,of=2,", "min_running=99999999999999999999"}) {
    INFO(wrong);
    REQUIRE_FALSE(declared(wrong).ok());
    CHECK(declared(wrong).error().message.find("min_running=8") != std::string::npos);
    CHECK(declared(wrong).error().message.find("'" + std::string(wrong) + "'") !=
          std::string::npos);
  }
  CHECK_FALSE(disruption_budget_of({{"bourse.disruption-budget", "min_running=1"}}).ok());
  const Label one{std::string(kDisruptionBudgetLabel), "min_running=1"};
  CHECK_FALSE(disruption_budget_of({one, one}).ok());
}

TEST_CASE("a budget that is none is refused at SUBSCRIBE and at UPDATE_FRAMEWORK") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  f.facet.labels = {{std::string(kDisruptionBudgetLabel), "two"}};
  const Status status = h.http_call(f, call::UpdateFramework{f.facet, {}});
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("'two'") != std::string::npos);
}

TEST_CASE("a step that drains never leaves fewer running than the budget demands") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    Prng dice(seed);
    Harness h;
    h.lead();
    std::vector<FakeAgent*> agents;
    for (int i = 0; i < 4; ++i)
      agents.push_back(&h.add_agent("a" + std::to_string(i), "cpus:9;mem:900"));
    FakeFramework& f = h.add_framework("f");
    const std::uint64_t must_run = dice.below(6);
    f.facet.labels = {
        {std::string(kDisruptionBudgetLabel), "min_running=" + std::to_string(must_run)}};
    h.subscribe(f);
    std::uint64_t before = 0;
    h.on_step = [&](const Event& event, const Effects&) {
      const std::uint64_t now = running_of(h.core.state(), f.facet.id);
      const bool ends_one = std::holds_alternative<FromAgent>(event.body);
      // What an agent tells may end one that ran; nothing else but a drain does here.
      if (now < before && now < must_run) CHECK(ends_one);
      if (now < before && now < must_run) CHECK(before - now <= 1);
      before = now;
    };
    int made = 0;
    std::map<std::string, FakeAgent*> where;
    for (int turn = 0; turn < 60; ++turn) {
      FakeAgent& agent = *agents[dice.below(agents.size())];
      switch (dice.below(5)) {
        case 0:
          h.step(FromOperator{
              RequestId(9'000 + turn), {}, operation::DrainAgent{agent.id, {}, false}});
          break;
        case 1:
          h.step(FromOperator{RequestId(9'000 + turn), {}, operation::ReactivateAgent{agent.id}});
          break;
        case 2: {
          const auto offers = h.offers(f);
          if (offers.empty()) break;
          const std::string id = "t" + std::to_string(made++);
          for (FakeAgent* one : agents) {
            if (one->id != offers.front().agent->id) continue;
            h.accept(f, {offers.front()}, {h.task(id, *one)}, Duration{});
            h.acknowledge(f, *one, id, h.status(*one, f, id, TaskState::running));
            where[id] = one;
          }
          break;
        }
        case 3: {
          for (const auto& kill : agent.heard_of<to_agent::Kill>()) {
            if (!where.erase(kill.task_id.raw())) continue;
            const Uuid uuid = h.status(agent, f, kill.task_id.raw(), TaskState::killed);
            h.acknowledge(f, agent, kill.task_id.raw(), uuid);
          }
          break;
        }
        default:
          h.advance(Duration::milliseconds(60));
      }
      h.core.check_invariants();
    }
  }
}
