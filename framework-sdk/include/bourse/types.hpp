// What a framework author's program is made of: resources, offers, tasks, updates. Plain values in
// whole numbers (thousandths of a cpu, megabytes); copy, compare and keep them as you like. Any
// thread. Part of the Bourse SDK: this directory includes nothing of Bourse but itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bourse::sdk {

// Both ends included.
struct PortRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool operator==(const PortRange&) const = default;
};

// An amount of each resource, in fixed-point units.
struct Resources {
  std::int64_t cpu_milli = 0;  // 500 is half a cpu
  std::int64_t memory_mb = 0;
  std::int64_t disk_mb = 0;
  std::int64_t gpus = 0;
  std::vector<PortRange> ports = {};
  std::map<std::string, std::int64_t> other_milli = {};  // any other scalar, in thousandths

  bool operator==(const Resources&) const = default;
};

// Whether `part` fits into `whole`, ports by number.
bool contains(const Resources& whole, const Resources& part);
// REQUIRES contains(whole, part).
void subtract(Resources& whole, const Resources& part);
void add(Resources& whole, const Resources& part);

// A persistent volume: disk of a role that outlives the tasks which use it.
struct Volume {
  std::string id = {};    // unique on its agent among the role's
  std::string role = {};  // empty: the offer's
  std::int64_t size_mb = 0;
  std::string path = "data";  // where a task finds it, in its sandbox
  bool read_only = false;
  bool shared = false;  // several tasks may have it at once: SchedulerOptions::shared_volumes

  bool operator==(const Volume&) const = default;
};

// Part of an offer that is reserved, and how.
struct Reserved {
  std::string role = {};
  bool by_operation = false;  // false: by the agent's operator, and so it stays
  std::map<std::string, std::string> labels = {};
  Resources resources = {};  // without the volumes
};

// Part of one agent, yours to use until you decline it, it is rescinded, or it lapses.
struct Offer {
  std::string id = {};
  std::string agent_id = {};
  std::string hostname = {};
  std::string role = {};
  Resources resources = {};                 // without the volumes and what is lent
  Resources reserved = {};                  // what of it is reserved
  std::vector<Reserved> reservations = {};  // the same, by how
  Resources revocable = {};          // beside it, lent: tasks that use it may be ended at any time
  std::vector<Volume> volumes = {};  // which tasks may have
  std::map<std::string, std::string> attributes = {};  // of the agent, as text
  std::string region = {};                             // empty: none configured
  std::string zone = {};
  std::int64_t unavailable_from_ms = 0;  // planned, since 1970; 0: nothing is
  std::int64_t unavailable_for_ms = -1;  // -1: for good
};

// A wish that you leave an agent before it becomes unavailable. Nothing is taken from you.
struct InverseOffer {
  std::string id = {};
  std::string agent_id = {};
  std::string hostname = {};
  std::int64_t unavailable_from_ms = 0;  // since 1970
  std::int64_t unavailable_for_ms = -1;  // -1: for good
};

// What a task or an executor runs.
struct Command {
  std::string shell = {};                   // run by /bin/sh -c; or:
  std::vector<std::string> arguments = {};  // argv, the program first, no shell
  std::map<std::string, std::string> environment = {};
  std::string user = {};  // empty: the framework's
};

// Your own executor: a program that runs several tasks and speaks the executor API (executor.hpp).
// Tasks that name the same executor id on one agent share one process.
struct ExecutorSpec {
  std::string id = {};
  std::string name = {};
  Command command = {};
  Resources resources = {};  // of the executor itself, beside its tasks'
  std::int64_t shutdown_grace_ms = 5000;
};

// One way to look at a task that runs, again and again. The agent's side makes the looks, also
// while the agent is away.
struct Check {
  enum class Kind : std::uint8_t {
    command = 1,  // run in the task's container, with its environment: exit status 0 is good
    http,         // GET on loopback: a status from 200 to 399 is good
    tcp,          // a connection to loopback
  };

  Kind kind = Kind::http;
  Command command = {};                          // of a command check
  std::uint32_t port = 0;                        // of the others; or, of a Shape:
  std::optional<std::uint32_t> port_index = {};  // that of its ports; the matcher writes `port`
  std::string path = "/";                        // of an http check
  std::int64_t delay_ms = 0;                     // from the task's start to the first look
  std::int64_t interval_ms = 10'000;             // from the end of a look to the next
  std::int64_t timeout_ms = 20'000;              // of a look
};

// A check that ends the task (killed, TaskUpdate::healthy false) when it fails too often.
struct HealthCheck {
  Check check = {};
  std::int64_t grace_ms = 10'000;  // from the start: failures before it was ever well do not count
  std::uint32_t failures = 3;      // so many in a row end it
};

// What a check says: an exit status, an HTTP status, or whether (1, 0) there was a connection.
struct CheckStatus {
  Check::Kind kind = Check::Kind::command;
  std::optional<std::int32_t> value = {};  // absent: not known yet, or the look could not be made

