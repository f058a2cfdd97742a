// What is on its way to the store, and what follows when it is there or refused.
#include <algorithm>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

struct WhenStored {
  Context& c;
  const PendingWrite& write;

  App& app_of(const AppId& id) const { return c.state.apps.at(id); }

  void operator()(const pending::Framework&) const {
    c.state.offers_asked = true;  // what was offered before was declined
  }
  void operator()(const pending::NewFramework& what) const {
    on_new_framework_stored(c, what.last);
  }
  void operator()(const pending::Definition& what) const { on_definition_stored(c, what); }
  void operator()(const pending::Removal& what) const { on_removal_stored(c, what); }
  void operator()(const pending::Forget& what) const {
    c.note(Note::Level::info, "app.removed", {{"app", what.app_id.raw()}});
    // What waited was asked of the app that is gone now.
    std::deque<FromClient> waiting = std::move(app_of(what.app_id).waiting);
    c.disarm(Kind::backoff_over, what.app_id, 0);
    c.disarm(Kind::store_again, what.app_id, 0);
    c.state.apps.erase(what.app_id);
    for (const FromClient& request : waiting) on_client(c, request);
  }
  void operator()(const pending::Launch& what) const {
    if (what.more) c.state.offers_asked = true;
    for (const auto& [app_id, number] : what.instances) {
      App& app = app_of(app_id);
      Instance& instance = app.instances.at(number);
      instance.launched_at = c.stamp.now;
      set_phase(c, app, instance, InstancePhase::launching, "its launch was sent");
    }
  }
  void operator()(const pending::Adoption& what) const {
    App& app = app_of(what.app_id);
    Instance& instance = app.instances.at(what.number);
    instance.launched_at = c.stamp.now;
    set_phase(c, app, instance, what.running ? InstancePhase::running : InstancePhase::launching,
              "adopted");
    if (!what.running) return;
    instance.running_since = c.stamp.now;
    ran_long_enough(c, app, instance);
  }
  void operator()(const pending::End& what) const {
    App& app = app_of(what.app_id);
    erase_instance(c, app, what.number);
  }
  void operator()(const pending::Stranger& what) const {
    const auto it = c.state.apps.find(what.app_id);
    if (it == c.state.apps.end()) return;
    it->second.next_number = std::max(it->second.next_number, what.number + 1);
  }
};

struct WhenRejected {
  Context& c;
  const std::string& reason;

  void again(const AppId& app_id, std::uint64_t number) const {
    c.arm(Kind::store_again, app_id, number, c.config.store_retry);
  }

  void operator()(const pending::Framework&) const { again(AppId(), 0); }
  void operator()(const pending::NewFramework&) const { again(AppId(), 0); }
  void operator()(const pending::Definition& what) const {
    on_definition_rejected(c, what, reason);
  }
  void operator()(const pending::Removal& what) const { on_removal_rejected(c, what, reason); }
  void operator()(const pending::Forget& what) const {
    c.state.apps.at(what.app_id).phase = AppPhase::removing;
    again(what.app_id, 0);
  }
  void operator()(const pending::Launch& what) const {
    PROBE("service.launch_not_stored");
    for (const auto& [app_id, number] : what.instances) {
      App& app = c.state.apps.at(app_id);
      hold_launches(c, app, c.config.store_retry);
      erase_instance(c, app, number);
      app.no_place = "the store refused: " + reason;
    }
    c.emit(Decline{what.offer_ids, c.config.store_retry});
  }
  void operator()(const pending::Adoption& what) const {
    erase_instance(c, c.state.apps.at(what.app_id), what.number);
    c.state.ask_for_all = true;
    c.arm(Kind::reconcile, AppId(), 0, c.config.store_retry);
  }
  void operator()(const pending::End& what) const {
    again(what.app_id, what.number);  // as it is: ended, and not acknowledged
  }
  void operator()(const pending::Stranger&) const {
    c.state.ask_for_all = true;  // it is told again
    c.arm(Kind::reconcile, AppId(), 0, c.config.store_retry);
  }
};

PendingWrite take(ServiceState& state, PersistId id) {
  ASSERT(!state.writes.empty() && state.writes.front().id == id);
  PendingWrite write = std::move(state.writes.front());
  state.writes.pop_front();
  return write;
}

}  // namespace

PersistId persist(Context& c, std::vector<ServiceCommand> commands,
                  decltype(PendingWrite::what) what, std::vector<Effect> after) {
  const PersistId id(++c.state.next_persist);
  c.emit(Persist{id, commands, std::move(after)});
  c.state.writes.push_back({id, std::move(commands), std::move(what)});
  return id;
}

void on_stored(Context& c, const Stored& event) {
  const PendingWrite write = take(c.state, event.id);
  for (const ServiceCommand& command : write.commands) {
    const Status applied = apply(c.state.book, command);
    ASSERT(applied.ok());
  }
  std::visit(WhenStored{c, write}, write.what);
}

void on_rejected(Context& c, const Rejected& event) {
  const PendingWrite write = take(c.state, event.id);
  c.note(Note::Level::error, "store.rejected", {{"reason", event.reason}});
  std::visit(WhenRejected{c, event.reason}, write.what);
}

void on_store_again_due(Context& c, const DeadlineKey& key) {
  if (!c.state.started) return store_new_framework(c);
  if (key.app_id.empty()) return store_framework(c);
  const auto it = c.state.apps.find(key.app_id);
  if (it == c.state.apps.end()) return;
  if (key.number == 0) return c.touch(it->second);
  const auto row = it->second.instances.find(key.number);
  if (row != it->second.instances.end() && row->second.phase == InstancePhase::ended) {
    store_end(c, it->second, row->second);
  }
}

}  // namespace bourse::service
