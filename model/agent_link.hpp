// AgentToMaster and MasterToAgent: the private protocol between a master and its agents, as values.
// Travels as proto/internal messages in frames with a LinkHeader (model/link_session.hpp).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/kill_cause.hpp"
#include "model/link_session.hpp"
#include "model/operation_status.hpp"
#include "model/resource_operation.hpp"
#include "model/task_status.hpp"

namespace bourse {

namespace to_master {

// A task that the agent has, for a master that may not know it.
struct KnownTask {
  FrameworkId framework_id;
  TaskFacetPtr task;
  LaunchId launch_id;
  ExecutorId executor_id;  // the task's id for a command task
  bool command_task = false;
  TaskState state = TaskState::staging;  // latest known to the agent
  std::optional<TaskStatus> latest;      // the update under way, else the newest one
  bool terminal_unacknowledged = false;  // its resources are free already
  std::string role = {};                 // it was launched in; empty: an older master did not say
  bool ending = false;                   // it was told to kill it
  bool end_settled = false;              // as in StatusUpdate
};
struct KnownExecutor {
  FrameworkId framework_id;
  ExecutorFacetPtr executor;
  ContainerId container_id;
  std::string role = {};  // likewise
};
struct KnownFramework {
  FrameworkFacetPtr framework;  // with its id
};

// An operation that the agent keeps until its outcome is acknowledged.
struct KnownOperation {
  OperationOrder order;
  OperationState state = OperationState::pending;  // or finished, or failed
  std::optional<Uuid> status_uuid;                 // finished, and its framework must acknowledge
  std::string message;                             // failed: why
};

// Its cgroup could not be emptied: the resources stay withheld until it is.
struct ContainerLeaked {
  FrameworkId framework_id;
  ExecutorId executor_id;
  Resources resources;
  bool resolved = false;
};

// First message of a session. With an empty agent.id: a new agent; else it re-registers.
struct Register {
  AgentFacetPtr agent;
  std::uint64_t incarnation = 0;  // larger with each start of the agent process: newest wins
  std::string cluster_id;         // empty: never registered
  Epoch epoch_seen = 0;
  std::vector<KnownFramework> frameworks;
  std::vector<KnownExecutor> executors;
  std::vector<KnownTask> tasks;
  std::optional<Resources> total;          // as operations made it of agent->total; absent: that
  std::vector<KnownOperation> operations;  // in the order in which they came
  Resources oversubscribed;                // as in Oversubscribed
  // What still leaks, none resolved. Known in the event that ends the tasks' hold on it, or it
  // would be offered in between. An agent of an older build lists none and tells each later.
  std::vector<ContainerLeaked> leaks = {};
};
struct StatusUpdate {
  FrameworkId framework_id;
  SharedStatus status;  // always one
  // What the agent knows as the newest state: earlier unacknowledged updates may still be under
  // way.
  TaskState latest_state = TaskState::staging;
  // What led to the end, if it is one, is in the status already: it is told as it is. Else the
  // agent does not know, being an older build or having been ordered by one.
  bool end_settled = false;
};
// The executor's container is gone and its resources are free.
struct ExecutorExited {
  FrameworkId framework_id;
  ExecutorId executor_id;
  int wait_status = 0;
};
struct ExecutorMessage {
  FrameworkId framework_id;
  ExecutorId executor_id;
  std::string data;
};
struct Heartbeat {
  std::uint64_t last_sent = 0;
};
// A planned stop: the agent goes silent at once instead of after a time-out; tasks keep running.
struct Leaving {};
// What became of operations, in the order in which they were sent.
struct OperationOutcomes {
  struct Outcome {
    Uuid uuid;
    bool finished = false;            // stored, and true from now on; else nothing changed
    std::optional<Uuid> status_uuid;  // its framework must acknowledge
    std::string message;              // why not
  };
  std::vector<Outcome> outcomes;
};
// What is allocated here and not used: it may be lent, and taken back. Each is revocable; all of
// it, in place of what was told before.
struct Oversubscribed {
  Resources total;
};

}  // namespace to_master

struct AgentToMaster {
  LinkHeader header;
  std::variant<to_master::Register, to_master::StatusUpdate, to_master::ExecutorExited,
               to_master::ContainerLeaked, to_master::ExecutorMessage, to_master::Heartbeat,
               to_master::Leaving, to_master::OperationOutcomes, to_master::Oversubscribed>
      body;
};

namespace to_agent {

struct Registered {
  AgentId agent_id;
  std::string cluster_id;
  Duration heartbeat_interval;  // both sides send one this often
  Duration silence_timeout;     // heard nothing for this long: the session is over
};
// Not now (retry after) or never (the agent must not run under this identity: it stops).
struct Refused {
  std::string reason;
  Duration retry_after;
  bool forget_identity = false;  // come back as a new agent
  bool end_tasks = false;        // gone for ever: end what runs, then stop
  // Of who has the id, where that is newer; else 0. A process that has only just started is the
  // newest whatever its clock says: it takes the number after this one.
  std::uint64_t newest_incarnation = 0;
};
struct Launch {
  LaunchId launch_id;
  FrameworkFacetPtr framework;  // with its id
  ExecutorFacetPtr executor;    // null for command tasks
  std::vector<TaskFacetPtr> tasks;
  bool group = false;     // all or none
  std::string role = {};  // what they hold is held in
};
struct Kill {
  FrameworkId framework_id;
  TaskId task_id;
  std::optional<Duration> grace;
  KillCause cause = KillCause::asked;
};
struct ShutdownExecutor {
  FrameworkId framework_id;
  ExecutorId executor_id;
};
struct ShutdownFramework {
  FrameworkId framework_id;
};
struct Acknowledge {
  FrameworkId framework_id;
  TaskId task_id;
  Uuid uuid;
};
struct FrameworkMessage {
  FrameworkId framework_id;
  ExecutorId executor_id;
  std::string data;
};
// The framework changed its description or failed over.
struct UpdateFramework {
  FrameworkFacetPtr framework;
};
struct Heartbeat {
  std::uint64_t last_sent = 0;
};
// The session is over (a gap, a newer incarnation, silence): register again.
struct Reregister {
  std::string reason;
};
// To be done in this order and stored together.
struct ApplyOperations {
  std::vector<OperationOrder> orders;
};
// Their outcomes need not be kept any longer.
struct AcknowledgeOperations {
  std::vector<Uuid> uuids;
};

}  // namespace to_agent

struct MasterToAgent {
  LinkHeader header;
  std::variant<to_agent::Registered, to_agent::Refused, to_agent::Launch, to_agent::Kill,
               to_agent::ShutdownExecutor, to_agent::ShutdownFramework, to_agent::Acknowledge,
               to_agent::FrameworkMessage, to_agent::UpdateFramework, to_agent::Heartbeat,
               to_agent::Reregister, to_agent::ApplyOperations, to_agent::AcknowledgeOperations>
      body;
};

}  // namespace bourse
