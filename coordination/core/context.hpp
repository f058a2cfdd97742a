// Context: what every handler of the coordinator gets: the state, the clock of this event, and
// where effects go. Private to this room. The free functions below are the handlers, one file a
// family.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.hpp"
#include "coordination/core/config.hpp"
#include "coordination/core/effect.hpp"
#include "coordination/core/event.hpp"
#include "coordination/core/state.hpp"

namespace bourse::coordination {

struct Context {
  const CoordinationConfig& config;
  CoordinatorState& state;
  const Stamp& stamp;
  Effects& effects;

  bool connected() const { return state.session.link == Session::Link::connected; }
  // Nothing leaves a coordinator that has stepped down, whatever the handler was about to do.
  template <typename Body>
  void emit(Body body) {
    if (state.phase != Phase::stopped) effects.list.push_back(Effect{std::move(body)});
  }
  void note(Note::Level level, std::string code,
            std::vector<std::pair<std::string, std::string>> fields) {
    effects.notes.push_back({level, std::move(code), std::move(fields)});
  }
  void arm(Timer timer, Duration in) { state.deadlines.arm(timer, stamp.now + in); }
  void disarm(Timer timer) { state.deadlines.disarm(timer); }

  // REQUIRES connected(): the client library may not be called at other times.
  void ask(zk::Request request, Asked asked);
  bool asking(Ask why) const;
  void forget(Ask why);
  // Half to the whole of `base`, doubled `times`, at most `most`.
  Duration backoff(Duration base, Duration most, std::uint32_t times);
};

// session.cpp: handles, sessions, the lease.
void open_session(Context& c);
void open_later(Context& c);
void on_connected(Context& c, const SessionConnected& event);
void on_suspended(Context& c);
void on_expired(Context& c);
void on_auth_failed(Context& c);
void saw_contact(Context& c, Instant at);
void on_heartbeat_due(Context& c);
void step_down(Context& c, std::string reason);
// When a leader's own lease ends.
Instant lease_until(const CoordinationConfig& config, const Session& session);
// A request other than a write was refused or lost: whatever waits for it starts again later.
void retry_later(Context& c, const Asked& asked, const zk::Reply& reply);
void resume(Context& c);

// election.cpp: who stands, who leads, standing ourselves.
void look(Context& c);
void on_list(Context& c, const zk::Reply& reply, const Asked& asked);
void on_candidate(Context& c, const zk::Reply& reply, const Asked& asked);
void on_stand(Context& c, const zk::Reply& reply, const Asked& asked);
void on_parent(Context& c, const zk::Reply& reply, const Asked& asked);
void tell_leader(Context& c, std::optional<std::string> info, bool ours);
void withdraw(Context& c, const std::string& reason);
void on_declined(Context& c, const Declined& event);

// taking.cpp: from first in line to the owner of the epoch.
void take(Context& c);
void on_epoch(Context& c, const zk::Reply& reply, const Asked& asked);
void on_registry(Context& c, const zk::Reply& reply, const Asked& asked);
void on_container(Context& c, const zk::Reply& reply, const Asked& asked);
void on_empty(Context& c, const zk::Reply& reply, const Asked& asked);
void on_take(Context& c, const zk::Reply& reply, const Asked& asked);
void give_up_taking(Context& c);

// loading.cpp: reading the registry.
void load(Context& c);
void on_shards(Context& c, const zk::Reply& reply, const Asked& asked);
void on_shard(Context& c, const zk::Reply& reply, const Asked& asked);

// writing.cpp: writes gather into transactions.
void on_write(Context& c, const Write& event);
void gather(Context& c);
void tell_outcomes(Context& c);
Outcome& outcome_of(Store& store, std::uint64_t write);

// settling.cpp: what became of a transaction.
void send(Context& c, std::uint64_t number, Batch& batch);
void send_lost(Context& c);
void on_batch(Context& c, const zk::Reply& reply, const Asked& asked);
void on_verify(Context& c, const zk::Reply& reply, const Asked& asked);
void on_fence(Context& c, const zk::Reply& reply, const Asked& asked);

}  // namespace bourse::coordination