  bool operator==(const CheckStatus&) const = default;
};

// Give either `command` or `executor`.
struct TaskSpec {
  std::string id = {};  // yours to choose; unique among your living tasks
  std::string name = {};
  Resources resources = {};
  std::optional<Command> command = {};
  std::optional<ExecutorSpec> executor = {};
  std::string data = {};  // opaque, for the executor
  std::map<std::string, std::string> labels = {};
  std::optional<std::int64_t> kill_grace_ms = {};
  std::optional<std::int64_t> max_run_ms = {};  // longer: killed, and the task fails
  std::vector<std::string> volumes = {};        // ids of volumes of the offers, or made with them
  std::optional<Check> check = {};              // tells what it sees: TaskUpdate::check
  std::optional<HealthCheck> health_check = {};
  // It and its executor run on what is lent: what the offers have as `revocable` is taken of that,
  // the rest of what stays. It may be ended at any time, as TaskState::gone.
  bool revocable = false;
};

// What changes the meaning of an agent's resources: disk and others are reserved for your role, and
// disk that is reserved becomes a volume. See the functions below.
struct Operation {
  enum class Kind : std::uint8_t {
    reserve,
    unreserve,
    create,
    destroy,
    grow,
    shrink,
    reserve_again,
  };

  Kind kind = Kind::reserve;
  std::string id = {};  // yours to choose; with one you are told what became of it
  Resources resources = {};
  Volume volume = {};
  std::int64_t by_mb = 0;
  std::map<std::string, std::string> labels = {};  // of what reserve and reserve_again make
  // What unreserve and reserve_again take: only what is reserved with just these labels.
  std::optional<std::map<std::string, std::string>> of_labels = {};
};
Operation reserve(std::string id, Resources resources,
                  std::map<std::string, std::string> labels = {});
// Exchanges what operations have reserved for a reservation with these labels, without a moment in
// between in which it is free (RESERVE with its source).
Operation reserve_again(std::string id, Resources resources,
                        std::map<std::string, std::string> labels = {});
Operation unreserve(std::string id, Resources resources);
Operation create_volume(std::string id, Volume volume);
// Of a volume that an offer holds: its id says which.
Operation destroy_volume(std::string id, std::string volume_id);
Operation grow_volume(std::string id, std::string volume_id, std::int64_t by_mb);
Operation shrink_volume(std::string id, std::string volume_id, std::int64_t by_mb);

// What became of an operation: Mesos v1's states.
enum class OperationState : std::uint8_t {
  pending = 1,   // its agent has not stored it yet
  finished = 2,  // it is stored, and true
  failed = 3,    // its agent could not: nothing changed
  error = 4,     // it could not be: nothing changed
  dropped = 5,   // it never reached its agent: nothing changed
  unreachable = 6,
  gone_by_operator = 7,
  recovering = 8,  // its agent is not back yet
  unknown = 9,
};
const char* name_of(OperationState state);  // "OPERATION_FINISHED"

// A statement about an operation, as its agent or the master makes it.
struct OperationUpdate {
  std::string operation_id = {};
  OperationState state = OperationState::unknown;
  std::string message = {};
  std::string agent_id = {};
  std::string uuid = {};  // 16 bytes; empty: not to be acknowledged
};

// An operation and its agent, to ask what became of it.
struct OperationPlace {
  std::string operation_id = {};
  std::string agent_id = {};  // empty: not known
};

// Where a task is in its life: Mesos v1's states.
enum class TaskState : std::uint8_t {
  starting = 0,
  running = 1,
  finished = 2,
  failed = 3,
  killed = 4,
  lost = 5,
  staging = 6,
  error = 7,
  killing = 8,
  dropped = 9,
  unreachable = 10,
  gone = 11,
  gone_by_operator = 12,
  unknown = 13,
};
const char* name_of(TaskState state);  // "TASK_RUNNING"
// Such a task never runs again. unreachable is not terminal: its agent may come back with it.
bool is_terminal(TaskState state);

// A task and where it was launched, to ask what became of it.
struct TaskPlace {
  std::string task_id = {};
  std::string agent_id = {};  // empty: not known

  bool operator==(const TaskPlace&) const = default;
};

// One step of a task's life, as its agent or the master tells it.
struct TaskUpdate {
  std::string task_id = {};
  TaskState state = TaskState::staging;
  std::string message = {};
  std::string reason = {};  // "REASON_CONTAINER_LIMITATION_MEMORY"; empty: none given
  std::string agent_id = {};
  std::string executor_id = {};
  std::string container_id = {};
  std::string data = {};
  std::string uuid = {};                  // 16 bytes; empty: not to be acknowledged
  std::optional<bool> healthy = {};       // by its health check; absent: not judged (yet)
  std::optional<CheckStatus> check = {};  // of a task with a check
};

}  // namespace bourse::sdk
