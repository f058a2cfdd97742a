// Recovery: fold the checkpoint, then compare what should run with what does. There is no second
// code path: what ended meanwhile goes through the same handlers as what ends later.
#include <algorithm>
#include <utility>

#include "agent/core/context.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

struct Folder {
  Context& c;

  void skip(const char* what, const std::string& id) const {
    c.note(Note::Level::error, "checkpoint.orphan_record", {{"record", what}, {"id", id}});
  }

  // It was forgotten, tasks and all, before its name was used again; the record of that was
  // refused.
  void replaced(const ExecutorKey& key) const {
    PROBE("agent.forgets_replaced_executor");
    const Executor& executor = c.state.executors.at(key);
    for (const TaskId& id : executor.tasks) c.state.tasks.erase({key.first, id});
    c.state.by_container.erase(executor.container_id);
    c.state.executors.erase(key);
  }

  void operator()(const checkpoint::Identity& r) const {
    AgentFacet identity = *c.state.identity;  // what was detected now, under the stored name
    identity.id = r.agent.id;
    c.state.identity = std::make_shared<const AgentFacet>(std::move(identity));
    c.state.identity_stored = true;
    c.state.cluster_id = r.cluster_id;
    c.state.epoch = r.epoch;
    c.state.configured = std::make_shared<const AgentFacet>(r.agent);
    earlier_boot(r.boot_id);
  }
  void operator()(const checkpoint::LifeBegun& r) const {
    c.state.incarnation = std::max(c.state.incarnation, r.incarnation + 1);
    earlier_boot(r.boot_id);
  }
  void earlier_boot(const std::string& id) const {
    c.state.rebooted = !id.empty() && id != c.state.boot_id;
  }
  void operator()(const checkpoint::FrameworkSeen& r) const {
    Framework& framework = c.state.frameworks[r.framework.id];
    framework.facet = std::make_shared<const FrameworkFacet>(r.framework);
    framework.stored = true;
  }
  void operator()(const checkpoint::ExecutorLaunched& r) const {
    if (!c.state.frameworks.contains(r.framework_id)) {
      return skip("executor", r.executor.id.raw());
    }
    const ExecutorKey key{r.framework_id, r.executor.id};
    if (const auto it = c.state.executors.find(key); it != c.state.executors.end()) {
      if (it->second.container_id == r.container_id) return;  // written again
      replaced(key);
    }
    Executor executor;
    executor.facet = std::make_shared<const ExecutorFacet>(r.executor);
    executor.command_task = r.command_task;
    executor.container_id = r.container_id;
    executor.token = r.token;
    executor.role = r.role;
    executor.recovered = true;
    executor.phase = ExecutorPhase::starting;
    c.state.by_container[r.container_id] = {r.framework_id, r.executor.id};
    c.state.executors[{r.framework_id, r.executor.id}] = std::move(executor);
  }
  void operator()(const checkpoint::TaskLaunched& r) const {
    const auto executor = c.state.executors.find({r.framework_id, r.executor_id});
    if (executor == c.state.executors.end()) return skip("task", r.task.id.raw());
    const auto known = c.state.tasks.find({r.framework_id, r.task.id});
    if (known != c.state.tasks.end()) {
      if (known->second.launch_id == r.launch_id) return;  // written again
      c.state.executors.at({r.framework_id, known->second.executor_id}).tasks.erase(r.task.id);
    }
    Task task;
    task.facet = std::make_shared<const TaskFacet>(r.task);
    task.launch_id = r.launch_id;
    task.executor_id = r.executor_id;
    task.group = r.group;
    task.launched_at = r.launched_at;
    task.role = r.role;
    task.phase = TaskPhase::delivered;
    executor->second.tasks.insert(r.task.id);
    c.state.tasks[{r.framework_id, r.task.id}] = std::move(task);
  }
  void operator()(const checkpoint::UpdateStored& r) const {
    const auto it = c.state.tasks.find({r.framework_id, r.status.task_id});
    if (it == c.state.tasks.end()) return skip("update", r.status.task_id.raw());
    Task& task = it->second;
    // Written again, behind an earlier one whose write was refused: the last place counts.
    std::erase_if(task.pending,
                  [&](const PendingUpdate& p) { return p.status.uuid == r.status.uuid; });
    task.state = r.status.state;
    task.stored_state = r.status.state;
    task.latest = r.status;
    task.pending.push_back({r.status, true});
    if (is_terminal(task.state)) task.phase = TaskPhase::ended;
  }
  void operator()(const checkpoint::UpdateAcknowledged& r) const {
    const auto it = c.state.tasks.find({r.framework_id, r.task_id});
    if (it == c.state.tasks.end()) return skip("acknowledgement", r.task_id.raw());
    // And all before it: the record of an earlier acknowledgement may have been refused.
    auto& pending = it->second.pending;
    const auto found = std::find_if(pending.begin(), pending.end(), [&](const PendingUpdate& p) {
      return p.status.uuid == r.uuid;
    });
    const auto end = found == pending.end() ? pending.begin() : found + 1;
    if (!c.state.executors.at({r.framework_id, it->second.executor_id}).command_task) {
      for (auto one = pending.begin(); one != end; ++one) {
        if (one->status.uuid != r.uuid) remember_acknowledged(it->second, *one->status.uuid);
      }
      remember_acknowledged(it->second, r.uuid);
    }
    pending.erase(pending.begin(), end);
  }
  void operator()(const checkpoint::TaskForgotten& r) const {
    const auto it = c.state.tasks.find({r.framework_id, r.task_id});
    if (it == c.state.tasks.end()) return;
    c.state.executors.at({r.framework_id, it->second.executor_id}).tasks.erase(r.task_id);
    c.state.tasks.erase(it);
  }
  void operator()(const checkpoint::ExecutorForgotten& r) const {
    const auto it = c.state.executors.find({r.framework_id, r.executor_id});
    if (it == c.state.executors.end()) return;
    // Written only once it had none left: it was their own records that were refused.
    for (const TaskId& task : it->second.tasks) c.state.tasks.erase({r.framework_id, task});
    c.state.by_container.erase(it->second.container_id);
    c.state.executors.erase(it);
  }
  void operator()(const checkpoint::OperationApplied& r) const { fold_operation(c.state, r); }
  void operator()(const checkpoint::OperationFailed& r) const { fold_operation(c.state, r); }
  void operator()(const checkpoint::OperationForgotten& r) const {
    c.state.operations.erase(r.uuid);
  }
  void operator()(const checkpoint::ResourcesConverted& r) const { c.state.net = r.net; }
  void operator()(const checkpoint::ContainerLeaked& r) const {
    const auto it = c.state.executors.find({r.framework_id, r.executor_id});
    if (it == c.state.executors.end() || it->second.container_id != r.container_id) {
      return skip("leak", r.executor_id.raw());
    }
    it->second.leaked = true;
    it->second.withheld = r.withheld;
  }
  void operator()(const checkpoint::KillRequested& r) const {
    const auto it = c.state.tasks.find({r.framework_id, r.task_id});
    if (it == c.state.tasks.end() || it->second.kill_requested) return;
    it->second.kill_requested = true;
    it->second.kill_cause = r.cause;
  }
};

