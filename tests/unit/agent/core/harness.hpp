// A world of plain values around one AgentCore: a disk that keeps what was stored, a clock that
// moves when told, and words of the domain, so that a test is a few lines.
#pragma once

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent_core.hpp"

namespace bourse::agent::test {

class World {
 public:
  explicit World(const char* resources = "cpus:4;mem:4096;disk:1000;ports:[31000-31099]") {
    AgentFacet facet;
    facet.hostname = "host";
    facet.total = Resources::parse(resources).value();
    detected_ = std::make_shared<const AgentFacet>(facet);
  }

  // What the machine is from the next start on.
  void configure(const char* resources, std::vector<Attribute> attributes = {}) {
    AgentFacet facet = *detected_;
    facet.total = Resources::parse(resources).value();
    facet.attributes = std::move(attributes);
    detected_ = std::make_shared<const AgentFacet>(std::move(facet));
  }
  static Attribute text(const char* name, const char* value) {
    Attribute out;
    out.name = name;
    out.text = value;
    return out;
  }

  AgentConfig config;
  Blob status_extra;
  std::vector<CheckpointRecord> disk;
  bool auto_store = true;  // false: writes wait in `writes`
  bool sweeps = true;      // after each step, over all rows
  std::uint64_t steps = 0;
  std::vector<Checkpoint> writes;
  std::vector<Effect> done;  // everything but checkpoints, in order
  std::vector<Note> notes;
  Stamp stamp{Instant{1'000'000'000}, WallTime{5'000'000'000}};
  std::optional<AgentCore> core;
  Epoch epoch = 7;
  std::uint64_t master_sequence = 0;

  void start(std::vector<Started::FoundContainer> containers = {}, std::string boot = "boot") {
    core.emplace(config);
    Started started;
    started.detected = detected_;
    started.incarnation = static_cast<std::uint64_t>(stamp.wall.ns / 1'000'000);
    started.seed = 40 + ++lives_;
    started.token_key = {1, 2};
    started.boot_id = std::move(boot);
    started.records = disk;
    started.containers = std::move(containers);
    started.status_extra = status_extra;
    step(started);
  }
  // kill -9: what was not stored is gone.
  void crash() {
    writes.clear();
    core.reset();
  }
  void boot_and_register() {
    start();
    connect();
  }
  void connect() {
    step(MasterConnected{});
    register_ok();
  }
  void register_ok(const char* agent_id = "S0", const char* cluster = "c") {
    const auto message = last<SendToMaster>().message;
    REQUIRE(std::holds_alternative<to_master::Register>(message.body));
    session_ = message.header.session;
    master_sequence = 0;
    from_master(to_agent::Registered{AgentId(agent_id), cluster, Duration::seconds(5),
                                     Duration::seconds(15)});
  }

  template <typename Body>
  void step(Body body) {
    Effects effects;
    core->step(Event{stamp, std::move(body)}, effects);
    if (sweeps) core->check_invariants();
    ++steps;
    absorb(effects);
  }
  template <typename Body>
  void from_master(Body body) {
    step(FromMaster{{LinkHeader{session_, ++master_sequence, epoch}, std::move(body)}});
  }
  void pass(Duration span) {
    const Instant target = stamp.now + span;
    while (core->next_deadline() <= target) {
      stamp.wall = stamp.wall + (core->next_deadline() - stamp.now);
      stamp.now = std::max(stamp.now, core->next_deadline());
      step(Tick{});
    }
    stamp.wall = stamp.wall + (target - stamp.now);
    stamp.now = target;
  }
  void store_next() {
    REQUIRE_FALSE(writes.empty());
    Checkpoint write = std::move(writes.front());
    writes.erase(writes.begin());
    perform(write);
  }
  void reject_next(const char* reason) {
    REQUIRE_FALSE(writes.empty());
    const PersistId id = writes.front().id;
    writes.erase(writes.begin());
    step(Rejected{id, reason});
  }

