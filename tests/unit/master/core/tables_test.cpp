// Tables that are full: who comes then is told so in one sentence, and those inside go on.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/limits.hpp"
#include "tests/unit/master/core/filler.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

Registry cluster() {
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 1;
  return registry;
}

std::vector<TaskFacet> tasks_on(const AgentId& agent, std::size_t count,
                                const std::string& prefix) {
  TaskFacet shape;
  shape.agent_id = agent;
  shape.resources = res("cpus:0.001");
  shape.has_command = true;
  std::vector<TaskFacet> tasks(count, shape);
  for (std::size_t i = 0; i < count; ++i) tasks[i].id = TaskId(prefix + std::to_string(i));
  return tasks;
}

// On the agent's one offer.
void launch(Harness& h, FakeFramework& f, const FakeAgent& agent, std::size_t count,
            const std::string& prefix) {
  f.offers.clear();
  h.call(f, call::Revive{});
  const std::vector<OfferFacet> offers = h.offers(f);
  REQUIRE(offers.size() == 1);
  h.accept(f, offers, tasks_on(agent.id, count, prefix), Duration::seconds(1000));
}

const Framework& row_of(const Harness& h, const FakeFramework& f) {
  return h.core.state().frameworks.at(h.core.state().framework_of.at(f.facet.id));
}

std::vector<std::string> notes_of(const Harness& h, const std::string& code) {
  std::vector<std::string> out;
  for (const Note& note : h.notes) {
    if (note.code == code) out.push_back(note.fields.back().second);
  }
  return out;
}

}  // namespace

TEST_CASE("a task that is one too many for its agent is refused, and another's end makes room") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:20;mem:1024");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  launch(h, f, agent, limits::kMaxTasksPerAgent, "t");
  CHECK(f.updates().empty());
  launch(h, f, agent, 1, "more");
  REQUIRE(f.told() == "more0 ERROR");
  CHECK(f.updates()[0].message == "Agent c-1-S0 has 10000 tasks, its limit");
  CHECK(f.updates()[0].reason == StatusReason::task_invalid);
  f.heard.clear();
  h.status(agent, f, "t0", TaskState::finished);
  h.acknowledge(f, agent, "t0", *f.updates()[0].uuid);
  launch(h, f, agent, 1, "later");
  CHECK(f.told() == "t0 FINISHED");
  CHECK(row_of(h, f).task_of.contains(TaskId("later0")));
}

TEST_CASE("a task that is one too many for its framework is refused, another framework's is not") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  {
    Filler fill(h);
    const std::size_t agents = limits::kMaxTasksPerFramework / limits::kMaxTasksPerAgent;
    for (std::size_t i = 0; i < agents; ++i) {
      const AgentId agent = fill.register_agent("a" + std::to_string(i), res("cpus:10"));
      const std::vector<OfferFacet> offers = fill.offers();
      REQUIRE(offers.size() == 1);
      const std::string prefix = "t" + std::to_string(i) + "-";
      call::Accept accept;
      accept.offer_ids = {offers[0].id};
      accept.operations.push_back(
          {{}, LaunchOperation{tasks_on(agent, limits::kMaxTasksPerAgent, prefix)}});
      fill.call(f, std::move(accept));
    }
    CHECK(fill.updates() == 0);
  }
  CHECK(row_of(h, f).tasks.size() == limits::kMaxTasksPerFramework);
  FakeAgent& last = h.add_agent("last", "cpus:10");
  launch(h, f, last, 1, "more");
  REQUIRE(f.told() == "more0 ERROR");
  CHECK(f.updates()[0].message == "The framework has 200000 tasks, its limit");
  FakeFramework& other = h.add_framework("other");
  h.subscribe(other);
  launch(h, other, last, 1, "other");
  CHECK(other.updates().empty());
  CHECK(row_of(h, other).tasks.size() == 1);
}

TEST_CASE("an agent that is one too many for the cluster is refused and told when to come again") {
  Registry registry = cluster();
  for (std::size_t i = 0; i < limits::kMaxAgents; ++i) {
    Registry::Agent agent;
    agent.facet.id = AgentId("old-S" + std::to_string(i));
    agent.facet.hostname = "h" + std::to_string(i);
    registry.agents.emplace(agent.facet.id, std::move(agent));
  }
  Harness h;
  h.lead(registry);
  FakeAgent& agent = h.add_agent("newcomer");
  REQUIRE(agent.heard_of<to_agent::Refused>().size() == 1);
  const to_agent::Refused refused = agent.heard_of<to_agent::Refused>()[0];
  CHECK(
      refused.reason ==
      "the cluster has 100000 agents, its limit; those that are gone or unreachable are forgotten "
      "after --registry-max-agent-age, or when they are more than "
      "--registry-max-agent-count");
  CHECK(refused.retry_after == h.config.agent_retry);
  CHECK(h.persists == 1);  // who leads
  FakeAgent& known = h.agents.emplace_back();
  known.host = "h7";
  known.id = AgentId("old-S7");
  known.cluster_id = "c";
  known.peer = PeerId(1'000'000);
  h.enroll(known);
  CHECK(known.heard_of<to_agent::Refused>().empty());
}

