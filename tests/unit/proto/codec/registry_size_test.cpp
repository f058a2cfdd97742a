// A large cluster's registry in an ensemble: what its shards come to.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "coordination/core/config.hpp"
#include "coordination/core/record.hpp"
#include "model/limits.hpp"
#include "model/registry_command.hpp"
#include "proto/codec/registry_entries.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::coordination;

TEST_CASE("fifty thousand agents fill no shard beyond what one is good for") {
  constexpr int kAgents = 50'000;
  Registry registry;
  for (int i = 0; i < kAgents; ++i) {
    AgentFacet agent = sample::agent();
    agent.id = AgentId("0ad3a1d3-4d2f-4f0b-9d6e-0f6b2f6f5c11-12-S" + std::to_string(i));
    agent.hostname = "machine-" + std::to_string(i) + ".row-17.datacenter.example.org";
    const Status applied = apply(registry, registry::AdmitAgent{agent, WallTime{1}});
    REQUIRE(applied.ok());
  }
  const auto entries = codec::encode_registry(registry);
  CHECK(entries.size() >= kAgents);
  std::vector<std::size_t> shards(CoordinationConfig{}.shards, kShardOverheadBytes);
  std::size_t largest = 0;
  for (const auto& [key, value] : entries) {
    std::size_t& shard = shards[shard_of(key, CoordinationConfig{}.shards)];
    shard += entry_bytes(key.size(), value.size());
    largest = std::max(largest, shard);
  }
  CAPTURE(largest);
  CHECK(largest < limits::kGoodShardBytes);
}
