// What a framework says of itself: while its first word is being written, later, and in vain.
#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

std::vector<std::string> roles_of(const Harness& h, const FakeFramework& framework) {
  const Framework& row =
      h.core.state().frameworks.at(h.core.state().framework_of.at(framework.facet.id));
  std::vector<std::string> out;
  for (const Role& role : row.roles) {
    if (role.subscribed) out.push_back(role.name + (role.suppressed ? " suppressed" : ""));
  }
  return out;
}

// To its newest attempt: an older one's is dropped by who reads it.
std::size_t welcomes(const FakeFramework& framework) {
  std::size_t count = 0;
  for (const MasterToFramework& message : framework.heard) {
    if (!std::holds_alternative<event::Subscribed>(message.body)) continue;
    if (framework.http || message.header.session == framework.session) ++count;
  }
  return count;
}

std::string error_of(const FakeFramework& framework) {
  const auto errors = framework.heard_of<event::Error>();
  return errors.empty() ? "" : errors.back().message;
}

}  // namespace

TEST_CASE("a second subscription counts though the first is still being written") {
  const bool http = GENERATE(false, true);
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f", {"a"});
  framework.http = http;
  framework.facet.capabilities.set(Capabilities::multi_role);
  h.hold_writes = true;
  h.subscribe(framework);
  framework.facet.roles = {"a", "b"};
  framework.facet.failover_timeout = Duration::seconds(100);
  if (http) framework.stream = PeerId(7'777);  // each has a connection of its own
  if (http) framework.facet.id = std::get<registry::PutFramework>(h.writes[0].command).framework.id;
  h.subscribe(framework, {"b"});
  // The first one is written; what the second says is not yet promised to anybody.
  h.store_one();
  CHECK(welcomes(framework) == 0);
  REQUIRE(h.writes.size() == 1);
  h.store_one();
  CHECK(welcomes(framework) == 1);
  CHECK(roles_of(h, framework) == std::vector<std::string>{"a", "b suppressed"});
  CHECK(h.registry.frameworks.at(framework.facet.id).facet.roles == framework.facet.roles);
  CHECK(h.registry.frameworks.at(framework.facet.id).facet.failover_timeout ==
        Duration::seconds(100));
  h.hold_writes = false;
  h.add_agent("a");
  CHECK(h.offers(framework).size() == 1);
}

TEST_CASE("a second subscription that suppresses other roles needs no second write") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f", {"a"});
  h.hold_writes = true;
  h.subscribe(framework);
  h.subscribe(framework, {"a"});
  h.store_one();
  CHECK(h.writes.empty());
  CHECK(welcomes(framework) == 1);
  CHECK(roles_of(h, framework) == std::vector<std::string>{"a suppressed"});
}

TEST_CASE(
    "a second subscription that is not stored leaves the first, which ends unless it is back") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f", {"a"});
  h.hold_writes = true;
  h.subscribe(framework);
  framework.facet.roles = {"b"};
  h.subscribe(framework);
  h.store_one();
  h.reject_one("the disk is full");
  h.hold_writes = false;
  CHECK(welcomes(framework) == 0);
  REQUIRE(h.registry.frameworks.size() == 1);
  const bool returns = GENERATE(false, true);
  if (returns) {
    framework.facet.id = h.registry.frameworks.begin()->first;
    h.subscribe(framework);
    CHECK(welcomes(framework) == 1);
    CHECK(roles_of(h, framework) == std::vector<std::string>{"b"});
    return;
  }
  h.advance(h.config.framework_recovery + Duration::seconds(1));
  CHECK(h.registry.frameworks.empty());
  CHECK(h.core.state().frameworks.size() == 0);
}

TEST_CASE("UPDATE_FRAMEWORK changes neither user nor checkpoint, as in Mesos") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f");
  framework.http = true;
  framework.facet.user = "ops";
  h.subscribe(framework);
  call::UpdateFramework update{framework.facet, {}, nullptr};
  update.framework.user = "root";
  CHECK(h.http_call(framework, update).error().message ==
        "Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'ops' to 'root'");
  update.framework.user = "ops";
  update.framework.checkpoint = !framework.facet.checkpoint;
  const Status status = h.http_call(framework, update);
  CHECK(status.error().code == ErrorCode::invalid);
  CHECK(status.error().message.find("Updating 'FrameworkInfo.checkpoint' is unsupported") == 0);
  CHECK(h.registry.frameworks.at(framework.facet.id).facet.checkpoint ==
        framework.facet.checkpoint);
  update.framework.checkpoint = framework.facet.checkpoint;
  update.framework.name = "g";
  CHECK(h.http_call(framework, update).ok());
  CHECK(h.registry.frameworks.at(framework.facet.id).facet.name == "g");
}

TEST_CASE("offer_filters of a foreign role, or too many, are refused by name") {
  Harness h;
  h.lead();
  FakeFramework& framework = h.add_framework("f", {"eng"});
  const auto refused = [&](decltype(FrameworkFacet::min_allocatable) filters) {
    framework.heard.clear();
    framework.facet.min_allocatable = std::move(filters);
    h.subscribe(framework);
    return error_of(framework);
  };
  CHECK(refused({{"ops", {{{"cpus", 1'000}}}}}) ==
        "'FrameworkInfo.offer_filters' names role 'ops', which is not one of the framework's "
        "roles");
  const Quantities one{{"cpus", 1'000}};
  CHECK(refused({{"eng", std::vector<Quantities>(limits::kMaxMinimums + 1, one)}}) ==
        "'FrameworkInfo.offer_filters' has 65 quantities in all: at most 64");
  Quantities wide;
  for (std::size_t i = 0; i <= limits::kMaxMinimumNames; ++i) wide["x" + std::to_string(i)] = 1;
  CHECK(refused({{"eng", {wide}}}) ==
        "'FrameworkInfo.offer_filters' has a minimum of 17 resources in role 'eng': at most 16");
  CHECK(refused({{"eng", std::vector<Quantities>(limits::kMaxMinimums, one)}}).empty());
}