  // -- words
  static FrameworkFacetPtr framework(const char* id = "F", bool killing_state = false) {
    FrameworkFacet facet;
    facet.id = FrameworkId(id);
    facet.user = "user";
    facet.roles = {"*"};
    if (killing_state) facet.capabilities.set(Capabilities::task_killing_state);
    return std::make_shared<const FrameworkFacet>(facet);
  }
  static TaskFacetPtr task(const char* id, const char* resources = "cpus:1;mem:64") {
    TaskFacet facet;
    facet.id = TaskId(id);
    facet.resources = Resources::parse(resources).value();
    facet.has_command = true;
    facet.kill_grace = Duration::seconds(2);
    return std::make_shared<const TaskFacet>(facet);
  }
  static ExecutorFacetPtr executor(const char* id = "E") {
    ExecutorFacet facet;
    facet.id = ExecutorId(id);
    facet.framework_id = FrameworkId("F");
    facet.resources = Resources::parse("cpus:0.1;mem:32").value();
    return std::make_shared<const ExecutorFacet>(facet);
  }
  void launch(TaskFacetPtr facet, ExecutorFacetPtr custom = nullptr, bool killing_state = false) {
    from_master(to_agent::Launch{{epoch, ++launches_},
                                 framework("F", killing_state),
                                 std::move(custom),
                                 {std::move(facet)},
                                 false});
  }
  ContainerId container_of(const char* executor_id) const {
    return core->state().executors.at({FrameworkId("F"), ExecutorId(executor_id)}).container_id;
  }
  void started(const char* id) { step(ContainerStarted{container_of(id), 100}); }
  void exited(const char* id, int wait_status, bool oom = false, bool leaked = false) {
    step(ContainerExited{container_of(id), wait_status, true, oom, leaked});
  }
  void acknowledge(const TaskStatus& status) {
    from_master(to_agent::Acknowledge{FrameworkId("F"), status.task_id, *status.uuid});
  }
  // Launches a command task and acknowledges until RUNNING is acknowledged.
  void run_command(const char* id) {
    launch(task(id));
    started(id);
    acknowledge(update());
    REQUIRE(update().state == TaskState::running);
    acknowledge(update());
  }
  void subscribe(std::uint64_t peer, const char* id = "E", executor_call::Subscribe call = {}) {
    const auto& e = core->state().executors.at({FrameworkId("F"), ExecutorId(id)});
    step(FromExecutor{PeerId(peer), {FrameworkId("F"), ExecutorId(id), e.token, std::move(call)}});
  }
  void executor_update(std::uint64_t peer, const char* task_id, TaskState state,
                       std::uint64_t uuid) {
    TaskStatus status;
    status.task_id = TaskId(task_id);
    status.state = state;
    status.uuid = make_uuid(9, uuid);
    const auto& e = core->state().executors.at({FrameworkId("F"), ExecutorId("E")});
    step(FromExecutor{PeerId(peer),
                      {FrameworkId("F"), ExecutorId("E"), e.token, executor_call::Update{status}}});
  }

  // -- what came out
  template <typename Body>
  std::vector<Body> all() const {
    std::vector<Body> out;
    for (const Effect& effect : done) {
      if (const auto* body = std::get_if<Body>(&effect.body)) out.push_back(*body);
    }
    return out;
  }
  template <typename Body>
  Body last() const {
    const auto list = all<Body>();
    REQUIRE_FALSE(list.empty());
    return list.back();
  }
  template <typename Body>
  std::vector<Body> to_master_all() const {
    std::vector<Body> out;
    for (const SendToMaster& send : all<SendToMaster>()) {
      if (const auto* body = std::get_if<Body>(&send.message.body)) out.push_back(*body);
    }
    return out;
  }
  std::vector<TaskStatus> updates() const {
    std::vector<TaskStatus> out;
    for (const auto& update : to_master_all<to_master::StatusUpdate>())
      out.push_back(update.status);
    return out;
  }
  TaskStatus update() const {
    const auto list = updates();
    REQUIRE_FALSE(list.empty());
    return list.back();
  }
  template <typename Event>
  std::vector<Event> to_executor_all() const {
    std::vector<Event> out;
    for (const SendToExecutor& send : all<SendToExecutor>()) {
      if (const auto* event = std::get_if<Event>(&send.event)) out.push_back(*event);
    }
    return out;
  }
  template <typename Body>
  std::size_t count() const {
    return all<Body>().size();
  }

 private:
  void absorb(Effects& effects) {
    notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
    std::vector<Checkpoint> now;
    for (Effect& effect : effects.list) {
      if (auto* write = std::get_if<Checkpoint>(&effect.body)) {
        auto_store ? now.push_back(*write) : writes.push_back(*write);
      } else {
        done.push_back(std::move(effect));
      }
    }
    for (Checkpoint& write : now) perform(write);
  }
  void perform(Checkpoint& write) {
    disk.insert(disk.end(), write.records.begin(), write.records.end());
    for (Effect& effect : write.after) done.push_back(std::move(effect));
    step(Stored{write.id});
  }

  AgentFacetPtr detected_;
  std::uint64_t lives_ = 0;
  std::uint64_t session_ = 0;
  std::uint64_t launches_ = 0;
};

}  // namespace bourse::agent::test
