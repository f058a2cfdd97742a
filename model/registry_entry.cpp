#include "model/registry_entry.hpp"

#include <array>
#include <utility>

#include "model/limits.hpp"

namespace bourse {

namespace {

using Kind = RegistryEntity::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 5> kPrefixes{
    {{Kind::agent, "agent/"},
     {Kind::framework, "framework/"},
     {Kind::removed, "removed/"},
     {Kind::weight, "weight/"},
     {Kind::quota, "quota/"}}};
constexpr std::string_view kCluster = "cluster";
constexpr std::string_view kSchedule = "schedule";

struct Subject {
  RegistryEntity operator()(const registry::SetCluster&) const { return {Kind::cluster, {}}; }
  RegistryEntity operator()(const registry::AdmitAgent& c) const {
    return {Kind::agent, c.agent.id.raw()};
  }
  RegistryEntity operator()(const registry::UpdateAgent& c) const {
    return {Kind::agent, c.agent.id.raw()};
  }
  RegistryEntity operator()(const registry::MarkAgent& c) const {
    return {Kind::agent, c.agent_id.raw()};
  }
  RegistryEntity operator()(const registry::RemoveAgent& c) const {
    return {Kind::agent, c.agent_id.raw()};
  }
  RegistryEntity operator()(const registry::PutFramework& c) const {
    return {Kind::framework, c.framework.id.raw()};
  }
  RegistryEntity operator()(const registry::RemoveFramework& c) const {
    return {Kind::framework, c.framework_id.raw()};
  }
  RegistryEntity operator()(const registry::SetWeight& c) const { return {Kind::weight, c.role}; }
  RegistryEntity operator()(const registry::SetMaintenance& c) const {
    return {Kind::agent, c.agent_id.raw()};
  }
  RegistryEntity operator()(const registry::SetQuotas& c) const {
    return {Kind::quota, c.quotas.empty() ? std::string() : c.quotas.front().role};
  }
  RegistryEntity operator()(const registry::SetWeights& c) const {
    return {Kind::weight, c.weights.empty() ? std::string() : c.weights.front().role};
  }
  RegistryEntity operator()(const registry::SetSchedule&) const { return {Kind::schedule, {}}; }
};

void snapshot_agent(const AgentId& id, const Registry::Agent& agent,
                    std::vector<RegistryCommand>& out) {
  out.emplace_back(registry::AdmitAgent{agent.facet, agent.admitted_at});
  if (agent.standing != registry::AgentStanding::admitted ||
      agent.standing_at != agent.admitted_at) {
    out.emplace_back(registry::MarkAgent{id, agent.standing, agent.standing_at});
  }
  if (agent.maintenance.duty != AgentDuty::serving) {
    out.emplace_back(registry::SetMaintenance{id, agent.maintenance});
  }
}

}  // namespace

std::string key_of(const RegistryEntity& entity) {
  for (const auto& [kind, prefix] : kPrefixes) {
    if (kind == entity.kind) return std::string(prefix) + entity.id;
  }
  return std::string(entity.kind == Kind::schedule ? kSchedule : kCluster);
}

std::optional<RegistryEntity> entity_of_key(std::string_view key) {
  if (key == kCluster) return RegistryEntity{Kind::cluster, {}};
  if (key == kSchedule) return RegistryEntity{Kind::schedule, {}};
  for (const auto& [kind, prefix] : kPrefixes) {
    if (!key.starts_with(prefix) || key.size() == prefix.size()) continue;
    return RegistryEntity{kind, std::string(key.substr(prefix.size()))};
  }
  return std::nullopt;
}

RegistryEntity entity_of(const RegistryCommand& command) {
  return std::visit(Subject{}, command);
}

Result<std::vector<RegistryEntity>> apply_entities(Registry& registry,
                                                   const RegistryCommand& command) {
  const auto* removal = std::get_if<registry::RemoveFramework>(&command);
  std::optional<FrameworkId> oldest;
  // Looked for only when it may be forgotten: the list is long.
  const bool full = registry.removed_frameworks.size() >= limits::kMaxFrameworks;
  if (removal != nullptr && full) oldest = oldest_removed(registry);
  if (const Status applied = apply(registry, command); !applied.ok()) return applied.error();
  std::vector<RegistryEntity> changed;
  if (const auto* quotas = std::get_if<registry::SetQuotas>(&command)) {
    for (const RoleQuota& one : quotas->quotas) changed.push_back({Kind::quota, one.role});
    return changed;
  }
  if (const auto* weights = std::get_if<registry::SetWeights>(&command)) {
    for (const RoleWeight& one : weights->weights) changed.push_back({Kind::weight, one.role});
    return changed;
  }
  changed.push_back(entity_of(command));
  if (removal == nullptr) return changed;
  changed.push_back({Kind::removed, removal->framework_id.raw()});
  if (oldest && !registry.removed_frameworks.contains(*oldest)) {
    changed.push_back({Kind::removed, oldest->raw()});
  }
  return changed;
}

std::vector<RegistryCommand> snapshot_of(const Registry& registry, const RegistryEntity& entity) {
  std::vector<RegistryCommand> out;
  switch (entity.kind) {
    case Kind::cluster:
      if (registry.cluster_id.empty()) return out;
      out.emplace_back(registry::SetCluster{registry.cluster_id, registry.epoch});
      return out;
    case Kind::agent: {
      const auto it = registry.agents.find(AgentId(entity.id));
      if (it != registry.agents.end()) snapshot_agent(it->first, it->second, out);
      return out;
    }
    case Kind::framework: {
      const auto it = registry.frameworks.find(FrameworkId(entity.id));
      if (it == registry.frameworks.end()) return out;
      out.emplace_back(
          registry::PutFramework{it->second.facet, it->second.registered_at, it->second.away});
      return out;
    }
    case Kind::removed: {
      const auto it = registry.removed_frameworks.find(FrameworkId(entity.id));
      if (it == registry.removed_frameworks.end()) return out;
      FrameworkFacet removed;
      removed.id = it->first;
      out.emplace_back(registry::PutFramework{removed, it->second, {}});
      out.emplace_back(registry::RemoveFramework{it->first, it->second});
      return out;
    }
    case Kind::weight: {
      const auto it = registry.weights_milli.find(entity.id);
      if (it == registry.weights_milli.end()) return out;
      out.emplace_back(registry::SetWeight{it->first, it->second});
      return out;
    }
    case Kind::quota: {
      const auto it = registry.quotas.find(entity.id);
      if (it == registry.quotas.end()) return out;
      out.emplace_back(registry::SetQuotas{{{it->first, it->second}}});
      return out;
    }
    case Kind::schedule:
      if (!registry.schedule.empty()) out.emplace_back(registry::SetSchedule{registry.schedule});
      return out;
  }
  return out;
}

std::vector<RegistryEntity> entities_of(const Registry& registry) {
  std::vector<RegistryEntity> out;
  if (!registry.cluster_id.empty()) out.push_back({Kind::cluster, {}});
  for (const auto& [id, agent] : registry.agents) out.push_back({Kind::agent, id.raw()});
  for (const auto& [id, at] : registry.frameworks) out.push_back({Kind::framework, id.raw()});
  for (const auto& [id, at] : registry.removed_frameworks) {
    out.push_back({Kind::removed, id.raw()});
  }
  for (const auto& [role, weight] : registry.weights_milli) out.push_back({Kind::weight, role});
  for (const auto& [role, quota] : registry.quotas) out.push_back({Kind::quota, role});
  if (!registry.schedule.empty()) out.push_back({Kind::schedule, {}});
  return out;
}

}  // namespace bourse
