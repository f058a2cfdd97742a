// What an agent answers to those calls of mesos.v1.agent that read what it has and what runs there.
// Loop thread, between two steps of the core.
#pragma once

#include "agent/core/state.hpp"

namespace mesos::v1::agent {
class Call;
class Response;
}  // namespace mesos::v1::agent

namespace bourse::agent {

// False: the call is none of these.
bool answer_read(const AgentState& state, const mesos::v1::agent::Call& call,
                 mesos::v1::agent::Response& out);

}  // namespace bourse::agent
