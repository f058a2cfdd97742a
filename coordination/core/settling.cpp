// What became of a transaction. It is sent with the epoch and with the version that each of its
// shards has, so it happens once at most, however often it is sent: when its answer is lost it is
// sent again, and when that conflicts, the shard says by its (epoch, write) whether the earlier
// sending happened. To read first would not do: a server may answer with what was true before.
#include <string>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"

namespace bourse::coordination {

namespace {

// Part of a batch that a refused multi points at. The epoch's check stands first.
const Batch::Part* part_of(const Batch& batch, std::size_t failed) {
  return failed >= 1 && failed <= batch.parts.size() ? &batch.parts[failed - 1] : nullptr;
}

void happened(Context& c, std::uint64_t number) {
  Store& store = c.state.store;
  const auto it = store.batches.find(number);
  for (const Batch::Part& part : it->second.parts) {
    Shard& shard = store.shards[part.shard];
    shard.version = part.version + 1;
    shard.busy = false;
  }
  for (const std::uint64_t write : it->second.writes) {
    outcome_of(store, write).fate = Outcome::Fate::stored;
  }
  store.batches.erase(it);
  c.state.retries = 0;
  gather(c);
  tell_outcomes(c);
}

void foreign(Context& c, std::uint32_t shard) {
  step_down(c, shard_path(c.config.path, shard) +
                   " was changed by somebody who does not lead: keep others out of " +
                   base_path(c.config.path));
}

void lost(Context& c, Batch& batch) {
  batch.lost = true;
  batch.in_doubt = true;
  if (!c.connected()) return;
  c.arm(Timer::retry, c.backoff(c.config.retry, c.config.retry_max, c.state.retries++));
}

void conflict(Context& c, const zk::Reply& reply, std::uint64_t number, const Batch& batch) {
  if (reply.failed == 0) {
    PROBE("coordination.fenced");
    // No write of ours can pass any more; whose doing it is, the epoch itself says.
    if (c.asking(Ask::fence)) return;
    const std::string path = epoch_path(c.config.path);
    c.ask(zk::Get{path}, {Ask::fence, path, number, {}});
    return;
  }
  const Batch::Part* part = part_of(batch, reply.failed);
  if (part == nullptr) {
    step_down(c,
              "ZooKeeper refused a change that was not asked for: this client library does "
              "not suit its servers");
    return;
  }
  if (!batch.in_doubt) {
    foreign(c, part->shard);
    return;
  }
  PROBE("coordination.verifies");
  const std::string path = shard_path(c.config.path, part->shard);
  c.ask(zk::Get{path}, {Ask::verify, path, number, {}});
}

}  // namespace

void send(Context& c, std::uint64_t number, Batch& batch) {
  if (++batch.attempts > c.config.multi_attempts) {
    step_down(c, "a transaction was lost with its connection " +
                     std::to_string(c.config.multi_attempts) +
                     " times: is jute.maxbuffer of the servers below 1 MB?");
    return;
  }
  batch.lost = false;
  const std::int32_t version =
      c.config.planted_unfenced ? zk::kAnyVersion : c.state.leadership.epoch_version;
  zk::Multi multi;
  multi.changes.reserve(batch.parts.size() + 1);
  multi.changes.emplace_back(zk::Check{epoch_path(c.config.path), version});
  for (const Batch::Part& part : batch.parts) {
    const std::string path = shard_path(c.config.path, part.shard);
    if (part.version < 0) {
      multi.changes.emplace_back(zk::Create{path, part.data});
    } else {
      multi.changes.emplace_back(zk::Set{path, part.data, part.version});
    }
  }
  c.ask(std::move(multi), {Ask::batch, epoch_path(c.config.path), number, {}});
}

void send_lost(Context& c) {
  for (auto& [number, batch] : c.state.store.batches) {
    if (!c.connected() || c.state.phase != Phase::leading) return;
    if (batch.lost) send(c, number, batch);
  }
}

void on_batch(Context& c, const zk::Reply& reply, const Asked& asked) {
  const auto it = c.state.store.batches.find(asked.number);
  ASSERT(it != c.state.store.batches.end());
  switch (reply.code) {
    case zk::Code::ok:
      happened(c, asked.number);
      return;
    case zk::Code::connection_loss:
      lost(c, it->second);
      return;
    case zk::Code::no_node:
    case zk::Code::node_exists:
    case zk::Code::bad_version:
      conflict(c, reply, asked.number, it->second);
      return;
    case zk::Code::expired:
      step_down(c, "the ZooKeeper session expired: another master may lead");
      return;
    case zk::Code::no_auth:
      step_down(c, base_path(c.config.path) +
                       ": an access list no longer admits us: use the credentials that made the "
                       "registry");
      return;
    case zk::Code::not_empty:
    case zk::Code::too_large:
    case zk::Code::other:
      step_down(c, "ZooKeeper refused to store (" + std::string(name_of(reply.code)) + " " +
                       reply.data + ")");
      return;
  }
  UNREACHABLE();
}

void on_verify(Context& c, const zk::Reply& reply, const Asked& asked) {
  const auto it = c.state.store.batches.find(asked.number);
  ASSERT(it != c.state.store.batches.end());
  if (reply.code == zk::Code::connection_loss) {
    lost(c, it->second);
    return;
  }
  const Result<ShardRecord> record = decode_shard(reply.data, asked.name);
  const bool ours = reply.code == zk::Code::ok && record.ok() &&
                    record->epoch == c.state.leadership.record.epoch &&
                    record->write == asked.number;
  if (ours) {
    PROBE("coordination.write_happened_unheard");
    happened(c, asked.number);
    return;
  }
  step_down(c, asked.name + " was changed by somebody who does not lead: keep others out of " +
                   base_path(c.config.path));
}

void on_fence(Context& c, const zk::Reply& reply, const Asked& asked) {
  const Epoch ours = c.state.leadership.record.epoch;
  const std::string over = "epoch " + std::to_string(ours) + " is over: ";
  if (reply.code == zk::Code::ok) {
    const Result<EpochRecord> now = decode_epoch(reply.data, asked.name);
    if (now.ok() && now->epoch > ours) {
      step_down(c, over + "another master has raised it");
      return;
    }
  }
  const bool theirs = reply.code == zk::Code::ok || reply.code == zk::Code::no_node;
  if (theirs) PROBE("coordination.epoch_overwritten");
  step_down(
      c, over + asked.name + " was changed by " +
             (theirs ? "somebody who does not lead: keep others out of " + base_path(c.config.path)
                     : "another master, or by somebody who does not lead"));
}

}  // namespace bourse::coordination
