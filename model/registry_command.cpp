#include "model/registry_command.hpp"

#include "model/limits.hpp"
#include "model/registry_entry.hpp"

namespace bourse {

namespace {

Error unknown_agent(const AgentId& id) {
  return {ErrorCode::not_found, "agent_id: '" + id.raw() + "' is not in the registry"};
}

struct Applier {
  Registry& to;

  Status operator()(const registry::SetCluster& c) const {
    if (!to.cluster_id.empty() && to.cluster_id != c.cluster_id) {
      return Error{ErrorCode::conflict, "cluster_id: the registry belongs to '" + to.cluster_id +
                                            "', not to '" + c.cluster_id + "'"};
    }
    if (c.epoch < to.epoch) {
      return Error{ErrorCode::conflict, "epoch: " + std::to_string(c.epoch) + " is below " +
                                            std::to_string(to.epoch) + ", which was seen already"};
    }
    to.cluster_id = c.cluster_id;
    to.epoch = c.epoch;
    return {};
  }

  Status operator()(const registry::AdmitAgent& c) const {
    if (to.agents.contains(c.agent.id)) {
      return Error{ErrorCode::already_exists,
                   "agent_id: '" + c.agent.id.raw() + "' was admitted already"};
    }
    to.agents.emplace(c.agent.id,
                      Registry::Agent{c.agent, registry::AgentStanding::admitted, c.at, c.at});
    return {};
  }

  Status operator()(const registry::UpdateAgent& c) const {
    const auto it = to.agents.find(c.agent.id);
    if (it == to.agents.end()) return unknown_agent(c.agent.id);
    it->second.facet = c.agent;
    return {};
  }

  Status operator()(const registry::MarkAgent& c) const {
    const auto it = to.agents.find(c.agent_id);
    if (it == to.agents.end()) return unknown_agent(c.agent_id);
    it->second.standing = c.standing;
    it->second.standing_at = c.at;
    return {};
  }

  Status operator()(const registry::RemoveAgent& c) const {
    if (to.agents.erase(c.agent_id) == 0) return unknown_agent(c.agent_id);
    return {};
  }

  Status operator()(const registry::PutFramework& c) const {
    if (to.removed_frameworks.contains(c.framework.id)) {
      return Error{ErrorCode::conflict,
                   "framework_id: '" + c.framework.id.raw() + "' was removed and stays so"};
    }
    const auto [it, inserted] =
        to.frameworks.try_emplace(c.framework.id, Registry::Framework{c.framework, c.at, {}});
    if (!inserted) it->second.facet = c.framework;
    it->second.away = c.away;
    return {};
  }

  Status operator()(const registry::RemoveFramework& c) const {
    if (to.frameworks.erase(c.framework_id) == 0) {
      return Error{ErrorCode::not_found,
                   "framework_id: '" + c.framework_id.raw() + "' is not in the registry"};
    }
    to.removed_frameworks.emplace(c.framework_id, c.at);
    if (to.removed_frameworks.size() > limits::kMaxFrameworks) {
      to.removed_frameworks.erase(*oldest_removed(to));
    }
    return {};
  }

  Status operator()(const registry::SetWeight& c) const {
    to.weights_milli[c.role] = c.weight_milli;
    return {};
  }

  Status operator()(const registry::SetMaintenance& c) const {
    const auto it = to.agents.find(c.agent_id);
    if (it == to.agents.end()) return unknown_agent(c.agent_id);
    // Ended: nothing of it is kept, so that the entry is as if it had never been.
    const bool ended = c.maintenance.duty == AgentDuty::serving;
    it->second.maintenance = ended ? Maintenance{} : c.maintenance;
    return {};
  }

  Status operator()(const registry::SetQuotas& c) const {
    for (const RoleQuota& one : c.quotas) {
      if (one.quota.empty()) {
        to.quotas.erase(one.role);
      } else {
        to.quotas[one.role] = one.quota;
      }
    }
    return {};
  }

  Status operator()(const registry::SetWeights& c) const {
    for (const RoleWeight& one : c.weights) to.weights_milli[one.role] = one.weight_milli;
    return {};
  }

  Status operator()(const registry::SetSchedule& c) const {
    to.schedule = c.schedule;
    return {};
  }
};

}  // namespace

Status apply(Registry& registry, const RegistryCommand& command) {
  return std::visit(Applier{registry}, command);
}

std::optional<FrameworkId> oldest_removed(const Registry& registry) {
  const auto& removed = registry.removed_frameworks;
  if (removed.empty()) return std::nullopt;
  auto oldest = removed.begin();
  for (auto it = oldest; it != removed.end(); ++it) {
    if (it->second < oldest->second) oldest = it;
  }
  return oldest->first;
}

std::vector<RegistryCommand> snapshot(const Registry& registry) {
  std::vector<RegistryCommand> out;
  for (const RegistryEntity& entity : entities_of(registry)) {
    for (RegistryCommand& command : snapshot_of(registry, entity)) {
      out.push_back(std::move(command));
    }
  }
  return out;
}

}  // namespace bourse
