// Declared demand: what a framework says it wants decides what it is offered.
#include <catch2/catch.hpp>
#include <set>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

using Hosts = std::set<std::string>;

call::Request::Wanted want(const std::string& resources, std::uint32_t count = 1,
                           const std::string& role = "", const AgentId& agent = AgentId()) {
  call::Request::Wanted out;
  out.role = role;
  out.shape.count = count;
  out.shape.agent_id = agent;
  const Resources amounts = res(resources);
  for (const Resource& resource : amounts.list()) {
    out.shape.amounts[resource.name] = quantity_of(resource);
  }
  return out;
}

// A small, a middle and a large agent.
void add_hosts(Harness& h) {
  h.lead();
  h.add_agent("small", "cpus:1;mem:512");
  h.add_agent("middle", "cpus:2;mem:1024");
  h.add_agent("large", "cpus:8;mem:8192");
}

Hosts offered(Harness& h, FakeFramework& framework) {
  Hosts out;
  for (const OfferFacet& offer : h.offers(framework)) out.insert(offer.agent->hostname);
  return out;
}

// What is on the table is given back, and may be offered again at once.
void give_back(Harness& h, FakeFramework& framework) {
  h.decline(framework, h.offers(framework), Duration{});
  h.advance(Duration::seconds(5));
}

DemandPtr shown(const Harness& h) {
  DemandPtr out;
  for (const Change& change : h.changes) {
    if (const auto* put = std::get_if<change::FrameworkPut>(&change.body)) out = put->demand;
  }
  return out;
}

FakeFramework& subscribed_asker(Harness& h, std::vector<std::string> roles = {"*"}) {
  FakeFramework& framework = h.add_framework("f", roles);
  if (roles.size() > 1) framework.facet.capabilities.set(Capabilities::multi_role);
  framework.http = true;
  h.subscribe(framework);
  return framework;
}

Explanation explained(Harness& h, const FakeFramework& framework) {
  h.step(FromOperator{RequestId(99), {}, operation::ExplainFramework{framework.facet.id}});
  return *std::get<change::Explained>(h.changes.back().body).explanation;
}

}  // namespace

TEST_CASE("a framework that says what it wants is offered only agents where a shape fits") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  CHECK(offered(h, framework) == Hosts{"small", "middle", "large"});
  REQUIRE(h.http_call(framework, call::Request{{want("cpus:2;mem:1024", 9)}}).ok());
  give_back(h, framework);
  CHECK(offered(h, framework) == Hosts{"middle", "large"});
  CHECK(h.core.explain(framework.facet.id, "*", h.agents[0].id) == "demand");
  REQUIRE(h.http_call(framework, call::Request{{want("cpus:4", 9), want("mem:512", 99)}}).ok());
  give_back(h, framework);
  CHECK(offered(h, framework) == Hosts{"small", "middle", "large"});
}

TEST_CASE("a framework is offered no more once what is on offer to it meets all it wants") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = h.add_framework("f");
  framework.http = true;
  h.subscribe(framework);
  h.call(framework, call::Request{{want("cpus:1", 8)}});
  h.decline(framework, h.offers(framework), Duration::seconds(3));
  h.advance(Duration::seconds(1));
  CHECK(h.offers(framework).empty());
  h.advance(Duration::seconds(5));
  // Eight fit on the large one alone; whichever comes first, what is offered holds no ninth.
  std::int64_t cpus = 0;
  for (const OfferFacet& offer : h.offers(framework)) {
    cpus += offer.resources.scalar_milli("cpus");
  }
  CHECK(cpus >= 8'000);
  h.call(framework, call::Request{{want("cpus:1", 1)}});
  h.decline(framework, h.offers(framework), Duration{});
  h.advance(Duration::seconds(5));
  CHECK(h.offers(framework).size() == 1);
  CHECK(explained(h, framework).roles.at(0).rule == "demand");
}

TEST_CASE("a new demand takes the place of the one before, and an empty one ends it") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Request{{want("cpus:8", 3)}});
  REQUIRE(shown(h) != nullptr);
  CHECK(describe(shown(h)->roles.at("*").at(0)) == "3 x {8 cpus}");
  h.advance(Duration::seconds(5));
  CHECK(offered(h, framework) == Hosts{"large"});
  h.call(framework, call::Request{});
  CHECK(shown(h) == nullptr);
  CHECK(offered(h, framework) == Hosts{"small", "middle", "large"});
}

