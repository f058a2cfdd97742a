#include "cli/find_task.hpp"

#include <initializer_list>
#include <set>
#include <vector>

#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

using mesos::v1::master::Response;

namespace {

using TaskList = google::protobuf::RepeatedPtrField<mesos::v1::Task>;

// The newest of each framework; none for the empty list.
std::vector<const mesos::v1::Task*> newest_of_each(std::initializer_list<const TaskList*> lists) {
  std::vector<const mesos::v1::Task*> out;
  std::set<std::string> frameworks;
  for (const TaskList* list : lists) {
    for (const auto& task : *list) {
      if (frameworks.insert(task.framework_id().value()).second) out.push_back(&task);
    }
  }
  return out;
}

}  // namespace

Result<mesos::v1::Task> find_task(Api& api, const std::string& id, const std::string& framework) {
  std::string query = "\"limit\":1000,\"task_id\":{\"value\":" + json_text(id) + "}";
  if (!framework.empty()) query += ",\"framework_id\":{\"value\":" + json_text(framework) + "}";
  Response response;
  const Status ok = api.call(R"({"type":"GET_TASKS","get_tasks":{)" + query + "}}", response);
  if (!ok.ok()) return ok.error();
  const auto& tasks = response.get_tasks();
  auto found = newest_of_each({&tasks.tasks(), &tasks.unreachable_tasks()});
  if (found.empty()) found = newest_of_each({&tasks.completed_tasks()});
  if (found.empty()) {
    return Error{ErrorCode::not_found, "task '" + id + "' is not known to this master"};
  }
  if (found.size() == 1) return *found.front();
  std::string names;
  for (const auto* task : found) {
    names += (names.empty() ? "" : ", ") + task->framework_id().value();
  }
  return Error{ErrorCode::conflict, "several frameworks have a task '" + id +
                                        "': name one of them with --framework: " + names};
}

std::string container_of(const mesos::v1::Task& task) {
  std::string container;
  for (const auto& status : task.statuses()) {
    const std::string& id = status.container_status().container_id().value();
    if (!id.empty()) container = id;
  }
  return container;
}

}  // namespace bourse::cli
