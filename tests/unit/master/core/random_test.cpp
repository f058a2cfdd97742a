// Thousands of random steps, legal and not, from everybody at once: the core must keep its ledger
// and its invariants (checked after every step by the harness), never abort, and do the same thing
// twice.
#include <catch2/catch.hpp>

#include <set>

#include "base/fingerprint.hpp"
#include "base/prng.hpp"
#include "tests/unit/master/core/harness.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// An agent that does roughly what agents do, and now and then what none should.
struct Machine {
  FakeAgent* agent = nullptr;
  std::size_t read = 0;  // of agent->heard
  std::map<std::pair<FrameworkId, TaskId>, to_master::KnownTask> tasks;
  std::map<std::pair<FrameworkId, ExecutorId>, to_master::KnownExecutor> executors;
  bool wants_to_register = false;
};

class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed) : prng_(seed) {
    h_.config.agent_timeout = Duration::seconds(20);
    h_.config.agent_recovery = Duration::seconds(30);
    h_.core = MasterCore(h_.config);
    h_.lead();
    for (int i = 0; i < 4; ++i) {
      machines_.emplace_back().agent = &h_.add_agent("a" + std::to_string(i), random_total());
    }
    for (int i = 0; i < 4; ++i) {
      FakeFramework& f = h_.add_framework("f" + std::to_string(i), random_roles());
      f.http = prng_.chance(1, 4);
      f.facet.failover_timeout = Duration::seconds(prng_.between(0, 30));
      if (prng_.chance(1, 2)) f.facet.capabilities = {};
      if (f.facet.roles.size() > 1) f.facet.capabilities.set(Capabilities::multi_role);
      h_.subscribe(f);
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      one_step();
      fingerprint_.add(h_.core.fingerprint());
    }
    // Quiet: everybody connected, nothing lost, time passes.
    h_.hold_writes = false;
    h_.store_all();
    h_.advance(Duration::seconds(200));
  }

  std::uint64_t fingerprint() const { return fingerprint_.value(); }
  const Harness& harness() const { return h_; }

 private:
  std::string random_total() {
    static const char* kTotals[] = {
        "cpus:4;mem:1024;ports:[31000-31009]",
        "cpus:8;mem:4096;gpus:1;disks:{a,b}",
        "cpus:2;cpus(a):2;mem:512;mem(a/b):512",
        "cpus:1;mem:64;bananas:3",
    };
    return kTotals[prng_.below(4)];
  }

  std::vector<std::string> random_roles() {
    static const std::vector<std::vector<std::string>> kRoles = {
        {"*"}, {"a"}, {"a/b"}, {"a", "b"}, {"b"}};
    return kRoles[prng_.below(kRoles.size())];
  }

  Machine& any_machine() { return machines_[prng_.below(machines_.size())]; }
  FakeFramework& any_framework() { return h_.frameworks[prng_.below(h_.frameworks.size())]; }

  void one_step() {
    for (Machine& machine : machines_) listen(machine);
    switch (prng_.below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return accept_something(any_framework());
      case 6:
      case 7:
        return decline_something(any_framework());
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
        return progress(any_machine());
      case 13:
        return frame_trouble(any_machine());
      case 14:
        return framework_trouble(any_framework());
      case 15:
        return random_call(any_framework());
      case 16:
      case 17:
        return h_.advance(Duration::milliseconds(prng_.between(1, 6'000)));
      case 18:
        return registry_trouble();
      case 19:
        return hostile_agent(any_machine());
      case 20:
        return operate();
      case 21:
        if (prng_.chance(1, 12)) restart();
        return;
      default:
        return h_.advance(Duration::milliseconds(5));
    }
  }

  void listen(Machine& machine) {
    auto& heard = machine.agent->heard;
    for (; machine.read < heard.size(); ++machine.read) {
      const MasterToAgent& message = heard[machine.read];
      if (message.header.session != machine.agent->session) continue;
      if (const auto* m = std::get_if<to_agent::Launch>(&message.body)) launch(machine, *m);
      if (const auto* m = std::get_if<to_agent::Acknowledge>(&message.body)) {
        const auto it = machine.tasks.find({m->framework_id, m->task_id});
        if (it != machine.tasks.end() && it->second.terminal_unacknowledged &&
            it->second.latest->uuid == m->uuid) {
          machine.tasks.erase(it);
        }
      }
      if (const auto* m = std::get_if<to_agent::ShutdownFramework>(&message.body)) {
        std::erase_if(machine.tasks, [&](auto& e) { return e.first.first == m->framework_id; });
        std::erase_if(machine.executors, [&](auto& e) { return e.first.first == m->framework_id; });
        machine.wants_to_register = true;
      }
      if (const auto* m = std::get_if<to_agent::Refused>(&message.body)) {
        if (m->forget_identity) forget(machine);
        machine.wants_to_register = true;
      }
      if (std::holds_alternative<to_agent::Reregister>(message.body)) {
        machine.wants_to_register = true;
      }
    }
  }

  void forget(Machine& machine) {
    machine.agent->id = {};
    machine.agent->cluster_id.clear();
    machine.agent->epoch = 0;
    machine.tasks.clear();
    machine.executors.clear();
  }

  void launch(Machine& machine, const to_agent::Launch& m) {
    if (prng_.chance(1, 10)) return;  // dies with the agent before it is stored
    for (const TaskFacetPtr& task : m.tasks) {
      to_master::KnownTask known;
      known.framework_id = m.framework->id;
      known.task = task;
      known.launch_id = m.launch_id;
      known.executor_id = m.executor ? m.executor->id : ExecutorId(task->id.raw());
      known.command_task = !m.executor;
      machine.tasks.try_emplace({m.framework->id, task->id}, known);
    }
    if (m.executor) {
      machine.executors.try_emplace(
          {m.framework->id, m.executor->id},
          to_master::KnownExecutor{m.framework->id, m.executor, ContainerId("x")});
    }
  }

  void enroll(Machine& machine) {
    machine.agent->tasks.clear();
    machine.agent->executors.clear();
    machine.agent->frameworks.clear();
    std::set<FrameworkId> ids;
    for (const auto& [key, known] : machine.tasks) machine.agent->tasks.push_back(known);
    for (const auto& [key, known] : machine.executors) machine.agent->executors.push_back(known);
    for (const auto& [key, known] : machine.tasks) {
      if (!ids.insert(key.first).second) continue;
      FrameworkFacet facet;
      facet.id = key.first;
      machine.agent->frameworks.push_back({std::make_shared<const FrameworkFacet>(facet)});
    }
    machine.wants_to_register = false;
    h_.enroll(*machine.agent);
  }

  void progress(Machine& machine) {
    if (machine.wants_to_register) return enroll(machine);
    if (machine.tasks.empty()) {
      if (!machine.executors.empty() && prng_.chance(1, 2)) {
        const auto key = machine.executors.begin()->first;
        machine.executors.erase(machine.executors.begin());
        h_.say(*machine.agent, to_master::ExecutorExited{key.first, key.second, 0});
      }
      return;
    }
    auto it = machine.tasks.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(prng_.below(machine.tasks.size())));
    to_master::KnownTask& known = it->second;
    TaskStatus status;
    if (known.terminal_unacknowledged) {
      status = *known.latest;  // again
    } else {
      static const TaskState kNext[] = {
          TaskState::starting, TaskState::running, TaskState::running, TaskState::killing,
          TaskState::finished, TaskState::failed,  TaskState::killed};
      const TaskState next = kNext[prng_.below(7)];
      if (classify(known.state, next) == Transition::impossible) return;
      known.state = next;
      status.task_id = known.task->id;
      status.state = next;
      status.agent_id = machine.agent->id;
      status.uuid = make_uuid(99, ++uuids_);
      known.latest = status;
      known.terminal_unacknowledged = is_terminal(next);
    }
    const std::pair<FrameworkId, TaskId> key = it->first;
    h_.say(*machine.agent, to_master::StatusUpdate{key.first, status, known.state});
  }

  void frame_trouble(Machine& machine) {
    switch (prng_.below(5)) {
      case 0:  // the connection breaks; it registers from another
        h_.break_connection(*machine.agent);
        machine.wants_to_register = true;
        return;
      case 1:  // a frame is lost on the way
        (void)machine.agent->sender.next();
        return;
      case 2:
        h_.say_unsequenced(*machine.agent, to_master::Heartbeat{machine.agent->sender.last()});
        return;
      case 3:  // it restarts
        ++machine.agent->incarnation;
        enroll(machine);
        return;
      default:
        h_.say(*machine.agent, to_master::Leaving{});
        machine.wants_to_register = true;
    }
  }

  void framework_trouble(FakeFramework& framework) {
    switch (prng_.below(4)) {
      case 0:
        h_.break_connection(framework);
        return;
      case 1:
        if (prng_.chance(1, 4)) framework.facet.id = {};  // somebody new
        if (prng_.chance(1, 4)) framework.facet.name += "x";
        framework.stream = PeerId(1'000 + ++streams_);
        framework.offers.clear();
        h_.subscribe(framework);
        return;
      default:
        framework.offers.clear();
        h_.subscribe(framework);
    }
  }

  std::vector<OfferId> some_offers(FakeFramework& framework) {
    std::vector<OfferId> ids;
    if (framework.offers.empty() || prng_.chance(1, 20)) {
      static const char* kForeign[] = {"c-1-O0", "c-1-O3", "x", "", "c-999-O1", "c-1-O"};
      ids.push_back(OfferId(kForeign[prng_.below(6)]));
    }
    while (!framework.offers.empty() && ids.size() < 2) {
      const auto at = framework.offers.begin() +
                      static_cast<std::ptrdiff_t>(prng_.below(framework.offers.size()));
      ids.push_back(at->id);
      framework.offers.erase(at);
      if (prng_.chance(1, 2)) break;
    }
    if (!ids.empty() && prng_.chance(1, 30)) ids.push_back(ids.front());
    return ids;
  }

  TaskFacet random_task(const FakeAgent& agent) {
    static const char* kResources[] = {"cpus:1;mem:32",
                                       "cpus:0.1;mem:16",
                                       "cpus:100;mem:1",
                                       "cpus(a):1;mem:16",
                                       "cpus:0.5;ports:[31000-31002]",
                                       "disks:{a}"};
    TaskFacet task =
        h_.task("t" + std::to_string(prng_.below(40)), agent, kResources[prng_.below(6)]);
    if (prng_.chance(1, 3)) {
      task.has_command = prng_.chance(1, 20);
      task.executor = Harness::executor("e" + std::to_string(prng_.below(3)),
                                        prng_.chance(1, 10) ? "cpus:0.2" : "cpus:0.1;mem:32");
    }
    return task;
  }

  void accept_something(FakeFramework& framework) {
    if (framework.offers.empty()) h_.advance(Duration::milliseconds(5));
    const AgentId target =
        framework.offers.empty() ? any_machine().agent->id : framework.offers.front().agent->id;
    const FakeAgent* agent = any_machine().agent;
    for (const Machine& machine : machines_) {
      if (machine.agent->id == target && prng_.chance(29, 30)) agent = machine.agent;
    }
    call::Accept accept;
    accept.offer_ids = some_offers(framework);
    std::vector<TaskFacet> tasks;
    for (std::uint64_t i = prng_.below(4); i > 0; --i) tasks.push_back(random_task(*agent));
    if (prng_.chance(1, 10)) {
      accept.operations.push_back(
          {{}, LaunchGroupOperation{Harness::executor("g", "cpus:0.1;mem:8"), std::move(tasks)}});
    } else {
      accept.operations.push_back({{}, LaunchOperation{std::move(tasks)}});
    }
    if (prng_.chance(1, 40)) accept.operations.push_back({{}, UnsupportedOperation{"CREATE_DISK"}});
    accept.filters.refuse = Duration::milliseconds(prng_.between(0, 3'000));
    h_.call(framework, std::move(accept));
  }

  void decline_something(FakeFramework& framework) {
    h_.call(framework, call::Decline{some_offers(framework),
                                     {Duration::milliseconds(prng_.between(-5, 3'000))}});
  }

  void random_call(FakeFramework& framework) {
    const AgentId agent = any_machine().agent->id;
    const TaskId task("t" + std::to_string(prng_.below(40)));
    switch (prng_.below(11)) {
      case 0:
        return h_.call(framework, call::Kill{task, prng_.chance(1, 2) ? agent : AgentId(), {}});
      case 1:
        return h_.call(framework, call::Reconcile{{{task, agent}, {task, {}}}});
      case 2:
        return h_.call(framework, call::Reconcile{});
      case 3:
        return h_.call(framework, call::Suppress{});
      case 4:
        return h_.call(framework, call::Revive{});
      case 5:
        return h_.call(framework, call::Shutdown{ExecutorId("e1"), agent});
      case 6:
        return h_.call(framework, call::Message{agent, ExecutorId("e1"), "hi"});
      case 7:
        if (prng_.chance(1, 6)) h_.call(framework, call::Teardown{});
        return;
      case 8:
        framework.facet.name += "y";
        return h_.call(framework, call::UpdateFramework{framework.facet, {}});
      case 9:
        return h_.call(framework, call::Publish{"stats.json", "{}"});
      default: {
        const auto updates = framework.updates();
        if (updates.empty()) return;
        const TaskStatus& status = updates[prng_.below(updates.size())];
        if (!status.uuid) return;
        h_.call(framework, call::Acknowledge{status.agent_id, status.task_id, *status.uuid});
      }
    }
  }

  void registry_trouble() {
    if (!h_.hold_writes) {
      h_.hold_writes = true;
    } else if (!h_.writes.empty() && prng_.chance(1, 3)) {
      h_.reject_one("the disk is full");
    } else {
      h_.hold_writes = false;
      h_.store_all();
    }
  }

  void hostile_agent(Machine& machine) {
    FakeAgent& agent = *machine.agent;
    const FrameworkId framework = any_framework().facet.id;
    switch (prng_.below(6)) {
      case 0: {  // a task that nobody launched
        TaskStatus status;
        status.task_id = TaskId("ghost");
        status.state = prng_.chance(1, 2) ? TaskState::running : TaskState::finished;
        status.uuid = make_uuid(5, ++uuids_);
        return h_.say(agent, to_master::StatusUpdate{framework, status, status.state});
      }
      case 1: {  // it claims a port twice, and more than it has
        to_master::KnownTask known;
        known.framework_id = framework;
        auto task =
            std::make_shared<TaskFacet>(h_.task("liar" + std::to_string(prng_.below(3)), agent,
                                                "cpus:50;ports:[31000-31003];apples:2"));
        known.task = task;
        known.command_task = true;
        known.state = TaskState::running;
        known.launch_id = LaunchId{1, 1'000};
        machine.tasks.insert_or_assign({framework, task->id}, known);
        return enroll(machine);
      }
      case 2:  // it comes back with less, or more
        agent.total = res(random_total());
        ++agent.incarnation;
        return enroll(machine);
      case 3:
        return h_.say(agent, to_master::ContainerLeaked{framework, ExecutorId("e1"),
                                                        res("cpus:1;ports:[31000-31001]"),
                                                        prng_.chance(1, 2)});
      case 4: {  // another's id
        const AgentId own = agent.id;
        agent.id = any_machine().agent->id;
        h_.enroll(agent);
        agent.id = own;
        machine.wants_to_register = true;
        return;
      }
      default:
        return h_.say(agent, to_master::ExecutorExited{framework, ExecutorId("nobody"), 9});
    }
  }

  operation::UpdateQuota quota() {
    operation::UpdateQuota out;
    out.force = prng_.chance(1, 2);
    for (const char* role : {"a", "a/b", "b"}) {
      if (prng_.chance(1, 2)) continue;
      Quota quota;
      for (const char* name : {"cpus", "mem"}) {
        if (prng_.chance(1, 3)) quota.guarantees[name] = prng_.between(0, 3'000);
        if (prng_.chance(1, 2)) quota.limits[name] = prng_.between(0, 8'000);
      }
      out.quotas.push_back({role, quota});
    }
    return out;
  }

  void operate() {
    const RequestId request(++requests_ + 1'000'000);
    switch (prng_.below(5)) {
      case 3:
        return h_.step(FromOperator{request, {}, quota()});
      case 0:
        return h_.step(FromOperator{request, {}, operation::SetWeight{"a", prng_.between(0, 5)}});
      case 1:
        return h_.step(FromOperator{
            request,
            {},
            operation::KillTask{{}, TaskId("t" + std::to_string(prng_.below(40))), {}}});
      case 2:
        if (prng_.chance(1, 5)) {
          h_.step(
              FromOperator{request, {}, operation::TeardownFramework{any_framework().facet.id}});
        }
        return;
      default:
        return h_.step(FromOperator{request, {}, operation::TeardownFramework{}});
    }
  }

  void restart() {
    h_.hold_writes = false;
    h_.restart_master();
    for (Machine& machine : machines_) machine.wants_to_register = true;
  }

  Prng prng_;
  Harness h_;
  std::vector<Machine> machines_;
  Fingerprint fingerprint_;
  std::uint64_t uuids_ = 0;
  std::uint64_t streams_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace

TEST_CASE(
    "random events of every kind never break the ledger or an invariant, and two equal runs "
    "have equal fingerprints") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    RandomWorld first(seed);
    first.run(1'500);
    RandomWorld second(seed);
    second.run(1'500);
    CHECK(first.fingerprint() == second.fingerprint());
    CHECK(first.harness().core.fingerprint() == second.harness().core.fingerprint());
  }
}
