// Names: where things stand in ZooKeeper. Under the election path stand only candidates, because
// existing clients take every child for one; everything else stands under its sibling PATH.bourse.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bourse::coordination {

inline constexpr std::string_view kCandidatePrefix = "json.info_";

// Whether a path can be an election's: absolute, not the root, no empty or dotted part.
Status check_path(std::string_view path);

std::string candidate_prefix_path(const std::string& path);  // PATH/json.info_
std::string candidate_path(const std::string& path, const std::string& name);
std::string base_path(const std::string& path);      // PATH.bourse
std::string epoch_path(const std::string& path);     // PATH.bourse/epoch
std::string registry_path(const std::string& path);  // PATH.bourse/registry
std::string shards_path(const std::string& path);    // PATH.bourse/shards
std::string shard_path(const std::string& path, std::uint32_t shard);

// A shard's number from the name of its node; nothing when it is no such name.
std::optional<std::uint32_t> shard_number(std::string_view name);
// A candidate's sequence number from its name; nothing when it is no candidate's.
std::optional<std::int32_t> sequence_of(std::string_view name);
// Whether the first stood earlier. The counter is 32 bits and goes round.
bool stood_before(std::int32_t a, std::int32_t b);
// PATH and the paths above it, the shortest first.
std::vector<std::string> with_parents(const std::string& path);

}  // namespace bourse::coordination
