// What an agent counts, under the names that Mesos' monitoring reads ("slave/tasks_running"): what
// is, from the core's state; what has ended, counted as it is stored. The agent's thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/state.hpp"
#include "base/time.hpp"
#include "model/checkpoint_record.hpp"

namespace bourse::agent {

// In this life of the agent.
using EndedTasks = std::map<TaskState, std::uint64_t>;
// How many of these records say that a task has ended, by how.
EndedTasks ended_in(const std::vector<CheckpointRecord>& records);

std::vector<std::pair<std::string, double>> agent_metrics(const AgentState& state,
                                                          const EndedTasks& ended, Duration uptime);

}  // namespace bourse::agent
