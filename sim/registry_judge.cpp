#include "sim/registry_judge.hpp"

#include <algorithm>
#include <string_view>

#include "coordination/core/names.hpp"
#include "coordination/core/record.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace zk = coordination::zk;

namespace {

constexpr std::string_view kEpoch = "/bourse.bourse/epoch";
constexpr std::string_view kShards = "/bourse.bourse/shards/";

}  // namespace

void RegistryJudge::committed(const ZooKeeperModel::Commit& commit) {
  for (const zk::Change& change : commit.changes) {
    const auto* set = std::get_if<zk::Set>(&change);
    const auto* create = std::get_if<zk::Create>(&change);
    if (set == nullptr && create == nullptr) continue;
    const std::string& path = set != nullptr ? set->path : create->path;
    const std::string& data = set != nullptr ? set->data : create->data;
    if (path == kEpoch) took(commit, path, data);
    if (path.starts_with(kShards)) wrote(commit, path, data);
  }
}

void RegistryJudge::took(const ZooKeeperModel::Commit& commit, const std::string& path,
                         const std::string& bytes) {
  const auto record = coordination::decode_epoch(bytes, path);
  if (!record.ok()) return judge_.violate("S25", record.error().message);
  if (record->epoch <= latest_) {
    judge_.violate(
        "S3", "epoch " + std::to_string(record->epoch) + " follows " + std::to_string(latest_));
  }
  latest_ = record->epoch;
  owners_[latest_] = commit.session;
}

void RegistryJudge::wrote(const ZooKeeperModel::Commit& commit, const std::string& path,
                          const std::string& bytes) {
  const auto record = coordination::decode_shard(bytes, path);
  if (!record.ok()) return judge_.violate("S25", record.error().message);
  if (record->epoch != latest_) {
    judge_.violate("S4", "epoch " + std::to_string(record->epoch) + " writes " + path +
                             " after epoch " + std::to_string(latest_) + " was taken");
  } else if (owners_[latest_] != commit.session) {
    judge_.violate(
        "S3", path + " is written by a session that did not take epoch " + std::to_string(latest_));
  }
  auto& before = shards_[path];
  for (const auto& [key, value] : record->entries) {
    const auto it = before.find(key);
    if (it == before.end() || it->second != value) changed(record->epoch, key, value);
  }
  for (const auto& [key, value] : before) {
    if (!record->entries.contains(key)) changed(record->epoch, key, std::nullopt);
  }
  before = record->entries;
}

void RegistryJudge::changed(Epoch epoch, const std::string& key, const Value& value) {
  auto& queue = issued_[{epoch, key}];
  const auto it = std::find_if(queue.begin(), queue.end(),
                               [&](const Issue& issue) { return issue.value == value; });
  if (it == queue.end()) {
    judge_.violate("S5", "'" + key + "' is stored as nobody asked, or as was asked before");
    return;
  }
  queue.erase(queue.begin(), it + 1);
  judge_.forgetting().changed(key, value);
  if (value) {
    entries_[key] = *value;
  } else {
    entries_.erase(key);
  }
}

void RegistryJudge::loaded(const coordination::BecameLeader& won) {
  if (won.epoch > latest_) judge_.violate("S3", "a leader whose epoch nobody took");
  if (!leaders_.insert(won.epoch).second) {
    judge_.violate("S3", "two leaders in epoch " + std::to_string(won.epoch));
  }
  if (won.epoch != latest_) return;  // overtaken already: it will not write
  const std::map<std::string, std::string> read(won.entries.begin(), won.entries.end());
  if (read != entries_) {
    judge_.violate("S5", "epoch " + std::to_string(won.epoch) + " begins with " +
                             std::to_string(read.size()) + " entries that differ from the " +
                             std::to_string(entries_.size()) + " that are stored");
  }
}

std::uint64_t RegistryJudge::issued(Epoch epoch, const Changes& changes) {
  ++writes_;
  for (const auto& [key, value] : changes) issued_[{epoch, key}].push_back({writes_, value});
  return writes_;
}

void RegistryJudge::told(Epoch epoch, std::uint64_t write, const Changes& changes) {
  for (const auto& [key, value] : changes) {
    auto& queue = issued_[{epoch, key}];
    if (queue.empty() || queue.front().write > write) continue;  // committed
    // Still in the queue: it must be what is there already, for that is not written again.
    const auto stored = entries_.find(key);
    const Value now = stored == entries_.end() ? Value() : Value(stored->second);
    const bool there = std::any_of(queue.begin(), queue.end(), [&](const Issue& issue) {
      return issue.write >= write && issue.value == now;
    });
    if (!there) {
      judge_.violate("S5", "a master was told that '" + key + "' is stored, and it is not");
    }
    while (!queue.empty() && queue.front().write <= write) queue.pop_front();
  }
}

void RegistryJudge::acts(Epoch epoch) {
  if (epoch >= latest_) return;
  const auto owner = owners_.find(epoch);
  if (owner != owners_.end() && excused_.contains(owner->second)) return;
  judge_.violate("S3", "the leader of epoch " + std::to_string(epoch) + " acts after epoch " +
                           std::to_string(latest_) + " was taken");
}

}  // namespace bourse::sim