// A task whose last word was acknowledged just before the crash has nothing left to say.
void forget_settled(Context& c) {
  std::vector<TaskKey> settled;
  for (const auto& [key, task] : c.state.tasks) {
    if (task.phase == TaskPhase::ended && task.pending.empty()) settled.push_back(key);
  }
  for (const TaskKey& key : settled) forget_task(c, key);
}

void readopt(Context& c, const ExecutorKey& key, const Started::FoundContainer& found) {
  Executor& executor = c.state.executors.at(key);
  executor.pid = found.pid;
  for (const TaskId& id : executor.tasks) {
    if (c.state.tasks.at({key.first, id}).phase != TaskPhase::ended) {
      arm_max_completion(c, {key.first, id});
    }
  }
  if (!executor.command_task) {
    PROBE("agent.readopts_executor");
    executor.phase = ExecutorPhase::subscribing;
    c.arm(Kind::executor_subscribe, c.config.executor_reregister_timeout, key.first.raw(),
          key.second.raw());
    return;
  }
  if (executor.tasks.empty()) {
    // A command task that was settled while its container would not die.
    c.emit(KillContainer{executor.container_id, Duration{}});
    return;
  }
  PROBE("agent.readopts_command");
  const TaskKey task{key.first, *executor.tasks.begin()};
  on_container_started(c, {executor.container_id, found.pid.value_or(0)});
  if (c.state.tasks.at(task).kill_requested) kill_task(c, task, std::nullopt);
}

std::string why_vanished(bool rebooted, bool never_ran) {
  if (rebooted) {
    return never_ran ? "the machine was restarted before the container was started"
                     : "the machine was restarted while it ran";
  }
  return never_ran ? "the agent restarted before the container was started"
                   : "the container ended with its machine or supervisor";
}

void vanished(Context& c, const ExecutorKey& key) {
  PROBE("agent.container_vanished");
  Executor& executor = c.state.executors.at(key);
  executor.phase = ExecutorPhase::exited;
  const std::set<TaskId> tasks = executor.tasks;
  for (const TaskId& id : tasks) {
    const TaskKey task{key.first, id};
    if (c.state.tasks.at(task).phase == TaskPhase::ended) continue;
    const bool never_ran = c.state.tasks.at(task).state == TaskState::staging;
    const bool killed = c.state.tasks.at(task).kill_requested;
    const TaskState end = killed      ? TaskState::killed
                          : never_ran ? TaskState::dropped
                                      : TaskState::failed;
    store_update(c, task,
                 status_for(c, task, end, why_vanished(c.state.rebooted, never_ran),
                            StatusReason::agent_restarted, StatusSource::agent));
  }
  forget_executor_if_done(c, key);
}

