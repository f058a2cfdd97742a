// Offer constraints: what the attributes of agents must be for a framework.
#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

using Of = AttributeConstraint::Of;
using Test = AttributeConstraint::Test;

AttributeConstraint attribute(const std::string& name, Test test, const std::string& text = "") {
  return {Of::attribute, name, test, text, {}};
}
AttributeConstraint pseudo(Of of, Test test, const std::string& text = "") {
  return {of, "", test, text, {}};
}
OfferConstraintsPtr for_role(const std::string& role, std::vector<ConstraintGroup> groups) {
  return std::make_shared<const OfferConstraints>(OfferConstraints{{{role, std::move(groups)}}});
}
OfferConstraintsPtr only(AttributeConstraint constraint) {
  return for_role("*", {{std::move(constraint)}});
}

Attribute text(const std::string& name, const std::string& value) {
  Attribute out;
  out.name = name;
  out.text = value;
  return out;
}

void add_agent(Harness& h, const std::string& host, Domain domain,
               std::vector<Attribute> attributes) {
  FakeAgent& agent = h.agents.emplace_back();
  agent.host = host;
  agent.peer = PeerId(100 + h.agents.size());
  agent.total = res("cpus:1;mem:64");
  agent.domain = std::move(domain);
  agent.attributes = std::move(attributes);
  h.enroll(agent);
}

// Four agents that differ in all that can be asked for.
void add_agents(Harness& h) {
  h.lead();
  add_agent(h, "a1.example", {"eu", "z1"}, {text("rack", "r1"), text("ssd", "yes")});
  add_agent(h, "a2.example", {"eu", "z2"}, {text("rack", "r22"), text("rack", "r1")});
  Attribute level;
  level.name = "rack";
  level.kind = Attribute::Kind::scalar;
  level.scalar_milli = 5'000;
  add_agent(h, "b1.example", {"us", "z1"}, {level});
  add_agent(h, "b2.example", {}, {});
}

// The hosts that a framework with these constraints is offered.
std::set<std::string> offered(const OfferConstraintsPtr& constraints) {
  Harness h;
  add_agents(h);
  FakeFramework& framework = h.add_framework("f");
  framework.constraints = constraints;
  h.subscribe(framework);
  std::set<std::string> out;
  for (const OfferFacet& offer : h.offers(framework)) {
    out.insert(offer.agent->hostname.substr(0, 2));
  }
  return out;
}

using Hosts = std::set<std::string>;

}  // namespace

TEST_CASE("a framework is offered only agents that pass its constraints") {
  CHECK(offered(nullptr) == Hosts{"a1", "a2", "b1", "b2"});
  CHECK(offered(only(attribute("ssd", Test::exists))) == Hosts{"a1"});
  CHECK(offered(only(attribute("ssd", Test::not_exists))) == Hosts{"a2", "b1", "b2"});
  CHECK(offered(only(attribute("ssd", Test::equals, "yes"))) == Hosts{"a1"});
  CHECK(offered(only(attribute("ssd", Test::not_equals, "yes"))) == Hosts{"a2", "b1", "b2"});
  CHECK(offered(only(attribute("ssd", Test::matches, "y.*"))) == Hosts{"a1"});
  CHECK(offered(only(attribute("ssd", Test::not_matches, "y.*"))) == Hosts{"a2", "b1", "b2"});
}

TEST_CASE("hostname, region and zone are constrained like attributes") {
  CHECK(offered(only(pseudo(Of::hostname, Test::equals, "b2.example"))) == Hosts{"b2"});
  CHECK(offered(only(pseudo(Of::hostname, Test::matches, "a.\\.example"))) == Hosts{"a1", "a2"});
  CHECK(offered(only(pseudo(Of::region, Test::equals, "eu"))) == Hosts{"a1", "a2"});
  CHECK(offered(only(pseudo(Of::zone, Test::not_equals, "z1"))) == Hosts{"a2", "b2"});
  CHECK(offered(only(pseudo(Of::region, Test::not_exists))) == Hosts{"b2"});
}

TEST_CASE("a pattern must match the whole value, and the first attribute of a name counts") {
  CHECK(offered(only(attribute("rack", Test::matches, "r."))) == Hosts{"a1", "b1"});
  CHECK(offered(only(attribute("rack", Test::equals, "r1"))) == Hosts{"a1", "b1"});
}

