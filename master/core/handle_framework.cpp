// Calls of frameworks, and how a framework ends.
//
// Every HTTP call (FromFramework::request is set) is answered, with the code a shell maps to HTTP:
//   ok 202 · invalid 400 · not_found 400 "Framework cannot be found" (as Mesos) · denied 403 ·
//   conflict 403 (not subscribed) · too_large 413 · unsupported 501 · unavailable 503 · full 503.
// `stream` is empty when the call named none, and one that nobody has when it named an unknown one.
// A SUBSCRIBE is answered too: ok opens the stream, on which SUBSCRIBED or one ERROR follows.
//
// Over the SDK's link nothing answers: a refused call leaves a Note. A peer whose session is over,
// or that this master never knew, is told so by a heartbeat that claims more frames than it can
// have got (sequence 2^64-1): it subscribes again.
#include <algorithm>
#include <limits>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Due = DeadlineKey::Kind;

void tell_session_over(Context& c, PeerId stream, std::uint64_t session) {
  if (session == 0) return;
  const LinkHeader header{session, std::numeric_limits<std::uint64_t>::max(), c.state.epoch};
  c.emit({SendToFramework{stream, {}, {header, event::Heartbeat{}}}});
}

// Says whether the frame is to be acted on; what is wrong with it is dealt with.
bool in_order(Context& c, FrameworkSlot slot, const FromFramework& event) {
  Framework& framework = c.state.frameworks.at(slot);
  const LinkHeader& header = event.message.header;
  if (!event.request.empty() || framework.http) return true;
  if (framework.phase == FrameworkPhase::removing) return false;  // its end, or not, comes soon
  if (!framework.connected() || framework.session.peer != event.stream ||
      framework.session.number != header.session) {
    PROBE("master.framework_frame_of_old_session");
    const bool late = framework.session.peer == event.stream && framework.connected() &&
                      header.session < framework.session.number;
    const bool pending = framework.pending && framework.pending->session >= header.session;
    if (!late && !pending) tell_session_over(c, event.stream, header.session);
    return false;
  }
  framework.session.last_heard = c.stamp.now;
  switch (framework.session.receiver.arrive(header.sequence)) {
    case Arrival::fresh:
      return true;
    case Arrival::repeat:
      PROBE("master.framework_frame_repeated");
      return false;
    case Arrival::gap:
      PROBE("master.framework_frame_lost");
      tell_session_over(c, event.stream, header.session);
      return false;
  }
  return false;
}

void on_sdk_heartbeat(Context& c, const FromFramework& event) {
  const LinkHeader& header = event.message.header;
  const auto it = c.state.framework_of_stream.find(event.stream);
  Framework* framework =
      it == c.state.framework_of_stream.end() ? nullptr : c.state.frameworks.find(it->second);
  if (framework == nullptr || !framework->connected() || framework->session.peer != event.stream ||
      framework->session.number != header.session) {
    const bool soon_known =
        framework && (framework->pending || framework->phase == FrameworkPhase::removing);
    if (!soon_known) {
      tell_session_over(c, event.stream, header.session);
    }
    return;
  }
  framework->session.last_heard = c.stamp.now;
  if (!framework->session.receiver.complete(header.sequence)) {
    PROBE("master.framework_frame_lost");
    tell_session_over(c, event.stream, header.session);
  }
}

// What stands against acting on a call of this framework, in Mesos' order.
Status admissible(const Context& c, const Framework& framework, const FromFramework& event) {
  if (const Status allowed =
          authorize(event.principal, Action::call_as_framework, framework.facet->principal);
      !allowed.ok()) {
    return allowed;
  }
  if (!framework.connected()) {
    return Error{ErrorCode::conflict, "Framework is not subscribed"};
  }
  if (event.stream.empty()) {
    return invalid("All non-subscribe calls should include the 'Mesos-Stream-Id' header");
  }
  if (framework.session.peer != event.stream) {
    PROBE("master.call_of_old_instance");
    return invalid(
        "The stream ID included in this request didn't match the stream ID currently "
        "associated with framework ID " +
        framework.id.raw());
  }
  (void)c;
  return {};
}

Status change_suppression(Context& c, FrameworkSlot slot, const std::vector<std::string>& roles,
                          bool suppress) {
  Framework& framework = c.state.frameworks.at(slot);
  for (const std::string& name : roles) {
    const bool own =
        std::any_of(framework.roles.begin(), framework.roles.end(),
                    [&](const Role& role) { return role.subscribed && role.name == name; });
    if (!own) return invalid("roles: the framework is not in role '" + name + "'");
  }
  bool changed = false;
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    Role& role = framework.roles[i];
    const bool named =
        roles.empty() || std::find(roles.begin(), roles.end(), role.name) != roles.end();
    if (!role.subscribed || !named) continue;
    changed = changed || role.suppressed != suppress;
    role.suppressed = suppress;
    update_role(c, slot, i);
    if (suppress) continue;
    drop_filters(c, slot, i);
    claim_is_active(c, role);
  }
  if (!suppress) touch_all_rooms(c);
  if (changed) publish_framework(c, framework);
  return {};
}

