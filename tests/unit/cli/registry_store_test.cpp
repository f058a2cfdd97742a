// What a check says of a registry in an ensemble, node by node.
#include "cli/registry_store.hpp"

#include <catch2/catch.hpp>

#include "coordination/core/names.hpp"
#include "proto/codec/registry_entries.hpp"
#include "proto/codec/registry_export.hpp"

using namespace bourse;
using namespace bourse::cli;
using namespace bourse::coordination;

namespace {

constexpr std::uint32_t kShards = 4;

// Of cluster "c" in epoch 5, with weights in several shards.
EnsembleNodes nodes() {
  Registry registry;
  registry.cluster_id = "c";
  registry.epoch = 5;
  for (const char* role : {"a", "b", "d", "e", "f", "g"}) registry.weights_milli[role] = 2'000;
  EnsembleNodes out;
  out.epoch = {3, encode(EpochRecord{"c", 6, "taker"})};
  out.description = {0, encode(RegistryRecord{kShards, {}})};
  std::map<std::uint32_t, ShardRecord> shards;
  for (const auto& [key, value] : codec::encode_registry(registry)) {
    shards[shard_of(key, kShards)].entries.emplace(key, value);
  }
  for (auto& [number, shard] : shards) {
    shard.epoch = 5;
    out.shards["000" + std::to_string(number)] = {0, encode(shard)};
  }
  return out;
}

std::string only_problem(const EnsembleNodes& nodes) {
  const StoredRegistry found = judge_nodes(nodes, "/b");
  REQUIRE(found.problems.size() == 1);
  return found.problems.front();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a registry in an ensemble is read with the epoch that was last taken") {
  const StoredRegistry found = judge_nodes(nodes(), "/b");
  CHECK(found.problems.empty());
  CHECK(found.registry.cluster_id == "c");
  CHECK(found.registry.epoch == 6);
  CHECK(found.registry.weights_milli.size() == 6);
}

TEST_CASE("each damaged node is named, and the rest is read all the same") {
  EnsembleNodes damaged = nodes();
  REQUIRE(damaged.shards.size() >= 2);
  std::string& first = damaged.shards.begin()->second.data;
  first[first.size() / 2] = static_cast<char>(first[first.size() / 2] ^ 4);
  damaged.shards["stray"] = {0, "x"};
  const StoredRegistry found = judge_nodes(damaged, "/b");
  REQUIRE(found.problems.size() == 2);
  CHECK(has(found.problems[0],
            "/b.bourse/shards/" + damaged.shards.begin()->first + ": its checksum does not match"));
  CHECK(has(found.problems[1], "/b.bourse/shards/stray: is no shard of a registry with 4 shards"));
  CHECK(found.registry.cluster_id == "c");
}

TEST_CASE("what belongs together and is not there together is a problem") {
  EnsembleNodes found = nodes();
  found.epoch = {};
  CHECK(has(only_problem(found), "/b.bourse/epoch is missing: somebody removed it"));
  found = nodes();
  found.description = {};
  CHECK(has(only_problem(found), "/b.bourse/registry is missing: somebody removed it"));
  found = nodes();
  found.epoch = {3, encode(EpochRecord{"other", 6, "taker"})};
  CHECK(has(only_problem(found), "the registry is of cluster c, but /b.bourse/epoch is of other"));
  found = nodes();
  ShardRecord late = decode_shard(found.shards.begin()->second.data, "").value();
  late.epoch = 9;
  found.shards.begin()->second.data = encode(late);
  CHECK(has(only_problem(found), "was written in epoch 9, which has not begun (6)"));
  found = nodes();
  late.epoch = 5;
  std::string where = found.shards.rbegin()->first;
  found.shards[where].data = encode(late);
  CHECK(has(judge_nodes(found, "/b").problems.at(0), "which belongs into another shard"));
  CHECK(has(only_problem({}), "holds no registry: no master has led there"));
}

TEST_CASE("an import that is not finished and a newer writer are problems of the description") {
  EnsembleNodes found = nodes();
  found.description = {1, encode(RegistryRecord{kShards, {std::string(kUnfinishedImport)}})};
  CHECK(has(only_problem(found), "/b.bourse/registry: an import is under way or was cut off"));
  found.description = {1, encode(RegistryRecord{kShards, {"quota"}})};
  CHECK(has(only_problem(found), "a newer master wrote it with quota"));
}

TEST_CASE("an import raises the epoch above that of the export and of the target") {
  CHECK(raised_epoch(3, 0) == 3 + codec::kImportEpochRaise);
  CHECK(raised_epoch(3, 70) == 70 + codec::kImportEpochRaise);
}
