// A registry in an ensemble: read at one moment while masters run, and replaced while none does.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "cli/registry_store.hpp"
#include "coordination/core/config.hpp"
#include "coordination/core/names.hpp"
#include "model/limits.hpp"
#include "proto/codec/registry_entries.hpp"
#include "proto/codec/registry_export.hpp"

namespace bourse::cli {

namespace {

using namespace coordination;

constexpr int kReadings = 20;
constexpr std::size_t kRemovalsAtOnce = 64;

Error refused(const std::string& path, const zk::Reply& reply) {
  if (reply.code == zk::Code::no_auth) {
    return {ErrorCode::denied, path +
                                   ": the access list does not admit us: use the credentials "
                                   "that made the registry"};
  }
  return {ErrorCode::io, path + ": " + zk::name_of(reply.code) +
                             (reply.data.empty() ? "" : " (" + reply.data + ")")};
}

Result<ReadNode> node_of(const std::string& path, zk::Reply reply) {
  if (reply.code == zk::Code::no_node) return ReadNode{};
  if (reply.code != zk::Code::ok) return refused(path, reply);
  return ReadNode{reply.stat.version, std::move(reply.data)};
}

// Names of the children; none when the node is not there.
Result<std::vector<std::string>> children(Ensemble& ensemble, const std::string& path) {
  auto reply = ensemble.ask_one(zk::Children{path});
  if (!reply.ok()) return reply.error();
  if (reply->code == zk::Code::no_node) return std::vector<std::string>{};
  if (reply->code != zk::Code::ok) return refused(path, *reply);
  return std::move(reply->names);
}

Result<EnsembleNodes> read_once(Ensemble& ensemble) {
  const auto names = children(ensemble, shards_path(ensemble.path()));
  if (!names.ok()) return names.error();
  std::vector<std::string> paths{epoch_path(ensemble.path()), registry_path(ensemble.path())};
  for (const std::string& name : *names) paths.push_back(shards_path(ensemble.path()) + "/" + name);
  std::vector<zk::Request> requests;
  for (const std::string& path : paths) requests.emplace_back(zk::Get{path});
  auto replies = ensemble.ask(requests);
  if (!replies.ok()) return replies.error();
  std::vector<ReadNode> read;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto node = node_of(paths[i], std::move((*replies)[i]));
    if (!node.ok()) return node.error();
    read.push_back(std::move(node).value());
  }
  EnsembleNodes out{std::move(read[0]), std::move(read[1]), {}};
  for (std::size_t i = 0; i < names->size(); ++i) {
    out.shards.emplace((*names)[i], std::move(read[i + 2]));
  }
  return out;
}

// What the shards hold, by key, with the node that it was found in.
struct Found {
  std::map<std::string, std::pair<std::string, std::string>> entries;  // value, path
  std::vector<std::string>& problems;
};

void judge_shard(const std::string& path, const std::string& name, const ReadNode& node,
                 const EpochRecord& epoch, const RegistryRecord& description, Found& found) {
  const auto number = shard_number(name);
  if (!number || *number >= description.shards) {
    found.problems.push_back(path + ": is no shard of a registry with " +
                             std::to_string(description.shards) +
                             " shards: somebody else writes here: remove it");
    return;
  }
  auto record = decode_shard(node.data, path);
  if (!record.ok()) {
    found.problems.push_back(record.error().message);
    return;
  }
  if (record->epoch > epoch.epoch) {
    found.problems.push_back(path + ": was written in epoch " + std::to_string(record->epoch) +
                             ", which has not begun (" + std::to_string(epoch.epoch) +
                             "): one of them was restored without the other: import a whole "
                             "export");
  }
  for (auto& [key, value] : record->entries) {
    if (shard_of(key, description.shards) != *number) {
      found.problems.push_back(path + ": holds '" + key + "', which belongs into another shard");
    } else if (const auto alone = codec::decode_registry({{key, value}}); !alone.ok()) {
      found.problems.push_back(path + ": " + alone.error().message);
    } else {
      found.entries.emplace(key, std::make_pair(std::move(value), path));
    }
  }
}

// Nothing: they are not there or not readable, and that is said.
std::optional<std::pair<EpochRecord, RegistryRecord>> judge_heads(
    const EnsembleNodes& nodes, const std::string& path, std::vector<std::string>& problems) {
  if (nodes.empty()) {
    problems.push_back(base_path(path) + ": holds no registry: no master has led there");
    return std::nullopt;
  }
  auto epoch = decode_epoch(nodes.epoch.data, epoch_path(path));
  auto description = decode_registry(nodes.description.data, registry_path(path));
  const std::string gone = " is missing: somebody removed it: import an export of the registry";
  if (nodes.epoch.version < 0) {
    problems.push_back(epoch_path(path) + gone);
  } else if (!epoch.ok()) {
    problems.push_back(epoch.error().message);
  }
  if (nodes.description.version < 0) {
    problems.push_back(registry_path(path) + gone);
  } else if (!description.ok()) {
    problems.push_back(description.error().message);
  }
  if (!epoch.ok() || !description.ok()) return std::nullopt;
  for (const std::string& feature : description->features) {
    problems.push_back(registry_path(path) +
                       (feature == kUnfinishedImport
                            ? ": an import is under way or was cut off: if nobody runs it any "
                              "more, run it again with --replace"
                            : ": a newer master wrote it with " + feature +
                                  ", which this build does not understand: run a newer build"));
  }
  return std::make_pair(std::move(epoch).value(), std::move(description).value());
}

// -- writing

Status expect_ok(const Result<zk::Reply>& reply, const std::string& path) {
  if (!reply.ok()) return reply.error();
  switch (reply->code) {
    case zk::Code::ok:
      return {};
    case zk::Code::connection_loss:
      return Error{ErrorCode::unavailable, path +
                                               ": the connection was lost while it was written: "
                                               "run the import again with --replace"};
    case zk::Code::bad_version:
    case zk::Code::no_node:
    case zk::Code::node_exists:
      return Error{ErrorCode::conflict, path +
                                            ": somebody else wrote there meanwhile: stop every "
                                            "master on it and import again"};
    default:
      return refused(path, *reply);
  }
}

Status refuse_candidates(Ensemble& ensemble) {
  const auto names = children(ensemble, ensemble.path());
  if (!names.ok()) return names.error();
  for (const std::string& name : *names) {
    if (!sequence_of(name)) continue;
    return Error{ErrorCode::conflict,
                 candidate_path(ensemble.path(), name) +
                     ": a master stands there: stop every master on the target, and wait until "
                     "the session of one that was killed ends"};
  }
  return {};
}

Status make_containers(Ensemble& ensemble) {
  std::vector<std::string> paths = with_parents(base_path(ensemble.path()));
  paths.push_back(shards_path(ensemble.path()));
  for (const std::string& path : paths) {
    const auto made = ensemble.ask_one(zk::Create{path});
    if (made.ok() && made->code == zk::Code::node_exists) continue;
    if (Status ok = expect_ok(made, path); !ok.ok()) return ok;
  }
  return {};
}

zk::Change put(const std::string& path, std::string data, std::int32_t version) {
  if (version < 0) return zk::Create{path, std::move(data)};
  return zk::Set{path, std::move(data), version};
}

std::map<std::uint32_t, ShardRecord> shards_for(const Registry& registry, std::uint32_t count) {
  std::map<std::uint32_t, ShardRecord> out;
  for (auto& [key, value] : codec::encode_registry(registry)) {
    ShardRecord& shard = out[shard_of(key, count)];
    shard.epoch = registry.epoch;
    shard.entries.emplace(std::move(key), std::move(value));
  }
  return out;
}

// The old shards go, the new ones come, each transaction only while the epoch is as we set it.
Status rewrite_shards(Ensemble& ensemble, const EnsembleNodes& present, const zk::Check& fence,
                      const std::map<std::uint32_t, std::string>& shards) {
  std::vector<zk::Multi> multis;
  std::size_t bytes = 0;
  const auto add = [&](zk::Change change, std::size_t size, std::size_t most_changes) {
    const bool full = multis.empty() || multis.back().changes.size() > most_changes ||
                      bytes + size > limits::kMaxShardBytes;
    if (full) {
      multis.push_back(zk::Multi{{fence}});
      bytes = 0;
    }
    bytes += size;
    multis.back().changes.push_back(std::move(change));
  };
  for (const auto& [name, node] : present.shards) {
    add(zk::Remove{shards_path(ensemble.path()) + "/" + name}, name.size(), kRemovalsAtOnce);
  }
  for (const auto& [number, data] : shards) {
    add(zk::Create{shard_path(ensemble.path(), number), data}, data.size(),
        limits::kMaxShardsPerMulti);
  }
  for (zk::Multi& multi : multis) {
    const Status done = expect_ok(ensemble.ask_one(std::move(multi)), shards_path(ensemble.path()));
    if (!done.ok()) return done;
  }
  return {};
}

}  // namespace

