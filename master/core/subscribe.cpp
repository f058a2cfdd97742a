// A framework comes, comes back or changes. What it is called is written before it hears of it.
#include <algorithm>
#include <limits>
#include <set>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Kind = DeadlineKey::Kind;

// How an answer finds the asker before it has a session.
struct Asker {
  PeerId stream;
  std::uint64_t session = 0;  // 0: HTTP
  RequestId request;
  Capabilities capabilities;
};

Effect to_asker(const Context& c, const Asker& asker, SchedulerEvent event) {
  LinkHeader header;
  if (asker.session != 0) header = {asker.session, 0, c.state.epoch};
  return {SendToFramework{asker.stream, asker.capabilities, {header, std::move(event)}}};
}

// As Mesos: the stream opens and carries one ERROR.
void refuse(Context& c, const Asker& asker, const std::string& reason) {
  c.note(Note::Level::warning, "framework.refused", {{"reason", reason}});
  c.answer(asker.request, {});
  c.emit(to_asker(c, asker, event::Error{reason}));
  c.emit({ClosePeer{asker.stream, reason}});
}

// Another instance was faster than the registry: this one hears what an older instance hears.
void overtake(Context& c, const PendingSubscription& older) {
  if (older.update_only) {
    c.answer(older.request, Error{ErrorCode::unavailable, "the framework subscribed meanwhile"});
    return;
  }
  if (older.stream.empty()) return;
  c.state.framework_of_stream.erase(older.stream);
  if (older.request.empty()) {
    c.emit({ClosePeer{older.stream, "Framework failed over"}});
    return;
  }
  const Asker asker{older.stream, 0, older.request, older.facet->capabilities};
  c.answer(older.request, {});
  c.emit(to_asker(c, asker, event::Error{"Framework failed over"}));
  c.emit({ClosePeer{older.stream, "Framework failed over"}});
}

std::vector<Effect> welcome(const Context& c, const Asker& asker, const FrameworkId& id) {
  std::vector<Effect> out;
  if (!asker.request.empty()) out.push_back({Answer{asker.request, {}, c.state.sequence}});
  out.push_back(
      to_asker(c, asker, event::Subscribed{id, heartbeat_interval(c, asker.session == 0)}));
  out.push_back(to_asker(c, asker, event::Heartbeat{}));
  return out;
}

FrameworkFacetPtr with_id(const FrameworkFacet& facet, const FrameworkId& id) {
  FrameworkFacet copy = facet;
  copy.id = id;
  if (copy.roles.empty()) copy.roles = {"*"};
  return std::make_shared<const FrameworkFacet>(std::move(copy));
}

void set_roles(Context& c, FrameworkSlot slot, const std::vector<std::string>& suppressed) {
  Framework& framework = c.state.frameworks.at(slot);
  for (Role& role : framework.roles) role.subscribed = false;
  for (const std::string& name : framework.facet->roles) {
    const auto it = std::find_if(framework.roles.begin(), framework.roles.end(),
                                 [&](const Role& role) { return role.name == name; });
    Role& role = it != framework.roles.end() ? *it : framework.roles.emplace_back();
    role.name = name;
    role.subscribed = true;
    role.suppressed = std::find(suppressed.begin(), suppressed.end(), name) != suppressed.end();
  }
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    enter_role(c, slot, i);
    update_role(c, slot, i);
    claim_is_active(c, framework.roles[i]);
  }
}

// The older instance is cut off: from here on its calls are refused.
void fail_over(Context& c, FrameworkSlot slot, PeerId stream) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!framework.connected()) return;
  for (const OfferSlot offer : std::vector<OfferSlot>(framework.offers)) {
    close_offer(c, offer, change::OfferRemoved::Why::rescinded);
  }
  withdraw_asks(c, slot);
  const PeerId old = framework.session.peer;
  if (old == stream) return;
  send_to_framework(c, framework, event::Error{"Framework failed over"});
  c.emit({ClosePeer{old, "Framework failed over"}});
  c.state.framework_of_stream.erase(old);
  c.note(Note::Level::info, "framework.failed_over", {{"framework_id", framework.id.raw()}});
}

// What it was not told while it was away, or did not acknowledge: told again at once.
void forward_unacknowledged(Context& c, Framework& framework) {
  for (const TaskSlot slot : framework.tasks) {
    const Task& task = c.state.tasks.at(slot);
    if (!task.acknowledged && task.told) {
      send_to_framework(c, framework, event::Update{task.told});
    }
  }
  forward_outcomes(c, framework);
}

void tell_agents(Context& c, const Framework& framework) {
  std::set<AgentSlot> agents;
  for (const TaskSlot slot : framework.tasks) agents.insert(c.state.tasks.at(slot).agent);
  for (const AgentSlot slot : agents) {
    send_to_agent(c, c.state.agents.at(slot), to_agent::UpdateFramework{framework.facet});
  }
}

