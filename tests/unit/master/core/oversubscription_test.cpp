// What an agent lends: offered a second time, and taken back.
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

Resources amounts(const char* text) {
  return Resources::parse(text).value();
}

Resources lent(std::int64_t cpu_milli) {
  ResourceMeta meta;
  meta.revocable = true;
  return Resources({Resource::scalar("cpus", cpu_milli).with(meta)});
}

void lend(Harness& h, FakeAgent& agent, std::int64_t cpu_milli) {
  h.say(agent, to_master::Oversubscribed{cpu_milli == 0 ? Resources() : lent(cpu_milli)});
}

FakeFramework& able_framework(Harness& h, const char* name = "able") {
  FakeFramework& able = h.add_framework(name);
  able.facet.capabilities.set(Capabilities::revocable_resources);
  able.facet.capabilities.set(Capabilities::partition_aware);
  h.subscribe(able);
  return able;
}

// All of the agent's own is in use, so that what is offered is lent.
FakeAgent& full_agent(Harness& h) {
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& owner = h.add_framework("owner");
  h.subscribe(owner);
  h.run_task(owner, agent, "own", "cpus:4;mem:512");
  h.call(owner, call::Suppress{});
  return agent;
}

TaskFacet guest(Harness& h, const FakeAgent& agent, const char* id, std::int64_t cpu_milli) {
  TaskFacet task = h.task(id, agent, "mem:64");
  task.resources.add(lent(cpu_milli));
  return task;
}

}  // namespace