TEST_CASE("the same demand again changes nothing") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  h.call(framework, call::Request{{want("cpus:8")}});
  const std::size_t changes = h.changes.size();
  REQUIRE(h.http_call(framework, call::Request{{want("cpus:8")}}).ok());
  CHECK(h.changes.size() == changes);
}

TEST_CASE("what is launched lowers no demand: the framework says what it wants next") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:2;mem:1024");
  h.add_agent("b", "cpus:2;mem:1024");
  FakeFramework& framework = subscribed_asker(h);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Request{{want("cpus:2")}});
  h.advance(Duration::seconds(5));
  auto offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
  // It says first what it wants beside what it launches.
  h.call(framework, call::Request{{want("cpus:4")}});
  h.accept(framework, offers, {h.task("t", agent, "cpus:2;mem:64")});
  CHECK(h.offers(framework).empty());
  h.call(framework, call::Request{{want("cpus:2")}});
  offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
}

TEST_CASE("each role has a demand of its own, and one without is offered everything") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h, {"web", "batch"});
  h.decline(framework, h.offers(framework), Duration{});
  REQUIRE(h.http_call(framework, call::Request{{want("cpus:100", 1, "web")}}).ok());
  h.advance(Duration::seconds(5));
  const auto offers = h.offers(framework);
  CHECK(offers.size() == 3);
  for (const OfferFacet& offer : offers) CHECK(*offer.role == "batch");
}

TEST_CASE("a shape for one agent is met there, also when that agent comes later") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Request{{want("cpus:1", 9, "", h.agents[1].id)}});
  h.advance(Duration::seconds(5));
  CHECK(offered(h, framework) == Hosts{"middle"});
  // As the next agent will be called.
  const AgentId next(h.core.state().id_prefix + "-S3");
  h.call(framework, call::Request{{want("cpus:1", 9, "", next)}});
  give_back(h, framework);
  CHECK(h.offers(framework).empty());
  h.add_agent("late", "cpus:1;mem:512");
  REQUIRE(h.agents.back().id == next);
  CHECK(offered(h, framework) == Hosts{"late"});
}

TEST_CASE("a shape of what nobody has is met once an agent brings it") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Request{{want("licences:1")}});
  h.advance(Duration::seconds(5));
  CHECK(h.offers(framework).empty());
  const auto role = explained(h, framework).roles.at(0);
  REQUIRE(role.wanted.size() == 1);
  const Explanation::Number none{"largest free licences", "nobody has any"};
  CHECK(role.wanted[0].numbers == std::vector<Explanation::Number>{none});
  h.add_agent("special", "cpus:1;mem:512;licences:2");
  CHECK(offered(h, framework) == Hosts{"special"});
}

TEST_CASE("a demand that cannot be is refused with its shape and leaves the one before") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h, {"web", "batch"});
  REQUIRE(h.http_call(framework, call::Request{{want("cpus:1", 2, "web")}}).ok());
  const auto refused = [&](std::vector<call::Request::Wanted> wanted) {
    const Status status = h.http_call(framework, call::Request{std::move(wanted)});
    REQUIRE_FALSE(status.ok());
    return status.error();
  };
  CHECK(refused({want("cpus:2", 4, "db")}).message ==
        "'request.requests' asks for 4 x {2 cpus} in role 'db', which is not one of the "
        "framework's roles");
  CHECK(refused({want("cpus:2")}).message ==
        "'request.requests' asks for 1 x {2 cpus} and the framework is in 2 roles: "
        "'allocation_info.role' of its resources must say in which");
  call::Request::Wanted nothing = want("cpus:1", 1, "web");
  nothing.shape.amounts["cpus"] = 0;
  CHECK(refused({nothing}).code == ErrorCode::invalid);
  std::vector<call::Request::Wanted> many;
  for (std::uint32_t i = 1; i <= limits::kMaxDemandShapes; ++i) {
    many.push_back(want("cpus:" + std::to_string(i), 1, "web"));
  }
  CHECK(describe(shown(h)->roles.at("web").at(0)) == "2 x {1 cpus}");
  REQUIRE(h.http_call(framework, call::Request{many}).ok());
  many.push_back(want("cpus:99", 1, "web"));
  CHECK(refused(many).code == ErrorCode::too_large);
  CHECK(refused({want("cpus:1", limits::kMaxDemandRequests + 1, "web")}).code ==
        ErrorCode::too_large);
}

