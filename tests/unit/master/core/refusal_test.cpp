// Every refusal carries one precise reason: what is wrong with a framework, a call, a task, an
// agent or an operator's order, case by case. Scenarios show the same in stories.
#include <catch2/catch.hpp>

#include "master/core/handlers.hpp"
#include "model/limits.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

FrameworkFacet framework_in(std::vector<std::string> roles) {
  FrameworkFacet facet;
  facet.name = "f";
  facet.roles = std::move(roles);
  if (facet.roles.size() > 1) facet.capabilities.set(Capabilities::multi_role);
  return facet;
}

std::string wrong_with(const FrameworkFacet& facet,
                       const std::vector<std::string>& suppressed = {}) {
  return validate_framework(facet, suppressed).value_or("");
}

std::string wrong_role(const std::string& role) {
  return validate_role(role).value_or("");
}

// One accepted task after another is refused: the message of the last update.
std::string why_refused(Harness& h, FakeFramework& f, TaskFacet task) {
  h.call(f, call::Revive{});  // what was refused before is offered again
  f.heard.clear();
  h.accept(f, h.offers(f), {std::move(task)}, Duration{});
  REQUIRE(f.updates().size() == 1);
  CHECK(f.updates()[0].state == TaskState::error);
  CHECK(f.updates()[0].reason == StatusReason::task_invalid);
  return f.updates()[0].message;
}

std::string refused_for(const Status& status) {
  REQUIRE_FALSE(status.ok());
  return status.error().message;
}

}  // namespace

TEST_CASE("a role is refused for the one thing that is wrong with it") {
  CHECK(wrong_role("*").empty());
  CHECK(wrong_role("eng/web-1").empty());
  CHECK(wrong_role("") == "Empty role name is invalid");
  CHECK(wrong_role("/a") == "Role '/a' cannot start with a slash");
  CHECK(wrong_role("a/") == "Role 'a/' cannot end with a slash");
  CHECK(wrong_role("a//b") == "Role 'a//b' cannot contain two adjacent slashes");
  CHECK(wrong_role("a/./b") == "Role 'a/./b' cannot contain '.' as a component");
  CHECK(wrong_role("a/..") == "Role 'a/..' cannot contain '..' as a component");
  CHECK(wrong_role("a/-b") == "Role 'a/-b' cannot have a component that starts with a dash");
  CHECK(wrong_role("a/*") == "Role 'a/*' cannot contain '*' as a component");
  CHECK(wrong_role("a b") == "Role 'a b' cannot contain whitespace or control characters");
  CHECK(wrong_role("a\x7f").ends_with("cannot contain whitespace or control characters"));
  CHECK(wrong_role(std::string(257, 'r')) == "Role of 257 bytes is longer than 256");
  std::string deep = "a";
  for (std::size_t i = 1; i < limits::kMaxRoleDepth; ++i) deep += "/a";
  CHECK(wrong_role(deep).empty());
  CHECK(wrong_role(deep + "/a").ends_with("is 17 levels deep, over 16"));
}

TEST_CASE("a framework is refused for the one thing that is wrong with it") {
  CHECK(wrong_with(framework_in({"a", "b"}), {"b"}).empty());
  FrameworkFacet single = framework_in({"a", "b"});
  single.capabilities = {};
  CHECK(wrong_with(single) ==
        "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable");
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= limits::kMaxRolesPerFramework; ++i) {
    many.push_back("r" + std::to_string(i));
  }
  CHECK(wrong_with(framework_in(many)) == "'FrameworkInfo.roles' has 65 roles, more than 64");
  CHECK(wrong_with(framework_in({"a", "/b"})) ==
        "'FrameworkInfo.roles' contains an invalid role: Role '/b' cannot start with a slash");
  CHECK(wrong_with(framework_in({"a", "b", "a"})) ==
        "'FrameworkInfo.roles' has a duplicate role 'a'");
  CHECK(wrong_with(framework_in({"a"}), {"b"}) ==
        "Suppressed role 'b' is not one of the framework's roles");
  FrameworkFacet named = framework_in({"a"});
  named.name.assign(limits::kMaxNameBytes + 1, 'n');
  CHECK(wrong_with(named) == "'FrameworkInfo.name' is 1025 bytes long, more than 1024");
  FrameworkFacet id = framework_in({"a"});
  id.id = FrameworkId(std::string(limits::kMaxIdBytes + 1, 'i'));
  CHECK(wrong_with(id) == "'FrameworkInfo.id' is 257 bytes long, more than 256");
  for (const Duration timeout :
       {Duration::seconds(-1), limits::kMaxFailoverTimeout + Duration::seconds(1)}) {
    FrameworkFacet timed = framework_in({"a"});
    timed.failover_timeout = timeout;
    CHECK(wrong_with(timed) == "'FrameworkInfo.failover_timeout' must be between 0 and ten years");
  }
}

