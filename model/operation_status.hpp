// OperationStatus: one statement about an operation on resources. With a uuid it must be
// acknowledged and is resent until it is; without, it is a master's own word or an answer and must
// not be. Value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/ids.hpp"

namespace bourse {

enum class OperationState : std::uint8_t {  // as on the wire
  pending = 1,                              // its agent has not said that it is stored
  finished = 2,
  failed = 3,   // its agent could not: nothing changed
  error = 4,    // refused: it was never sent
  dropped = 5,  // it never reached its agent: nothing changed
  unreachable = 6,
  gone_by_operator = 7,
  recovering = 8,  // its agent is not back yet
  unknown = 9,
};
std::string_view name_of(OperationState state);  // "OPERATION_PENDING"

struct OperationStatus {
  OperationId id;
  OperationState state = OperationState::unknown;
  std::string message;
  std::optional<Uuid> uuid;
  AgentId agent_id;  // empty: nobody knows

  bool operator==(const OperationStatus&) const = default;
};

}  // namespace bourse