TEST_CASE("a demand ends with its subscription and with its role") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h, {"web", "batch"});
  h.call(framework, call::Request{{want("cpus:100", 1, "web"), want("cpus:100", 1, "batch")}});
  framework.facet.roles = {"web"};
  h.call(framework, call::UpdateFramework{framework.facet, {}, nullptr});
  REQUIRE(shown(h) != nullptr);
  CHECK(shown(h)->roles.size() == 1);
  CHECK(shown(h)->roles.contains("web"));
  h.subscribe(framework);
  CHECK(shown(h) == nullptr);
  h.advance(Duration::seconds(5));
  CHECK(h.offers(framework).size() == 3);
}

TEST_CASE("a demand is forgotten while its framework is away") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = h.add_framework("f");
  framework.facet.failover_timeout = Duration::seconds(60);
  h.subscribe(framework);
  h.call(framework, call::Request{{want("cpus:8")}});
  CHECK(shown(h) != nullptr);
  h.break_connection(framework);
  CHECK(shown(h) == nullptr);
}

TEST_CASE("an explanation says what is wanted, what is on offer, what would fit and what lacks") {
  Harness h;
  add_hosts(h);
  FakeFramework& framework = subscribed_asker(h);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Request{{want("cpus:2;mem:1024", 3), want("cpus:1;mem:10000", 4)}});
  h.advance(Duration::seconds(5));
  const auto role = explained(h, framework).roles.at(0);
  REQUIRE(role.wanted.size() == 2);
  CHECK(role.wanted[0].shape == "3 x {2 cpus, 1024 mem}");
  // What is on offer to it is free no more.
  CHECK(role.wanted[0].offered == 3);
  CHECK(role.wanted[0].fits == 0);
  CHECK(role.wanted[1].offered == 0);
  CHECK(role.wanted[1].fits == 0);
  REQUIRE(role.wanted[1].numbers.size() == 2);
  CHECK(role.wanted[1].numbers[1].first == "largest free mem");
  bool small = false;
  for (const Explanation::Agents& agents : role.agents) {
    if (agents.rule != "demand" || agents.example != h.agents[0].id) continue;
    small = true;
    CHECK(agents.numbers.at(0).first == "wants");
    CHECK(agents.change.find("there, or REQUEST less") != std::string::npos);
  }
  CHECK(small);
}

TEST_CASE("what would fit is what constraints, capabilities and limits leave to the framework") {
  Harness h;
  add_hosts(h);
  h.add_agent("gpu", "cpus:32;mem:32768;gpus:1");
  FakeFramework& framework = h.add_framework("f", {"web"});
  framework.http = true;
  framework.constraints = std::make_shared<const OfferConstraints>(
      OfferConstraints{{{"web",
                         {{{AttributeConstraint::Of::hostname,
                            "",
                            AttributeConstraint::Test::not_equals,
                            "middle",
                            {}}}}}}});
  h.subscribe(framework);
  h.decline(framework, h.offers(framework), Duration{});
  h.call(framework, call::Suppress{});
  h.call(framework, call::Request{{want("cpus:1;mem:16", 100)}});
  const auto fits = [&] { return explained(h, framework).roles.at(0).wanted.at(0).fits; };
  CHECK(fits() == 9);  // of the small one 1, of the large one 8
  const auto limit = [&](Quantities limits) {
    const RequestId request(900'001);
    h.step(FromOperator{
        request,
        {},
        operation::UpdateQuota{
            operation::UpdateQuota::How::update, {{"web", {{}, std::move(limits)}}}, true}});
    REQUIRE(h.answers.at(request).status.ok());
  };
  limit({{"cpus", 5'000}});
  CHECK(fits() == 5);
}