TEST_CASE("a framework's principal never changes and nobody else speaks for it") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  f.facet.principal = "owner";
  h.subscribe(f);
  f.facet.principal = "thief";
  CHECK(refused_for(h.http_call(f, call::UpdateFramework{f.facet, {}})) ==
        "framework_info.principal cannot change");
  f.heard.clear();
  h.subscribe(f);
  REQUIRE(f.heard_of<event::Error>().size() == 1);
  CHECK(f.heard_of<event::Error>()[0].message ==
        "framework_info.principal: 'thief' is not 'owner', which cannot change");
  f.facet.principal = "owner";
  h.step(FromFramework{f.stream,
                       Principal{"thief"},
                       {{}, SchedulerCall{f.facet.id, call::Revive{}}},
                       RequestId(77)});
  CHECK(refused_for(h.answers.at(RequestId(77)).status) ==
        "Authenticated principal 'thief' does not match principal 'owner' set in `FrameworkInfo`");
}

TEST_CASE("a framework that named nobody may name who it proves to be, and nobody else") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  const auto subscribe_as = [&](const std::string& proven, const std::string& named) {
    f.closed = false;  // a refusal closes the stream
    f.heard.clear();
    f.facet.principal = named;
    h.step(FromFramework{f.stream,
                         Principal{proven},
                         {{}, SchedulerCall{f.facet.id, call::Subscribe{f.facet, {}}}},
                         RequestId(77)});
    const auto errors = f.heard_of<event::Error>();
    return errors.empty() ? std::string() : errors[0].message;
  };
  for (const std::string proven : {"", "other"}) {
    CHECK(subscribe_as(proven, "me") ==
          "framework_info.principal: 'me' is not '', which cannot change");
  }
  CHECK(subscribe_as("me", "me").empty());
  CHECK(h.registry.frameworks.at(f.facet.id).facet.principal == "me");
  CHECK(subscribe_as("other", "other").find("does not match principal 'me'") != std::string::npos);
}

