#include "coordination/core/coordinator.hpp"

#include <set>

#include "base/assert.hpp"
#include "base/fingerprint.hpp"
#include "base/probe.hpp"
#include "coordination/core/context.hpp"
#include "coordination/core/names.hpp"

namespace bourse::coordination {

namespace {

constexpr std::size_t kCountedOutcomes = 256;

void on_reply(Context& c, const Replied& event) {
  const auto it = c.state.asked.find(event.id);
  if (it == c.state.asked.end()) {
    PROBE("coordination.drops_old_reply");  // of an older session or of a try given up
    return;
  }
  const Asked asked = std::move(it->second);
  c.state.asked.erase(it);
  const zk::Reply& reply = event.reply;
  switch (asked.why) {
    case Ask::list:
      return on_list(c, reply, asked);
    case Ask::candidate:
      return on_candidate(c, reply, asked);
    case Ask::stand:
      return on_stand(c, reply, asked);
    case Ask::parent:
      return on_parent(c, reply, asked);
    case Ask::remove:
      return;  // the next look tells
    case Ask::heartbeat:
      if (reply.code == zk::Code::no_node) {
        step_down(c, "our candidate's node was removed: another master may lead");
      }
      return;
    case Ask::epoch:
      return on_epoch(c, reply, asked);
    case Ask::registry:
      return on_registry(c, reply, asked);
    case Ask::container:
      return on_container(c, reply, asked);
    case Ask::empty:
      return on_empty(c, reply, asked);
    case Ask::take:
      return on_take(c, reply, asked);
    case Ask::shards:
      return on_shards(c, reply, asked);
    case Ask::shard:
      return on_shard(c, reply, asked);
    case Ask::batch:
      return on_batch(c, reply, asked);
    case Ask::verify:
      return on_verify(c, reply, asked);
    case Ask::fence:
      return on_fence(c, reply, asked);
  }
  UNREACHABLE();
}

void on_due(Context& c, Timer timer) {
  switch (timer) {
    case Timer::open_again:
      tell_leader(c, std::nullopt, false);
      open_session(c);
      return;
    case Timer::retry:
      resume(c);
      return;
    case Timer::lapse:
      PROBE("coordination.view_lapses");
      tell_leader(c, std::nullopt, false);
      return;
    case Timer::heartbeat:
      on_heartbeat_due(c);
      return;
    case Timer::lease:
      return;  // seen before
    case Timer::stand_again:
      if (c.state.phase == Phase::withdrawn) c.state.phase = Phase::following;
      look(c);
      return;
  }
}

void note_contact(Context& c, const EventBody& body) {
  const auto* replied = std::get_if<Replied>(&body);
  if (replied == nullptr) return;
  const zk::Code code = replied->reply.code;
  if (code == zk::Code::connection_loss || code == zk::Code::expired) return;
  const auto it = c.state.asked.find(replied->id);
  if (it != c.state.asked.end()) saw_contact(c, it->second.at);
}

// What the older handles of this process say is over.
template <typename Body>
bool is_old(const Context& c, const Body& body) {
  const Session& session = c.state.session;
  if (body.session == session.number && session.link != Session::Link::none) return false;
  PROBE("coordination.drops_old_session");
  return true;
}

void dispatch(Context& c, const EventBody& body) {
  std::visit(Overloaded{
                 [&](const Started&) { open_session(c); },
                 [&](const SessionConnected& e) {
                   if (!is_old(c, e)) on_connected(c, e);
                 },
                 [&](const SessionSuspended& e) {
                   if (!is_old(c, e)) on_suspended(c);
                 },
                 [&](const SessionExpired& e) {
                   if (!is_old(c, e)) on_expired(c);
                 },
                 [&](const AuthFailed& e) {
                   if (!is_old(c, e)) on_auth_failed(c);
                 },
                 [&](const Replied& e) { on_reply(c, e); },
                 [&](const WatchFired& e) {
                   if (!is_old(c, e)) look(c);
                 },
                 [&](const Write& e) { on_write(c, e); },
                 [](const Tick&) {},
                 [&](const Declined& e) { on_declined(c, e); },
             },
             body);
}

}  // namespace

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::following:
      return "following";
    case Phase::taking:
      return "taking";
    case Phase::loading:
      return "loading";
    case Phase::leading:
      return "leading";
    case Phase::withdrawn:
      return "withdrawn";
    case Phase::stopped:
      return "stopped";
  }
  UNREACHABLE();
}

