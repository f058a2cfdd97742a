// Sessions as nested containers, for who asks for these beside those of executors (`show_nested` of
// GET_CONTAINERS and /containers). A session has no resources of its own: it uses what its
// container has, and is counted there. Pure; the agent's thread.
#pragma once

#include <string>

#include "agent/core/sessions.hpp"

namespace mesos::v1::agent {
class Response_GetContainers;
}  // namespace mesos::v1::agent

namespace bourse::agent {

void add_nested(const AgentState& state, const Sessions& sessions,
                mesos::v1::agent::Response_GetContainers& out);
// To a JSON list that is whole.
void add_nested(const AgentState& state, const Sessions& sessions, std::string& list);

}  // namespace bourse::agent
