// A task as operators read it, of a master and of an agent. Any thread.
#pragma once

#include <string_view>
#include <vector>

#include "model/facets.hpp"
#include "model/task_status.hpp"

namespace mesos::v1 {
class Task;
}

namespace bourse::codec {

struct TaskRowParts {
  const TaskFacet& task;
  const FrameworkId& framework_id;
  const ExecutorId* executor_id;  // null: a command task
  std::string_view role;          // what it holds is held in; empty: not known
  TaskState state;
  std::vector<const TaskStatus*> statuses;  // oldest first
};

void write_task_row(const TaskRowParts& parts, mesos::v1::Task& out);

}  // namespace bourse::codec
