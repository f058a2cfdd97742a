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

// Part of one agent, yours to use until you decline it, it is rescinded, or it lapses.
struct Offer {
  std::string id = {};
  std::string agent_id = {};
  std::string hostname = {};
  std::string role = {};
  Resources resources = {};
  std::map<std::string, std::string> attributes = {};  // of the agent, as text
  std::string region = {};                             // empty: none configured
  std::string zone = {};
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
  std::string uuid = {};  // 16 bytes; empty: not to be acknowledged
  std::optional<bool> healthy = {};
};

}  // namespace bourse::sdk
