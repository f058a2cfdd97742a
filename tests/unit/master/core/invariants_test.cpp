// The invariants are checked after every step. Here states are spoilt on purpose, each in a child
// process, to show that the check notices.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "master/core/handlers.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// Whether the checks end the process when this was done to a copy of the state.
bool noticed(const MasterState& state, const std::function<void(MasterState&)>& spoil) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
    MasterState copy = state;
    spoil(copy);
    try {
      check_all(copy);
    } catch (...) {
      ::_exit(1);  // an index that leads nowhere
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Agent& first_agent(MasterState& state) {
  return state.agents.at(state.agent_of.begin()->second);
}

Framework& first_framework(MasterState& state) {
  return state.frameworks.at(state.framework_of.begin()->second);
}

}  // namespace

TEST_CASE("a state that does not add up is noticed, whichever row it is in") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  REQUIRE(h.offers(f).size() == 1);
  const MasterState& state = h.core.state();
  CHECK_FALSE(noticed(state, [](MasterState&) {}));

  CHECK(noticed(state, [](MasterState& s) { first_agent(s).ledger.use(res("cpus:1")); }));
  CHECK(noticed(state, [](MasterState& s) { first_agent(s).ledger.release(res("cpus:1")); }));
  CHECK(noticed(state, [](MasterState& s) { first_agent(s).leaks[{}] = res("cpus:1"); }));
  CHECK(noticed(state, [](MasterState& s) { first_agent(s).phase = AgentPhase::silent; }));
  CHECK(noticed(state, [](MasterState& s) { first_agent(s).offers.clear(); }));
  CHECK(noticed(state, [](MasterState& s) { first_agent(s).tasks.clear(); }));
  CHECK(noticed(state, [](MasterState& s) { s.agent_of.clear(); }));
  CHECK(noticed(state, [](MasterState& s) { ++s.agents_recovering; }));
  CHECK(noticed(state, [](MasterState& s) { ++s.agents_admitting; }));

  const auto task = [](MasterState& s) -> Task& {
    return s.tasks.at(first_framework(s).tasks.front());
  };
  CHECK(noticed(state, [&](MasterState& s) { task(s).state = TaskState::finished; }));
  CHECK(noticed(state, [&](MasterState& s) { task(s).charged = false; }));
  CHECK(noticed(state, [&](MasterState& s) { task(s).standing = TaskStanding::zombie; }));
  CHECK(noticed(state, [&](MasterState& s) { task(s).launch_id.epoch = 99; }));

  CHECK(noticed(state,
                [](MasterState& s) { first_framework(s).phase = FrameworkPhase::disconnected; }));
  CHECK(noticed(state, [](MasterState& s) { first_framework(s).task_of.clear(); }));
  CHECK(noticed(state, [](MasterState& s) { s.offer_of.clear(); }));
  CHECK(noticed(state, [](MasterState& s) {
    const Role& role = first_framework(s).roles.at(0);
    s.allocation.tree.charge(role.claim.id, std::vector<std::int64_t>(1, 5));
  }));
}
