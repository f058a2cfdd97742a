// Writes gather into transactions. A write joins the next one when its shards are not in flight and
// no write before it waits for one of them: so each shard, and with it each key, sees its writes in
// their order, and a crowded shard holds up nobody else. Answers are told in the order of issue.
#include <algorithm>
#include <set>
#include <string_view>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"
#include "model/limits.hpp"

namespace bourse::coordination {

namespace {

// Check of the epoch, names of paths and lengths, beside the shards' own bytes.
constexpr std::size_t kMultiOverheadBytes = 4096;
constexpr std::size_t kPartOverheadBytes = 512;

using Changes = std::vector<std::pair<std::string, std::optional<std::string>>>;

void refuse(Context& c, std::uint64_t number, const Changes& changes, std::string reason) {
  Store& store = c.state.store;
  Outcome& outcome = outcome_of(store, number);
  outcome.fate = Outcome::Fate::refused;
  outcome.reason = std::move(reason);
  for (const auto& [key, value] : changes) {
    outcome.keys.push_back(key);
    store.refused.emplace(key, number);
  }
}

// A key whose value was made with a write that is refused. Empty: none.
std::string spoiled_key(const Store& store, std::uint64_t number, const Changes& changes,
                        std::uint64_t refusals_told) {
  for (const auto& [key, value] : changes) {
    const auto first = store.refused.lower_bound({key, 0});
    if (first != store.refused.end() && first->first == key && first->second < number) return key;
    const auto it = store.spoiled.find(key);
    if (it != store.spoiled.end() && it->second > refusals_told) return key;
  }
  return {};
}

std::string spoiled_reason(const std::string& key) {
  return "'" + key + "': a write before this one was refused, and this one may be made with it";
}

// Why a write can never be stored, whatever the registry holds. Empty: it can.
std::string fault_of(const Write& write) {
  std::set<std::string_view> keys;
  for (const auto& [key, value] : write.changes) {
    if (!keys.insert(key).second) return "'" + key + "' is changed twice: give one value";
    if (key.empty() || key.size() > limits::kMaxStoreKeyBytes) {
      return "key of " + std::to_string(key.size()) + " bytes: give 1 to " +
             std::to_string(limits::kMaxStoreKeyBytes);
    }
    if (value && value->size() > limits::kMaxStoreValueBytes) {
      return "'" + key + "' has " + std::to_string(value->size()) + " bytes: at most " +
             std::to_string(limits::kMaxStoreValueBytes) + " can be stored";
    }
  }
  return {};
}

// What a transaction looks like while it gathers.
struct Draft {
  Batch batch;
  std::set<std::uint32_t> shards;
  std::set<std::uint32_t> changed;
  std::size_t bytes = kMultiOverheadBytes;
};

std::size_t bytes_after(const Shard& shard, const PendingWrite& write, std::uint32_t number,
                        std::uint32_t count) {
  std::size_t bytes = shard.bytes;
  for (const auto& [key, value] : write.changes) {
    if (shard_of(key, count) != number) continue;
    const auto it = shard.entries.find(key);
    if (it != shard.entries.end()) bytes -= entry_bytes(key.size(), it->second.size());
    if (value) bytes += entry_bytes(key.size(), value->size());
  }
  return bytes;
}

enum class Fit { joins, waits, refused };

// Whether a write has room in the draft; a write that would not fit alone is refused.
Fit fit(Context& c, const Draft& draft, const PendingWrite& write) {
  Store& store = c.state.store;
  const auto count = static_cast<std::uint32_t>(store.shards.size());
  std::size_t alone = kMultiOverheadBytes;
  std::size_t together = draft.bytes;
  std::size_t shards = draft.shards.size();
  for (const std::uint32_t number : write.shards) {
    const Shard& shard = store.shards[number];
    const std::size_t bytes = bytes_after(shard, write, number, count);
    if (bytes > limits::kMaxShardBytes) {
      PROBE("coordination.shard_full");
      refuse(c, write.number, write.changes,
             shard_path(c.config.path, number) + " would have " + std::to_string(bytes) +
                 " bytes: at most " + std::to_string(limits::kMaxShardBytes) +
                 " can be stored: export the registry and import it with more shards");
      return Fit::refused;
    }
    alone += bytes + kPartOverheadBytes;
    const bool new_here = !draft.shards.contains(number);
    shards += new_here ? 1 : 0;
    together += new_here ? bytes + kPartOverheadBytes : bytes - shard.bytes;
  }
  if (alone > limits::kMaxMultiBytes) {
    refuse(c, write.number, write.changes,
           "its shards have " + std::to_string(alone) + " bytes together: at most " +
               std::to_string(limits::kMaxMultiBytes) + " can be stored at once");
    return Fit::refused;
  }
  const bool room = shards <= limits::kMaxShardsPerMulti && together <= limits::kMaxMultiBytes;
  return room ? Fit::joins : Fit::waits;
}

void apply(Context& c, Draft& draft, const PendingWrite& write) {
  Store& store = c.state.store;
  const auto count = static_cast<std::uint32_t>(store.shards.size());
  for (const std::uint32_t number : write.shards) {
    Shard& shard = store.shards[number];
    if (draft.shards.insert(number).second) draft.bytes += shard.bytes + kPartOverheadBytes;
    draft.bytes -= shard.bytes;
    shard.bytes = bytes_after(shard, write, number, count);
    draft.bytes += shard.bytes;
  }
  for (const auto& [key, value] : write.changes) {
    const std::uint32_t number = shard_of(key, count);
    auto& entries = store.shards[number].entries;
    const auto it = entries.find(key);
    if (!value) {
      if (it == entries.end()) continue;
      entries.erase(it);
    } else if (it == entries.end()) {
      entries.emplace(key, *value);
    } else if (it->second != *value) {
      it->second = *value;
    } else {
      continue;  // what is stored already is not written again
    }
    draft.changed.insert(number);
  }
  draft.batch.writes.push_back(write.number);
}

// Takes what fits from the pending writes, oldest first.
void collect(Context& c, Draft& draft) {
  Store& store = c.state.store;
  std::vector<bool> blocked(store.shards.size());
  for (auto it = store.pending.begin(); it != store.pending.end();) {
    const auto held = [&](std::uint32_t shard) {
      return blocked[shard] || store.shards[shard].busy;
    };
    const bool free = std::none_of(it->shards.begin(), it->shards.end(), held);
    Fit fits = free ? fit(c, draft, *it) : Fit::waits;
    // It was taken when nothing before it was refused: only what is not told yet can spoil it.
    const std::string spoiled = fits == Fit::refused
                                    ? std::string()
                                    : spoiled_key(store, it->number, it->changes, store.refusals);
    if (!spoiled.empty()) {
      PROBE("coordination.refusal_spoils");
      refuse(c, it->number, it->changes, spoiled_reason(spoiled));
      fits = Fit::refused;
    }
    if (fits == Fit::waits) {
      for (const std::uint32_t shard : it->shards) blocked[shard] = true;
      ++it;
      continue;
    }
    if (fits == Fit::joins) apply(c, draft, *it);
    store.pending_bytes -= it->bytes;
    it = store.pending.erase(it);
  }
}

void tell_large(Context& c, std::uint32_t number, Shard& shard) {
  if (shard.bytes <= limits::kGoodShardBytes || shard.told_large) return;
  shard.told_large = true;
  c.note(Note::Level::warning, "coordination.large_shard",
         {{"path", shard_path(c.config.path, number)}, {"bytes", std::to_string(shard.bytes)}});
}

void dispatch(Context& c, Draft draft) {
  Store& store = c.state.store;
  if (draft.changed.empty()) {
    PROBE("coordination.nothing_to_write");
    for (const std::uint64_t write : draft.batch.writes) {
      outcome_of(store, write).fate = Outcome::Fate::stored;
    }
    return;
  }
  const std::uint64_t number = ++store.batches_made;
  for (const std::uint32_t index : draft.changed) {
    Shard& shard = store.shards[index];
    shard.busy = true;
    tell_large(c, index, shard);
    draft.batch.parts.push_back(
        {index, shard.version,
         encode(ShardRecord{c.state.leadership.record.epoch, number, shard.entries})});
  }
  Batch& batch = store.batches.emplace(number, std::move(draft.batch)).first->second;
  send(c, number, batch);
}

}  // namespace

Outcome& outcome_of(Store& store, std::uint64_t write) {
  ASSERT(write >= store.first_outcome);
  return store.outcomes.at(write - store.first_outcome);
}

void on_write(Context& c, const Write& event) {
  Store& store = c.state.store;
  if (c.state.phase != Phase::leading) {
    c.emit(Refused{event.id, "this master does not lead"});
    return;
  }
  PendingWrite write;
  write.number = store.first_outcome + store.outcomes.size();
  store.outcomes.push_back({event.id, Outcome::Fate::open, {}, {}});
  std::set<std::uint32_t> shards;
  for (const auto& [key, value] : event.changes) {
    shards.insert(shard_of(key, static_cast<std::uint32_t>(store.shards.size())));
    write.bytes += entry_bytes(key.size(), value ? value->size() : 0);
  }
  std::string fault = fault_of(event);
  if (fault.empty() && shards.size() > limits::kMaxShardsPerMulti) {
    fault = "changes " + std::to_string(shards.size()) + " shards: at most " +
            std::to_string(limits::kMaxShardsPerMulti) + " can be stored at once";
  }
  // Of those it was told of, and of all that its followers will have been told of, it is free.
  std::erase_if(store.spoiled, [&](const auto& row) { return row.second <= event.refusals_told; });
  if (const std::string key = spoiled_key(store, write.number, event.changes, event.refusals_told);
      fault.empty() && !key.empty()) {
    fault = spoiled_reason(key);
  }
  if (fault.empty() && store.pending_bytes + write.bytes > c.config.max_pending_bytes) {
    PROBE("coordination.pending_full");
    fault = "full: " + std::to_string(store.pending_bytes) + " bytes wait to be stored";
  }
  if (!fault.empty()) {
    refuse(c, write.number, event.changes, std::move(fault));
  } else {
    write.changes = event.changes;
    write.shards.assign(shards.begin(), shards.end());
    store.pending_bytes += write.bytes;
    store.pending.push_back(std::move(write));
    gather(c);
  }
  tell_outcomes(c);
}

void gather(Context& c) {
  Store& store = c.state.store;
  while (c.connected() && c.state.phase == Phase::leading && !store.pending.empty() &&
         store.batches.size() < c.config.multis_in_flight) {
    const std::size_t before = store.pending.size();
    Draft draft;
    collect(c, draft);
    if (store.pending.size() == before) return;  // all of them wait for shards in flight
    dispatch(c, std::move(draft));
  }
}

void tell_outcomes(Context& c) {
  Store& store = c.state.store;
  while (!store.outcomes.empty() && store.outcomes.front().fate != Outcome::Fate::open) {
    Outcome outcome = std::move(store.outcomes.front());
    store.outcomes.pop_front();
    ++store.first_outcome;
    if (outcome.fate == Outcome::Fate::stored) {
      c.emit(Stored{outcome.id});
    } else {
      ++store.refusals;
      for (const std::string& key : outcome.keys) {
        store.refused.erase({key, store.first_outcome - 1});
        store.spoiled[key] = store.refusals;
      }
      c.emit(Refused{outcome.id, std::move(outcome.reason)});
    }
  }
}

}  // namespace bourse::coordination
