// Registry entries: the master's durable set as keys and values for a store that keeps each entity
// by itself. A value holds the entity's commands, each as its record with its length before it: a
// command that a newer build writes is refused here as it is in a log. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/registry_entry.hpp"

namespace bourse::codec {

// Nothing: the key is to be forgotten.
using RegistryChange = std::pair<std::string, std::optional<std::string>>;
using RegistryEntry = std::pair<std::string, std::string>;

// What a store has to change for these entities to be as they are in the registry.
std::vector<RegistryChange> encode_registry_changes(const Registry& registry,
                                                    const std::vector<RegistryEntity>& entities);
// The whole registry: what an empty store has to be given.
std::vector<RegistryEntry> encode_registry(const Registry& registry);
// An error names the key.
Result<Registry> decode_registry(const std::vector<RegistryEntry>& entries);

}  // namespace bourse::codec
