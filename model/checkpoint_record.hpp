// CheckpointRecord: what an agent must not forget about its tasks, as values with stable numbers.
// Recovery folds the records in order. The codec encodes each as a versioned record with a
// checksum; never renumber. Values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/time.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/kill_cause.hpp"
#include "model/resource_operation.hpp"
#include "model/task_status.hpp"

namespace bourse {

namespace checkpoint {

struct Identity {  // 1: who we are; again whenever it changes or a higher epoch was seen
  AgentFacet agent;
  std::string cluster_id;
  Epoch epoch = 0;
  std::string boot_id;
};
struct FrameworkSeen {  // 2: before its first container, and when it changes
  FrameworkFacet framework;
};
struct ExecutorLaunched {  // 3: written before its container is started
  FrameworkId framework_id;
  ExecutorFacet executor;  // for a command task: made from it
  bool command_task = false;
  ContainerId container_id;
  std::string token;
  std::string role = {};  // empty in records of builds that did not say
};
struct TaskLaunched {  // 4: written before the executor hears of it
  FrameworkId framework_id;
  ExecutorId executor_id;
  TaskFacet task;
  LaunchId launch_id;
  bool group = false;     // delivered together with the launch's other tasks
  WallTime launched_at;   // zero in records of builds that did not say
  std::string role = {};  // likewise empty
};
struct UpdateStored {  // 5: written before the executor's update is acknowledged or sent on
  FrameworkId framework_id;
  TaskStatus status;
};
struct UpdateAcknowledged {  // 6
  FrameworkId framework_id;
  TaskId task_id;
  Uuid uuid;
};
struct TaskForgotten {  // 7: terminal and acknowledged
  FrameworkId framework_id;
  TaskId task_id;
};
struct ExecutorForgotten {  // 8: container gone and nothing of it left to report
  FrameworkId framework_id;
  ExecutorId executor_id;
};
struct KillRequested {  // 9: so that a kill survives a restart, and what led to it
  FrameworkId framework_id;
  TaskId task_id;
  KillCause cause = KillCause::asked;  // unsaid in records of builds that did not say
};
struct LifeBegun {  // 10: before this life registers, so that the next one counts higher
  std::uint64_t incarnation = 0;
  std::string boot_id;
};
struct OperationApplied {  // 11: it is true from here on; written before anybody hears of it
  OperationOrder order;
  std::optional<Uuid> status_uuid;
  bool counted = false;  // what it changed stands in a ResourcesConverted before it
};
struct OperationForgotten {  // 12: its outcome is acknowledged
  Uuid uuid;
};
struct ResourcesConverted {  // 13: all operations before it, together
  NetConversion net;
};
// 14: the container ended but for processes that do not die; before anybody hears of that. Until
// the runtime finds it empty, its rest holds this.
struct ContainerLeaked {
  FrameworkId framework_id;
  ExecutorId executor_id;
  ContainerId container_id;
  Resources withheld;
};

// 15: it could not be done, and a framework waits to hear so; before anybody hears of it.
struct OperationFailed {
  OperationOrder order;
  Uuid status_uuid;
  std::string message;
};

}  // namespace checkpoint

// The alternative's index + 1 is its number on disk.
using CheckpointRecord =
    std::variant<checkpoint::Identity, checkpoint::FrameworkSeen, checkpoint::ExecutorLaunched,
                 checkpoint::TaskLaunched, checkpoint::UpdateStored, checkpoint::UpdateAcknowledged,
                 checkpoint::TaskForgotten, checkpoint::ExecutorForgotten,
                 checkpoint::KillRequested, checkpoint::LifeBegun, checkpoint::OperationApplied,
                 checkpoint::OperationForgotten, checkpoint::ResourcesConverted,
                 checkpoint::ContainerLeaked, checkpoint::OperationFailed>;

}  // namespace bourse
