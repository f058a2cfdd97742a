// What a task or executor holds is held in the role that it was launched in, whoever leads.
#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::FakeAgent;
using bourse::master::test::FakeFramework;
using bourse::master::test::Harness;

namespace {

struct World {
  Harness h;
  FakeAgent& a;
  FakeFramework& f;

  World() : a((h.lead(), h.add_agent("a"))), f(h.add_framework("f", {"x", "y"})) {
    h.subscribe(f, {"x"});
    h.run_task(f, a, "t");
  }
  void fail_over() {
    a.tasks = {h.known(a, "t", TaskState::running)};
    a.tasks[0].role = a.heard_of<to_agent::Launch>().at(0).role;
    a.frameworks = {{std::make_shared<const FrameworkFacet>(f.facet)}};
    h.restart_master();
    h.enroll(a);
  }
  std::string role_of_task() const {
    const MasterState& state = h.core.state();
    const Framework& row = state.frameworks.at(state.framework_of.at(f.facet.id));
    return row.roles.at(state.tasks.at(row.tasks.at(0)).role).name;
  }
  std::vector<std::string> told_in() const {
    std::vector<std::string> out;
    for (const Change& change : h.changes) {
      const auto* added = std::get_if<change::TaskAdded>(&change.body);
      if (added != nullptr) out.push_back(*added->role);
    }
    return out;
  }
};

}  // namespace

TEST_CASE("an agent is told the role of a launch, and the next master hears it from the agent") {
  World w;
  REQUIRE(w.a.heard_of<to_agent::Launch>().at(0).role == "y");
  CHECK(w.told_in() == std::vector<std::string>{"y"});
  w.fail_over();
  CHECK(w.role_of_task() == "y");
  CHECK(w.told_in() == std::vector<std::string>{"y"});
}

TEST_CASE("a task of a role that its framework has left is held in that role") {
  World w;
  w.f.facet.roles = {"x", "z"};
  w.h.subscribe(w.f);
  w.fail_over();
  CHECK(w.role_of_task() == "y");
  w.h.subscribe(w.f);
  CHECK(w.role_of_task() == "y");
  for (const OfferFacet& offer : w.h.offers(w.f)) CHECK(*offer.role != "y");
}

TEST_CASE("a task of an agent that does not know its role is held in its framework's first") {
  World w;
  w.a.heard.clear();
  w.a.heard.push_back({});
  w.a.tasks.clear();
  w.a.tasks.emplace_back();
  to_master::KnownTask& known = w.a.tasks[0];
  known.framework_id = w.f.facet.id;
  known.task = std::make_shared<const TaskFacet>(w.h.task("t", w.a));
  known.executor_id = ExecutorId("t");
  known.command_task = true;
  known.state = TaskState::running;
  w.h.restart_master();
  w.h.enroll(w.a);
  CHECK(w.role_of_task() == "x");
}
