// What the calls about sessions say: mesos.v1.agent.Call as plain values. A session is named by
// {value, parent}; the newer calls (LAUNCH_CONTAINER and its like) mean the same here. Errors are
// `invalid` or `unsupported` and name the field. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/sessions.hpp"
#include "agent/isolation/container.hpp"
#include "base/result.hpp"
#include "proto/v1/agent_call.pb.h"

namespace bourse::agent {

// Of the calls that only name one; invalid for those that name a container without a parent.
Result<SessionKey> read_session_key(const mesos::v1::ContainerID& id);
// The id in a call of any of these types; nullptr for other types.
const mesos::v1::ContainerID* session_id_in(const mesos::v1::agent::Call& call);

// What LAUNCH_NESTED_CONTAINER_SESSION, LAUNCH_NESTED_CONTAINER or LAUNCH_CONTAINER asks for.
// `user` is the container's, the only one that a session may have.
Result<isolation::SessionSpec> read_session(const mesos::v1::agent::Call& call,
                                            const SessionKey& key, const std::string& user);
// Whether the call asks for a terminal.
bool asks_for_tty(const mesos::v1::agent::Call& call);

// One record of ATTACH_CONTAINER_INPUT.
struct SessionInput {
  std::optional<SessionKey> attach;  // the first record: whose input
  std::optional<std::string> bytes;  // of its standard input; "" ends it
  std::optional<std::pair<std::uint32_t, std::uint32_t>> window;  // rows, columns
};                                                                // none: a heartbeat
Result<SessionInput> read_session_input(const mesos::v1::agent::Call& call);

}  // namespace bourse::agent