TEST_CASE("what is no text passes every test for a text") {
  CHECK(offered(only(attribute("rack", Test::equals, "none"))) == Hosts{"b1"});
  CHECK(offered(only(attribute("rack", Test::not_matches, ".*"))) == Hosts{"b1", "b2"});
}

TEST_CASE("one group must pass, and all of it") {
  CHECK(offered(for_role(
            "*", {{attribute("rack", Test::equals, "r1"), pseudo(Of::region, Test::equals, "eu")},
                  {pseudo(Of::hostname, Test::matches, "b2.*")}})) == Hosts{"a1", "b2"});
}

TEST_CASE("a role without constraints is offered everything, beside one that has some") {
  Harness h;
  add_agents(h);
  FakeFramework& framework = h.add_framework("f", {"some", "any"});
  framework.facet.capabilities.set(Capabilities::multi_role);
  framework.constraints = for_role("some", {{attribute("nowhere", Test::exists)}});
  h.subscribe(framework);
  const auto offers = h.offers(framework);
  CHECK(offers.size() == 4);
  for (const OfferFacet& offer : offers) CHECK(*offer.role == "any");
  CHECK(h.core.explain(framework.facet.id, "some", h.agents[0].id) == "constraint");
}

TEST_CASE("constraints hold for agents that come later, and end with the next update") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f");
  framework.constraints = only(pseudo(Of::zone, Test::equals, "z1"));
  h.subscribe(framework);
  add_agent(h, "late", {"eu", "z2"}, {});
  add_agent(h, "right", {"eu", "z1"}, {});
  auto offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].agent->hostname == "right");
  const auto shown = [&] {
    const change::FrameworkPut* last = nullptr;
    for (const Change& change : h.changes) {
      if (const auto* put = std::get_if<change::FrameworkPut>(&change.body)) last = put;
    }
    return last->offer_constraints;
  };
  REQUIRE(shown() != nullptr);
  CHECK(shown()->roles.contains("*"));
  h.call(framework, call::UpdateFramework{framework.facet, {}, nullptr});
  CHECK(h.offers(framework).size() == 2);
  CHECK(shown() == nullptr);
  h.call(framework,
         call::UpdateFramework{framework.facet, {}, only(pseudo(Of::zone, Test::equals, "z2"))});
  h.decline(framework, h.offers(framework), Duration{});
  h.advance(Duration::seconds(5));
  offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].agent->hostname == "late");
}

TEST_CASE("constraints that cannot be meant are refused with the role and the pattern") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f");
  framework.http = true;
  const auto refusal = [&](OfferConstraintsPtr constraints) {
    framework.constraints = std::move(constraints);
    framework.heard.clear();
    h.subscribe(framework);
    const auto errors = framework.heard_of<event::Error>();
    return errors.empty() ? std::string() : errors[0].message;
  };
  CHECK(refusal(for_role("web", {{attribute("a", Test::exists)}})) ==
        "'offer_constraints' are for role 'web', which is not one of the framework's roles");
  CHECK(refusal(only(attribute("a", Test::matches, "(x"))) ==
        "'offer_constraints' for role '*': the pattern '(x' is not a regular expression: missing "
        "): (x");
  const std::string big(200, 'x');
  CHECK(refusal(only(attribute("a", Test::not_matches, big)))
            .find("is too complex: it compiles to 2") != std::string::npos);
  // A thousand thousand states: the bound on memory stops it before it is large.
  CHECK(refusal(only(attribute("a", Test::matches, "((a{100}){100}){100}")))
            .find("is not a regular expression") != std::string::npos);
  CHECK(refusal(nullptr).empty());
  const Status update = h.http_call(
      framework,
      call::UpdateFramework{framework.facet, {}, only(attribute("a", Test::matches, "["))});
  CHECK_FALSE(update.ok());
  CHECK(update.error().code == ErrorCode::invalid);
}

TEST_CASE("a framework that comes back without constraints has none") {
  Harness h;
  add_agents(h);
  FakeFramework& framework = h.add_framework("f");
  framework.constraints = only(attribute("nowhere", Test::exists));
  h.subscribe(framework);
  CHECK(h.offers(framework).empty());
  framework.constraints = nullptr;
  h.subscribe(framework);
  CHECK(h.offers(framework).size() == 4);
}