TEST_CASE("a framework that is one too many for the cluster is refused with the reason") {
  Registry registry = cluster();
  for (std::size_t i = 0; i < limits::kMaxFrameworks; ++i) {
    Registry::Framework framework;
    framework.facet.id = FrameworkId("old-" + std::to_string(i));
    framework.facet.roles = {"*"};
    framework.facet.failover_timeout = Duration::seconds(600);
    registry.frameworks.emplace(framework.facet.id, std::move(framework));
  }
  Harness h;
  h.lead(registry);
  FakeFramework& f = h.add_framework("newcomer");
  h.subscribe(f);
  REQUIRE(f.heard_of<event::Error>().size() == 1);
  CHECK(f.heard_of<event::Error>()[0].message == "the cluster has 20000 frameworks, its limit");
  CHECK(f.closed);
  CHECK(f.heard_of<event::Subscribed>().empty());
  FakeFramework& known = h.add_framework("known");
  known.facet.id = FrameworkId("old-7");
  h.subscribe(known);
  CHECK(known.heard_of<event::Subscribed>().size() == 1);
}

TEST_CASE("a framework holds so many offers and filters: the rest waits, the earliest end first") {
  Harness h;
  h.lead();
  std::vector<std::string> roles;
  std::string resources;
  for (std::size_t i = 0; i < limits::kMaxRolesPerFramework; ++i) {
    roles.push_back("r" + std::to_string(i));
    resources += (i == 0 ? "" : ";") + ("cpus(r" + std::to_string(i)) + "):1";
  }
  const std::size_t agents = limits::kMaxOffersPerFramework / roles.size() + 50;
  const std::size_t rest = agents * roles.size() - limits::kMaxOffersPerFramework;
  FakeFramework& f = h.add_framework("f", roles);
  Filler fill(h);
  for (std::size_t i = 0; i < agents; ++i) {
    fill.register_agent("a" + std::to_string(i), res(resources));
  }
  f.session = 1;
  fill.step(
      FromFramework{f.stream,
                    {},
                    {LinkHeader{1, 0, 0}, SchedulerCall{{}, call::Subscribe{f.facet, {}, {}}}},
                    {}});
  f.facet.id = FrameworkId("c-1-0000");
  // Each lot of a thousand is refused for a second longer than the one before.
  const auto refuse = [&](const std::vector<OfferFacet>& offers) {
    for (std::size_t at = 0; at < offers.size(); at += limits::kMaxOffersPerAccept) {
      call::Decline body;
      const std::size_t end = std::min(at + limits::kMaxOffersPerAccept, offers.size());
      for (std::size_t i = at; i < end; ++i) body.offer_ids.push_back(offers[i].id);
      body.filters.refuse = Duration::seconds(1000 + static_cast<std::int64_t>(at) / 1000);
      fill.call(f, std::move(body));
    }
  };

  const std::vector<OfferFacet> first = fill.offers();
  CHECK(first.size() == limits::kMaxOffersPerFramework);
  CHECK(notes_of(h, "framework.offers_full") == std::vector<std::string>{"100000"});
  h.core.check_invariants();
  refuse(first);
  CHECK(row_of(h, f).offers.empty());
  CHECK(row_of(h, f).filters == limits::kMaxFiltersPerFramework);

  // What was left out is offered now that there is room for it: a thousand a second, as to all that
  // declined what they were offered.
  const std::vector<OfferFacet> second = fill.offers(Duration::seconds(8));
  CHECK(second.size() == rest);
  refuse(second);
  // Those that end first made room for the new ones: an eighth, though lots of a thousand end
  // together.
  CHECK(row_of(h, f).filters == limits::kMaxFiltersPerFramework * 7 / 8 + rest);
  h.core.check_invariants();
}

TEST_CASE("a resource's name beyond the sixteenth is offered and used, but counts in no share") {
  Harness h;
  h.lead();
  std::string resources = "cpus:4;mem:1024";
  for (const char letter : std::string("abcdefghijkl")) {
    resources += std::string(";custom-") + letter + ":8";
  }
  FakeAgent& agent = h.add_agent("a", resources);
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  const std::vector<std::string>& named = h.core.state().allocation.dimensions;
  CHECK(named.size() == limits::kMaxScalarDimensions);
  CHECK(std::find(named.begin(), named.end(), "custom-k") != named.end());
  CHECK(std::find(named.begin(), named.end(), "custom-l") == named.end());
  REQUIRE(h.offers(f).size() == 1);
  CHECK(f.offers[0].resources.scalar_milli("custom-l") == 8000);
  h.accept(f, f.offers, {h.task("t", agent, "cpus:1;custom-l:3")}, Duration{});
  CHECK(h.ledger(agent).used() == res("cpus:1;custom-l:3"));
  f.offers.clear();
  REQUIRE(h.offers(f).size() == 1);
  CHECK(f.offers[0].resources.scalar_milli("custom-l") == 5000);
  f.heard.clear();
  h.accept(f, f.offers, {h.task("u", agent, "cpus:1;custom-l:6")}, Duration{});
  CHECK(f.told() == "u ERROR");
}
