// Agents that came without an id in this leadership: who of them is here again.
//
// One that was forgotten comes as a new agent and keeps its tasks under the name it then gets. If
// it dies before it hears that name, its next life comes without one again. It is the same agent,
// or its tasks would be with two, and be killed on the one that runs them.
#include <algorithm>
#include <set>
#include <utility>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using to_master::KnownTask;
using to_master::Register;

// Of all lives of an agent: what the keys of each begin with.
std::string address_of(const Register& message) {
  return message.agent->hostname + ":" + std::to_string(message.agent->http.port) + "#";
}

std::string key_of(const Register& message) {
  return address_of(message) + std::to_string(message.incarnation);
}

// No two launches in a cluster have one id; frameworks' ids tell clusters apart.
using Launch = std::pair<TaskKey, LaunchId>;

std::set<Launch> launches_of(const MasterState& state, const Agent& agent) {
  std::set<Launch> out;
  for (const TaskSlot slot : agent.tasks) {
    const Task& task = state.tasks.at(slot);
    out.insert({{task.framework_id, task.facet->id}, task.launch_id});
  }
  if (agent.phase != AgentPhase::admitting) return out;
  for (const KnownTask& known : agent.pending->message->tasks) {
    out.insert({{known.framework_id, known.task->id}, known.launch_id});
  }
  return out;
}

bool shares_a_launch(const MasterState& state, const Agent& agent, const Register& message) {
  const std::set<Launch> launches = launches_of(state, agent);
  return std::any_of(message.tasks.begin(), message.tasks.end(), [&](const KnownTask& known) {
    if (known.launch_id == LaunchId{}) return false;
    return launches.contains({{known.framework_id, known.task->id}, known.launch_id});
  });
}

}  // namespace

void name_newcomer(MasterState& state, AgentSlot slot, const Register& message) {
  forget_newcomer(state, slot);
  Agent& agent = state.agents.at(slot);
  agent.newcomer_key = key_of(message);
  state.newcomers.insert_or_assign(agent.newcomer_key, slot);
}

void forget_newcomer(MasterState& state, AgentSlot slot) {
  Agent& agent = state.agents.at(slot);
  const auto it = state.newcomers.find(agent.newcomer_key);
  if (it != state.newcomers.end() && it->second == slot) state.newcomers.erase(it);
  agent.newcomer_key.clear();
}

AgentSlot newcomer_of(const MasterState& state, const Register& message) {
  if (const auto it = state.newcomers.find(key_of(message)); it != state.newcomers.end()) {
    return it->second;
  }
  if (message.tasks.empty()) return {};
  const std::string address = address_of(message);
  for (auto it = state.newcomers.lower_bound(address);
       it != state.newcomers.end() && it->first.starts_with(address); ++it) {
    if (!shares_a_launch(state, state.agents.at(it->second), message)) continue;
    PROBE("master.newcomer_is_back_without_its_name");
    return it->second;
  }
  return {};
}

}  // namespace bourse::master
