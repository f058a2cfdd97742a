// The state of an agent core as plain values: copyable, comparable by fingerprint. Ordered tables
// only, so that every walk over them is the same on every machine.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/event.hpp"
#include "agent/core/oversubscription.hpp"
#include "base/deadline_queue.hpp"
#include "base/siphash.hpp"
#include "base/touched_map.hpp"
#include "model/facets.hpp"
#include "model/kill_cause.hpp"
#include "model/link_session.hpp"
#include "model/resource_operation.hpp"
#include "model/task_status.hpp"

namespace bourse::agent {

// What to do with what an earlier life left running.
enum class RecoverMode : std::uint8_t {
  reconnect,  // keep it
  cleanup,    // kill it, report it, and stop
};
// How what this machine offers may differ from what it offered when it registered.
enum class Reconfiguration : std::uint8_t {
  equal,
  additive,  // more resources and attributes, none less
};

struct AgentConfig {
  RecoverMode recover = RecoverMode::reconnect;
  Reconfiguration reconfiguration = Reconfiguration::equal;
  Duration register_retry = Duration::seconds(1);  // doubles up to register_retry_max
  Duration register_retry_max = Duration::seconds(30);
  Duration update_retry = Duration::seconds(10);  // doubles up to update_retry_max
  Duration update_retry_max = Duration::seconds(600);
  Duration checkpoint_retry = Duration::seconds(1);  // after a refused write
  Duration executor_register_timeout = Duration::seconds(60);
  Duration executor_reregister_timeout = Duration::seconds(60);  // after an agent restart
  // After the last container of a cleanup ended: how long its frameworks may take to acknowledge.
  Duration cleanup_report_timeout = Duration::seconds(30);
  Duration default_kill_grace = Duration::seconds(3);  // KillPolicy's default on Mesos
  // Executors over HTTP: must each call show the container's token?
  bool authenticate_executors = false;
  Duration executor_heartbeat = Duration::seconds(1800);  // to executors over HTTP, as Mesos
  OversubscriptionConfig oversubscription;
};

using TaskKey = std::pair<FrameworkId, TaskId>;
using ExecutorKey = std::pair<FrameworkId, ExecutorId>;

// One status update on its way to the framework. Only the front of a task's queue is in flight, and
// only once it is stored.
struct PendingUpdate {
  TaskStatus status;
  bool stored = false;
};

// Why a task is as far as it is on its way to its executor.
enum class TaskPhase : std::uint8_t {
  storing,    // its launch is being written; nothing was started or told
  queued,     // stored; waits for its executor to subscribe
  delivered,  // the executor has it (a command task: its container was asked for)
  ended,      // a terminal update exists
};

struct Task {
  TaskFacetPtr facet;
  LaunchId launch_id;
  ExecutorId executor_id;
  TaskPhase phase = TaskPhase::storing;
  TaskState state = TaskState::staging;         // newest known, whether delivered or not
  TaskState stored_state = TaskState::staging;  // newest that the master may hear of
  std::optional<TaskStatus> latest;
  std::deque<PendingUpdate> pending;
  std::uint32_t resends = 0;  // of the front since it was first sent
  bool kill_requested = false;
  KillCause kill_cause =
      KillCause::asked;  // of the first kill: what comes after it changes nothing
  std::optional<Duration> kill_grace;
  std::deque<Uuid> acknowledged;    // the newest of its executor's updates that were
  std::optional<bool> healthy;      // as its health check says
  std::string health_note;          // why
  Blob checked;                     // TaskStatus::extra with what its check says
  bool completion_expired = false;  // killed because max_completion passed
  bool group = false;               // delivered together with the launch's other tasks
  WallTime launched_at;
  std::string role;  // what it holds is held in; empty: its master did not say
};

enum class ExecutorPhase : std::uint8_t {
  storing,      // its launch is being written
  starting,     // its container was asked for
  subscribing,  // container runs; a custom executor has not subscribed (or not again) yet
  running,      // command task runs, or the executor is subscribed
  ending,       // container ended but for a rest that does not die; that is being written
  exited,       // container gone; stays only until its tasks' updates are acknowledged
};

struct Executor {
  ExecutorFacetPtr facet;
  bool command_task = false;
  bool shutting_down = false;  // its framework or the master wants it gone
  bool leaked = false;         // container could not be emptied, and the checkpoint says so:
  Resources withheld;          // what it holds all the same
  std::optional<ContainerExited> end;  // what is told once that is written
  bool late = false;                   // killed because it did not subscribe in time
  bool recovered = false;              // started by an earlier life of this agent
  bool refused = false;    // its record was not stored, but tasks of it are on their way
  bool shrunk = false;     // a task that its start may have counted was refused
  bool over_http = false;  // its peer is the response to a SUBSCRIBE
  bool proven = false;     // it has shown its token in this life of the agent
  std::string preempted;   // what was lent is taken back from it; why
  ContainerId container_id;
  std::string token;
  std::string role;  // likewise
  ExecutorPhase phase = ExecutorPhase::storing;
  PeerId peer;  // empty: not connected
  std::optional<std::uint32_t> pid;
  std::set<TaskId> tasks;
};

struct Framework {
  FrameworkFacetPtr facet;
  bool shutting_down = false;  // removed by the master: nobody waits for its updates
  bool stored = false;         // the checkpoint has it; else each launch writes it
};

enum class OperationPhase : std::uint8_t {
  waiting,   // for the write before it
  storing,   // it is being written
  finished,  // stored; until its outcome is acknowledged
  failed,    // nothing changed; likewise
};

struct Operation {
  OperationOrder order;
  Conversion conversion;
  OperationPhase phase = OperationPhase::waiting;
  std::optional<Uuid> status_uuid;  // its framework must acknowledge
  std::string message;              // why it failed
  bool refused = false;             // it cannot be done, and that is what is written
  std::uint64_t number = 0;         // in which order they came
};

// What a Checkpoint on its way will do when it is stored or refused.
struct LaunchPending {
  FrameworkId framework_id;
  std::vector<TaskId> tasks;
  bool starts = false;  // the executor's record is in it, and its start waits for it
};
struct UpdatePending {
  TaskKey task;
  std::vector<Uuid> uuids;
};
struct IdentityPending {};
struct LifePending {};     // registering waits for it
struct SettledPending {};  // acknowledgements and forgetting: a repeat is harmless
struct OperationsPending {
  std::vector<Uuid> uuids;
};
struct LeakPending {
  ContainerId container_id;
};
using PendingWrite = std::variant<LaunchPending, UpdatePending, IdentityPending, LifePending,
                                  SettledPending, OperationsPending, LeakPending>;

// What a deadline is for; ordered, so that ties fire alike everywhere.
struct DeadlineKey {
  enum class Kind : std::uint8_t {
    register_again,
    heartbeat,
    master_silent,
    update_retry,        // a: framework, b: task
    executor_subscribe,  // a: framework, b: executor
    executor_shutdown,   // a: framework, b: executor
    max_completion,      // a: framework, b: task
    checkpoint_retry,    // a: framework, b: task
    life_retry,
    identity_retry,
    cleanup_over,
    executor_heartbeat,  // a: framework, b: executor
    operation_retry,
    usage_sample,
    lending_report,
    leak_retry,  // a: container
  };
  Kind kind = Kind::heartbeat;
  std::string a;
  std::string b;

