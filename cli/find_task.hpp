// Which task a command means. Main thread.
#pragma once

#include <string>

#include "base/result.hpp"
#include "cli/api.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::cli {

// The one task of that id, living or ended; the newest if several frameworks used the id and
// `framework` is empty.
Result<mesos::v1::Task> find_task(Api& api, const std::string& id, const std::string& framework);
// The container it runs or ran in; "" while its agent has not said.
std::string container_of(const mesos::v1::Task& task);

}  // namespace bourse::cli
