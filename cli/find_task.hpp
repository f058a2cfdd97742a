// Which task a command means. Main thread.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/api.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::cli {

// The task of that id: one that lives before one that has ended, and the newest of its framework.
// Several frameworks that use the id are an error that names them, unless `framework` says which.
Result<mesos::v1::Task> find_task(Api& api, const std::string& id, const std::string& framework);
// The container it runs or ran in; "" while its agent has not said.
std::string container_of(const mesos::v1::Task& task);

}  // namespace bourse::cli
