// CoordinatorState: all a coordinator knows, as plain values in ordered tables. Handlers of this
// room change it; everyone may read it.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/time.hpp"
#include "coordination/core/event.hpp"
#include "coordination/core/record.hpp"
#include "coordination/core/zk_request.hpp"

namespace bourse::coordination {

enum class Phase : std::uint8_t {
  following,  // watches who leads, and stands as a candidate if it may
  taking,     // first in line: raising the epoch
  loading,    // the epoch is ours: reading the registry
  leading,    // the registry is read, writes are taken
  withdrawn,  // first in line once, but it could not lead; stands again later
  stopped,    // StepDown is said; nothing more will be
};
const char* name_of(Phase phase);

struct Session {
  enum class Link : std::uint8_t { none, opening, connected, suspended };

  SessionNumber number;
  Link link = Link::none;
  std::uint64_t id = 0;  // 0: none yet
  Duration timeout;
  Instant contact;             // when the latest request that was answered had been made
  std::uint32_t failures = 0;  // sessions in a row that came to nothing
};

// Why a request was made.
enum class Ask : std::uint8_t {
  list,       // who stands
  candidate,  // what one of them says
  stand,      // our own node
  parent,     // a path above it
  remove,     // an own node too many, or of a candidacy given up
  heartbeat,
  epoch,  // taking, in this order
  registry,
  container,
  empty,
  take,
  shards,  // loading
  shard,
  batch,   // a transaction of writes
  verify,  // whether one that was in doubt happened
  fence,   // who changed the epoch
};

struct Asked {
  Ask why = Ask::list;
  std::string name;          // of a candidate or path
  std::uint64_t number = 0;  // of a shard or batch
  Instant at;
};

struct Candidate {
  std::uint64_t owner = 0;  // session
  std::string info;
};

struct Election {
  std::map<std::string, Candidate> known;  // by name: those of the latest list that were read
  std::vector<std::string> listed;         // by order of standing
  std::string own;                         // our name among them; empty: not standing
  bool looking = false;
  bool look_again = false;
  std::size_t unread = 0;
  bool creating = false;            // our node is asked for
  bool crowded = false;             // more stand than are looked at: we might be among the rest
  std::set<std::string> strangers;  // told about: nodes that no candidate made
  bool told = false;                // Leader was said
  std::optional<std::string> leader;
  bool leader_ours = false;
  std::uint64_t takings = 0;  // tries for the leadership, for the taker's name
  std::uint32_t withdrawals = 0;
};

// What a taking has found so far. -1: the node is not there.
struct Taking {
  std::int32_t epoch_version = -1;
  std::int32_t registry_version = -1;
  EpochRecord epoch;
  RegistryRecord registry;
  bool ours = false;  // an earlier try turns out to have succeeded
  std::size_t containers = 0;
};

struct Leadership {
  EpochRecord record;
  std::int32_t epoch_version = -1;
  RegistryRecord registry;
};

struct Shard {
  std::map<std::string, std::string> entries;  // with what is in flight
  std::size_t bytes = kShardOverheadBytes;
  std::int32_t version = -1;  // -1: its node is not there yet
  bool busy = false;          // in flight
  bool told_large = false;
};

struct Loading {
  std::vector<std::uint32_t> unread;  // last first
  std::vector<std::uint32_t> wanted;  // of those: not asked for yet
  std::size_t in_flight = 0;
  bool listed = false;
};

struct PendingWrite {
  std::uint64_t number = 0;  // in order of issue
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
  std::vector<std::uint32_t> shards;  // ordered, each once
  std::size_t bytes = 0;
};

// What became of a write, told when those before it are told.
struct Outcome {
  enum class Fate : std::uint8_t { open, stored, refused };

  PersistId id;
  Fate fate = Fate::open;
  std::string reason;             // of a refusal
  std::vector<std::string> keys;  // of a refusal
};

// One transaction on its way.
struct Batch {
  struct Part {
    std::uint32_t shard = 0;
    std::int32_t version = -1;  // before; -1: to be created
    std::string data;
  };
  std::vector<Part> parts;
  std::vector<std::uint64_t> writes;  // numbers
  bool lost = false;                  // its answer did not come: to be sent again
  bool in_doubt = false;              // an earlier sending may have happened
  std::uint32_t attempts = 0;
};

struct Store {
  std::vector<Shard> shards;
  std::list<PendingWrite> pending;
  std::size_t pending_bytes = 0;
  std::deque<Outcome> outcomes;            // of writes first_outcome and on
  std::uint64_t first_outcome = 1;         // number of the write at the front
  std::map<std::uint64_t, Batch> batches;  // by number
  std::uint64_t batches_made = 0;
  std::set<std::pair<std::string, std::uint64_t>> refused;  // key, write: not told yet
  std::map<std::string, std::uint64_t> spoiled;  // by key: number of the latest refusal told
  std::uint64_t refusals = 0;                    // told
};

enum class Timer : std::uint8_t { open_again, retry, lapse, heartbeat, lease, stand_again };

struct CoordinatorState {
  bool started = false;
  Phase phase = Phase::following;
  std::string reason;  // of withdrawn or stopped
  Session session;
  Election election;
  Taking taking;
  Leadership leadership;
  Loading loading;
  Store store;
  std::map<ZkRequestId, Asked> asked;
  std::uint64_t requests_made = 0;
  std::uint32_t retries = 0;  // in a row, for back-off
  std::uint64_t jitters = 0;
  DeadlineQueue<Timer> deadlines;
};

}  // namespace bourse::coordination
