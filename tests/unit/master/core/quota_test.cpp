// Quotas and weights by operators: what is refused and in which words, what holds from then on,
// what becomes of offers that are out already, and what a new master knows.
#include <catch2/catch.hpp>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

Quota limit(Quantities limits) {
  return {{}, std::move(limits)};
}
Quota guarantee(Quantities guarantees) {
  return {std::move(guarantees), {}};
}

struct Asker {
  Harness& h;
  std::uint64_t asked = 1000;

  Status ask(operation::UpdateQuota update) {
    const RequestId request(++asked);
    h.step(FromOperator{request, {}, std::move(update)});
    return h.answers.at(request).status;
  }
  Status set(std::vector<RoleQuota> quotas, bool force = false) {
    return ask({operation::UpdateQuota::How::update, std::move(quotas), force});
  }
  Status set(const std::string& role, Quota quota, bool force = false) {
    return set({{role, std::move(quota)}}, force);
  }
  // The sentence of a refusal that changes nothing.
  std::string refused(std::vector<RoleQuota> quotas, bool force = false) {
    const Registry before = h.registry;
    const Status status = set(std::move(quotas), force);
    REQUIRE(!status.ok());
    CHECK(h.registry == before);
    return status.error().message;
  }
};

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

Resources offered(const std::vector<OfferFacet>& offers) {
  Resources out;
  for (const OfferFacet& offer : offers) out.add(offer.resources);
  return out;
}

}  // namespace

