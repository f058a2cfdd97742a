// Checks of a task: whether they say enough to be made, and what they say in its statuses.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace mesos::v1 {
class TaskInfo;
}

namespace bourse::codec {

// invalid: which field of check or health_check says what cannot be done, and what could be.
Status check_checks(const mesos::v1::TaskInfo& task);

// TaskStatus::extra with what a check says: `type` as CheckInfo.Type numbers it, 1 to 3; `value` an
// exit status, a status code, or whether a connection was made. Absent: not known.
Blob with_check_status(const Blob& extra, int type, std::optional<std::int32_t> value);

// What with_check_status() has written, or another agent; nullopt: nothing of a check.
struct CheckSaid {
  int type = 0;
  std::optional<std::int32_t> value;
};
std::optional<CheckSaid> read_check_status(const Blob& extra);

}  // namespace bourse::codec