void complete(Context& c, FrameworkSlot slot, const PendingSubscription& subscription) {
  Framework& framework = c.state.frameworks.at(slot);
  const bool first = framework.phase == FrameworkPhase::admitting;
  const bool changed = first || !(*framework.facet == *subscription.facet);
  fail_over(c, slot, subscription.stream);
  framework.facet = subscription.facet;
  set_budget(framework);
  framework.constraints = subscription.constraints;
  framework.phase = FrameworkPhase::subscribed;
  framework.session = Session{subscription.stream, subscription.session, {}, {}, c.stamp.now};
  framework.http = subscription.session == 0;
  if (!first) framework.reregistered_at = c.stamp.wall;
  if (!subscription.stream.empty()) {
    c.state.framework_of_stream.insert_or_assign(subscription.stream, slot);
  }
  end_absence(c, slot);
  watch_session(c, slot);
  forget_demand(c, slot);
  set_roles(c, slot, subscription.suppressed_roles);
  // Whoever subscribes need not know what was refused before it: it may be another scheduler.
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) drop_filters(c, slot, i);
  publish_framework(c, framework);
  c.note(Note::Level::info, "framework.subscribed",
         {{"framework_id", framework.id.raw()}, {"name", framework.facet->name}});
  touch_framework(c, slot);
  touch_all_rooms(c);
  touch_planned_agents_of(c, slot);
  if (changed && !first) tell_agents(c, framework);
  forward_unacknowledged(c, framework);
  if (subscription.stream.empty()) disconnect_framework(c, slot, "its connection broke");
}

void subscribe_new(Context& c, const Asker& asker, const call::Subscribe& call,
                   const FrameworkId& given) {
  if (c.state.frameworks.size() >= limits::kMaxFrameworks) {
    refuse(c, asker,
           "the cluster has " + std::to_string(limits::kMaxFrameworks) + " frameworks, its limit");
    return;
  }
  Framework framework;
  framework.id = given;
  if (given.empty()) {
    std::string number = std::to_string(c.state.next_framework++);
    number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
    framework.id = FrameworkId(c.state.id_prefix + "-" + number);
  }
  const FrameworkId id = framework.id;
  framework.facet = with_id(call.framework, id);
  framework.registered_at = c.stamp.wall;
  const FrameworkFacetPtr facet = framework.facet;
  const FrameworkSlot slot = c.state.frameworks.insert(std::move(framework));
  c.state.framework_of.emplace(id, slot);
  c.state.framework_of_stream.insert_or_assign(asker.stream, slot);
  const PersistId persisted = persist(c, registry::PutFramework{*facet, c.stamp.wall},
                                      pending::Subscription{slot}, welcome(c, asker, id));
  c.state.frameworks.at(slot).pending = PendingSubscription{
      persisted, asker.stream,          asker.session, asker.session,         asker.request,
      facet,     call.suppressed_roles, false,         call.offer_constraints};
}

// An older attempt of the same connection arrived late.
bool is_stale(const Framework& framework, const Asker& asker) {
  if (asker.session == 0) return false;
  if (framework.pending && framework.pending->stream == asker.stream &&
      asker.session <= framework.pending->session) {
    return true;
  }
  return framework.connected() && framework.session.peer == asker.stream &&
         asker.session <= framework.session.number;
}

