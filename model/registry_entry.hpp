// Registry entities: the durable set as independent entries, one per agent, framework, removed
// framework, weight and quota, one for the cluster and one for what is planned with machines. A
// store of keys and values keeps each of them by itself, where a log keeps commands; both rebuild
// the same registry. Values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/registry_command.hpp"

namespace bourse {

struct RegistryEntity {
  enum class Kind : std::uint8_t { cluster, agent, framework, removed, weight, quota, schedule };

  Kind kind = Kind::cluster;
  std::string id;  // of the agent or framework, or the role; empty for the cluster and the schedule

  auto operator<=>(const RegistryEntity&) const = default;
};

// "cluster", "agent/ID", "framework/ID", "removed/ID", "weight/ROLE", "quota/ROLE",
// "schedule": as stored, so never changed.
std::string key_of(const RegistryEntity& entity);
std::optional<RegistryEntity> entity_of_key(std::string_view key);

// The entity that a command is about; the first, where it is about several.
RegistryEntity entity_of(const RegistryCommand& command);

// Applies a command and tells every entity that it changed: removing a framework changes two, and a
// third when the list of removed ones is full; quotas and weights change several at once. An error
// changes nothing.
Result<std::vector<RegistryEntity>> apply_entities(Registry& registry,
                                                   const RegistryCommand& command);

// The fewest commands that rebuild this entity in an empty registry; none when it is not there.
std::vector<RegistryCommand> snapshot_of(const Registry& registry, const RegistryEntity& entity);
// All that are there, ordered.
std::vector<RegistryEntity> entities_of(const Registry& registry);

}  // namespace bourse
