// Context: what every handler of the agent core gets: the state, the clock of this event, and where
// effects go. Private to this room. The free functions below are the handlers, one file a family.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/core/effect.hpp"
#include "agent/core/event.hpp"
#include "agent/core/state.hpp"

namespace bourse::agent {

struct Context {
  const AgentConfig& config;
  AgentState& state;
  const Stamp& stamp;
  Effects& effects;

  template <typename Body>
  void emit(Body body) {
    effects.list.push_back(Effect{std::move(body)});
  }
  void note(Note::Level level, std::string code,
            std::vector<std::pair<std::string, std::string>> fields) {
    effects.notes.push_back({level, std::move(code), std::move(fields)});
  }
  void arm(DeadlineKey::Kind kind, Duration in, std::string a = {}, std::string b = {}) {
    state.deadlines.arm({kind, std::move(a), std::move(b)}, stamp.now + in);
  }
  void disarm(DeadlineKey::Kind kind, std::string a = {}, std::string b = {}) {
    state.deadlines.disarm({kind, std::move(a), std::move(b)});
  }
  Uuid new_uuid() { return make_uuid(state.seed, ++state.names_made); }

  // Writes records; what happens when they are stored or refused is in `pending`.
  void checkpoint(std::vector<CheckpointRecord> records, PendingWrite pending,
                  std::vector<Effect> after = {});
};

// registration.cpp: the link to the master.
void begin_session(Context& c);
// The session broke: at once if it had held, else after a while.
void begin_again(Context& c);
void end_session(Context& c, const std::string& reason, bool reconnect);
template <typename Body>
void send_to_master(Context& c, Body body) {
  if (!c.state.link.registered) {
    // Registering tells it, unless Register has left already: then it is told by another one.
    c.state.link.stale = true;
    return;
  }
  LinkHeader header{c.state.link.session, c.state.link.sender.next(), c.state.epoch};
  c.emit(SendToMaster{{header, std::move(body)}});
}
void on_registered(Context& c, const to_agent::Registered& message, Epoch epoch);
void on_refused(Context& c, const to_agent::Refused& message);
void send_heartbeat(Context& c);
void store_identity(Context& c);
CheckpointRecord identity_record(const AgentState& state);
void store_life(Context& c);
void on_life_settled(Context& c, bool stored);

// launch.cpp: from a Launch message to a container or a queued task.
void on_launch(Context& c, const to_agent::Launch& message);
void arm_max_completion(Context& c, const TaskKey& key);
void on_launch_stored(Context& c, const LaunchPending& write);
void on_launch_rejected(Context& c, const LaunchPending& write, const std::string& reason);
void deliver_queued(Context& c, const ExecutorKey& key);

Resources used_resources(const AgentState& state);

// operations.cpp: what operations make of this agent's resources.
void on_apply_operations(Context& c, const to_agent::ApplyOperations& message);
void on_operations_stored(Context& c, const OperationsPending& write);
void on_operations_rejected(Context& c, const OperationsPending& write, const std::string& reason);
void on_acknowledge_operations(Context& c, const to_agent::AcknowledgeOperations& message);
void resend_operations(Context& c);
std::vector<to_master::KnownOperation> known_operations(const AgentState& state);
void fold_operation(AgentState& state, const checkpoint::OperationApplied& record);
void fold_operation(AgentState& state, const checkpoint::OperationFailed& record);
void remove_destroyed_volumes(Context& c, const std::vector<CheckpointRecord>& records);
// A sentence: this machine has too little for what was made of it.
std::optional<std::string> adopt_operations(Context& c, const Resources& configured);
// Whether it needs what an operation makes that is not stored yet.
bool waits_for_operations(const AgentState& state, const MasterToAgent& message);
// agent_core.cpp: what waited for operations goes on, in order.
void release_held(Context& c);

// kill.cpp: kills and shutdowns.
void on_kill(Context& c, const to_agent::Kill& message);
void kill_task(Context& c, const TaskKey& key, std::optional<Duration> grace);
void shutdown_executor(Context& c, const ExecutorKey& key);
void shutdown_framework(Context& c, const FrameworkId& framework_id);
// Whatever runs and is not being ended yet. Each end is stored and told as any other.
void end_all(Context& c);
// Nothing can be done about how it ends, whether that is told yet or not.
bool has_ended(const AgentState& state, const TaskKey& key);
Duration grace_of(const Context& c, const Task& task, std::optional<Duration> asked);
// Whether its end says what led to it, or nothing did. A kill of unknown cause is told by masters.
inline bool end_settled(const Task& task) {
  return !task.kill_requested || task.kill_cause != KillCause::unsaid;
}

// containers.cpp: what the container runtime reports.
void on_container_started(Context& c, const ContainerStarted& event);
void on_container_exited(Context& c, const ContainerExited& event);
void on_container_cleaned(Context& c, const ContainerCleaned& event);
void on_container_failed(Context& c, const ContainerFailed& event);
void on_leak_stored(Context& c, const LeakPending& write);
void on_leak_rejected(Context& c, const LeakPending& write);
void retry_leak(Context& c, const ContainerId& id);
// A leak that the checkpoint knows, found again by the next life.
void remember_leak(Context& c, const ExecutorKey& key, const Started::FoundContainer& found);
// Nothing of it runs that could be asked for anything; its end is told, or on its way.
inline bool is_over(ExecutorPhase phase) {
  return phase >= ExecutorPhase::ending;
}

// checks.cpp: what checks say of a task.
void on_task_checked(Context& c, const TaskChecked& event);
void tell_checks(Context& c, const TaskKey& key);

// executors.cpp: frameworks' own executors.
void on_executor_call(Context& c, const FromExecutor& event);
void on_executor_gone(Context& c, PeerId peer);
void send_executor_heartbeat(Context& c, const ExecutorKey& key);
void on_subscribe_timeout(Context& c, const ExecutorKey& key);
Resources resources_of(const AgentState& state, const ExecutorKey& key);

// updates.cpp: the reliable stream of status updates.
// Whose task it is said to be; without a name of its own yet, whose it was launched as.
inline const AgentId& name_for(const AgentState& state, const Task& task) {
  return state.identity->id.empty() ? task.facet->agent_id : state.identity->id;
}
TaskStatus status_for(Context& c, const TaskKey& key, TaskState state, std::string message,
                      std::optional<StatusReason> reason, StatusSource source);
void store_update(Context& c, const TaskKey& key, TaskStatus status,
                  std::vector<Effect> after = {});
void on_update_stored(Context& c, const UpdatePending& write);
void retry_store(Context& c, const TaskKey& key);
void send_front(Context& c, const TaskKey& key);
void remember_acknowledged(Task& task, const Uuid& uuid);
void on_acknowledge(Context& c, const to_agent::Acknowledge& message);
void forget_task(Context& c, const TaskKey& key);
void forget_executor_if_done(Context& c, const ExecutorKey& key);
// An answer that nobody needs to acknowledge.
void send_plain_status(Context& c, const FrameworkId& framework_id, TaskStatus status);

// reconfiguration.cpp: may this machine go on under the identity in the checkpoint? A sentence: no.
std::optional<std::string> refused_change(const AgentFacet& before, const AgentFacet& now,
                                          Reconfiguration allowed);
bool same_configuration(const AgentFacet& before, const AgentFacet& now);

// oversubscription.cpp: what is lent, and who has to go.
void begin_oversubscription(Context& c);
void sample_usage(Context& c);
void on_usage_sampled(Context& c, const UsageSampled& event);
void report_lending(Context& c);
void fingerprint_oversubscription(const Oversubscription& own, Fingerprint& fp);

// cleanup.cpp: --recover=cleanup.
void begin_cleanup(Context& c);
void advance_cleanup(Context& c);
void on_cleanup_over(Context& c);

// recovery.cpp: fold the checkpoint, compare with what runs.
void recover(Context& c, const Started& started);

}  // namespace bourse::agent
