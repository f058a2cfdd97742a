// Reading the registry, after the epoch is ours: our transaction went through the servers' order
// before these reads, so they see all that earlier leaders wrote, and those can write no more.
#include <algorithm>
#include <map>

#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"

namespace bourse::coordination {

namespace {

void finish(Context& c) {
  if (c.stamp.now >= lease_until(c.config, c.state.session)) {
    PROBE("coordination.loaded_too_late");
    give_up_taking(c);
    look(c);
    return;
  }
  BecameLeader leader{c.state.leadership.record.epoch, c.state.leadership.record.cluster_id, {}};
  std::map<std::string, const std::string*> ordered;
  for (const Shard& shard : c.state.store.shards) {
    for (const auto& [key, value] : shard.entries) ordered.emplace(key, &value);
  }
  leader.entries.reserve(ordered.size());
  for (const auto& [key, value] : ordered) leader.entries.emplace_back(key, *value);
  c.state.loading = {};
  c.state.phase = Phase::leading;
  c.state.retries = 0;
  c.emit(std::move(leader));
  saw_contact(c, c.state.session.contact);
  c.arm(Timer::heartbeat, c.state.session.timeout / 6);
}

void read_more(Context& c) {
  Loading& loading = c.state.loading;
  while (!loading.wanted.empty() && loading.in_flight < c.config.reads_in_flight) {
    const std::uint32_t shard = loading.wanted.back();
    loading.wanted.pop_back();
    ++loading.in_flight;
    const std::string path = shard_path(c.config.path, shard);
    c.ask(zk::Get{path}, {Ask::shard, path, shard, {}});
  }
  if (loading.in_flight == 0) finish(c);
}

}  // namespace

void load(Context& c) {
  Loading& loading = c.state.loading;
  if (!loading.listed) {
    c.forget(Ask::shards);
    const std::string path = shards_path(c.config.path);
    c.ask(zk::Children{path}, {Ask::shards, path, 0, {}});
    return;
  }
  // After an interruption: those that were on their way are wanted again.
  c.forget(Ask::shard);
  loading.in_flight = 0;
  loading.wanted = loading.unread;
  read_more(c);
}

void on_shards(Context& c, const zk::Reply& reply, const Asked& asked) {
  if (reply.code == zk::Code::no_node) {
    withdraw(c, asked.name +
                    " is missing: somebody removed it: restore the registry from an "
                    "export");
    return;
  }
  if (reply.code != zk::Code::ok) {
    retry_later(c, asked, reply);
    return;
  }
  Loading& loading = c.state.loading;
  for (const std::string& name : reply.names) {
    const auto shard = shard_number(name);
    if (!shard || *shard >= c.state.leadership.registry.shards) {
      withdraw(c, asked.name + "/" + name + " is no shard of a registry with " +
                      std::to_string(c.state.leadership.registry.shards) +
                      " shards: somebody else writes here: remove it, or choose another path");
      return;
    }
    loading.unread.push_back(*shard);
  }
  std::sort(loading.unread.rbegin(), loading.unread.rend());
  loading.listed = true;
  loading.wanted = loading.unread;
  read_more(c);
}

void on_shard(Context& c, const zk::Reply& reply, const Asked& asked) {
  Loading& loading = c.state.loading;
  if (reply.code == zk::Code::no_node || reply.code == zk::Code::no_auth) {
    withdraw(c, asked.name + (reply.code == zk::Code::no_node
                                  ? ": was removed while it was read: somebody else writes here"
                                  : ": the access list does not admit us: use the credentials "
                                    "that made the registry"));
    return;
  }
  if (reply.code != zk::Code::ok) {
    retry_later(c, asked, reply);
    return;
  }
  Result<ShardRecord> record = decode_shard(reply.data, asked.name);
  const auto number = static_cast<std::uint32_t>(asked.number);
  const Epoch ours = c.state.leadership.record.epoch;
  if (record.ok() && record->epoch >= ours) {
    record = Error{ErrorCode::corrupt,
                   asked.name + ": was written in epoch " + std::to_string(record->epoch) +
                       ", but " + epoch_path(c.config.path) + " says that " + std::to_string(ours) +
                       " has just begun: one of them was restored without "
                       "the other: import a whole export"};
  }
  if (record.ok()) {
    for (const auto& [key, value] : record->entries) {
      if (shard_of(key, c.state.leadership.registry.shards) == number) continue;
      record = Error{ErrorCode::corrupt, asked.name + ": holds '" + key +
                                             "', which belongs into another shard: restore it "
                                             "from an export of the registry"};
      break;
    }
  }
  if (!record) {
    withdraw(c, record.error().message);
    return;
  }
  Shard& shard = c.state.store.shards[number];
  shard.entries = std::move(record).value().entries;
  shard.version = reply.stat.version;
  shard.bytes = kShardOverheadBytes;
  for (const auto& [key, value] : shard.entries) {
    shard.bytes += entry_bytes(key.size(), value.size());
  }
  std::erase(loading.unread, number);
  --loading.in_flight;
  read_more(c);
}

}  // namespace bourse::coordination