void subscribe_again(Context& c, FrameworkSlot slot, const Asker& asker, const Principal& principal,
                     const call::Subscribe& call) {
  Framework& framework = c.state.frameworks.at(slot);
  if (framework.phase == FrameworkPhase::removing) {
    // Whether it was will be known in a moment: an SDK asks again by itself.
    c.answer(asker.request, Error{ErrorCode::unavailable, "the framework is being removed"});
    return;
  }
  if (const Status allowed =
          authorize(principal, Action::call_as_framework, framework.facet->principal);
      !allowed.ok()) {
    refuse(c, asker, allowed.error().message);
    return;
  }
  // One that named nobody before may name now who it proves to be.
  const bool takes_own = framework.facet->principal.empty() && !principal.name.empty() &&
                         call.framework.principal == principal.name;
  if (call.framework.principal != framework.facet->principal && !takes_own) {
    refuse(c, asker,
           "framework_info.principal: '" + call.framework.principal + "' is not '" +
               framework.facet->principal + "', which cannot change");
    return;
  }
  if (is_stale(framework, asker)) {
    PROBE("master.stale_subscription");
    return;
  }
  const FrameworkFacetPtr facet = with_id(call.framework, framework.id);
  if (framework.phase == FrameworkPhase::admitting) {
    // Its first subscription is still being written: this one takes its place on the way.
    PendingSubscription& pending = *framework.pending;
    if (!pending.request.empty()) {
      overtake(c, pending);
    } else {
      c.state.framework_of_stream.erase(pending.stream);
    }
    c.state.framework_of_stream.insert_or_assign(asker.stream, slot);
    pending.stream = asker.stream;
    pending.session = asker.session;
    pending.request = asker.request;
    pending.facet = facet;
    pending.suppressed_roles = call.suppressed_roles;
    pending.constraints = call.offer_constraints;
    framework.pending_moved = true;
    return;
  }
  PendingSubscription subscription{
      {},    asker.stream,          asker.session, asker.session,         asker.request,
      facet, call.suppressed_roles, false,         call.offer_constraints};
  if (framework.pending && framework.pending->stream != asker.stream) {
    if (!framework.pending->update_only) PROBE("master.subscription_overtaken");
    overtake(c, *framework.pending);
  }
  // A leader that counted on from what is written of its absence would remove it too early.
  if (*facet == *framework.facet && !framework.pending && !framework.away_noted) {
    for (Effect& effect : welcome(c, asker, framework.id)) c.emit(std::move(effect));
    complete(c, slot, subscription);
    return;
  }
  c.state.framework_of_stream.insert_or_assign(asker.stream, slot);
  subscription.persist = persist(c, registry::PutFramework{*facet, framework.registered_at},
                                 pending::Subscription{slot}, welcome(c, asker, framework.id));
  framework.pending = std::move(subscription);
}

}  // namespace

void watch_session(Context& c, FrameworkSlot slot) {
  const bool http = c.state.frameworks.at(slot).http;
  c.arm(Kind::framework_heartbeat, slot, c.stamp.now + heartbeat_interval(c, http));
  if (http) {  // its connection tells
    c.disarm(Kind::framework_silence, slot);
    return;
  }
  c.arm(Kind::framework_silence, slot, c.stamp.now + c.config.framework_silence);
}

void on_subscribe(Context& c, const FromFramework& event, const call::Subscribe& asked) {
  call::Subscribe call = asked;
  const std::uint64_t session = event.request.empty() ? event.message.header.session : 0;
  const Asker asker{event.stream, session, event.request, call.framework.capabilities};
  if (!c.state.leading) {
    c.answer(event.request, Error{ErrorCode::unavailable, "this master does not lead yet"});
    return;
  }
  if (const Status allowed =
          authorize(event.principal, Action::register_framework, call.framework.name);
      !allowed.ok()) {
    refuse(c, asker, allowed.error().message);
    return;
  }
  if (const auto wrong = validate_framework(call.framework, call.suppressed_roles)) {
    refuse(c, asker, *wrong);
    return;
  }
  if (const Status ok = compile_constraints(call.offer_constraints, call.framework); !ok) {
    refuse(c, asker, ok.error().message);
    return;
  }
  const auto* body = std::get_if<SchedulerCall>(&event.message.body);
  const FrameworkId id = body->framework_id.empty() ? call.framework.id : body->framework_id;
  if (id.empty()) {
    // A repeated first subscription, when its answer was lost: the connection tells.
    const auto known = c.state.framework_of_stream.find(event.stream);
    if (known != c.state.framework_of_stream.end()) {
      subscribe_again(c, known->second, asker, event.principal, call);
    } else {
      subscribe_new(c, asker, call, id);
    }
    return;
  }
  if (c.state.removed_frameworks.contains(id)) {
    refuse(c, asker, "Framework has been removed");
    return;
  }
  const auto known = c.state.framework_of.find(id);
  if (known != c.state.framework_of.end()) {
    subscribe_again(c, known->second, asker, event.principal, call);
  } else {
    subscribe_new(c, asker, call, id);
  }
}

