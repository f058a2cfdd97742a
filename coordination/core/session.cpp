// The session with ZooKeeper: opening handles, losing them, and the lease that a leader keeps for
// itself.
#include <algorithm>

#include "base/assert.hpp"
#include "base/prng.hpp"
#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"

namespace bourse::coordination {

namespace {

using Link = Session::Link;

// What was under way comes to nothing, or is in doubt.
void drop_requests(Context& c) {
  c.state.asked.clear();
  Election& election = c.state.election;
  election.looking = false;
  election.look_again = false;
  election.creating = false;
  Loading& loading = c.state.loading;
  loading.in_flight = 0;
  for (auto& [number, batch] : c.state.store.batches) {
    batch.lost = true;
    batch.in_doubt = true;
  }
}

bool asks_for_taking(const Context& c) {
  for (const auto& [id, asked] : c.state.asked) {
    if (asked.why >= Ask::epoch && asked.why <= Ask::take) return true;
  }
  return false;
}

}  // namespace

void Context::ask(zk::Request request, Asked asked) {
  if (state.phase == Phase::stopped) return;
  ASSERT(connected());
  asked.at = stamp.now;
  const ZkRequestId id(++state.requests_made);
  state.asked.emplace(id, std::move(asked));
  emit(ZkRequest{id, std::move(request)});
}

bool Context::asking(Ask why) const {
  return std::any_of(state.asked.begin(), state.asked.end(),
                     [&](const auto& row) { return row.second.why == why; });
}

void Context::forget(Ask why) {
  std::erase_if(state.asked, [&](const auto& row) { return row.second.why == why; });
}

Duration Context::backoff(Duration base, Duration most, std::uint32_t times) {
  for (; times > 0 && base < most; --times) base = base * 2;
  base = std::min(base, most);
  // Masters that lost one ensemble do not come back in one instant.
  std::uint64_t seed = config.seed ^ ++state.jitters;
  const auto half = static_cast<std::uint64_t>(base.ns / 2);
  return Duration{static_cast<std::int64_t>(half + splitmix64(seed) % (half + 1))};
}

void open_session(Context& c) {
  Session& session = c.state.session;
  drop_requests(c);
  give_up_taking(c);
  Election& election = c.state.election;
  election.known.clear();
  election.listed.clear();
  election.own.clear();
  session.number = SessionNumber(session.number.raw() + 1);
  session.link = Link::opening;
  session.id = 0;
  c.disarm(Timer::retry);
  // Servers move: a new handle resolves their names again.
  c.arm(Timer::open_again, c.backoff(c.config.reopen, c.config.stand_again_max, session.failures));
  ++session.failures;
  c.emit(OpenSession{session.number});
}

void open_later(Context& c) {
  Session& session = c.state.session;
  drop_requests(c);
  session.link = Link::none;
  c.arm(Timer::open_again, c.backoff(c.config.retry, c.config.refused_retry_max, session.failures));
}

void on_connected(Context& c, const SessionConnected& event) {
  Session& session = c.state.session;
  if (session.id != 0 && session.id != event.id) {
    PROBE("coordination.session_replaced");
    on_expired(c);
    return;
  }
  session.link = Link::connected;
  session.id = event.id;
  session.timeout = event.timeout;
  session.failures = 0;
  c.state.retries = 0;
  c.disarm(Timer::open_again);
  c.disarm(Timer::retry);
  c.disarm(Timer::lapse);
  resume(c);
}

void on_suspended(Context& c) {
  Session& session = c.state.session;
  if (session.link != Link::connected) return;
  session.link = Link::suspended;
  drop_requests(c);
  c.disarm(Timer::retry);
  if (c.state.phase == Phase::leading) return;  // until its lease ends
  c.arm(Timer::lapse, session.timeout);
  c.arm(Timer::open_again, c.backoff(c.config.reopen, c.config.stand_again_max, 0));
}

void on_expired(Context& c) {
  if (c.state.phase == Phase::leading) {
    step_down(c, "the ZooKeeper session expired: another master may lead");
    return;
  }
  PROBE("coordination.expired_standby");
  tell_leader(c, std::nullopt, false);
  if (c.state.session.failures == 0) {
    open_session(c);
  } else {
    give_up_taking(c);
    open_later(c);
  }
}

void on_auth_failed(Context& c) {
  if (c.state.phase == Phase::leading) {
    step_down(c,
              "ZooKeeper no longer accepts our credentials: check user and password in the "
              "zk:// address");
    return;
  }
  c.note(Note::Level::error, "coordination.auth_failed",
         {{"reason",
           "ZooKeeper refused the credentials: check user and password in the zk:// "
           "address"}});
  give_up_taking(c);
  ++c.state.session.failures;
  open_later(c);
}

Instant lease_until(const CoordinationConfig& config, const Session& session) {
  return session.contact + (session.timeout * 2 / 3 - config.lease_margin);
}

// Counted from when the request was made, not from when its answer was read: the servers heard from
// us in between, and we may have been stopped with the answer waiting.
void saw_contact(Context& c, Instant at) {
  Session& session = c.state.session;
  session.contact = std::max(session.contact, at);
  if (c.state.phase == Phase::leading) {
    c.state.deadlines.arm(Timer::lease, lease_until(c.config, session));
  }
}

void on_heartbeat_due(Context& c) {
  if (c.state.phase != Phase::leading) return;
  c.arm(Timer::heartbeat, c.state.session.timeout / 6);
  if (!c.connected() || c.asking(Ask::heartbeat)) return;
  // Asking for the own node also tells when somebody removed it.
  c.ask(zk::Exists{candidate_path(c.config.path, c.state.election.own)},
        {Ask::heartbeat, {}, 0, {}});
}

void step_down(Context& c, std::string reason) {
  if (c.state.phase == Phase::stopped) return;
  c.note(Note::Level::error, "coordination.step_down", {{"reason", reason}});
  c.emit(StepDown{reason});
  c.state.phase = Phase::stopped;
  c.state.reason = std::move(reason);
  c.state.asked.clear();
  c.state.deadlines = {};
}

void retry_later(Context& c, const Asked& asked, const zk::Reply& reply) {
  Election& election = c.state.election;
  if (asked.why == Ask::list || asked.why == Ask::candidate) {
    election.looking = false;
    c.forget(Ask::list);
    c.forget(Ask::candidate);
  }
  if (asked.why == Ask::stand || asked.why == Ask::parent) election.creating = false;
  if (reply.code == zk::Code::expired) return;  // SessionExpired follows
  Duration most = c.config.retry_max;
  if (reply.code != zk::Code::connection_loss) {
    most = c.config.refused_retry_max;
    c.note(Note::Level::error, "coordination.refused",
           {{"path", asked.name},
            {"code", name_of(reply.code)},
            {"reason", reply.code == zk::Code::no_auth
                           ? "the access list of this node does not admit us: use the "
                             "credentials that made it"
                           : reply.data}});
  }
  if (c.connected()) c.arm(Timer::retry, c.backoff(c.config.retry, most, c.state.retries));
  ++c.state.retries;
}

void resume(Context& c) {
  if (!c.connected()) return;
  look(c);
  switch (c.state.phase) {
    case Phase::taking:
      if (!asks_for_taking(c)) take(c);
      return;
    case Phase::loading:
      load(c);
      return;
    case Phase::leading:
      send_lost(c);
      gather(c);
      return;
    default:
      return;
  }
}

}  // namespace bourse::coordination