void Coordinator::step(const Event& event, Effects& effects) {
  ASSERT(state_.started != std::holds_alternative<Started>(event.body));
  state_.started = true;
  if (state_.phase == Phase::stopped) return;
  Context c{config_, state_, event.stamp, effects};
  note_contact(c, event.body);
  // Before anything else: a leader that was stopped and wakes up has nothing more to say.
  if (state_.phase == Phase::leading && !may_act(event.stamp.now)) {
    PROBE("coordination.lease_ends");
    step_down(c, "no answer from ZooKeeper for two thirds of the session: another master may lead");
    return;
  }
  dispatch(c, event.body);
  while (const auto due = state_.deadlines.pop_due(event.stamp.now)) on_due(c, *due);
  check_invariants();
}

Instant Coordinator::acts_until() const {
  return state_.phase == Phase::leading ? lease_until(config_, state_.session) : kNever;
}

void Coordinator::check_invariants() const {
  if (state_.phase == Phase::stopped) return;
  if (state_.session.link != Session::Link::connected) ASSERT(state_.asked.empty());
  const Store& store = state_.store;
  if (state_.phase == Phase::leading) {
    ASSERT(!state_.election.own.empty());
    ASSERT(state_.leadership.record.epoch > 0);
    ASSERT(state_.session.id != 0);
  } else {
    ASSERT(store.outcomes.empty() && store.pending.empty() && store.batches.empty());
  }
  std::set<std::uint32_t> busy;
  std::size_t open = store.pending.size();
  for (const auto& [number, batch] : store.batches) {
    for (const Batch::Part& part : batch.parts) {
      ASSERT(store.shards[part.shard].busy);
      ASSERT(busy.insert(part.shard).second);
    }
    open += batch.writes.size();
  }
  ASSERT(store.batches.size() <= config_.multis_in_flight);
  if (store.outcomes.size() > kCountedOutcomes) return;  // a step stays cheap under load
  std::size_t undecided = 0;
  for (const Outcome& outcome : store.outcomes) {
    if (outcome.fate == Outcome::Fate::open) ++undecided;
  }
  ASSERT(open == undecided);
}

std::uint64_t Coordinator::fingerprint() const {
  Fingerprint fp;
  fp.add(static_cast<std::uint32_t>(state_.phase));
  fp.add(state_.reason);
  fp.add(state_.session.number.raw());
  fp.add(static_cast<std::uint32_t>(state_.session.link));
  fp.add(state_.session.id);
  fp.add(state_.session.contact.ns);
  fp.add(state_.election.own);
  for (const auto& [name, candidate] : state_.election.known) {
    fp.add(name);
    fp.add(candidate.owner);
  }
  fp.add(state_.leadership.record.epoch);
  for (const Shard& shard : state_.store.shards) {
    fp.add(shard.version);
    fp.add(static_cast<std::uint64_t>(shard.bytes));
    fp.add(shard.busy);
  }
  for (const auto& [number, batch] : state_.store.batches) {
    fp.add(number);
    fp.add(static_cast<std::uint64_t>(batch.attempts));
    fp.add(batch.in_doubt);
  }
  fp.add(static_cast<std::uint64_t>(state_.store.pending.size()));
  fp.add(state_.store.first_outcome);
  fp.add(state_.requests_made);
  fp.add(state_.deadlines.next().ns);
  return fp.value();
}

}  // namespace bourse::coordination