Result<EnsembleNodes> read_nodes(Ensemble& ensemble) {
  // Versions that are equal in two readings were there together between the two.
  std::optional<EnsembleNodes> before;
  for (int i = 0; i < kReadings; ++i) {
    if (Status fresh = ensemble.catch_up(epoch_path(ensemble.path())); !fresh.ok()) {
      return fresh.error();
    }
    auto nodes = read_once(ensemble);
    if (!nodes.ok()) return nodes.error();
    if (before && *before == *nodes) return std::move(nodes).value();
    before = std::move(nodes).value();
  }
  return Error{ErrorCode::unavailable, ensemble.name() + ": changed during each of " +
                                           std::to_string(kReadings) +
                                           " readings: try again when less is going on"};
}

StoredRegistry judge_nodes(const EnsembleNodes& nodes, const std::string& path) {
  StoredRegistry out;
  const auto heads = judge_heads(nodes, path, out.problems);
  if (!heads) return out;
  const auto& [epoch, description] = *heads;
  Found found{{}, out.problems};
  for (const auto& [name, node] : nodes.shards) {
    judge_shard(shards_path(path) + "/" + name, name, node, epoch, description, found);
  }
  std::vector<codec::RegistryEntry> entries;
  for (auto& [key, value] : found.entries) entries.emplace_back(key, value.first);
  auto registry = codec::decode_registry(entries);
  if (!registry.ok()) {
    out.problems.push_back(shards_path(path) + ": " + registry.error().message);
    return out;
  }
  out.registry = std::move(registry).value();
  if (!out.registry.cluster_id.empty() && out.registry.cluster_id != epoch.cluster_id) {
    out.problems.push_back(shards_path(path) + ": the registry is of cluster " +
                           out.registry.cluster_id + ", but " + epoch_path(path) + " is of " +
                           epoch.cluster_id + ": import a whole export");
  }
  out.registry.cluster_id = epoch.cluster_id;
  out.registry.epoch = std::max(out.registry.epoch, epoch.epoch);
  return out;
}

