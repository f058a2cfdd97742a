// The registry as entries: the same by keys and values as by a log of commands.
#include "proto/codec/registry_entries.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "base/prng.hpp"
#include "model/limits.hpp"
#include "proto/codec/record_form.hpp"
#include "proto/codec/records.hpp"
#include "proto/internal/registry.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;

namespace {

// Whatever could happen to a small cluster, some of which a registry refuses.
RegistryCommand random_command(Prng& rng) {
  const std::string id = std::to_string(rng.below(12));
  const WallTime at{static_cast<std::int64_t>(rng.below(1'000'000))};
  AgentFacet agent = sample::agent();
  agent.id = AgentId("S" + id);
  agent.hostname = "host" + std::to_string(rng.below(5));
  FrameworkFacet framework = sample::framework();
  framework.id = FrameworkId("F" + id);
  framework.name = "name" + std::to_string(rng.below(5));
  switch (rng.below(9)) {
    case 0:
      return registry::SetCluster{"cluster", rng.below(20)};
    case 1:
      return registry::AdmitAgent{agent, at};
    case 2:
      return registry::UpdateAgent{agent};
    case 3:
      return registry::MarkAgent{agent.id, static_cast<registry::AgentStanding>(1 + rng.below(3)),
                                 at};
    case 4:
      return registry::RemoveAgent{agent.id};
    case 5:
      return registry::PutFramework{framework, at,
                                    Duration::seconds(static_cast<std::int64_t>(rng.below(3)))};
    case 6:
      return registry::RemoveFramework{framework.id, at};
    case 7:
      return registry::SetMaintenance{
          agent.id,
          {static_cast<AgentDuty>(1 + rng.below(4)),
           Duration::seconds(static_cast<std::int64_t>(rng.below(9))), rng.below(2) == 1, at}};
    default:
      return registry::SetWeight{"role" + id, static_cast<std::int64_t>(1 + rng.below(5'000))};
  }
}

using Store = std::map<std::string, std::string>;

void put(Store& store, const std::vector<RegistryChange>& changes) {
  for (const auto& [key, value] : changes) {
    if (value) {
      store[key] = *value;
    } else {
      store.erase(key);
    }
  }
}

std::vector<RegistryEntry> entries(const Store& store) {
  return {store.begin(), store.end()};
}

Registry small_registry() {
  Registry out;
  for (const RegistryCommand& command : sample::registry_commands()) {
    static_cast<void>(apply(out, command));
  }
  REQUIRE(apply(out, registry::AdmitAgent{sample::agent(), WallTime{7}}).ok());
  return out;
}

}  // namespace

TEST_CASE("any commands give the same registry by entries as by a log") {
  std::size_t applied = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Prng rng(seed);
    Registry by_log;
    std::vector<std::string> log;
    Registry live;
    Store store;
    for (int i = 0; i < 60; ++i) {
      const RegistryCommand command = random_command(rng);
      const Registry before = live;
      const auto changed = apply_entities(live, command);
      if (!changed) {
        REQUIRE(live == before);
        continue;
      }
      ++applied;
      log.push_back(encode_registry_command(command));
      put(store, encode_registry_changes(live, *changed));
    }
    for (const std::string& record : log) {
      REQUIRE(bourse::apply(by_log, decode_registry_command(record).value()).ok());
    }
    const auto by_entries = decode_registry(entries(store));
    if (!by_entries) FAIL(by_entries.error().message);
    CAPTURE(seed);
    REQUIRE(*by_entries == by_log);
    // And what an export writes is what the store has.
    const auto whole = encode_registry(*by_entries);
    REQUIRE(Store(whole.begin(), whole.end()) == store);
  }
  CHECK(applied > 200 * 20);
}

TEST_CASE("a removed framework that is forgotten at the limit is forgotten by its entry too") {
  Registry live;
  for (std::size_t i = 0; i < limits::kMaxFrameworks; ++i) {
    live.removed_frameworks.emplace(FrameworkId(std::to_string(i)),
                                    WallTime{static_cast<std::int64_t>(i) + 10});
  }
  FrameworkFacet framework = sample::framework();
  for (const std::int64_t at : {std::int64_t{1'000'000'000}, std::int64_t{1}}) {
    framework.id = FrameworkId("new" + std::to_string(at));
    REQUIRE(bourse::apply(live, registry::PutFramework{framework, WallTime{1}}).ok());
    const auto changed =
        apply_entities(live, registry::RemoveFramework{framework.id, WallTime{at}});
    REQUIRE(changed.ok());
    std::map<std::string, bool> kept;
    for (const auto& [key, value] : encode_registry_changes(live, *changed)) {
      kept[key] = value.has_value();
    }
    CHECK_FALSE(kept.at("framework/" + framework.id.raw()));
    // The clock was set back: the new one is the oldest, and goes itself.
    CHECK(kept.at("removed/" + framework.id.raw()) == (at > 1));
    CHECK(kept.size() == (at > 1 ? 3 : 2));
    if (at > 1) CHECK_FALSE(kept.at("removed/0"));
  }
}

TEST_CASE("an entry with a record that says more than this build knows is refused by its key") {
  internal::registry::Weight weight;
  weight.set_role("eng");
  weight.set_weight_milli(1'000);
  weight.mutable_unknown_fields()->AddVarint(12, 1);
  const std::string record = seal_record(8, weight);
  std::string value(4, '\0');
  value[0] = static_cast<char>(record.size());
  const auto read = decode_registry({{"weight/eng", value + record}});
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ErrorCode::unsupported);
  CHECK(read.error().message ==
        "registry entry 'weight/eng': registry record with field 12 of Weight, which this build "
        "does not know: run a newer build");
}

TEST_CASE("keys of entities never change and lead back to them") {
  using Kind = RegistryEntity::Kind;
  const std::map<std::string, RegistryEntity> keys{
      {"cluster", {Kind::cluster, ""}},           {"schedule", {Kind::schedule, ""}},
      {"agent/S/0", {Kind::agent, "S/0"}},        {"framework/F", {Kind::framework, "F"}},
      {"removed/F", {Kind::removed, "F"}},        {"weight/eng/web", {Kind::weight, "eng/web"}},
      {"quota/eng/web", {Kind::quota, "eng/web"}}};
  for (const auto& [key, entity] : keys) {
    CHECK(key_of(entity) == key);
    CHECK(entity_of_key(key) == entity);
  }
  for (const char* key : {"", "agent", "agent/", "agents/1", "clusters", "lease/web"}) {
    CAPTURE(key);
    CHECK_FALSE(entity_of_key(key).has_value());
  }
}

TEST_CASE("an entry that is damaged, misplaced or of a newer build is refused by its key") {
  const auto good = encode_registry(small_registry());
  REQUIRE(decode_registry(good).ok());
  const auto refusal = [](RegistryEntry entry) {
    const auto decoded = decode_registry({std::move(entry)});
    REQUIRE_FALSE(decoded.ok());
    return decoded.error();
  };
  for (const auto& [key, value] : good) {
    CAPTURE(key);
    for (std::size_t size = 0; size < value.size(); ++size) {
      const Error error = refusal({key, value.substr(0, size)});
      CHECK(error.code == ErrorCode::corrupt);
      CHECK(error.message.starts_with("registry entry '" + key + "': "));
    }
    for (std::size_t at = 0; at < value.size(); ++at) {
      std::string damaged = value;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      refusal({key, damaged});
    }
    if (key == "cluster" || key == "schedule") continue;
    CHECK(refusal({key + "x", value}).message.find("is about '") != std::string::npos);
  }
  CHECK(refusal({"lease/web", "x"}).code == ErrorCode::unsupported);
}