Status on_publish(Context& c, FrameworkSlot slot, const call::Publish& call) {
  Framework& framework = c.state.frameworks.at(slot);
  const auto allowed = [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '.' || ch == '_' ||
           ch == '-';
  };
  if (call.name.empty() || call.name.size() > limits::kMaxPublishedNameBytes ||
      !std::all_of(call.name.begin(), call.name.end(), allowed)) {
    return invalid("publish.name: must be 1 to 64 of a-z 0-9 . _ -");
  }
  if (call.content.size() > limits::kMaxPublishedBytes) {
    return Error{ErrorCode::too_large, "publish.content: " + std::to_string(call.content.size()) +
                                           " bytes, more than " +
                                           std::to_string(limits::kMaxPublishedBytes)};
  }
  if (!framework.published.contains(call.name) &&
      framework.published.size() >= limits::kMaxPublishedDocuments) {
    // Not `full`, which is answered 503: waiting makes no room.
    return invalid("publish.name: the framework has published " +
                   std::to_string(limits::kMaxPublishedDocuments) +
                   " documents already, the most that it may; replace one of them");
  }
  framework.published[call.name] = call.content.size();
  c.publish(change::Published{framework.id, call.name,
                              std::make_shared<const std::string>(call.content)});
  return {};
}

// One call of a subscribed framework. What is answered later (it waits for the registry) says so by
// nullopt.
struct OnCall {
  Context& c;
  FrameworkSlot slot;
  const FromFramework& event;

  using Outcome = std::optional<Status>;