TEST_CASE("a call that is too large is refused whole, naming the field, its size and the limit") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& f = h.add_framework("f");
  f.http = true;
  h.subscribe(f);
  f.heard.clear();

  call::Accept offers;
  offers.offer_ids.assign(limits::kMaxOffersPerAccept + 1, OfferId("o"));
  CHECK(refused_for(h.http_call(f, offers)) == "accept.offer_ids: 1001 offers, more than 1000");
  call::Accept tasks;
  tasks.operations.push_back(
      {{}, LaunchOperation{std::vector<TaskFacet>(10'001, h.task("t", agent))}});
  CHECK(refused_for(h.http_call(f, tasks)) == "accept.operations: 10001 tasks, more than 10000");
  call::Reconcile reconcile;
  reconcile.tasks.resize(limits::kMaxReconcilePerCall + 1);
  f.heard.clear();
  CHECK(refused_for(h.http_call(f, reconcile)) ==
        "reconcile.tasks: 100001 tasks, more than 100000");
  CHECK(f.heard.empty());
  const call::Message message{agent.id, ExecutorId("e"), std::string((1 << 20) + 1, 'x')};
  CHECK(refused_for(h.http_call(f, message)) == "message.data: 1048577 bytes, more than 1048576");
  CHECK(refused_for(h.http_call(f, call::Publish{"doc", std::string((256 << 10) + 1, 'x')})) ==
        "publish.content: 262145 bytes, more than 262144");
}

TEST_CASE("suppress and revive of a role that is not the framework's are refused by its name") {
  Harness h;
  h.lead();
  FakeFramework& f = h.add_framework("f", {"a", "b"});
  f.http = true;
  h.subscribe(f);
  CHECK(refused_for(h.http_call(f, call::Suppress{{"a", "c"}})) ==
        "roles: the framework is not in role 'c'");
  CHECK(refused_for(h.http_call(f, call::Revive{{"c"}})) ==
        "roles: the framework is not in role 'c'");
  const Framework& row = h.core.state().frameworks.at(h.core.state().framework_of.at(f.facet.id));
  CHECK_FALSE(row.roles[0].suppressed);  // all or nothing
}

TEST_CASE("a task is refused for the one thing that is wrong with it") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus:4;mem:1024");
  FakeFramework& f = h.add_framework("f");
  h.subscribe(f);
  const auto with_executor = [&](const std::string& id, ExecutorFacet executor) {
    TaskFacet task = h.task(id, agent);
    task.has_command = false;
    task.executor = std::move(executor);
    return task;
  };
  CHECK(why_refused(h, f, h.task("", agent)) == "Task has no ID");
  CHECK(why_refused(h, f, h.task("t", FakeAgent{})) ==
        "Task uses invalid agent  while agent c-1-S0 is expected");
  CHECK(why_refused(h, f, h.task("t", agent, "cpus:0")) == "Task uses no resources");
  CHECK(why_refused(h, f, h.task("t", agent, "cpus:5;mem:64")) ==
        "Total resources cpus:5; mem:64 required by task and its executor is more than available "
        "cpus:4; mem:1024");
  CHECK(why_refused(h, f, with_executor("t", Harness::executor("e", "cpus:3.5;mem:64"))) ==
        "Total resources cpus:4.5; mem:128 required by task and its executor is more than "
        "available cpus:4; mem:1024");
  CHECK(why_refused(h, f, h.task("t", agent, "cpus:1;gpus:1")) ==
        "Total resources cpus:1; gpus:1 required by task and its executor is more than available "
        "cpus:4; mem:1024");
  TaskFacet neither = h.task("t", agent);
  neither.has_command = false;
  CHECK(why_refused(h, f, neither).starts_with("Task should have at least one (but not both)"));
  TaskFacet both = with_executor("t", Harness::executor("e"));
  both.has_command = true;
  CHECK(why_refused(h, f, both).starts_with("Task should have at least one (but not both)"));
  CHECK(why_refused(h, f, with_executor("t", Harness::executor(""))) == "Executor has no ID");
  ExecutorFacet foreign = Harness::executor("e");
  foreign.framework_id = FrameworkId("other");
  CHECK(why_refused(h, f, with_executor("t", foreign)) ==
        "ExecutorInfo has an invalid FrameworkID (Actual: other vs Expected: c-1-0000)");
  CHECK(agent.heard_of<to_agent::Launch>().empty());
  CHECK(h.ledger(agent).used().empty());
}

TEST_CASE("offers of two roles in one accept are refused") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a", "cpus(x):1;mem(x):64;cpus(y):1;mem(y):64");
  FakeFramework& f = h.add_framework("f", {"x", "y"});
  h.subscribe(f);
  const auto offers = h.offers(f);
  REQUIRE(offers.size() == 2);
  h.accept(f, offers, {h.task("t", agent)});
  REQUIRE(f.updates().size() == 1);
  CHECK(f.updates()[0].state == TaskState::dropped);
  CHECK(f.updates()[0].message ==
        "Task launched with invalid offers: Aggregated offers must be allocated to one single "
        "role. Offer " +
            offers[1].id.raw() + " is allocated to another role than the first");
  CHECK(h.ledger(agent).offered().empty());
}

TEST_CASE("an operator is told which task or framework there is not, and what is ambiguous") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeAgent& other = h.add_agent("b");
  FakeFramework& f = h.add_framework("f");
  FakeFramework& g = h.add_framework("g");
  h.subscribe(f);
  h.run_task(f, agent, "same");
  h.decline(f, h.offers(f), Duration::seconds(1000));
  h.subscribe(g);
  h.run_task(g, other, "same");
  const auto told = [&](operation::KillTask call) {
    h.step(FromOperator{RequestId(900), {}, std::move(call)});
    const Status status = h.answers.at(RequestId(900)).status;
    h.answers.erase(RequestId(900));
    return status.ok() ? "" : status.error().message;
  };
  CHECK(told({{}, TaskId("same"), {}}) ==
        "task_id: several frameworks have a task 'same'; name the framework");
  CHECK(told({FrameworkId("no"), TaskId("same"), {}}) ==
        "framework_id: there is no framework 'no'");
  CHECK(told({f.facet.id, TaskId("no"), {}}) == "task_id: framework 'c-1-0000' has no task 'no'");
  CHECK(told({g.facet.id, TaskId("same"), {}}).empty());
  CHECK(agent.heard_of<to_agent::Kill>().empty());
  CHECK(other.heard_of<to_agent::Kill>().size() == 1);
}

TEST_CASE("an agent that was marked gone is refused for ever and told so") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  REQUIRE(
      apply(h.registry, registry::MarkAgent{agent.id, registry::AgentStanding::gone, h.now.wall})
          .ok());
  h.restart_master();
  agent.heard.clear();
  h.enroll(agent);
  REQUIRE(agent.heard_of<to_agent::Refused>().size() == 1);
  const to_agent::Refused refused = agent.heard_of<to_agent::Refused>()[0];
  CHECK(refused.reason == "agent_id: 'c-1-S0' was marked gone for ever");
  CHECK(refused.retry_after == Duration{});
  CHECK(agent.heard_of<to_agent::Registered>().empty());
}

TEST_CASE("an accept of an earlier master's offer on an agent that is gone is told so") {
  Harness h;
  h.lead();
  FakeAgent& agent = h.add_agent("a");
  FakeFramework& framework = h.add_framework("f");
  h.subscribe(framework);
  const std::vector<OfferFacet> offers = h.offers(framework);
  REQUIRE(offers.size() == 1);
  h.restart_master();
  h.subscribe(framework);
  h.step(FromOperator{RequestId(900), {}, operation::MarkAgentGone{agent.id}});
  framework.heard.clear();
  // The earlier master may have launched it, and nobody will ever know.
  h.accept(framework, offers, {h.task("t1", agent)});
  REQUIRE(framework.told() == "t1 GONE_BY_OPERATOR");
}
