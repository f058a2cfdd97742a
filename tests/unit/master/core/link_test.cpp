// Sessions, heartbeats, limits and failovers that scenarios do not show.
#include <catch2/catch.hpp>

#include <limits>

#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

bool told_session_over(const FakeFramework& f) {
  for (const MasterToFramework& message : f.heard) {
    if (std::holds_alternative<event::Heartbeat>(message.body) &&
        message.header.sequence == std::numeric_limits<std::uint64_t>::max()) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("events to an SDK are numbered without gaps and heartbeats say how many were sent") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, agent, "t1");
  std::uint64_t last = 0;
  for (const MasterToFramework& message : f.heard) {
    CHECK(message.header.session == f.session);
    if (message.header.sequence != 0) CHECK(message.header.sequence == ++last);
  }
  CHECK(last >= 2);
  h.advance(h.config.framework_link_heartbeat);
  std::uint64_t sent = 0;
  bool heard_heartbeat = false;
  for (const MasterToFramework& message : f.heard) {
    if (!std::holds_alternative<event::Heartbeat>(message.body)) {
      sent = message.header.sequence;
      continue;
    }
    heard_heartbeat = true;
    CHECK(message.header.sequence == sent);
  }
  CHECK(heard_heartbeat);
  CHECK(sent >= last);
}

TEST_CASE("a repeated frame of a framework is dropped and a lost one ends its session") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.call(f, call::Suppress{});
  const auto frame = [&](std::uint64_t sequence) {
    h.step(FromFramework{
        f.stream, {}, {{f.session, sequence, 0}, SchedulerCall{f.facet.id, call::Revive{}}}, {}});
  };
  frame(1);
  CHECK(
      h.core.state().frameworks.at(h.core.state().framework_of.at(f.facet.id)).roles[0].suppressed);
  CHECK_FALSE(told_session_over(f));
  frame(9);
  CHECK(told_session_over(f));
}

TEST_CASE("a heartbeat of a framework that says more was sent than arrived ends its session") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.step(FromFramework{f.stream, {}, {{f.session, 0, 0}, std::monostate{}}, {}});
  CHECK_FALSE(told_session_over(f));
  h.step(FromFramework{f.stream, {}, {{f.session, 1, 0}, std::monostate{}}, {}});
  CHECK(told_session_over(f));
}

TEST_CASE("a framework that a restarted master does not know by session is told to come back") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.restart_master();
  h.step(FromFramework{f.stream, {}, {{f.session, 0, 0}, std::monostate{}}, {}});
  CHECK(told_session_over(f));
}

TEST_CASE("an older attempt to subscribe that arrives late changes nothing") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.session = 5;
  h.subscribe(f);
  const std::uint64_t before = h.core.fingerprint();
  f.session = 3;
  h.subscribe(f);
  CHECK(h.core.fingerprint() == before);
}

TEST_CASE("failover_timeout survives a restart of the master") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.facet.failover_timeout = Duration::seconds(500);
  h.subscribe(f);
  h.restart_master();
  h.advance(Duration::seconds(499));
  CHECK(h.registry.frameworks.size() == 1);
  h.advance(Duration::seconds(1));
  CHECK(h.registry.frameworks.empty());
  CHECK(h.registry.removed_frameworks.size() == 1);
}

TEST_CASE("re-registration of an unchanged agent writes nothing") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  const std::size_t before = h.persists;
  h.break_connection(agent);
  h.enroll(agent);
  CHECK(h.row(agent).phase == AgentPhase::active);
  CHECK(h.persists == before);
}

TEST_CASE("a master whose epoch is not above what the registry saw does not lead") {
  MasterConfig config = Harness::default_config();
  config.epoch = 4;
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 4;
  Harness h(config);
  h.lead(registry);
  CHECK(h.abdicated.size() == 1);
  CHECK(h.persists == 0);
}

TEST_CASE("a registry that refuses the epoch ends the leadership") {
  Harness h;
  h.hold_writes = true;
  h.lead();
  h.reject_one("fenced");
  CHECK(h.abdicated.size() == 1);
}

TEST_CASE("an agent that saw a newer epoch is not taken in") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  agent.epoch = 9;
  agent.heard.clear();
  h.enroll(agent);
  REQUIRE(agent.heard_of<to_agent::Refused>().size() == 1);
  CHECK(agent.heard_of<to_agent::Refused>()[0].retry_after > Duration{});
}

