// The invariants are checked after every step. Here states are spoilt on purpose, each in a child
// process, to show that the check notices.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>

#include "master/core/handlers.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// What `body` said on standard error before it ended the process; nothing if it did not.
std::optional<std::string> last_words(const std::function<void()>& body) {
  int words[2];
  REQUIRE(::pipe2(words, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(words[1], 2);
    try {
      body();
    } catch (...) {
      ::_exit(1);  // an index that leads nowhere
    }
    ::_exit(0);
  }
  ::close(words[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(words[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(words[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  return said;
}

// Whether the checks end the process when this was done to a copy of the state.
bool noticed(const MasterState& state, const std::function<void(MasterState&)>& spoil) {
  return last_words([&] {
           MasterState copy = state;
           spoil(copy);
           check_all(copy);
         })
      .has_value();
}

// Whether a step ends the process, by the checks at its end, when this was done before it.
bool noticed_by_step(const Harness& h, const Event& event,
                     const std::function<void(MasterState&)>& spoil) {
  const auto said = last_words([&] {
    MasterState copy = h.core.state();
    spoil(copy);
    MasterCore core(h.core.config(), std::move(copy));
    Effects effects;
    core.step(event, effects);
  });
  return said && said->find("invariants.cpp") != std::string::npos;
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

TEST_CASE("a step ends the process when a row that it touched does not add up, and no other") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  FakeFramework& g = h.add_framework("g");
  h.subscribe(g);
  const auto spoil = [](MasterState& s) {
    for (const auto& [id, slot] : s.framework_of) s.frameworks.at(slot).task_of.erase(TaskId("t1"));
  };
  const auto nothing = [](MasterState&) {};
  CHECK(noticed_by_step(h, {h.now, PeerGone{f.stream}}, spoil));
  CHECK_FALSE(noticed_by_step(h, {h.now, PeerGone{g.stream}}, spoil));
  CHECK_FALSE(noticed_by_step(h, {h.now, PeerGone{f.stream}}, nothing));
}