  Outcome operator()(const call::Subscribe&) const { return Status{}; }
  Outcome operator()(const call::Teardown&) const {
    if (const Status allowed = authorize(event.principal, Action::teardown_framework,
                                         c.state.frameworks.at(slot).id.raw());
        !allowed.ok()) {
      return allowed;
    }
    begin_removal(c, slot, event.request, "it asked for its teardown");
    return std::nullopt;
  }
  Outcome operator()(const call::Accept& call) const {
    return on_accept(c, slot, event.principal, call);
  }
  Outcome operator()(const call::Decline& call) const {
    on_decline(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Revive& call) const {
    return change_suppression(c, slot, call.roles, false);
  }
  Outcome operator()(const call::Suppress& call) const {
    return change_suppression(c, slot, call.roles, true);
  }
  Outcome operator()(const call::Kill& call) const {
    on_kill(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Shutdown& call) const {
    on_shutdown(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Acknowledge& call) const {
    on_acknowledge(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Reconcile& call) const {
    if (call.tasks.size() > limits::kMaxReconcilePerCall) {
      return Error{ErrorCode::too_large, "reconcile.tasks: " + std::to_string(call.tasks.size()) +
                                             " tasks, more than " +
                                             std::to_string(limits::kMaxReconcilePerCall)};
    }
    on_reconcile(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Message& call) const {
    if (call.data.size() > limits::kMaxFrameworkMessageBytes) {
      return Error{ErrorCode::too_large, "message.data: " + std::to_string(call.data.size()) +
                                             " bytes, more than " +
                                             std::to_string(limits::kMaxFrameworkMessageBytes)};
    }
    on_framework_data(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::UpdateFramework& call) const {
    on_update_framework(c, slot, event, call);
    return std::nullopt;
  }
  Outcome operator()(const call::Publish& call) const { return on_publish(c, slot, call); }
  Outcome operator()(const call::AnswerInverseOffers& call) const {
    on_answer_inverse_offers(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::AcknowledgeOperation& call) const {
    on_acknowledge_operation(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::ReconcileOperations& call) const {
    if (call.operations.size() > limits::kMaxReconcilePerCall) {
      return Error{ErrorCode::too_large,
                   "reconcile_operations.operations: " + std::to_string(call.operations.size()) +
                       " operations, more than " + std::to_string(limits::kMaxReconcilePerCall)};
    }
    on_reconcile_operations(c, slot, call);
    return Status{};
  }
  Outcome operator()(const call::Request& call) const { return on_request(c, slot, call); }
  Outcome operator()(const call::Unsupported& call) const {
    return Error{ErrorCode::unsupported, "type: " + call.type + " is not supported by this build"};
  }
};

void close_offers(Context& c, Framework& framework) {
  for (const OfferSlot offer : std::vector<OfferSlot>(framework.offers)) {
    close_offer(c, offer, change::OfferRemoved::Why::rescinded);
  }
}

}  // namespace

void on_framework_message(Context& c, const FromFramework& event) {
  const auto* call = std::get_if<SchedulerCall>(&event.message.body);
  if (call == nullptr) {
    on_sdk_heartbeat(c, event);
    return;
  }
  if (const auto* subscribe = std::get_if<call::Subscribe>(&call->body)) {
    on_subscribe(c, event, *subscribe);
    return;
  }
  if (!c.state.leading) {
    c.answer(event.request, Error{ErrorCode::unavailable, "this master does not lead yet"});
    return;
  }
  const auto it = c.state.framework_of.find(call->framework_id);
  if (it == c.state.framework_of.end()) {
    c.answer(event.request, Error{ErrorCode::not_found, "Framework cannot be found"});
    if (event.request.empty()) tell_session_over(c, event.stream, event.message.header.session);
    return;
  }
  const FrameworkSlot slot = it->second;
  if (!in_order(c, slot, event)) return;
  const Framework& framework = c.state.frameworks.at(slot);
  const Status ready = admissible(c, framework, event);
  const OnCall::Outcome outcome =
      ready.ok() ? std::visit(OnCall{c, slot, event}, call->body) : OnCall::Outcome(ready);
  if (!outcome) return;
  if (!outcome->ok() && event.request.empty()) {
    c.note(Note::Level::warning, "framework.call_refused",
           {{"framework_id", call->framework_id.raw()}, {"reason", outcome->error().message}});
  }
  c.answer(event.request, *outcome);
}

void disconnect_framework(Context& c, FrameworkSlot slot, const std::string& reason) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!framework.session.peer.empty()) c.state.framework_of_stream.erase(framework.session.peer);
  framework.session.peer = PeerId();
  if (framework.phase == FrameworkPhase::removing &&
      framework.phase_before == FrameworkPhase::subscribed) {
    framework.phase_before = FrameworkPhase::disconnected;
  }
  if (!framework.connected()) return;
  framework.phase = FrameworkPhase::disconnected;
  close_offers(c, framework);
  forget_demand(c, slot);
  withdraw_asks(c, slot);
  update_roles(c, slot);
  c.disarm(Due::framework_heartbeat, slot);
  c.disarm(Due::framework_silence, slot);
  touch_framework(c, slot);
  publish_framework(c, framework);
  c.note(Note::Level::warning, "framework.disconnected",
         {{"framework_id", framework.id.raw()},
          {"name", framework.facet->name},
          {"reason", reason},
          {"failover_timeout_ms", std::to_string(framework.facet->failover_timeout.ms())}});
  if (framework.pending && !framework.pending->update_only) return;  // it is on its way back
  await_return(c, slot);
}

void on_framework_silence_due(Context& c, FrameworkSlot slot) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!framework.connected()) return;
  const Instant due = framework.session.last_heard + c.config.framework_silence;
  if (due > c.stamp.now) {
    c.arm(Due::framework_silence, slot, due);
    return;
  }
  PROBE("master.framework_silent");
  disconnect_framework(c, slot, "heard nothing for too long");
}

void begin_removal(Context& c, FrameworkSlot slot, RequestId request, const std::string& reason) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!request.empty()) framework.removal_requests.push_back(request);
  if (framework.phase == FrameworkPhase::removing) return;
  framework.phase_before = framework.phase;
  framework.phase = FrameworkPhase::removing;
  close_offers(c, framework);
  withdraw_asks(c, slot);
  update_roles(c, slot);
  touch_framework(c, slot);
  c.note(
      Note::Level::info, "framework.removing",
      {{"framework_id", framework.id.raw()}, {"name", framework.facet->name}, {"reason", reason}});
  persist(c, registry::RemoveFramework{framework.id, c.stamp.wall}, pending::Removal{slot});
}

void on_removal_rejected(Context& c, FrameworkSlot slot, const std::string& reason) {
  Framework& framework = c.state.frameworks.at(slot);
  framework.phase = framework.phase_before;
  for (const RequestId request : framework.removal_requests) {
    c.answer(request, Error{ErrorCode::unavailable, "the removal was not stored: " + reason});
  }
  framework.removal_requests.clear();
  update_roles(c, slot);
  touch_framework(c, slot);
  if (framework.connected()) {
    PROBE("master.removal_undone");
    watch_session(c, slot);
    touch_planned_agents_of(c, slot);
    touch_all_rooms(c);
  } else {
    c.arm(Due::framework_removal, slot, c.stamp.now + c.config.removal_retry);
  }
}

}  // namespace bourse::master
