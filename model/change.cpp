#include "model/change.hpp"

namespace bourse {

std::string_view name_of(AgentPhase phase) {
  switch (phase) {
    case AgentPhase::admitting:
      return "admitting";
    case AgentPhase::active:
      return "active";
    case AgentPhase::silent:
      return "silent";
    case AgentPhase::unreachable:
      return "unreachable";
    case AgentPhase::draining:
      return "draining";
    case AgentPhase::drained:
      return "drained";
    case AgentPhase::deactivated:
      return "deactivated";
    case AgentPhase::gone:
      return "gone";
    case AgentPhase::recovered:
      return "recovered";
  }
  return "unknown";
}

}  // namespace bourse
