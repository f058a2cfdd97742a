// Who is offered what: roles and reservations, capabilities, filters, minimums, the budget of those
// that want nothing.
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

TEST_CASE("what is reserved for a role is offered only to it and the roles below it") {
  Harness h;
  h.lead();
  h.add_agent("a", "cpus:4;cpus(eng):2;mem:100;mem(ops):50");
  FakeFramework& web = h.add_framework("web", {"eng/web"});
  FakeFramework& ops = h.add_framework("ops", {"ops"});
  h.subscribe(web);
  h.subscribe(ops, {"ops"});
  const auto offers = h.offers(web);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].resources == res("cpus:4;cpus(eng):2;mem:100"));
  CHECK(*offers[0].role == "eng/web");
  h.call(ops, call::Revive{});
  const auto rest = h.offers(ops);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].resources == res("mem(ops):50"));
}

TEST_CASE("an agent with gpus is offered only to frameworks that handle gpus") {
  Harness h;
  h.lead();
  h.add_agent("a", "cpus:4;mem:100;gpus:2");
  FakeFramework& plain = h.add_framework("plain");
  h.subscribe(plain);
  CHECK(h.offers(plain).empty());
  CHECK(h.core.explain(plain.facet.id, "*", AgentId("c-1-S0")).find("gpu") != std::string::npos);
  FakeFramework& able = h.add_framework("able");
  able.facet.capabilities.set(Capabilities::gpu_resources);
  h.subscribe(able);
  CHECK(h.offers(able).size() == 1);
}

TEST_CASE("an agent in another region is offered only to frameworks that know regions") {
  MasterConfig config = Harness::default_config();
  config.region = "eu";
  Harness h(config);
  h.lead();
  FakeAgent& agent = h.agents.emplace_back();
  agent.host = "a";
  agent.peer = PeerId(77);
  agent.total = res("cpus:1;mem:64");
  agent.domain = {"us", "1"};
  h.enroll(agent);
  FakeFramework& local = h.add_framework("local");
  h.subscribe(local);
  CHECK(h.offers(local).empty());
  FakeFramework& aware = h.add_framework("aware");
  aware.facet.capabilities.set(Capabilities::region_aware);
  h.subscribe(aware);
  CHECK(h.offers(aware).size() == 1);
}

