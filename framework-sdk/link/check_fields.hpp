// Checks of the SDK's tasks as Mesos v1 has them, and what they say. Private to the SDK; pure.
#pragma once

#include <optional>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "bourse/types.hpp"

namespace mesos::v1 {
class TaskInfo;
}

namespace bourse::sdk {

// invalid: the field of the task's check or health check that cannot be, and what could.
Status fill_checks(const TaskSpec& task, mesos::v1::TaskInfo& to);

// Of TaskStatus::extra.
std::optional<CheckStatus> public_check_status(const Blob& extra);

}  // namespace bourse::sdk
