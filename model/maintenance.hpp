// Maintenance: what an operator wants with an agent, beside whether it is here. In the registry, so
// that it outlives masters. Value.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace bourse {

enum class AgentDuty : std::uint8_t {  // as stored: never renumber
  serving = 1,
  deactivated,  // keeps its tasks, not offered
  draining,     // deactivated, and its tasks are being ended
  drained,      // nothing is left on it; not offered until it is reactivated
};

struct Maintenance {
  AgentDuty duty = AgentDuty::serving;
  std::optional<Duration> max_grace;  // of a drain: no task gets longer to end
  bool mark_gone = false;             // of a drain: once empty the agent is gone for ever
  WallTime since;
  // Of a drain: what budgets of frameworks allow is not waited for, or only for so long.
  bool force = false;
  std::optional<Duration> max_wait = std::nullopt;

  bool operator==(const Maintenance&) const = default;
};

}  // namespace bourse
