#include "frameworks/service/core/service_core.hpp"

#include <utility>

#include "base/fingerprint.hpp"
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

void fire(Context& c, const DeadlineKey& key) {
  switch (key.kind) {
    case Kind::reconcile:
      return on_reconcile_due(c);
    case Kind::ask_again:
      return on_ask_again_due(c);
    case Kind::store_again:
      return on_store_again_due(c, key);
    case Kind::backoff_over:
    case Kind::ready:
    case Kind::replace_unreachable:
      break;
  }
  App& app = c.state.apps.at(key.app_id);
  if (key.kind == Kind::backoff_over) return on_backoff_over(c, app);
  Instance& instance = app.instances.at(key.number);
  if (key.kind == Kind::ready) return ran_long_enough(c, app, instance);
  give_up_instance(c, app, instance, "its agent was away for too long: replaced");
}

struct Dispatch {
  Context& c;

  void operator()(const Start& event) const { on_start(c, event); }
  void operator()(const Registered& event) const { on_registered(c, event); }
  void operator()(const Disconnected&) const { on_disconnected(c); }
  void operator()(const Offered& event) const { on_offered(c, event); }
  void operator()(const Updated& event) const { on_updated(c, event); }
  void operator()(const Stored& event) const { on_stored(c, event); }
  void operator()(const Rejected& event) const { on_rejected(c, event); }
  void operator()(const FromClient& event) const { on_client(c, event); }
  void operator()(const Tick&) const {}
};

// Whether this step changed something that people may want to see.
bool shows(const Event& event, const ServiceState& state) {
  return !state.dirty.empty() || std::holds_alternative<Offered>(event.body) ||
         std::holds_alternative<Registered>(event.body) ||
         std::holds_alternative<Disconnected>(event.body) ||
         std::holds_alternative<Stored>(event.body);
}

}  // namespace

void ServiceCore::step(const Event& event, Effects& effects) {
  Context c{state_, config_, event.stamp, effects};
  std::visit(Dispatch{c}, event.body);
  while (const auto key = state_.deadlines.pop_due(event.stamp.now)) fire(c, *key);
  if (shows(event, state_)) ++state_.revision;
  if (!state_.started) return;
  const std::set<AppId> dirty = std::exchange(state_.dirty, {});
  for (const AppId& id : dirty) {
    const auto it = state_.apps.find(id);
    if (it != state_.apps.end()) plan_app(c, it->second);
  }
  state_.dirty.clear();  // a plan touches only what it has planned
  settle_offers(c);
}

std::uint64_t ServiceCore::fingerprint() const {
  Fingerprint fp;
  fp.add(state_.framework_id);
  fp.add(state_.registered);
  fp.add(state_.suppressed);
  for (const auto& [id, app] : state_.apps) {
    fp.add(id.raw());
    fp.add(static_cast<std::uint64_t>(app.phase));
    fp.add(app.next_number);
    fp.add(app.backoff.not_before.ns);
    for (const auto& [number, instance] : app.instances) {
      fp.add(number);
      fp.add(instance.record.version);
      fp.add(static_cast<std::uint64_t>(instance.phase));
      fp.add(instance.ready);
      fp.add(instance.healthy.has_value() ? 1 + *instance.healthy : 0);
    }
  }
  for (const auto& [id, record] : state_.book.apps) {
    fp.add(id.raw());
    fp.add(record.incarnation);
    fp.add(record.current.version);
    fp.add(static_cast<std::uint64_t>(record.instances.size()));
  }
  fp.add(static_cast<std::uint64_t>(state_.writes.size()));
  fp.add(state_.deadlines.next().ns);
  return fp.value();
}

void ServiceCore::check_invariants() const {
  check_all(state_);
}

}  // namespace bourse::service
