// The circle every task turns: register, offer, accept, status, acknowledge.
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

TEST_CASE("a task goes from offer to acknowledged end and frees what it held") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a1");
  CHECK(agent.id.raw() == "c-1-S0");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  CHECK(framework.facet.id.raw() == "c-1-0000");

  const auto offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].id.raw() == "c-1-O0");
  CHECK(offers[0].resources == agent.total);

  h.accept(framework, offers, {h.task("t1", agent)});
  const auto launches = agent.heard_of<to_agent::Launch>();
  REQUIRE(launches.size() == 1);
  CHECK(launches[0].tasks.at(0)->id.raw() == "t1");
  CHECK(h.ledger(agent).used() == res("cpus:1;mem:64"));

  const Uuid running = h.status(agent, framework, "t1", TaskState::running);
  h.acknowledge(framework, agent, "t1", running);
  const Uuid finished = h.status(agent, framework, "t1", TaskState::finished);
  CHECK(h.ledger(agent).used().empty());
  CHECK(h.ledger(agent).free() == agent.total);
  h.acknowledge(framework, agent, "t1", finished);
  CHECK(framework.told() == "t1 RUNNING, t1 FINISHED");
  CHECK(agent.heard_of<to_agent::Acknowledge>().size() == 2);
  CHECK(h.core.state().tasks.empty());
}

TEST_CASE("SUBSCRIBED is followed by a HEARTBEAT at once and by everything else after") {
  Harness h;
  h.lead();
  h.add_agent("a1");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  h.offers(framework);
  REQUIRE(framework.heard.size() == 3);
  CHECK(std::holds_alternative<event::Subscribed>(framework.heard[0].body));
  CHECK(std::holds_alternative<event::Heartbeat>(framework.heard[1].body));
  CHECK(std::holds_alternative<event::Offers>(framework.heard[2].body));
}

TEST_CASE("nothing on the way from offer to acknowledged end waits for the disk") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a1");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  const std::size_t before = h.persists;
  CHECK(before == 3);  // the epoch, the agent, the framework
  h.run_task(framework, agent, "t1");
  h.acknowledge(framework, agent, "t1", h.status(agent, framework, "t1", TaskState::finished));
  CHECK(h.persists == before);
}
