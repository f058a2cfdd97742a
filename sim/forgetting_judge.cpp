#include "sim/forgetting_judge.hpp"

#include <algorithm>

#include "model/registry_entry.hpp"
#include "proto/codec/registry_entries.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

bool is_departed(AgentPhase phase) {
  return phase == AgentPhase::unreachable || phase == AgentPhase::gone;
}

}  // namespace

void ForgettingJudge::stored(const RegistryCommand& command) {
  if (const auto* admit = std::get_if<registry::AdmitAgent>(&command)) {
    registry_[admit->agent.id] = {};
  } else if (const auto* mark = std::get_if<registry::MarkAgent>(&command)) {
    registry_[mark->agent_id] = {mark->standing, mark->at};
  } else if (const auto* remove = std::get_if<registry::RemoveAgent>(&command)) {
    removed(remove->agent_id);
  }
}

void ForgettingJudge::changed(const std::string& key, const std::optional<std::string>& value) {
  const auto entity = entity_of_key(key);
  if (!entity || entity->kind != RegistryEntity::Kind::agent) return;
  if (!value) return removed(AgentId(entity->id));
  const auto read = codec::decode_registry({{key, *value}});
  if (!read.ok()) return judge_.violate("S25", read.error().message);
  for (const auto& [id, agent] : read->agents) {
    registry_[id] = {agent.standing, agent.standing_at};
  }
}

void ForgettingJudge::removed(const AgentId& id) {
  const auto it = registry_.find(id);
  if (it == registry_.end() || it->second.of == registry::AgentStanding::admitted) {
    judge_.violate("O11", id.raw() + " is forgotten, and is neither unreachable nor gone");
  }
  registry_.erase(id);
  forgotten_.insert(id);
}

void ForgettingJudge::step(int master, const master::MasterConfig& config,
                           const master::Event& event, const master::Effects& effects) {
  Agents& agents = masters_[master];
  const WallTime now = event.stamp.wall;
  for (const Change& change : effects.changes) {
    if (const auto* put = std::get_if<change::AgentPut>(&change.body)) published(agents, *put, now);
    if (const auto* gone = std::get_if<change::AgentRemoved>(&change.body)) {
      agents.erase(gone->agent_id);
    }
  }
  for (const master::Effect& effect : effects.list) {
    const auto* write = std::get_if<master::Persist>(&effect.body);
    const auto* remove =
        write == nullptr ? nullptr : std::get_if<registry::RemoveAgent>(&write->command);
    if (remove == nullptr) continue;
    const std::string why = why_not(agents, remove->agent_id, config, now);
    if (!why.empty()) judge_.violate("O11", remove->agent_id.raw() + " is to be forgotten " + why);
  }
}

// How long a new leader's agents are away says the registry.
void ForgettingJudge::published(Agents& agents, const change::AgentPut& put, WallTime now) const {
  const AgentId& id = put.agent->id;
  const auto known = agents.find(id);
  if (known != agents.end() && known->second.phase == put.phase) return;
  const auto stored = registry_.find(id);
  const bool before = known == agents.end() && stored != registry_.end();
  agents[id] = {put.phase, before ? stored->second.since : now};
}

std::string ForgettingJudge::why_not(const Agents& agents, const AgentId& id,
                                     const master::MasterConfig& config, WallTime now) const {
  const auto it = agents.find(id);
  if (it == agents.end()) return "and is not there";
  const Seen& own = it->second;
  if (!is_departed(own.phase)) return "while it is " + std::string(name_of(own.phase));
  if (own.since + config.registry_max_agent_age <= now) return {};
  std::int64_t like_it = 0;
  std::int64_t longer = 0;
  for (const auto& [other, seen] : agents) {
    if (seen.phase != own.phase) continue;
    ++like_it;
    if (seen.since < own.since) ++longer;
  }
  if (longer < like_it - config.registry_max_agent_count) return {};
  return "after " + std::to_string((now.ns - own.since.ns) / 1'000'000) + " ms, and " +
         std::to_string(longer) + " of " + std::to_string(like_it) + " are so for longer";
}

void ForgettingJudge::gave_up_name(const std::string& agent, const AgentId& id) {
  nameless_.insert(id);
  if (is_forgotten(id)) return;
  judge_.violate("O11",
                 agent + " is told to forget that it is " + id.raw() + ", which the registry has");
}

}  // namespace bourse::sim