  auto operator<=>(const DeadlineKey&) const = default;
};

struct Link {
  bool connected = false;   // the transport says so
  bool registered = false;  // this session's Register was answered
  bool stale = false;       // something happened since Register left that it should have told
  std::uint64_t session = 0;
  std::uint64_t sessions_begun = 0;
  std::uint32_t attempts = 0;
  std::uint32_t broken = 0;  // sessions in a row that broke before a heartbeat held
  LinkSender sender;
  LinkReceiver receiver;
  Duration heartbeat_interval = Duration::seconds(5);
  Duration silence_timeout = Duration::seconds(15);
};

enum class CleanupPhase : std::uint8_t {
  none,        // this life keeps what it finds
  killing,     // containers of earlier lives are being ended
  reporting,   // all have ended; frameworks have yet to acknowledge
  forgetting,  // nothing is left to say; the identity is being given up
  over,        // Stop was issued
};

// What has happened in this life of the agent, for who monitors it. Nothing is decided by these.
struct AgentCounts {
  std::uint64_t valid_updates = 0;  // of tasks, by executors or the agent itself: each once
  std::uint64_t invalid_updates = 0;
  std::uint64_t launch_errors = 0;  // containers that could not be started
  std::uint64_t preempted = 0;      // containers that what they were lent was taken back from
};

struct AgentState {
  AgentFacetPtr identity;  // id empty until a master gave one
  // What the checkpoint says of us and the next life is compared with. A cleanup offers nothing,
  // but that is not what the machine was configured for.
  AgentFacetPtr configured;
  std::string cluster_id;
  Epoch epoch = 0;
  std::string boot_id;
  bool rebooted = false;      // the machine was restarted since the last life
  bool life_settled = false;  // this life's number is stored, or the disk refused it
  bool life_stored = false;   // else each launch writes it
  bool life_known = false;    // a master has registered it
  CleanupPhase cleanup = CleanupPhase::none;
  ExecutorKey cleanup_waits_for;  // one that ran when it was looked at last
  bool identity_stored = false;   // else each launch writes it
  std::uint64_t incarnation = 0;
  std::uint64_t seed = 0;
  SecretKey token_key{};
  Blob status_extra;
  std::uint64_t names_made = 0;
  std::uint64_t writes_issued = 0;
  bool started = false;

  Link link;
  std::map<FrameworkId, Framework> frameworks;
  TouchedMap<ExecutorKey, Executor> executors;
  TouchedMap<TaskKey, Task> tasks;
  std::map<ContainerId, ExecutorKey> by_container;
  std::map<PeerId, ExecutorKey> by_peer;
  std::map<PersistId, PendingWrite> writes;

  NetConversion net;  // what stored operations made of what is configured
  Resources total;    // configured, and converted so: what this agent has
  Resources issued;   // with the operations that wait or are being stored
  std::map<Uuid, Operation> operations;
  bool operations_storing = false;
  std::uint64_t operations_seen = 0;
  std::uint32_t operation_resends = 0;
  // A launch that needs what an operation makes, and all that came behind it.
  std::deque<MasterToAgent> held;
  Oversubscription oversubscription;
  DeadlineQueue<DeadlineKey> deadlines;
  // How many rows were looked at because a step ended: it must follow what happens, not what there
  // is.
  std::uint64_t rows_looked_at = 0;
  AgentCounts counts;
};

}  // namespace bourse::agent
