#include "proto/codec/registry_entries.hpp"

#include <cstdint>

#include "proto/codec/records.hpp"

namespace bourse::codec {

namespace {

constexpr std::size_t kLengthBytes = 4;

std::string encode_commands(const std::vector<RegistryCommand>& commands) {
  std::string out;
  for (const RegistryCommand& command : commands) {
    const std::string record = encode_registry_command(command);
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      out.push_back(static_cast<char>(record.size() >> (8 * i)));
    }
    out += record;
  }
  return out;
}

Error at(const std::string& key, const Error& error) {
  return {error.code, "registry entry '" + key + "': " + error.message};
}

Error corrupt(const std::string& key, const std::string& why) {
  return at(key, {ErrorCode::corrupt, why});
}

// Takes the next record from the front of a value.
Result<std::string_view> take_record(const std::string& key, std::string_view& rest) {
  if (rest.size() < kLengthBytes) return corrupt(key, "cut off");
  std::size_t size = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    size |= static_cast<std::size_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
  }
  rest.remove_prefix(kLengthBytes);
  if (size > rest.size()) return corrupt(key, "cut off");
  const std::string_view record = rest.substr(0, size);
  rest.remove_prefix(size);
  return record;
}

// A removed framework is told by the framework that it was and its removal.
bool belongs(const RegistryEntity& entity, const RegistryCommand& command) {
  RegistryEntity about = entity_of(command);
  if (entity.kind == RegistryEntity::Kind::removed &&
      about.kind == RegistryEntity::Kind::framework) {
    about.kind = RegistryEntity::Kind::removed;
  }
  return about == entity;
}

Status apply_entry(Registry& registry, const RegistryEntry& entry) {
  const std::string& key = entry.first;
  const std::optional<RegistryEntity> entity = entity_of_key(key);
  if (!entity) {
    return Error{ErrorCode::unsupported,
                 "registry entry '" + key + "': this build does not know what it is about"};
  }
  if (entry.second.empty()) return corrupt(key, "is empty");
  std::string_view rest = entry.second;
  while (!rest.empty()) {
    const Result<std::string_view> record = take_record(key, rest);
    if (!record) return record.error();
    const Result<RegistryCommand> command = decode_registry_command(*record);
    if (!command) return at(key, command.error());
    if (!belongs(*entity, *command)) {
      return corrupt(key, "is about '" + key_of(entity_of(*command)) + "'");
    }
    if (const Status applied = apply(registry, *command); !applied.ok()) {
      return at(key, applied.error());
    }
  }
  // Cut between two records.
  if (snapshot_of(registry, *entity).empty()) return corrupt(key, "cut off");
  return {};
}

}  // namespace

std::vector<RegistryChange> encode_registry_changes(const Registry& registry,
                                                    const std::vector<RegistryEntity>& entities) {
  std::vector<RegistryChange> out;
  out.reserve(entities.size());
  for (const RegistryEntity& entity : entities) {
    const std::vector<RegistryCommand> commands = snapshot_of(registry, entity);
    std::optional<std::string> value;
    if (!commands.empty()) value = encode_commands(commands);
    out.emplace_back(key_of(entity), std::move(value));
  }
  return out;
}

std::vector<RegistryEntry> encode_registry(const Registry& registry) {
  std::vector<RegistryEntry> out;
  for (RegistryChange& change : encode_registry_changes(registry, entities_of(registry))) {
    out.emplace_back(std::move(change.first), std::move(change.second).value());
  }
  return out;
}

Result<Registry> decode_registry(const std::vector<RegistryEntry>& entries) {
  Registry registry;
  for (const RegistryEntry& entry : entries) {
    if (const Status applied = apply_entry(registry, entry); !applied.ok()) {
      return applied.error();
    }
  }
  return registry;
}

}  // namespace bourse::codec