TEST_CASE("what an agent lends is offered to frameworks that can lose it, and to no other") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 2'000);
  FakeFramework& plain = h.add_framework("plain");
  h.subscribe(plain);
  REQUIRE(h.offers(plain).size() == 1);
  CHECK(plain.offers[0].resources == amounts("mem:512"));
  h.decline(plain, plain.offers);
  FakeFramework& able = able_framework(h);
  REQUIRE(h.offers(able).size() == 1);
  CHECK(able.offers[0].resources.revocable() == lent(2'000));
  h.accept(able, able.offers, {guest(h, agent, "guest", 1'500)});
  CHECK(agent.heard_of<to_agent::Launch>().back().tasks[0]->id == TaskId("guest"));
  CHECK(h.ledger(agent).used().revocable() == lent(1'500));
  CHECK(h.row(agent).oversubscribed == lent(2'000));
}

TEST_CASE("when an agent lends less, offers of it end and tasks on it stay") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 3'000);
  FakeFramework& able = able_framework(h);
  h.accept(able, h.offers(able), {guest(h, agent, "guest", 1'000)}, Duration{});
  REQUIRE(h.offers(able).size() == 1);
  const OfferId on_the_table = able.offers[0].id;
  CHECK(able.offers[0].resources.revocable() == lent(2'000));

  lend(h, agent, 2'500);
  CHECK(able.heard_of<event::Rescind>().back().offer_id == on_the_table);
  CHECK(h.ledger(agent).deficit().empty());
  REQUIRE(h.offers(able).size() == 1);
  CHECK(able.offers[0].resources.revocable() == lent(1'500));

  lend(h, agent, 400);  // less than the task holds
  CHECK(h.ledger(agent).deficit() == lent(600));
  CHECK(h.ledger(agent).used().revocable() == lent(1'000));
  REQUIRE(h.offers(able).size() == 1);  // memory of its own is offered on
  CHECK(able.offers[0].resources == amounts("mem:448"));

  h.status(agent, able, "guest", TaskState::gone);
  CHECK(h.ledger(agent).deficit().empty());
  Resources in_all;
  for (const OfferFacet& offer : h.offers(able)) in_all.add(offer.resources);
  CHECK(in_all.revocable() == lent(400));
}

TEST_CASE("when an agent lends more, offers on the table stay and the rest is offered too") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 1'000);
  FakeFramework& able = able_framework(h);
  REQUIRE(h.offers(able).size() == 1);
  const OfferId first = able.offers[0].id;
  lend(h, agent, 1'800);
  REQUIRE(h.offers(able).size() == 2);
  CHECK(able.heard_of<event::Rescind>().empty());
  Resources in_all;
  for (const OfferFacet& offer : able.offers) in_all.add(offer.resources);
  CHECK(in_all.revocable() == lent(1'800));
  CHECK(std::any_of(able.offers.begin(), able.offers.end(),
                    [&](const OfferFacet& offer) { return offer.id == first; }));
}

TEST_CASE("of the offers of what is lent only the newest end when it shrinks") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 1'000);
  FakeFramework& able = able_framework(h);
  REQUIRE(h.offers(able).size() == 1);
  const OfferId first = able.offers[0].id;
  lend(h, agent, 1'800);
  REQUIRE(h.offers(able).size() == 2);
  lend(h, agent, 1'200);
  REQUIRE(able.heard_of<event::Rescind>().size() == 1);
  CHECK(able.heard_of<event::Rescind>()[0].offer_id != first);
}

TEST_CASE(
    "an agent that registers again tells what it lends, and one that says nothing lends nothing") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 2'000);
  agent.oversubscribed = lent(1'500);
  agent.tasks = {h.known(agent, "own", TaskState::running)};
  h.enroll(agent);
  CHECK(h.row(agent).oversubscribed == lent(1'500));
  CHECK(h.ledger(agent).total().revocable() == lent(1'500));
  h.restart_master();
  CHECK(h.ledger(agent).total().revocable().empty());
  agent.oversubscribed = {};
  h.enroll(agent);
  CHECK(h.ledger(agent).total().revocable().empty());
}

TEST_CASE("a task that mixes lent and own resources of one name is refused with the name") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  lend(h, agent, 2'000);
  FakeFramework& able = able_framework(h);
  TaskFacet mixed = h.task("mixed", agent, "cpus:1;mem:64");
  mixed.resources.add(lent(1'000));
  TaskFacet by_executor = h.task("by-executor", agent, "mem:64");
  by_executor.resources.add(lent(1'000));
  by_executor.has_command = false;
  by_executor.executor = Harness::executor("e");
  TaskFacet good = guest(h, agent, "good", 1'000);
  h.accept(able, h.offers(able), {mixed, by_executor, good});
  const auto updates = able.updates();
  REQUIRE(updates.size() == 2);
  for (const TaskStatus& update : updates) {
    CHECK(update.state == TaskState::error);
    CHECK(update.reason == StatusReason::task_invalid);
    CHECK(update.message ==
          "Task and executor together use 'cpus' both revocable and not: take one kind of it");
  }
  CHECK(h.ledger(agent).used().revocable() == lent(1'000));
}

TEST_CASE("nothing can be reserved of what is lent") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 2'000);
  FakeFramework& able = h.add_framework("able", {"web"});
  able.facet.capabilities.set(Capabilities::revocable_resources);
  h.subscribe(able);
  ResourceMeta meta;
  meta.revocable = true;
  meta.reservations = {{Reservation::Type::dynamically, "web", "", {}}};
  ResourceOperation reserve;
  reserve.type = ResourceOperation::Type::reserve;
  reserve.resources = Resources({Resource::scalar("cpus", 1'000).with(meta)});
  const auto offers = h.offers(able);
  REQUIRE(offers.size() == 1);
  call::Accept accept;
  accept.offer_ids = {offers[0].id};
  accept.operations = {{OperationId("r"), reserve}};
  h.call(able, accept);
  const auto told = able.heard_of<event::UpdateOperation>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].status.state == OperationState::error);
  CHECK(told[0].status.message.find("is revocable") != std::string::npos);
  CHECK(h.ledger(agent).total().revocable() == lent(2'000));
}

TEST_CASE("what a leaked container holds of what was lent ends the offers in its way") {
  Harness h;
  h.lead();
  FakeAgent& agent = full_agent(h);
  lend(h, agent, 2'000);
  FakeFramework& able = able_framework(h);
  REQUIRE(h.offers(able).size() == 1);
  h.say(agent, to_master::ContainerLeaked{able.facet.id, ExecutorId("e"), lent(500), false});
  CHECK(able.heard_of<event::Rescind>().size() == 1);
  Resources in_all;
  for (const OfferFacet& offer : h.offers(able)) in_all.add(offer.resources);
  CHECK(in_all.revocable() == lent(1'500));
}
