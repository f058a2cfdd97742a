// Agents that are unreachable or gone for long enough are forgotten.
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

const Duration kAge = Duration::seconds(1'000);
const Duration kInterval = Duration::seconds(100);

MasterConfig soon() {
  MasterConfig config = Harness::default_config();
  config.registry_max_agent_age = kAge;
  config.registry_gc_interval = kInterval;
  return config;
}

void mark_gone(Harness& h, const FakeAgent& agent) {
  h.step(FromOperator{{}, {}, operation::MarkAgentGone{agent.id}});
  REQUIRE(h.row(agent).phase == AgentPhase::gone);
}

void lose(Harness& h, FakeAgent& agent) {
  h.break_connection(agent);
  h.advance(h.config.agent_timeout);
  REQUIRE(h.row(agent).phase == AgentPhase::unreachable);
}

bool is_known(const Harness& h, const AgentId& id) {
  return h.core.state().agent_of.contains(id);
}

to_agent::Refused refused(Harness& h, FakeAgent& agent) {
  agent.heard.clear();
  h.enroll(agent);
  const auto heard = agent.heard_of<to_agent::Refused>();
  REQUIRE(heard.size() == 1);
  return heard[0];
}

std::size_t removals(const Harness& h) {
  std::size_t out = 0;
  for (const Change& change : h.changes) {
    out += std::holds_alternative<change::AgentRemoved>(change.body) ? 1 : 0;
  }
  return out;
}

Registry with_gone(std::size_t count, WallTime at) {
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 1;
  for (std::size_t i = 0; i < count; ++i) {
    Registry::Agent agent;
    agent.facet.id = AgentId("old-S" + std::to_string(1'000 + i));
    agent.facet.hostname = "h" + std::to_string(i);
    agent.standing = registry::AgentStanding::gone;
    agent.standing_at = at + Duration::seconds(static_cast<std::int64_t>(i));
    registry.agents.emplace(agent.facet.id, std::move(agent));
  }
  return registry;
}

// A later life of a forgotten agent, which runs t1 and does not hear what name it gets.
FakeAgent& come_back_nameless(Harness& h, FakeAgent& before) {
  h.break_connection(before);
  FakeAgent& agent = h.agents.emplace_back();
  agent.host = before.host;
  agent.peer = PeerId(1'000 + h.agents.size());
  agent.total = before.total;
  agent.incarnation = before.incarnation + 1;
  agent.tasks = before.tasks;
  h.enroll(agent);
  return agent;
}

struct Nameless {
  Harness h = Harness(soon());
  FakeFramework* f = nullptr;
  FakeAgent* first = nullptr;

  Nameless() {
    h.lead();
    FakeAgent& agent = h.add_agent("a");
    f = &h.add_framework("f");
    f->http = true;
    h.subscribe(*f);
    h.run_task(*f, agent, "t1");
    agent.tasks = {h.known(agent, "t1", TaskState::running)};
    lose(h, agent);
    h.advance(kAge + kInterval);
    REQUIRE_FALSE(is_known(h, agent.id));
    agent.id = AgentId();
    first = &agent;
    f->heard.clear();
  }
};

}  // namespace

TEST_CASE("a forgotten agent that dies before it hears its new name keeps its tasks") {
  Nameless w;
  FakeAgent& second = come_back_nameless(w.h, *w.first);
  REQUIRE_FALSE(second.id.empty());
  FakeAgent& third = come_back_nameless(w.h, second);
  CHECK(third.id == second.id);
  CHECK(third.heard_of<to_agent::Kill>().empty());
  CHECK(w.h.row(third).tasks.size() == 1);
  CHECK(w.h.registry.agents.size() == 1);
  w.h.acknowledge(*w.f, third, "t1", w.h.status(third, *w.f, "t1", TaskState::finished));
  CHECK(w.f->told() == "t1 FINISHED");
}

TEST_CASE("a forgotten agent that dies while it is admitted is admitted once") {
  Nameless w;
  w.h.hold_writes = true;
  FakeAgent& second = come_back_nameless(w.h, *w.first);
  FakeAgent& third = come_back_nameless(w.h, second);
  w.h.hold_writes = false;
  w.h.store_all();
  CHECK(w.h.registry.agents.size() == 1);
  CHECK(w.h.row(third).phase == AgentPhase::active);
  CHECK(w.h.row(third).tasks.size() == 1);
  CHECK(third.heard_of<to_agent::Kill>().empty());
}

TEST_CASE("an agent without a name and with other tasks, or none, is another") {
  Nameless w;
  FakeAgent& second = come_back_nameless(w.h, *w.first);
  SECTION("none") {
    second.tasks.clear();
  }
  SECTION("another cluster's") {
    second.tasks[0].framework_id = FrameworkId("elsewhere");
  }
  SECTION("another launch of it") {
    second.tasks[0].launch_id.number += 100;
  }
  FakeAgent& third = come_back_nameless(w.h, second);
  CHECK(third.id != second.id);
  CHECK(w.h.registry.agents.size() == 2);
}

TEST_CASE("an agent that is gone is refused till it is forgotten, and then is a new one") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  const AgentId id = agent.id;
  mark_gone(h, agent);
  h.advance(kAge - Duration::milliseconds(1));
  CHECK(refused(h, agent).end_tasks);
  CHECK(h.registry.agents.contains(id));
  h.advance(kInterval);
  CHECK_FALSE(h.registry.agents.contains(id));
  CHECK_FALSE(is_known(h, id));
  CHECK(removals(h) == 1);
  CHECK(refused(h, agent).forget_identity);
  agent.id = AgentId();
  agent.cluster_id.clear();
  h.enroll(agent);
  CHECK(h.row(agent).phase == AgentPhase::active);
  CHECK(agent.id != id);
}

TEST_CASE("tasks of an unreachable agent that is forgotten are told to be unknown") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  lose(h, agent);
  REQUIRE(f.told() == "t1 RUNNING, t1 UNREACHABLE");
  f.heard.clear();
  h.advance(kAge + kInterval);
  CHECK(f.told() == "t1 UNKNOWN");
  CHECK_FALSE(is_known(h, agent.id));
  CHECK(h.core.state().tasks.empty());
  f.heard.clear();
  (void)h.http_call(f, call::Reconcile{{{TaskId("t1"), agent.id}}});
  CHECK(f.told() == "t1 UNKNOWN");
  CHECK(refused(h, agent).forget_identity);
}

TEST_CASE("a kill that waits for an unreachable agent is answered when that is forgotten") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  lose(h, agent);
  (void)h.http_call(f, call::Kill{TaskId("t9"), {}, {}});
  CHECK(f.told().empty());
  h.advance(kAge + kInterval);
  CHECK(f.told() == "t9 UNKNOWN");
}