// The last identity in the checkpoint; null: none, or it was given up.
const AgentFacet* last_identity(const std::vector<CheckpointRecord>& records) {
  const AgentFacet* last = nullptr;
  for (const CheckpointRecord& record : records) {
    const auto* identity = std::get_if<checkpoint::Identity>(&record);
    if (identity != nullptr) last = &identity->agent;
  }
  return last == nullptr || last->id.empty() ? nullptr : last;
}

// True: this machine may not go on under its name as it is configured; nothing was touched.
bool refuse_configuration(Context& c, const Started& started) {
  const AgentFacet* before = last_identity(started.records);
  if (before == nullptr || c.config.recover == RecoverMode::cleanup) return false;
  auto why = refused_change(*before, *started.detected, c.config.reconfiguration);
  if (!why) return false;
  PROBE("agent.refuses_reconfiguration");
  c.emit(Stop{"--reconfiguration: " + *why, Stop::Cause::refused});
  return true;
}

// What is configured now is what the next life will be compared with.
void adopt_configuration(Context& c, const AgentFacetPtr& detected) {
  const bool known = !c.state.identity->id.empty();
  if (known && c.config.recover == RecoverMode::cleanup) return;
  const bool same = !known || same_configuration(*c.state.configured, *detected);
  c.state.configured = detected;
  if (same) return;
  PROBE("agent.reconfigured");
  c.note(Note::Level::info, "agent.reconfigured", {{"resources", detected->total.to_text()}});
  store_identity(c);
}

void settle_executors(Context& c, std::map<ContainerId, Started::FoundContainer>& found) {
  std::vector<ExecutorKey> executors;
  for (const auto& [key, executor] : c.state.executors) executors.push_back(key);
  for (const ExecutorKey& key : executors) {
    const ContainerId id = c.state.executors.at(key).container_id;
    const auto it = found.find(id);
    // Whatever has a pid of that number now, it is none of ours: the machine was restarted.
    const bool ran_out = it != found.end() && it->second.running && c.state.rebooted;
    const bool there = it != found.end() && !ran_out;
    // Its rest may be gone by now; whether it is, the runtime knows.
    const bool leaks = std::exchange(c.state.executors.at(key).leaked, false) && there &&
                       (it->second.running || it->second.leaked);
    if (!there) {
      vanished(c, key);
    } else if (leaks) {
      remember_leak(c, key, it->second);
    } else if (it->second.running) {
      readopt(c, key, it->second);
    } else if (it->second.not_started) {
      on_container_failed(c, {id, *it->second.not_started});
    } else {
      PROBE("agent.ended_meanwhile");
      const Started::FoundContainer& end = it->second;
      on_container_exited(c, {id, end.wait_status.value_or(0), end.wait_status.has_value(),
                              end.out_of_memory, end.leaked, end.unhealthy});
    }
    found.erase(id);
  }
}

}  // namespace

void recover(Context& c, const Started& started) {
  AgentState& state = c.state;
  state.started = true;
  state.identity = started.detected;
  state.configured = started.detected;
  state.incarnation = started.incarnation;
  state.seed = started.seed;
  state.token_key = started.token_key;
  state.status_extra = started.status_extra;
  state.boot_id = started.boot_id;
  if (refuse_configuration(c, started)) return;
  for (const CheckpointRecord& record : started.records) std::visit(Folder{c}, record);
  if (c.config.recover == RecoverMode::cleanup) {
    state.total = started.detected->total;  // it offers nothing, whatever was made of what it had
    state.issued = state.total;
  } else if (const auto lacking = adopt_operations(c, started.detected->total)) {
    PROBE("agent.has_too_little_for_its_reservations");
    c.emit(Stop{"--resources: " + *lacking + ": start it with what it had", Stop::Cause::refused});
    return;
  }
  store_life(c);
  adopt_configuration(c, started.detected);
  if (c.config.recover != RecoverMode::cleanup) remove_destroyed_volumes(c, started.records);

  std::map<ContainerId, Started::FoundContainer> found;
  for (const auto& container : started.containers) found.emplace(container.container_id, container);
  settle_executors(c, found);
  forget_settled(c);
  // Containers that the checkpoint does not know were settled before the crash: take them down.
  for (const auto& [id, container] : found) {
    PROBE("agent.unknown_container");
    if (container.running) c.emit(KillContainer{id, Duration{}});
    c.emit(ReleaseContainer{id});
  }
  std::vector<FrameworkId> unused;
  for (const auto& [id, framework] : state.frameworks) {
    const auto next = state.executors.lower_bound({id, ExecutorId()});
    if (next == state.executors.end() || next->first.first != id) unused.push_back(id);
  }
  for (const FrameworkId& id : unused) state.frameworks.erase(id);
  c.note(Note::Level::info, "agent.recovered",
         {{"agent_id", state.identity->id.raw()},
          {"tasks", std::to_string(state.tasks.size())},
          {"rebooted", state.rebooted ? "yes" : "no"}});
  if (c.config.recover == RecoverMode::cleanup) {
    begin_cleanup(c);
  } else {
    begin_oversubscription(c);
  }
}

}  // namespace bourse::agent
