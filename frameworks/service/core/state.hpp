// ServiceState: everything the service scheduler knows, as a plain value. `book` is what is stored;
// `apps` is what is made of it: each instance with its phase. One owner, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/time.hpp"
#include "bourse/types.hpp"
#include "frameworks/service/core/event.hpp"
#include "model/ids.hpp"
#include "model/service_command.hpp"

namespace bourse::service {

struct ServiceConfig {
  // Offers that nothing wants are refused for this long; who wants something later revives.
  Duration refuse = Duration::seconds(3600);
  // While something has found no place, all offers are asked for anew after this long.
  Duration ask_again = Duration::seconds(60);
  Duration store_retry = Duration::seconds(5);
  Duration reconcile_first = Duration::seconds(10);  // of what was not answered; doubles
  Duration reconcile_most = Duration::seconds(60);
  Duration reconcile_all = Duration::seconds(600);  // of everything, when all is answered
};

// Where an instance is on its way. Those up to `recovering` count towards the wanted number.
enum class InstancePhase : std::uint8_t {
  wanted = 1,   // needs a place
  backing_off,  // needs one, but not before its app's back-off is over
  placing,      // has one; its record is being written
  launching,    // its launch has left; not heard running
  running,
  unreachable,  // its agent is away, and it is not replaced yet
  recovering,   // read from the store; nobody has said yet what became of it
  given_up,     // its agent is away and it was replaced; may come back
  stopping,     // was told to end
  ended,        // its end is being written
};
inline constexpr std::size_t kInstancePhases = 11;
const char* name_of(InstancePhase phase);
bool is_alive(InstancePhase phase);   // counts towards the wanted number
bool is_stored(InstancePhase phase);  // has a record in the book

struct Instance {
  InstanceRecord record;
  InstancePhase phase = InstancePhase::wanted;
  std::string why;  // of the phase, for people
  Instant since;    // in this phase
  bool ready = false;
  bool ran_long = false;        // running: for ready_after, or it ran before it was heard of here
  std::optional<bool> healthy;  // as its health check said last
  std::optional<sdk::CheckStatus> checked;  // as its check did
  Instant launched_at;
  std::optional<Instant> running_since;
  std::optional<sdk::TaskUpdate> end;  // ended: acknowledged once the end is stored
};

// How many instances are in which phase; [1] those of an older task version.
struct Tally {
  std::array<std::array<std::uint32_t, kInstancePhases>, 2> in_phase{};
  std::array<std::uint32_t, 2> ready{};

  std::uint32_t count(InstancePhase phase) const {
    const auto p = static_cast<std::size_t>(phase);
    return in_phase[0][p] + in_phase[1][p];
  }
  std::uint32_t alive(bool old) const;

  bool operator==(const Tally&) const = default;
};

enum class AppPhase : std::uint8_t {
  admitting = 1,  // its first definition is being written
  active,
  removing,    // its instances are ended
  forgetting,  // they have; that is being written
};
const char* name_of(AppPhase phase);

// Launches of an app wait until `not_before`. A wave of failures counts once: only the end of an
// instance that was launched after the last raise raises again.
struct Backoff {
  std::uint32_t failures = 0;
  Instant raised_at;
  Instant not_before;
};

// An end that nobody asked for, for people.
struct RememberedEnd {
  std::uint64_t number = 0;
  std::uint64_t version = 0;
  sdk::TaskState state = sdk::TaskState::failed;
  std::string reason;
  std::string message;
  std::string hostname;
  WallTime at;
};

struct App {
  AppId id;
  AppPhase phase = AppPhase::admitting;
  std::map<std::uint64_t, Instance> instances;
  Tally tally;
  std::uint64_t next_number = 1;
  Backoff backoff;
  bool writing = false;  // a change is on its way to the store; others wait
  std::deque<FromClient> waiting;
  std::deque<RememberedEnd> ends;  // oldest first
  std::uint64_t ends_counted = 0;
  std::string no_place;  // why the last wanted instance found none
};

// What a Persist on its way will do once it is stored or refused.
namespace pending {
struct Framework {};
struct NewFramework {  // nothing of the one before is kept
  bool last = false;
};
struct Definition {
  AppId app_id;
  RequestId request;
};
struct Removal {
  AppId app_id;
  RequestId request;
};
struct Forget {
  AppId app_id;
};
struct Launch {
  std::vector<std::pair<AppId, std::uint64_t>> instances;
  std::vector<std::string> offer_ids;
  bool more = false;  // others had a place there too: to be asked for once this has left
};
struct Adoption {
  AppId app_id;
  std::uint64_t number = 0;
  bool running = false;
};
struct End {
  AppId app_id;
  std::uint64_t number = 0;
};
struct Stranger {  // its kill leaves with this
  AppId app_id;
  std::uint64_t number = 0;
};
}  // namespace pending
struct PendingWrite {
  PersistId id;
  std::vector<ServiceCommand> commands;
  std::variant<pending::Framework, pending::NewFramework, pending::Definition, pending::Removal,
               pending::Forget, pending::Launch, pending::Adoption, pending::End, pending::Stranger>
      what;
};

struct DeadlineKey {
  enum class Kind : std::uint8_t {
    backoff_over,
    ready,
    replace_unreachable,
    store_again,  // number 0: the app's removal, or without an app the framework id
    reconcile,
    ask_again,
  };
  Kind kind = Kind::backoff_over;
  AppId app_id;
  std::uint64_t number = 0;

  auto operator<=>(const DeadlineKey&) const = default;
};

// Instances without a place, the longest waiting first.
struct WantedKey {
  Instant since;
  AppId app_id;
  std::uint64_t number = 0;

  auto operator<=>(const WantedKey&) const = default;
};

struct ServiceState {
  Book book;
  bool started = false;
  bool registered = false;
  std::string framework_id;  // as the master says; in the book once stored
  std::map<AppId, App> apps;
  std::set<WantedKey> wanted;
  bool suppressed = false;
  bool offers_asked = false;  // in this step something began to want them
  std::uint32_t reconciles = 0;
  bool ask_for_all = false;  // the next reconciliation also asks for what we do not know of
  std::uint64_t next_incarnation = 1;
  std::uint64_t next_persist = 0;
  std::uint64_t revision = 0;  // grows with each step that changed something to show
  std::deque<PendingWrite> writes;
  DeadlineQueue<DeadlineKey> deadlines;
  std::set<AppId> dirty;  // to be planned at the end of the step
};

}  // namespace bourse::service
