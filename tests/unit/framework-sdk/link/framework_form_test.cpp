#include "framework-sdk/link/framework_form.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::sdk;
namespace sdk = bourse::sdk;

namespace {

SchedulerOptions in_roles(std::vector<std::string> roles) {
  SchedulerOptions out;
  out.name = "f";
  out.roles = std::move(roles);
  return out;
}

std::string refusal(const SchedulerOptions& options) {
  const auto described = description_of(options);
  return described.ok() ? "none" : described.error().message;
}

OfferConstraint on_rack(const char* text) {
  return {.attribute = "rack", .test = OfferConstraint::Test::equals, .text = text};
}

}  // namespace

TEST_CASE("a framework wants what is lent only if its options say so") {
  SchedulerOptions options = in_roles({"a"});
  using C = Capabilities;
  CHECK_FALSE(description_of(options)->framework.capabilities.has(C::revocable_resources));
  options.revocable = true;
  CHECK(description_of(options)->framework.capabilities.has(C::revocable_resources));
}

TEST_CASE("the least of an offer and the constraints of agents are said by role, or for the rest") {
  SchedulerOptions options = in_roles({"a", "b"});
  options.suppressed_roles = {"b"};
  options.min_allocatable = {{"", {sdk::Resources{.cpu_milli = 500, .memory_mb = 64}}},
                             {"b", {sdk::Resources{.cpu_milli = 4000}, sdk::Resources{.gpus = 1}}}};
  options.offer_constraints = {
      {"a", {{on_rack("r1"), {.of = OfferConstraint::Of::zone}}, {on_rack("r2")}}}};
  const auto described = description_of(options);
  REQUIRE(described.ok());
  CHECK(described->suppressed_roles == std::vector<std::string>{"b"});
  const auto& least = described->framework.min_allocatable;
  CHECK(least.at("a") == std::vector<Quantities>{{{"cpus", 500}, {"mem", 64'000}}});
  CHECK(least.at("b") == std::vector<Quantities>{{{"cpus", 4000}}, {{"gpus", 1000}}});
  const auto& groups = described->offer_constraints->roles;
  REQUIRE(groups.size() == 1);
  REQUIRE(groups.at("a").size() == 2);
  CHECK(describe(groups.at("a")[0][0]) == "attribute 'rack' equals 'r1'");
  CHECK(groups.at("a")[0][1].of == AttributeConstraint::Of::zone);
  // What is not asked for is not said.
  CHECK(description_of(in_roles({"a"}))->offer_constraints == nullptr);
  CHECK(description_of(in_roles({"a"}))->framework.min_allocatable.empty());
}

TEST_CASE("options that cannot be are refused by name, with what would be right") {
  SchedulerOptions options = in_roles({"a"});
  options.suppressed_roles = {"b"};
  CHECK(refusal(options) ==
        "options.suppressed_roles: the framework is not in role 'b'; name one of options.roles");
  options = in_roles({"a"});
  options.offer_constraints = {{"b", {{on_rack("r1")}}}};
  CHECK(refusal(options) ==
        "options.offer_constraints: the framework is not in role 'b'; name one of options.roles");
  options.offer_constraints = {{"a", {{}}}};
  CHECK(refusal(options).find("'options.offer_constraints.") == 0);
  options = in_roles({"a"});
  options.min_allocatable = {{"a", {sdk::Resources{}}}};
  CHECK(refusal(options) ==
        "options.min_allocatable: an alternative of role 'a' is of nothing: say of what and how "
        "much, or leave the role out");
}

TEST_CASE("a framework that describes itself anew stays who it is") {
  SchedulerOptions began = in_roles({"a"});
  began.master = "m:1";
  began.user = "u";
  began.principal = "p";
  SchedulerOptions changed = in_roles({"b"});
  changed.user = "other";
  changed.webui_url = "http://x";
  const SchedulerOptions now = updated(began, changed);
  CHECK(now.roles == changed.roles);
  CHECK(now.webui_url == changed.webui_url);
  CHECK(now.master == "m:1");
  CHECK(now.user == "u");
  CHECK(now.principal == "p");
}