TEST_CASE("an agent that is back in time is not forgotten") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  lose(h, agent);
  h.advance(kAge / 2);
  h.enroll(agent);
  REQUIRE(h.row(agent).phase == AgentPhase::active);
  // It is silent at once, for it says nothing; its time as an unreachable one begins anew.
  h.advance(kAge / 2 + kInterval);
  CHECK(is_known(h, agent.id));
}

TEST_CASE("of more gone agents than so many those that are so longest are forgotten") {
  MasterConfig config = soon();
  config.registry_max_agent_count = 2;
  Harness h(config);
  h.lead();
  FakeAgent* const agents[] = {&h.add_agent("a0"), &h.add_agent("a1"), &h.add_agent("a2")};
  for (const std::size_t i : {2, 0, 1}) {
    mark_gone(h, *agents[i]);
    h.advance(Duration::seconds(1));
  }
  h.advance(kInterval);
  CHECK_FALSE(is_known(h, agents[2]->id));
  CHECK(is_known(h, agents[0]->id));
  CHECK(is_known(h, agents[1]->id));
  CHECK(removals(h) == 1);
}

TEST_CASE("unreachable agents are counted apart from those that are gone") {
  MasterConfig config = soon();
  config.registry_max_agent_count = 1;
  Harness h(config);
  h.lead();
  FakeAgent& gone = h.add_agent("a");
  FakeAgent& away = h.add_agent("b");
  mark_gone(h, gone);
  lose(h, away);
  h.advance(kInterval);
  CHECK(is_known(h, gone.id));
  CHECK(is_known(h, away.id));
}

TEST_CASE("so many agents are forgotten in one step, the others soon after") {
  MasterConfig config = soon();
  Harness h(config);
  const WallTime now = h.now.wall;
  h.lead(with_gone(250, now + kAge * -2));
  h.hold_writes = true;
  h.advance(kInterval);
  CHECK(h.writes.size() == 100);
  // The registry has its time: nothing is added to what it is asked already.
  h.advance(Duration::seconds(10));
  CHECK(h.writes.size() == 100);
  h.hold_writes = false;
  h.store_all();
  h.advance(Duration::seconds(1));
  CHECK(h.registry.agents.empty());
  CHECK(h.core.state().agents.empty());
}