Result<Registry> write_ensemble(Ensemble& ensemble, Registry registry, bool replace) {
  const std::string& path = ensemble.path();
  if (Status nobody = refuse_candidates(ensemble); !nobody.ok()) return nobody.error();
  const auto present = read_nodes(ensemble);
  if (!present.ok()) return present.error();
  if (!present->empty() && !replace) {
    return Error{ErrorCode::conflict,
                 base_path(path) + ": holds a registry already: --replace takes its place"};
  }
  const auto epoch = decode_epoch(present->epoch.data, epoch_path(path));
  registry.epoch = raised_epoch(registry.epoch, epoch.ok() ? epoch->epoch : 0);
  RegistryRecord description{CoordinationConfig{}.shards, {}};
  std::map<std::uint32_t, std::string> shards;
  for (const auto& [number, record] : shards_for(registry, description.shards)) {
    std::string data = encode(record);
    if (data.size() > limits::kMaxShardBytes) {
      return Error{ErrorCode::too_large, shard_path(path, number) + ": would have " +
                                             std::to_string(data.size()) + " bytes, at most " +
                                             std::to_string(limits::kMaxShardBytes) + " fit"};
    }
    shards.emplace(number, std::move(data));
  }
  if (Status made = make_containers(ensemble); !made.ok()) return made.error();
  // From here on nobody leads there until the description is complete, and whoever led may write no
  // more: the epoch is not as it was.
  RegistryRecord unfinished = description;
  unfinished.features.emplace_back(kUnfinishedImport);
  const EpochRecord raised{registry.cluster_id, registry.epoch,
                           "import " + std::to_string(registry.epoch)};
  zk::Multi begin;
  begin.changes = {put(epoch_path(path), encode(raised), present->epoch.version),
                   put(registry_path(path), encode(unfinished), present->description.version)};
  Status done = expect_ok(ensemble.ask_one(std::move(begin)), base_path(path));
  if (!done.ok()) return done.error();
  const zk::Check fence{epoch_path(path), present->epoch.version + 1};
  done = rewrite_shards(ensemble, *present, fence, shards);
  if (!done.ok()) return done.error();
  zk::Multi finish;
  finish.changes = {
      fence, zk::Set{registry_path(path), encode(description), present->description.version + 1}};
  done = expect_ok(ensemble.ask_one(std::move(finish)), registry_path(path));
  if (!done.ok()) return done.error();
  return registry;
}

}  // namespace bourse::cli
