// What a framework says of itself: in SUBSCRIBE, in UPDATE_FRAMEWORK, and in between.
#include <catch2/catch.hpp>
#include <memory>

#include "tests/unit/framework-sdk/core/scheduler_world.hpp"

using namespace bourse;
using namespace bourse::sdk;
using World = bourse::sdk::test::SchedulerWorld;

TEST_CASE("what a framework says of itself anew is said at once and begins each later session") {
  World w;
  w.start();
  w.subscribe();
  CHECK(w.calls<call::Subscribe>().back().offer_constraints == nullptr);
  call::UpdateFramework update;
  update.framework.roles = {"a", "b"};
  update.suppressed_roles = {"b"};
  update.offer_constraints = std::make_shared<const OfferConstraints>();
  w.call(update);
  REQUIRE(w.calls<call::UpdateFramework>().size() == 1);
  CHECK(w.calls<call::UpdateFramework>().back().framework.roles == update.framework.roles);
  w.step(scheduler_event::Lost{});
  w.subscribe();
  const call::Subscribe again = w.calls<call::Subscribe>().back();
  CHECK(again.framework.roles == update.framework.roles);
  CHECK(again.framework.id == FrameworkId("F1"));
  CHECK(again.suppressed_roles == update.suppressed_roles);
  CHECK(again.offer_constraints == update.offer_constraints);
  CHECK(w.calls<call::UpdateFramework>().size() == 1);
}

TEST_CASE("what a framework says anew while SUBSCRIBE is under way is said after its answer") {
  World w;
  w.start();
  w.step(scheduler_event::Connected{});
  call::UpdateFramework update;
  update.framework.roles = {"a"};
  update.suppressed_roles = {"a"};
  w.call(update);
  CHECK(w.calls<call::UpdateFramework>().empty());
  w.session = w.sent().back().header.session;
  w.from_master(event::Subscribed{FrameworkId("F1"), w.heartbeat});
  REQUIRE(w.calls<call::UpdateFramework>().size() == 1);
  CHECK(w.calls<call::UpdateFramework>().back().framework.id == FrameworkId("F1"));
  CHECK(w.calls<call::UpdateFramework>().back().suppressed_roles == update.suppressed_roles);
  CHECK(w.calls<call::Suppress>().empty());  // the update has said it
}

TEST_CASE("offer constraints of the start are in SUBSCRIBE") {
  World w;
  w.machine = std::make_unique<SchedulerMachine>(w.config);
  const auto constraints = std::make_shared<const OfferConstraints>();
  w.step(scheduler_event::Start{{}, {"r"}, 5, constraints});
  w.step(scheduler_event::Connected{});
  CHECK(w.calls<call::Subscribe>().back().offer_constraints == constraints);
  CHECK(w.calls<call::Subscribe>().back().suppressed_roles == std::vector<std::string>{"r"});
}
