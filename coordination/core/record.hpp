// Records: what the coordinator keeps in znodes, as bytes. Three kinds: the fencing epoch, the
// registry's description, and one shard of the registry. A record is a checksum, a version and a
// body; equal values give equal bytes. What is damaged is refused as `corrupt` and what a newer
// build wrote as `unsupported`, each with a sentence that names the path. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/ids.hpp"

namespace bourse::coordination {

// PATH.bourse/epoch. The number is data beside the cluster's id, because a znode's own version
// starts anew when an ensemble is restored.
struct EpochRecord {
  std::string cluster_id;
  Epoch epoch = 0;
  std::string taker;  // names one taking of the leadership, never two

  bool operator==(const EpochRecord&) const = default;
};

// A feature that no build understands: it stands in the description while an import is under way,
// so that nobody leads on half a registry.
inline constexpr std::string_view kUnfinishedImport = "unfinished-import";

// PATH.bourse/registry.
struct RegistryRecord {
  std::uint32_t shards = 0;           // fixed when the registry is made
  std::vector<std::string> features;  // what its reader must understand; ordered

  bool operator==(const RegistryRecord&) const = default;
};

// PATH.bourse/shards/NNNN.
struct ShardRecord {
  Epoch epoch = 0;          // of who wrote it
  std::uint64_t write = 0;  // counts the writer's transactions: (epoch, write) names one of them
  std::map<std::string, std::string> entries;

  bool operator==(const ShardRecord&) const = default;
};

std::string encode(const EpochRecord& record);
std::string encode(const RegistryRecord& record);
std::string encode(const ShardRecord& record);
// `path` is where the bytes were found, for the sentence.
Result<EpochRecord> decode_epoch(std::string_view bytes, const std::string& path);
Result<RegistryRecord> decode_registry(std::string_view bytes, const std::string& path);
Result<ShardRecord> decode_shard(std::string_view bytes, const std::string& path);

// Bytes of a shard's record without entries, and what one entry adds.
inline constexpr std::size_t kShardOverheadBytes = 8 + 1 + 1 + 8 + 8 + 4;
inline std::size_t entry_bytes(std::size_t key, std::size_t value) {
  return 4 + key + 4 + value;
}

// Which shard a key lives in. Part of the stored form: it may never change.
std::uint32_t shard_of(std::string_view key, std::uint32_t shards);

}  // namespace bourse::coordination
