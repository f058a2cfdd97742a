// What /state and /flags of an agent say, in the shapes of Mesos before its v1 operator API, from
// the core's state. As long as the core's tables are: no more than kMaxTasksPerAgent tasks. Pure;
// the agent's thread, between two steps.
#pragma once

#include <string>

#include "agent/core/state.hpp"
#include "agent/shell/options.hpp"
#include "base/time.hpp"

namespace bourse::agent {

struct ClassicAgent {
  const AgentOptions& options;
  WallTime started_at;
  std::string master_host;  // empty: not known
};

std::string classic_state(const AgentState& state, const ClassicAgent& self);

// What an executor holds: its own, and its tasks'.
Resources held_by(const AgentState& state, const ExecutorKey& key, const Executor& executor);
// The task that a command task's executor is called after; else what its framework calls it.
std::string source_of(const Executor& executor);

}  // namespace bourse::agent