TEST_CASE("less than a framework's minimum is not offered to it") {
  Harness h;
  h.lead();
  h.add_agent("a", "cpus:2;mem:100");
  FakeFramework& big = h.add_framework("big");
  big.facet.min_allocatable["*"] = {{{"cpus", 4'000}}, {{"unheard", 1}}};
  h.subscribe(big);
  CHECK(h.offers(big).empty());
  h.add_agent("b", "cpus:4;mem:100");
  CHECK(h.offers(big).size() == 1);
}

TEST_CASE("a minimum of what nobody has holds once a later agent has it") {
  Harness h;
  h.lead();
  FakeAgent& plain = h.add_agent("plain", "cpus:4;mem:1024");
  FakeFramework& picky = h.add_framework("picky");
  picky.facet.failover_timeout = Duration::seconds(1'000);
  picky.facet.min_allocatable["*"] = {{{"fpga", 2'000}}};
  h.subscribe(picky);
  CHECK(h.offers(picky).empty());
  CHECK(h.core.explain(picky.facet.id, "*", plain.id) == "below_minimum");
  FakeAgent& little = h.add_agent("little", "cpus:4;mem:1024;fpga:1");
  FakeAgent& enough = h.add_agent("enough", "cpus:4;mem:1024;fpga:2");
  const auto offers = h.offers(picky);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].agent->id == enough.id);
  CHECK(h.core.explain(picky.facet.id, "*", little.id) == "below_minimum");
  // A new master hears of the framework before any agent is back.
  h.restart_master();
  h.subscribe(picky);
  h.enroll(plain);
  CHECK(h.offers(picky).empty());
  h.enroll(enough);
  REQUIRE(h.offers(picky).size() == 1);
  CHECK(picky.offers[0].agent->id == enough.id);
}

TEST_CASE("the framework with the smaller share is offered what becomes free") {
  Harness h;
  h.lead();
  FakeAgent& a = h.add_agent("a", "cpus:4;mem:100");
  FakeFramework& one = h.add_framework("one");
  FakeFramework& two = h.add_framework("two");
  h.subscribe(one);
  h.run_task(one, a, "t1", "cpus:4;mem:100");
  h.subscribe(two);
  h.add_agent("b", "cpus:4;mem:100");
  CHECK(h.offers(two).size() == 1);
  CHECK(one.offers.empty());
}

TEST_CASE("a role of greater weight may hold more before another comes first") {
  Harness h;
  h.lead();
  h.step(FromOperator{RequestId(1), {}, operation::SetWeight{"heavy", 10'000}});
  CHECK(h.answers.at(RequestId(1)).status.ok());
  CHECK(h.answers.at(RequestId(1)).sequence == h.changes.back().sequence);
  FakeAgent& a = h.add_agent("a", "cpus:4;mem:100");
  FakeAgent& b = h.add_agent("b", "cpus:4;mem:100");
  FakeFramework& heavy = h.add_framework("heavy", {"heavy"});
  FakeFramework& light = h.add_framework("light", {"light"});
  h.subscribe(heavy);
  h.run_task(heavy, a, "t1", "cpus:4;mem:100");
  h.break_connection(b);  // only so that light can use the one without heavy
  h.enroll(b);
  h.call(heavy, call::Suppress{});
  h.subscribe(light);
  h.run_task(light, b, "t2", "cpus:1;mem:100");
  h.call(heavy, call::Revive{});
  h.decline(light, light.offers, Duration::milliseconds(0));
  h.add_agent("d", "cpus:4;mem:100");
  const auto offers = h.offers(heavy);
  CHECK(std::any_of(offers.begin(), offers.end(),
                    [](const OfferFacet& o) { return o.agent->hostname == "d"; }));
}

TEST_CASE("the weight of * is that of its frameworks among the topmost roles") {
  const std::int64_t weight_milli = GENERATE(1'000, 3'000);
  const bool late = GENERATE(false, true);  // set while frameworks are there
  const bool restarted = GENERATE(false, true);
  Harness h;
  h.lead();
  const auto set = [&] {
    h.step(FromOperator{RequestId(1), {}, operation::SetWeight{"*", weight_milli}});
    REQUIRE(h.answers.at(RequestId(1)).status.ok());
  };
  if (!late) set();
  FakeFramework& everybody = h.add_framework("everybody");
  FakeFramework& also = h.add_framework("also");
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(everybody);
  h.subscribe(also);
  h.subscribe(eng);
  if (late) set();
  if (restarted) {
    h.restart_master();
    h.subscribe(everybody);
    h.subscribe(also);
    h.subscribe(eng);
  }
  for (int i = 0; i < 40; ++i) h.add_agent("a" + std::to_string(i));
  h.offers(eng);
  CHECK(eng.offers.size() == (weight_milli == 1'000 ? 20 : 10));
  CHECK(everybody.offers.size() == also.offers.size());
}

TEST_CASE("a framework in several roles is offered to in each of them and can suppress one") {
  Harness h;
  h.lead();
  h.add_agent("a", "cpus:4;mem:100;cpus(x):1;cpus(y):1");
  FakeFramework& f = h.add_framework("f", {"x", "y"});
  h.subscribe(f, {"x"});
  auto offers = h.offers(f);
  REQUIRE(offers.size() == 1);
  CHECK(*offers[0].role == "y");
  CHECK_FALSE(offers[0].resources.contains(res("cpus(x):1")));
  h.call(f, call::Revive{{"x"}});
  offers = h.offers(f);
  REQUIRE(offers.size() == 2);
  CHECK(*offers[1].role == "x");
  CHECK(offers[1].resources == res("cpus(x):1"));
}

TEST_CASE("revocable resources go to frameworks that can lose them") {
  Resource revocable = Resource::scalar("cpus", 2'000);
  ResourceMeta meta;
  meta.revocable = true;
  Harness h;
  h.lead();
  FakeAgent& agent = h.agents.emplace_back();
  agent.host = "a";
  agent.peer = PeerId(77);
  agent.total = res("cpus:1;mem:64");
  agent.total.add(revocable.with(meta));
  h.enroll(agent);
  FakeFramework& plain = h.add_framework("plain");
  h.subscribe(plain);
  REQUIRE(h.offers(plain).size() == 1);
  CHECK(plain.offers[0].resources == res("cpus:1;mem:64"));
  FakeFramework& able = h.add_framework("able");
  able.facet.capabilities.set(Capabilities::revocable_resources);
  h.subscribe(able);
  REQUIRE(h.offers(able).size() == 1);
  CHECK(able.offers[0].resources == Resources({revocable.with(meta)}));
}

TEST_CASE("an offer names the executors that the framework has on that agent") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  TaskFacet task = h.task("t", agent);
  task.has_command = false;
  task.executor = Harness::executor("e");
  h.accept(f, h.offers(f), {task}, Duration{});
  const auto offers = h.offers(f);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].executor_ids == std::vector<ExecutorId>{ExecutorId("e")});
}

TEST_CASE("frameworks that decline everything are held to their budget and delay nobody") {
  MasterConfig config = Harness::default_config();
  config.idle_offers_per_second = 10;
  config.agent_silence = Duration::seconds(1'000);
  config.framework_silence = Duration::seconds(1'000);
  Harness h(config);
  h.lead();
  for (int i = 0; i < 5; ++i) h.add_agent("a" + std::to_string(i));
  for (int i = 0; i < 20; ++i) h.subscribe(h.add_framework("idle" + std::to_string(i)));
  const auto decline_all = [&](Duration time) {
    std::size_t declined = 0;
    for (Duration passed; passed < time; passed = passed + Duration::milliseconds(50)) {
      h.advance(Duration::milliseconds(50));
      for (FakeFramework& f : h.frameworks) {
        if (f.facet.name == "busy") continue;
        declined += f.offers.size();
        if (!f.offers.empty()) h.decline(f, f.offers, Duration{});
      }
    }
    return declined;
  };
  decline_all(Duration::seconds(20));
  const std::size_t in_ten_seconds = decline_all(Duration::seconds(10));
  // The budget, and what one step may go over it.
  CHECK(in_ten_seconds <= 150);
  CHECK(in_ten_seconds >= 50);
  // Somebody who wants something is served at once: what an idle one is offered first comes back.
  FakeFramework& busy = h.add_framework("busy");
  h.subscribe(busy);
  decline_all(Duration::milliseconds(200));
  CHECK(busy.offers.size() >= 4);
  // And one of the idle that revives is too.
  for (const OfferFacet& offer : std::vector<OfferFacet>(busy.offers)) {
    h.accept(busy, {offer}, {h.task("t" + offer.id.raw(), h.agents[0])});
  }
  FakeFramework& idle = h.frameworks[3];
  h.call(busy, call::Suppress{});
  h.call(idle, call::Revive{});
  CHECK_FALSE(h.offers(idle).empty());
}

TEST_CASE("many offers to one framework travel in as many events as frames need") {
  Harness h;
  h.lead();
  for (int i = 0; i < 40; ++i) {
    FakeAgent& agent = h.agents.emplace_back();
    agent.host = "a" + std::to_string(i);
    agent.peer = PeerId(1'000 + static_cast<std::uint64_t>(i));
    agent.total = res("cpus:1;mem:64");
    agent.description = Blob(std::string(64'000, 'x'));
    h.enroll(agent);
  }
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  CHECK(h.offers(f).size() == 40);
  const auto events = f.heard_of<event::Offers>();
  CHECK(events.size() == 3);
  for (const event::Offers& event : events) {
    CHECK(event.offers.size() * 64'000 <= limits::kMaxOfferBytesPerEvent);
  }
}

TEST_CASE("what is reserved for a role is offered again after the role's only framework has left") {
  Harness h;
  h.lead();
  h.add_agent("a", "cpus:4;mem:100;cpus(eng):2");
  FakeFramework& first = h.add_framework("first", {"eng"});
  h.subscribe(first);
  REQUIRE(h.offers(first).size() == 1);
  h.call(first, call::Teardown{});
  FakeFramework& other = h.add_framework("other", {"ops"});
  h.subscribe(other);
  REQUIRE(h.offers(other).size() == 1);
  CHECK(other.offers[0].resources == res("cpus:4;mem:100"));
  h.decline(other, other.offers, Duration{});
  FakeFramework& second = h.add_framework("second", {"eng"});
  h.subscribe(second);
  REQUIRE(h.offers(second).size() == 1);
  CHECK(second.offers[0].resources == res("cpus:4;mem:100;cpus(eng):2"));
}

TEST_CASE("filters end together so that the master wakes once for many") {
  Harness h;
  h.lead();
  for (int i = 0; i < 8; ++i) h.add_agent("a" + std::to_string(i));
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  for (const OfferFacet& offer : h.offers(f)) {
    h.decline(f, {offer}, Duration::seconds(3));
    h.advance(Duration::milliseconds(3));
  }
  f.offers.clear();
  h.advance(Duration::milliseconds(3'200));
  CHECK(f.heard_of<event::Offers>().back().offers.size() == 8);
}

TEST_CASE("who comes back is offered what was refused for long before it came") {
  Harness h;
  h.lead();
  h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.facet.failover_timeout = Duration::seconds(500);
  h.subscribe(f);
  h.decline(f, h.offers(f), Duration::seconds(3'600));
  f.offers.clear();
  h.advance(Duration::seconds(5));
  CHECK(f.offers.empty());
  h.break_connection(f);
  h.subscribe(f);
  h.advance(Duration::seconds(2));
  CHECK(h.offers(f).size() == 1);
}

TEST_CASE("a core is a value: a copy goes its own way") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  MasterCore fork = h.core;
  CHECK(fork.fingerprint() == h.core.fingerprint());
  Effects effects;
  fork.step(Event{h.now, PeerGone{agent.peer}}, effects);
  CHECK(fork.fingerprint() != h.core.fingerprint());
  CHECK(h.row(agent).phase == AgentPhase::active);
  fork.check_invariants();
}