TEST_CASE("an accept of more tasks than the limit is refused whole") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  call::Accept accept;
  accept.offer_ids.push_back(h.offers(f).at(0).id);
  std::vector<TaskFacet> tasks(limits::kMaxTasksPerAccept + 1, h.task("t", agent));
  accept.operations.push_back({{}, LaunchOperation{tasks}});
  const Status status = h.http_call(f, accept);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().code == ErrorCode::too_large);
  CHECK(h.ledger(agent).used().empty());
  CHECK(h.ledger(agent).offered().empty());
}

TEST_CASE("a framework message over the limit is refused and one at the limit is passed on") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  const std::string most(limits::kMaxFrameworkMessageBytes, 'x');
  CHECK(h.http_call(f, call::Message{agent.id, ExecutorId("e"), most}).ok());
  const Status over = h.http_call(f, call::Message{agent.id, ExecutorId("e"), most + "x"});
  REQUIRE_FALSE(over.ok());
  CHECK(over.error().code == ErrorCode::too_large);
  CHECK(agent.heard_of<to_agent::FrameworkMessage>().size() == 1);
}

TEST_CASE("a framework publishes at most sixteen documents of at most the limit") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  for (std::size_t i = 0; i < limits::kMaxPublishedDocuments; ++i) {
    CHECK(h.http_call(f, call::Publish{"doc" + std::to_string(i), "x"}).ok());
  }
  CHECK(h.http_call(f, call::Publish{"doc0", "again"}).ok());
  CHECK(h.http_call(f, call::Publish{"one-more", "x"}).error().code == ErrorCode::invalid);
  const std::string big(limits::kMaxPublishedBytes + 1, 'x');
  CHECK(h.http_call(f, call::Publish{"doc0", big}).error().code == ErrorCode::too_large);
}

TEST_CASE("HTTP calls name what stands against them in Mesos' order") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  f.facet.principal = "owner";
  h.subscribe(f);
  FakeFramework other = f;
  other.facet.id = FrameworkId("nope");
  CHECK(h.http_call(other, call::Revive{}).error() ==
        Error{ErrorCode::not_found, "Framework cannot be found"});
  other = f;
  other.stream = PeerId();
  CHECK(h.http_call(other, call::Revive{}).error().message ==
        "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  other.stream = PeerId(999);
  CHECK(h.http_call(other, call::Revive{}).error().message.starts_with("The stream ID"));
  h.step(FromFramework{f.stream,
                       Principal{"thief"},
                       {{}, SchedulerCall{f.facet.id, call::Revive{}}},
                       RequestId(77)});
  CHECK(h.answers.at(RequestId(77)).status.error().message.starts_with("Authenticated principal"));
  h.break_connection(f);
  CHECK(h.http_call(f, call::Revive{}).error().code == ErrorCode::conflict);
}

TEST_CASE("completed tasks are forgotten oldest first at their limit") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  for (std::size_t i = 0; i < limits::kMaxCompletedTasksPerFramework + 5; ++i) {
    const std::string id = "t" + std::to_string(i);
    h.accept(f, h.offers(f), {h.task(id, agent)}, Duration{});
    h.acknowledge(f, agent, id, h.status(agent, f, id, TaskState::finished));
    f.heard.clear();
    agent.heard.clear();
  }
  const Framework& row = h.core.state().frameworks.at(h.core.state().framework_of.at(f.facet.id));
  CHECK(row.completed.size() == limits::kMaxCompletedTasksPerFramework);
  CHECK_FALSE(row.completed.contains(TaskId("t4")));
  CHECK(row.completed.contains(TaskId("t5")));
}

TEST_CASE("a task that another agent turns out to have is killed there") {
  Harness h;
  h.lead();
  FakeAgent& a = h.add_agent("a");
  FakeAgent& b = h.add_agent("b");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  h.run_task(f, a, "t1");
  b.tasks = {h.known(a, "t1", TaskState::running)};
  h.enroll(b);
  REQUIRE(b.heard_of<to_agent::Kill>().size() == 1);
  CHECK(h.ledger(b).used() == res("cpus:1;mem:64"));
  CHECK(a.heard_of<to_agent::Kill>().empty());
}