void on_update_framework(Context& c, FrameworkSlot slot, const FromFramework& event,
                         const call::UpdateFramework& call) {
  Framework& framework = c.state.frameworks.at(slot);
  if (const auto wrong = validate_framework(call.framework, call.suppressed_roles)) {
    c.answer(event.request, invalid(*wrong));
    return;
  }
  OfferConstraintsPtr constraints = call.offer_constraints;
  if (const Status ok = compile_constraints(constraints, call.framework); !ok) {
    c.answer(event.request, ok);
    return;
  }
  if (call.framework.principal != framework.facet->principal) {
    c.answer(event.request, invalid("framework_info.principal cannot change"));
    return;
  }
  if (call.framework.user != framework.facet->user) {
    c.answer(event.request,
             invalid("Updating 'FrameworkInfo.user' is unsupported; attempted to update from '" +
                     framework.facet->user + "' to '" + call.framework.user + "'"));
    return;
  }
  if (call.framework.checkpoint != framework.facet->checkpoint) {
    c.answer(event.request,
             invalid(std::string("Updating 'FrameworkInfo.checkpoint' is unsupported; attempted "
                                 "to update from '") +
                     (framework.facet->checkpoint ? "true" : "false") + "' to '" +
                     (call.framework.checkpoint ? "true" : "false") + "'"));
    return;
  }
  if (framework.pending) {
    c.answer(event.request,
             Error{ErrorCode::unavailable, "another update is being written; try again"});
    return;
  }
  const FrameworkFacetPtr facet = with_id(call.framework, framework.id);
  PendingSubscription update{{},
                             framework.session.peer,
                             framework.session.number,
                             framework.session.number,
                             event.request,
                             facet,
                             call.suppressed_roles,
                             true,
                             constraints};
  std::vector<Effect> after;
  if (!event.request.empty()) after.push_back({Answer{event.request, {}, c.state.sequence}});
  update.persist = persist(c, registry::PutFramework{*facet, framework.registered_at},
                           pending::Subscription{slot}, std::move(after));
  framework.pending = std::move(update);
}

namespace {

// Written is what its first instance said; a second one that says something else came meanwhile.
// From here on it is as one that another master knew and that comes back changed.
void write_newer(Context& c, FrameworkSlot slot, PendingSubscription subscription) {
  PROBE("master.subscription_changed_on_its_way");
  Framework& framework = c.state.frameworks.at(slot);
  framework.phase = FrameworkPhase::recovered;
  framework.pending_moved = false;
  set_roles(c, slot, {});
  publish_framework(c, framework);
  touch_framework(c, slot);
  const Duration grace = std::max(framework.facet->failover_timeout, c.config.framework_recovery);
  c.arm(Kind::framework_removal, slot, c.stamp.now + grace);
  const Asker asker{subscription.stream, subscription.session, subscription.request,
                    subscription.facet->capabilities};
  std::vector<Effect> after;
  if (!asker.stream.empty()) after = welcome(c, asker, framework.id);
  subscription.promised = subscription.session;
  subscription.persist =
      persist(c, registry::PutFramework{*subscription.facet, framework.registered_at},
              pending::Subscription{slot}, std::move(after));
  framework.pending = std::move(subscription);
}

}  // namespace

void on_subscription_stored(Context& c, FrameworkSlot slot, PersistId id) {
  Framework* framework = c.state.frameworks.find(slot);
  if (framework == nullptr || !framework->pending || framework->pending->persist != id) return;
  const PendingSubscription subscription = std::move(*framework->pending);
  framework->pending.reset();
  if (framework->phase == FrameworkPhase::removing) return;
  if (framework->phase == FrameworkPhase::admitting &&
      !(*subscription.facet == *framework->facet)) {
    write_newer(c, slot, subscription);
    return;
  }
  if (subscription.update_only) {
    framework->facet = subscription.facet;
    set_budget(*framework);
    framework->constraints = subscription.constraints;
    narrow_demand(c, slot);
    set_roles(c, slot, subscription.suppressed_roles);
    publish_framework(c, *framework);
    tell_agents(c, *framework);
    touch_framework(c, slot);
    touch_all_rooms(c);
    return;
  }
  if (subscription.session != subscription.promised || framework->pending_moved) {
    framework->pending_moved = false;
    const Asker asker{subscription.stream, subscription.session, subscription.request,
                      subscription.facet->capabilities};
    for (Effect& effect : welcome(c, asker, framework->id)) c.emit(std::move(effect));
  }
  complete(c, slot, subscription);
}

void on_subscription_rejected(Context& c, FrameworkSlot slot, PersistId id,
                              const std::string& reason) {
  Framework* framework = c.state.frameworks.find(slot);
  if (framework == nullptr || !framework->pending || framework->pending->persist != id) return;
  const PendingSubscription subscription = std::move(*framework->pending);
  framework->pending.reset();
  const std::string message = "the subscription was not stored: " + reason;
  c.answer(subscription.request, Error{ErrorCode::unavailable, message});
  if (subscription.update_only) return;
  // An SDK subscribes again by itself: an ERROR would end it.
  if (subscription.session == 0) c.emit({ClosePeer{subscription.stream, message}});
  if (framework->session.peer != subscription.stream) {
    c.state.framework_of_stream.erase(subscription.stream);
  }
  if (framework->phase == FrameworkPhase::disconnected) await_return(c, slot);
  if (framework->phase != FrameworkPhase::admitting) return;
  c.state.framework_of.erase(framework->id);
  c.state.frameworks.erase(slot);
}

}  // namespace bourse::master