TEST_CASE("a quota is stored before it is answered, and a new master knows it") {
  Harness h;
  h.lead();
  Asker asker{h};
  REQUIRE(asker.set("eng", {{{"cpus", 1'000}}, {{"cpus", 2'000}, {"mem", 512'000}}}, true).ok());
  CHECK(h.registry.quotas.at("eng").limits.at("cpus") == 2'000);
  CHECK(std::holds_alternative<change::QuotaSet>(h.changes.back().body));
  h.restart_master();
  h.add_agent("a", "cpus:8;mem:1024");
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(eng);
  CHECK(offered(h.offers(eng)) == res("cpus:2;mem:512"));
}

TEST_CASE("a role holds no more than its limit, and no more than those above it") {
  Harness h;
  h.lead();
  Asker asker{h};
  FakeAgent& a = h.add_agent("a", "cpus:4;mem:1024;ports:[31000-31009]");
  h.add_agent("b", "cpus:4;mem:1024");
  REQUIRE(asker
              .set({{"eng", limit({{"cpus", 3'000}, {"mem", 600'000}})},
                    {"eng/web", limit({{"cpus", 1'000}})}})
              .ok());
  FakeFramework& web = h.add_framework("web", {"eng/web"});
  h.subscribe(web);
  CHECK(offered(h.offers(web)).scalar_milli("cpus") == 1'000);
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(eng);
  CHECK(offered(h.offers(eng)).scalar_milli("cpus") == 2'000);
  CHECK(offered(h.offers(eng)).scalar_milli("mem") + offered(h.offers(web)).scalar_milli("mem") ==
        600'000);
  h.decline(web, web.offers, Duration::seconds(60));
  h.decline(eng, eng.offers, Duration{});
  h.core.check_invariants();
  (void)a;
}

TEST_CASE("what is reserved for a role counts as consumed, offered or not") {
  Harness h;
  h.lead();
  Asker asker{h};
  h.add_agent("a", "cpus:4;cpus(eng):2;mem:100");
  CHECK(has(asker.refused({{"eng", limit({{"cpus", 1'000}})}}), "uses cpus:2"));
  REQUIRE(asker.set("eng", limit({{"cpus", 3'000}})).ok());
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(eng);
  CHECK(offered(h.offers(eng)) == res("cpus:1;cpus(eng):2;mem:100"));
}

TEST_CASE("offers over a new limit are rescinded, and tasks are not") {
  Harness h;
  h.lead();
  Asker asker{h};
  FakeAgent& a = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(eng);
  h.run_task(eng, a, "t1", "cpus:1;mem:64");
  h.add_agent("b", "cpus:4;mem:1024");
  CHECK(!h.offers(eng).empty());
  REQUIRE(asker.set("eng", limit({{"cpus", 2'000}})).ok());
  CHECK(!eng.heard_of<event::Rescind>().empty());
  CHECK(offered(eng.offers).scalar_milli("cpus") <= 1'000);
  CHECK(h.ledger(a).used().scalar_milli("cpus") == 1'000);
  CHECK(has(asker.refused({{"eng", limit({{"cpus", 500}})}}), "uses cpus:1"));
  CHECK(asker.set("eng", limit({{"cpus", 500}}), true).ok());
}

TEST_CASE("offers in the way of a new guarantee are rescinded and kept for it") {
  Harness h;
  h.lead();
  Asker asker{h};
  h.add_agent("a", "cpus:4;mem:1024");
  h.add_agent("b", "cpus:4;mem:1024");
  FakeFramework& other = h.add_framework("other", {"other"});
  h.subscribe(other);
  CHECK(h.offers(other).size() == 2);
  REQUIRE(asker.set("eng", guarantee({{"cpus", 3'000}, {"mem", 100'000}})).ok());
  CHECK(other.heard_of<event::Rescind>().size() == 1);
  CHECK(offered(h.offers(other)).scalar_milli("cpus") <= 5'000);
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  h.subscribe(eng);
  CHECK(offered(h.offers(eng)).scalar_milli("cpus") >= 3'000);
}

TEST_CASE("a quota that cannot be is refused with field, value and what would be right") {
  Harness h;
  h.lead();
  Asker asker{h};
  h.add_agent("a", "cpus:8;mem:1024;ports:[1-9]");
  CHECK(has(asker.refused({}), "name at least one role"));
  CHECK(has(asker.refused({{"*", limit({{"cpus", 1}})}}), "'*' is everybody's"));
  CHECK(has(asker.refused({{"a b", limit({{"cpus", 1}})}}), "quota_configs[0].role"));
  CHECK(has(asker.refused({{"a", limit({{"cpus", 1}})}, {"a", limit({{"mem", 1}})}}),
            "quota_configs[1].role: 'a' is given twice"));
  CHECK(has(asker.refused({{"a", limit({{"cpus", -1}})}}), "give a quantity from 0"));
  CHECK(has(asker.refused({{"a", limit({{"fpga", 1'000}})}}), "no agent has 'fpga'"));
  CHECK(has(asker.refused({{"a", limit({{"ports", 1'000}})}}), "'ports' is ranges or a set"));
  CHECK(has(asker.refused({{"a", {{{"cpus", 5'000}}, {{"cpus", 4'000}}}}}),
            "guarantees: cpus:5 of role 'a' is more than its limit cpus:4"));
  CHECK(has(asker.refused({{"a", guarantee({{"cpus", 9'000}})}}),
            "would be guaranteed cpus:9, the cluster has cpus:8"));
  CHECK(has(asker.refused(std::vector<RoleQuota>(17, RoleQuota{"a", {}})), "at most 16"));
  REQUIRE(asker.set("a", {{{"cpus", 4'000}}, {{"cpus", 6'000}}}).ok());
  CHECK(has(
      asker.refused({{"a/b", guarantee({{"cpus", 3'000}})}, {"a/c", guarantee({{"cpus", 2'000}})}}),
      "the roles below 'a' are guaranteed cpus:5 together, it has cpus:4"));
  CHECK(has(asker.refused({{"a/b/c", limit({{"cpus", 7'000}})}}),
            "the limit cpus:7 of role 'a/b/c' is more than cpus:6 of 'a' above it"));
  CHECK(asker.set("z", guarantee({{"cpus", 9'000}}), true).ok());
}

TEST_CASE("no quota is judged by what a new master does not know yet, unless that is forced") {
  Harness h;
  h.lead();
  Asker asker{h};
  FakeAgent& agent = h.add_agent("a", "cpus:8;mem:1024");
  FakeFramework& eng = h.add_framework("eng", {"eng"});
  eng.facet.failover_timeout = Duration::seconds(1'000);
  h.subscribe(eng);
  h.run_task(eng, agent, "t", "cpus:4;mem:64");
  REQUIRE(asker.set("eng", guarantee({{"cpus", 4'000}})).ok());
  agent.tasks = {h.known(agent, "t", TaskState::running)};
  h.restart_master();
  // There are 8 cpus, and nothing that the limit would be too low for, as far as it knows.
  for (const Quota& quota : {guarantee({{"cpus", 6'000}}), limit({{"cpus", 1'000}})}) {
    const Status status = asker.set("eng", quota);
    REQUIRE(!status.ok());
    CHECK(status.error().code == ErrorCode::unavailable);
    CHECK(has(status.error().message, "1 agents are not back since this master leads"));
    CHECK(has(status.error().message, "or give \"force\": true"));
  }
  CHECK(h.registry.quotas.at("eng").guarantees.at("cpus") == 4'000);
  // What is wrong whatever there is, is said at once; what asks for nothing is not held up.
  CHECK(has(asker.refused({{"*", limit({{"cpus", 1'000}})}}), "'*' is everybody's"));
  CHECK(asker.set("eng", guarantee({{"cpus", 5'000}}), true).ok());
  CHECK(asker.set("eng", {}).ok());
  h.subscribe(eng);
  h.enroll(agent);
  CHECK(asker.set("eng", limit({{"cpus", 1'000}})).error().code == ErrorCode::conflict);
  CHECK(asker.set("eng", guarantee({{"cpus", 6'000}})).ok());
}

TEST_CASE("several quotas of one call are set together or not at all") {
  Harness h;
  h.lead();
  Asker asker{h};
  h.add_agent("a", "cpus:8;mem:1024");
  asker.refused({{"good", limit({{"cpus", 1'000}})}, {"*", limit({{"cpus", 1'000}})}});
  CHECK(h.registry.quotas.empty());
  h.hold_writes = true;
  h.step(FromOperator{
      RequestId(1),
      {},
      operation::UpdateQuota{
          operation::UpdateQuota::How::update, {{"a", guarantee({{"cpus", 5'000}})}}, false}});
  // Checked against what is under way, too.
  h.step(FromOperator{
      RequestId(2),
      {},
      operation::UpdateQuota{
          operation::UpdateQuota::How::update, {{"b", guarantee({{"cpus", 5'000}})}}, false}});
  CHECK(!h.answers.at(RequestId(2)).status.ok());
  h.reject_one("disk full");
  CHECK(has(h.answers.at(RequestId(1)).status.error().message, "disk full"));
  h.hold_writes = false;
  CHECK(asker.set("b", guarantee({{"cpus", 5'000}})).ok());
  CHECK(h.registry.quotas.size() == 1);
}

TEST_CASE("the older calls set a quota once and remove what is there") {
  using How = operation::UpdateQuota::How;
  Harness h;
  h.lead();
  Asker asker{h};
  h.add_agent("a", "cpus:8;mem:1024");
  const Quota quota{{{"cpus", 1'000}}, {{"cpus", 1'000}}};
  CHECK(has(asker.ask({How::remove, {{"a", {}}}, false}).error().message, "has no quota"));
  CHECK(asker.ask({How::set_new, {{"a", quota}}, false}).ok());
  CHECK(has(asker.ask({How::set_new, {{"a", quota}}, false}).error().message, "already"));
  CHECK(asker.ask({How::remove, {{"a", {}}}, false}).ok());
  CHECK(h.registry.quotas.empty());
  FakeFramework& framework = h.add_framework("a", {"a"});
  h.subscribe(framework);
  CHECK(offered(h.offers(framework)) == res("cpus:8;mem:1024"));
}

TEST_CASE("several weights of one call are set together or not at all") {
  Harness h;
  h.lead();
  h.step(FromOperator{RequestId(1), {}, operation::UpdateWeights{{{"a", 2'500}, {"b", 0}}}});
  CHECK(has(h.answers.at(RequestId(1)).status.error().message, "weight_infos[1].weight: 0"));
  CHECK(h.registry.weights_milli.empty());
  h.step(FromOperator{RequestId(2), {}, operation::UpdateWeights{{{"a", 2'500}, {"b", 500}}}});
  CHECK(h.answers.at(RequestId(2)).status.ok());
  CHECK(h.registry.weights_milli.at("a") == 2'500);
  CHECK(h.registry.weights_milli.at("b") == 500);
}