TEST_CASE("the next leader goes on counting how long an agent is gone") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  mark_gone(h, agent);
  h.advance(kAge - kInterval);
  h.restart_master();
  h.advance(kInterval - Duration::milliseconds(1));
  CHECK(h.registry.agents.size() == 1);
  h.advance(kInterval);
  CHECK(h.registry.agents.empty());
}

TEST_CASE("an agent that is back while it is forgotten waits, and stays if that is not stored") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  lose(h, agent);
  h.hold_writes = true;
  h.advance(kAge + kInterval);
  REQUIRE(h.writes.size() == 1);
  const to_agent::Refused heard = refused(h, agent);
  CHECK(heard.retry_after == h.config.agent_retry);
  CHECK_FALSE(heard.forget_identity);
  const RequestId request(7);
  h.step(FromOperator{request, {}, operation::MarkAgentGone{agent.id}});
  CHECK(h.answers.at(request).status.error().message ==
        "agent_id: '" + agent.id.raw() + "' is being forgotten");
  h.reject_one("disk full");
  h.hold_writes = false;
  h.enroll(agent);
  CHECK(h.row(agent).phase == AgentPhase::active);
  CHECK(removals(h) == 0);
}

TEST_CASE("a forgetting that was not stored is tried again") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  mark_gone(h, agent);
  h.hold_writes = true;
  h.advance(kAge + kInterval);
  h.reject_one("disk full");
  h.hold_writes = false;
  CHECK(is_known(h, agent.id));
  h.advance(h.config.removal_retry);
  CHECK_FALSE(is_known(h, agent.id));
}

TEST_CASE("an accept of an earlier master for an agent that is forgotten says unknown") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  f.facet.failover_timeout = Duration::seconds(100'000);
  h.subscribe(f);
  const std::vector<OfferFacet> offers = h.offers(f);
  REQUIRE(offers.size() == 1);
  lose(h, agent);
  h.restart_master();
  h.advance(kAge + kInterval);
  REQUIRE_FALSE(is_known(h, agent.id));
  h.subscribe(f);
  f.heard.clear();
  call::Accept accept;
  accept.offer_ids = {offers[0].id};
  accept.operations.push_back({{}, LaunchOperation{{h.task("t1", agent)}}});
  (void)h.http_call(f, std::move(accept));
  CHECK(f.told() == "t1 UNKNOWN");
}

TEST_CASE("an accept that is said again when its agent is forgotten hears unknown, not dropped") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  const std::vector<OfferFacet> offers = h.offers(f);
  REQUIRE(offers.size() == 1);
  call::Accept accept;
  accept.offer_ids = {offers[0].id};
  accept.operations.push_back({{}, LaunchOperation{{h.task("t1", agent)}}});
  (void)h.http_call(f, accept);
  REQUIRE(agent.heard_of<to_agent::Launch>().size() == 1);
  lose(h, agent);
  h.advance(kAge + kInterval);
  REQUIRE_FALSE(is_known(h, agent.id));
  f.heard.clear();
  (void)h.http_call(f, accept);
  CHECK(f.told() == "t1 UNKNOWN");
}

TEST_CASE("an end that nobody acknowledged is told again when its agent is forgotten and back") {
  Harness h(soon());
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  const Uuid end = h.status(agent, f, "t1", TaskState::finished);
  agent.tasks = {h.known(agent, "t1", TaskState::finished)};
  agent.tasks[0].terminal_unacknowledged = true;
  lose(h, agent);
  SECTION("away for too long") {
    h.advance(kAge + kInterval);
  }
  SECTION("gone") {
    mark_gone(h, agent);
    h.advance(kAge + kInterval);
  }
  REQUIRE_FALSE(is_known(h, agent.id));
  agent.id = AgentId();
  f.heard.clear();
  agent.heard.clear();
  h.enroll(agent);
  REQUIRE(h.row(agent).phase == AgentPhase::active);
  CHECK(agent.heard_of<to_agent::Kill>().empty());
  TaskStatus again;
  again.task_id = TaskId("t1");
  again.state = TaskState::finished;
  again.uuid = end;
  again.agent_id = agent.id;
  h.say(agent, to_master::StatusUpdate{f.facet.id, again, TaskState::finished, true});
  CHECK(f.told() == "t1 FINISHED");
  CHECK(agent.heard_of<to_agent::Acknowledge>().empty());
  h.acknowledge(f, agent, "t1", end);
  CHECK(agent.heard_of<to_agent::Acknowledge>().size() == 1);
}
