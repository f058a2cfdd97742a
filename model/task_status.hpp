// TaskStatus: one statement about a task. With a uuid it must be acknowledged and is resent until
// it is; without, it is an answer or a master's own word and must not be. Value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/digest.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/task_state.hpp"

namespace bourse {

struct TaskStatus {
  TaskId task_id;
  TaskState state = TaskState::staging;
  StatusSource source = StatusSource::master;
  std::optional<StatusReason> reason;
  std::string message;
  std::string data;
  AgentId agent_id;
  ExecutorId executor_id;    // empty for answers about tasks that have none
  ContainerId container_id;  // empty when there is no container
  std::optional<std::uint32_t> executor_pid;
  std::optional<bool> healthy;
  std::optional<Uuid> uuid;
  WallTime timestamp;
  std::optional<WallTime> unreachable_time;
  // Canonical mesos.v1.TaskStatus of what nobody decides on (labels, network infos, check status,
  // limitation); the codec merges the fields above over it. Empty: nothing more.
  Blob extra;

  bool operator==(const TaskStatus&) const = default;
};

// A status on its way to several readers: copying it copies a pointer. Default-made: none.
class SharedStatus {
 public:
  SharedStatus() = default;
  SharedStatus(TaskStatus status)  // NOLINT: a status is one shared
      : status_(std::make_shared<const TaskStatus>(std::move(status))) {}

  explicit operator bool() const { return status_ != nullptr; }
  // REQUIRES that there is one.
  const TaskStatus& operator*() const { return *status_; }
  const TaskStatus* operator->() const { return status_.get(); }
  operator const TaskStatus&() const { return *status_; }  // NOLINT: read as what it is

  bool operator==(const SharedStatus& other) const {
    if (status_ == other.status_) return true;
    return status_ && other.status_ && *status_ == *other.status_;
  }

 private:
  std::shared_ptr<const TaskStatus> status_;
};

}  // namespace bourse
