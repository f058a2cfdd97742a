// Every write of an operator asks who may. This program brings an authorize() of its own, which the
// linker takes in place of the library's: it allows nobody anything, and remembers what was asked.
#include "model/authorization.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "tests/unit/master/core/harness.hpp"

namespace {

struct Asked {
  std::string principal;
  bourse::Action action;
  std::string object;
};
std::optional<Asked> asked;
bool nobody_may = false;

}  // namespace

namespace bourse {

Status authorize(const Principal& principal, Action action, std::string_view object) {
  if (!nobody_may) return {};
  asked = {principal.name, action, std::string(object)};
  return Error{ErrorCode::denied, "nobody may"};
}

}  // namespace bourse

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

TEST_CASE("no write of an operator happens that was not authorized, for the one who asks") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, agent, "t");
  ResourceOperation reserve;
  reserve.resources = res("cpus(r):1");
  const Quota quota{{{"cpus", 1'000}}, {{"cpus", 2'000}}};
  const std::vector<MachineId> machines{{"a", ""}};
  h.step(
      FromOperator{RequestId(1), {}, operation::UpdateSchedule{{{machines, {WallTime{100}, {}}}}}});

  struct Call {
    decltype(FromOperator::body) body;
    Action action;
    std::string object;
  };
  const std::vector<Call> calls = {
      {operation::TeardownFramework{f.facet.id}, Action::teardown_framework, f.facet.id.raw()},
      {operation::KillTask{f.facet.id, TaskId("t"), {}}, Action::kill_task, "t"},
      {operation::SetWeight{"r", 2'000}, Action::update_weight, "r"},
      {operation::UpdateWeights{{{"r", 2'000}}}, Action::update_weight, "r"},
      {operation::UpdateQuota{operation::UpdateQuota::How::update, {{"r", quota}}, true},
       Action::update_quota, "r"},
      {operation::DrainAgent{agent.id, {}}, Action::maintain_agent, agent.id.raw()},
      {operation::DeactivateAgent{agent.id}, Action::maintain_agent, agent.id.raw()},
      {operation::ReactivateAgent{agent.id}, Action::maintain_agent, agent.id.raw()},
      {operation::MarkAgentGone{agent.id}, Action::maintain_agent, agent.id.raw()},
      {operation::ChangeResources{agent.id, reserve}, Action::change_resources, "r"},
      {operation::UpdateSchedule{{{machines, {WallTime{200}, {}}}}}, Action::maintain_machine, "a"},
      {operation::StartMaintenance{machines}, Action::maintain_machine, "a"},
      {operation::StopMaintenance{machines}, Action::maintain_machine, "a"},
  };
  std::set<std::size_t> kinds;
  const std::size_t persists = h.persists;
  const Registry before = h.registry;
  agent.heard.clear();
  nobody_may = true;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    asked.reset();
    kinds.insert(calls[i].body.index());
    const RequestId request(100 + i);
    h.step(FromOperator{request, {"ann"}, calls[i].body});
    REQUIRE(h.answers.contains(request));
    const Status& answer = h.answers.at(request).status;
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().message == "nobody may");
    REQUIRE(asked);
    CHECK(asked->principal == "ann");
    CHECK(asked->action == calls[i].action);
    CHECK(asked->object == calls[i].object);
  }
  nobody_may = false;
  CHECK(h.persists == persists);
  CHECK(h.registry == before);
  CHECK(agent.heard.empty());
  // All there are but EXPLAIN_FRAMEWORK, which only asks.
  CHECK(kinds.size() == std::variant_size_v<decltype(FromOperator::body)> - 1);
}
