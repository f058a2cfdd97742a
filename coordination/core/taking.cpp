// From first in line to owner of the epoch: one transaction that holds only if our node still
// stands and nobody raised the epoch since we read it. Whatever goes wrong on the way, the taking
// begins again by reading; a try that succeeded without our hearing of it is known by its taker.
#include <algorithm>

#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"
#include "model/ids.hpp"
#include "model/limits.hpp"

namespace bourse::coordination {

namespace {

constexpr std::int32_t kAbsent = -1;

std::string taker_name(const Context& c) {
  return c.state.election.own + " " + std::to_string(c.config.seed) + " " +
         std::to_string(c.state.election.takings);
}

std::vector<std::string> containers(const Context& c) {
  return {base_path(c.config.path), shards_path(c.config.path)};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// The features of the registry that this build does not understand.
std::vector<std::string> not_understood(const Context& c, const RegistryRecord& registry) {
  std::vector<std::string> out;
  for (const std::string& feature : registry.features) {
    const auto& known = c.config.features;
    if (std::find(known.begin(), known.end(), feature) == known.end()) out.push_back(feature);
  }
  return out;
}

// The features that a registry of ours would have.
std::vector<std::string> not_there(const Context& c, const RegistryRecord& registry) {
  std::vector<std::string> out;
  for (const std::string& feature : c.config.expects) {
    const auto& there = registry.features;
    if (std::find(there.begin(), there.end(), feature) == there.end()) out.push_back(feature);
  }
  return out;
}

RegistryRecord with_demands(const Context& c, RegistryRecord registry) {
  for (const std::string& feature : c.config.demands) registry.features.push_back(feature);
  auto& features = registry.features;
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return registry;
}

// A refusal that only a person can mend ends the candidacy; anything else is tried again.
void taking_failed(Context& c, const zk::Reply& reply, const Asked& asked) {
  if (reply.code == zk::Code::no_auth) {
    withdraw(c, asked.name +
                    ": the access list does not admit us: use the credentials that made the "
                    "registry");
    return;
  }
  retry_later(c, asked, reply);
}

void commit(Context& c) {
  const Taking& taking = c.state.taking;
  const std::string& path = c.config.path;
  EpochRecord record = taking.epoch;
  if (taking.epoch_version == kAbsent) {
    record.cluster_id = to_text(make_uuid(c.config.seed, c.state.election.takings));
  }
  ++record.epoch;
  record.taker = taker_name(c);
  const RegistryRecord registry = with_demands(c, taking.registry);
  zk::Multi multi;
  multi.changes.emplace_back(zk::Check{candidate_path(path, c.state.election.own)});
  if (taking.registry_version == kAbsent) {
    multi.changes.emplace_back(zk::Create{registry_path(path), encode(registry)});
  } else if (registry == taking.registry) {
    multi.changes.emplace_back(zk::Check{registry_path(path), taking.registry_version});
  } else {
    multi.changes.emplace_back(
        zk::Set{registry_path(path), encode(registry), taking.registry_version});
  }
  if (taking.epoch_version == kAbsent) {
    multi.changes.emplace_back(zk::Create{epoch_path(path), encode(record)});
  } else {
    multi.changes.emplace_back(zk::Set{epoch_path(path), encode(record), taking.epoch_version});
  }
  c.state.leadership = {std::move(record), taking.epoch_version + 1, registry};
  c.ask(std::move(multi), {Ask::take, epoch_path(path), 0, {}});
}

void begin_loading(Context& c) {
  const EpochRecord& record = c.state.leadership.record;
  c.note(Note::Level::info, "coordination.taken",
         {{"cluster_id", record.cluster_id}, {"epoch", std::to_string(record.epoch)}});
  c.state.phase = Phase::loading;
  c.state.retries = 0;
  c.state.loading = {};
  c.state.store = {};
  c.state.store.shards.resize(c.state.leadership.registry.shards);
  load(c);
}

}  // namespace

void take(Context& c) {
  for (const Ask why : {Ask::epoch, Ask::registry, Ask::container, Ask::empty, Ask::take}) {
    c.forget(why);
  }
  c.state.taking = {};
  c.ask(zk::Get{epoch_path(c.config.path)}, {Ask::epoch, epoch_path(c.config.path), 0, {}});
}

void give_up_taking(Context& c) {
  if (c.state.phase != Phase::taking && c.state.phase != Phase::loading) return;
  for (const Ask why : {Ask::epoch, Ask::registry, Ask::container, Ask::empty, Ask::take,
                        Ask::shards, Ask::shard}) {
    c.forget(why);
  }
  c.state.phase = Phase::following;
  c.state.taking = {};
  c.state.loading = {};
  c.state.store = {};
  c.state.leadership = {};
}

void on_epoch(Context& c, const zk::Reply& reply, const Asked& asked) {
  Taking& taking = c.state.taking;
  if (reply.code == zk::Code::ok) {
    Result<EpochRecord> record = decode_epoch(reply.data, asked.name);
    if (!record) {
      withdraw(c, record.error().message);
      return;
    }
    taking.epoch_version = reply.stat.version;
    taking.epoch = std::move(record).value();
    taking.ours = taking.epoch.taker == taker_name(c);
  } else if (reply.code != zk::Code::no_node) {
    taking_failed(c, reply, asked);
    return;
  }
  const std::string path = registry_path(c.config.path);
  c.ask(zk::Get{path}, {Ask::registry, path, 0, {}});
}

void on_registry(Context& c, const zk::Reply& reply, const Asked& asked) {
  Taking& taking = c.state.taking;
  const bool has_epoch = taking.epoch_version != kAbsent;
  if (reply.code == zk::Code::no_node && !has_epoch) {
    taking.registry.shards = c.config.shards;
    const std::string path = containers(c).front();
    c.ask(zk::Create{path}, {Ask::container, path, 0, {}});
    return;
  }
  if (reply.code == zk::Code::no_node || (reply.code == zk::Code::ok && !has_epoch)) {
    const std::string here = has_epoch ? epoch_path(c.config.path) : asked.name;
    const std::string gone = has_epoch ? asked.name : epoch_path(c.config.path);
    withdraw(c, gone + " is missing while " + here +
                    " exists: somebody removed it: restore the registry from an export");
    return;
  }
  if (reply.code != zk::Code::ok) {
    taking_failed(c, reply, asked);
    return;
  }
  Result<RegistryRecord> record = decode_registry(reply.data, asked.name);
  if (record.ok() && record->shards > limits::kMaxShards) {
    record = Error{ErrorCode::too_large, asked.name + ": has " + std::to_string(record->shards) +
                                             " shards, this build handles at most " +
                                             std::to_string(limits::kMaxShards)};
  }
  if (!record) {
    withdraw(c, record.error().message);
    return;
  }
  if (const auto unknown = not_understood(c, *record); !unknown.empty()) {
    if (std::count(unknown.begin(), unknown.end(), kUnfinishedImport) != 0) {
      withdraw(c, asked.name +
                      ": an import of the registry is under way or was cut off: if nobody "
                      "runs it any more, run it again with --replace");
      return;
    }
    withdraw(c, asked.name + ": a newer master wrote it with " + joined(unknown) +
                    ", which this build does not understand: run a newer build");
    return;
  }
  if (const auto lacking = not_there(c, *record); !lacking.empty()) {
    withdraw(c, asked.name + ": is somebody else's, it does not say " + joined(lacking) +
                    ": give a path of its own");
    return;
  }
  taking.registry_version = reply.stat.version;
  taking.registry = std::move(record).value();
  if (!taking.ours) {
    commit(c);
    return;
  }
  PROBE("coordination.take_happened_unheard");
  c.state.leadership = {taking.epoch, taking.epoch_version, taking.registry};
  begin_loading(c);
}

void on_container(Context& c, const zk::Reply& reply, const Asked& asked) {
  if (reply.code != zk::Code::ok && reply.code != zk::Code::node_exists) {
    taking_failed(c, reply, asked);
    return;
  }
  const std::vector<std::string> wanted = containers(c);
  const std::uint64_t next = asked.number + 1;
  if (next < wanted.size()) {
    c.ask(zk::Create{wanted[next]}, {Ask::container, wanted[next], next, {}});
    return;
  }
  c.ask(zk::Children{wanted.back()}, {Ask::empty, wanted.back(), 0, {}});
}

void on_empty(Context& c, const zk::Reply& reply, const Asked& asked) {
  if (reply.code != zk::Code::ok) {
    taking_failed(c, reply, asked);
    return;
  }
  if (!reply.names.empty()) {
    // To count on from epoch 1 would be refused by every agent, and to overwrite would lose all.
    withdraw(c, asked.name + " holds a registry, but " + epoch_path(c.config.path) +
                    " is missing: somebody removed it: restore the registry from an export");
    return;
  }
  commit(c);
}

void on_take(Context& c, const zk::Reply& reply, const Asked& asked) {
  switch (reply.code) {
    case zk::Code::ok:
      begin_loading(c);
      return;
    case zk::Code::no_node:
    case zk::Code::bad_version:
    case zk::Code::node_exists:
      if (reply.failed == 0) {
        give_up_taking(c);
        look(c);
        return;
      }
      // Somebody took it before us, or we did without hearing of it: read again. The refusal went
      // the way of a write, so what is read next is not older than it.
      PROBE("coordination.take_conflicts");
      if (c.state.retries == 0) {
        ++c.state.retries;
        take(c);
      } else {
        c.arm(Timer::retry, c.backoff(c.config.retry, c.config.retry_max, c.state.retries++));
      }
      return;
    default:
      if (reply.code == zk::Code::connection_loss) PROBE("coordination.take_in_doubt");
      taking_failed(c, reply, asked);
      return;
  }
}

}  // namespace bourse::coordination
