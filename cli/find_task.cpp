#include "cli/find_task.hpp"

#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

using mesos::v1::master::Response;

Result<mesos::v1::Task> find_task(Api& api, const std::string& id, const std::string& framework) {
  std::string query = "\"limit\":1,\"task_id\":{\"value\":" + json_text(id) + "}";
  if (!framework.empty()) query += ",\"framework_id\":{\"value\":" + json_text(framework) + "}";
  Response response;
  const Status ok = api.call(R"({"type":"GET_TASKS","get_tasks":{)" + query + "}}", response);
  if (!ok.ok()) return ok.error();
  const auto& found = response.get_tasks();
  for (const auto* list : {&found.tasks(), &found.unreachable_tasks(), &found.completed_tasks()}) {
    if (!list->empty()) return list->Get(0);
  }
  return Error{ErrorCode::not_found, "task '" + id + "' is not known to this master"};
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
