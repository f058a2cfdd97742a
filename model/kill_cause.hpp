// KillCause: what led to a task's kill. A master orders a kill with it, the agent stores it, and
// how the end is told follows from it, whoever leads by then. Values, pure.
#pragma once

#include <cstdint>

namespace bourse {

// On the link and on disks: never renumber.
enum class KillCause : std::uint8_t {
  unsaid = 0,         // by a build that did not say, or for what this build does not know
  asked = 1,          // somebody wanted this task to end
  drain = 2,          // its agent was drained
  drain_to_gone = 3,  // its agent was drained, to be gone once it is empty
};

inline KillCause kill_cause_from(std::uint32_t number) {
  return number > static_cast<std::uint32_t>(KillCause::drain_to_gone)
             ? KillCause::unsaid
             : static_cast<KillCause>(number);
}

}  // namespace bourse
