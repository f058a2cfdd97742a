// The life of the framework: start, registration, reconciliation.
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

// Tasks of one question: far below what a call may have.
constexpr std::size_t kAskedAtOnce = 5'000;

// Instances of which nothing was heard since they were launched or read from the store. A master
// is silent about a task whose agent is not back since its own start: so they are asked for again.
bool is_unheard(InstancePhase phase) {
  return phase == InstancePhase::recovering || phase == InstancePhase::launching;
}

// Instances whose fate somebody else must tell.
bool is_open(InstancePhase phase) {
  return is_unheard(phase) || phase == InstancePhase::unreachable ||
         phase == InstancePhase::given_up;
}

// The next question, and whether it is about everything: a task that we know nothing of is heard of
// only so, when its agent came back to a master that is new.
void arm_reconcile(Context& c, bool unheard) {
  ServiceState& state = c.state;
  if (!unheard && !state.ask_for_all) {
    state.ask_for_all = true;
    return c.arm(Kind::reconcile, AppId(), 0, c.config.reconcile_all);
  }
  Duration wait = c.config.reconcile_first;
  for (std::uint32_t i = 1; i < state.reconciles && wait < c.config.reconcile_most; ++i) {
    wait = std::min(wait * 2, c.config.reconcile_most);
  }
  c.arm(Kind::reconcile, AppId(), 0, wait);
}

// The tasks of that framework are gone with it, whatever the records say. As many as one write
// holds, of one app.
std::vector<ServiceCommand> forget_instances(const Book& book) {
  std::vector<ServiceCommand> out;
  for (const auto& [id, record] : book.apps) {
    for (const auto& [number, instance] : record.instances) {
      if (out.size() == limits::kMaxInstancesPerWrite) return out;
      out.emplace_back(EndInstance{id, number});
    }
    if (!out.empty()) return out;
  }
  return out;
}

void recover_app(Context& c, const AppId& id, const AppRecord& record, bool with_instances) {
  App& app = c.state.apps[id];
  app.id = id;
  app.phase = record.removing ? AppPhase::removing : AppPhase::active;
  app.next_number = record.next_number;
  c.touch(app);
  if (!with_instances) return;
  for (const auto& [number, instance] : record.instances) {
    add_instance(c, app, instance, InstancePhase::recovering).why =
        "the scheduler was restarted; nobody has said yet what became of it";
  }
}

}  // namespace

void on_start(Context& c, const Start& event) {
  ASSERT(!c.state.started);
  ServiceState& state = c.state;
  state.started = true;
  state.book = event.book;
  state.next_incarnation = state.book.next_incarnation;
  if (!event.new_framework) {
    state.framework_id = state.book.framework_id;
    for (const auto& [id, record] : state.book.apps) recover_app(c, id, record, true);
    c.emit(Subscribe{state.framework_id});
    return;
  }
  state.started = false;  // nothing is planned before this is stored
  store_new_framework(c);
}

void store_new_framework(Context& c) {
  std::vector<ServiceCommand> commands = forget_instances(c.state.book);
  if (!commands.empty()) return (void)persist(c, std::move(commands), pending::NewFramework{});
  // Last: cut off before, this starts where it was.
  persist(c, {SetFramework{"", c.state.next_incarnation}}, pending::NewFramework{true},
          {{Subscribe{""}}});
}

void on_new_framework_stored(Context& c, bool last) {
  if (!last) return store_new_framework(c);
  c.state.started = true;
  for (const auto& [id, record] : c.state.book.apps) recover_app(c, id, record, false);
}

void store_framework(Context& c) {
  if (c.state.framework_id.empty() || c.state.framework_id == c.state.book.framework_id) return;
  persist(c, {SetFramework{c.state.framework_id, c.state.next_incarnation}}, pending::Framework{});
}

void on_registered(Context& c, const Registered& event) {
  c.state.registered = true;
  c.state.framework_id = event.framework_id;
  c.note(Note::Level::info, "framework.registered", {{"framework", event.framework_id}});
  store_framework(c);
  c.state.reconciles = 0;
  c.state.ask_for_all = true;
  on_reconcile_due(c);
}

void on_disconnected(Context& c) {
  c.state.registered = false;
  c.disarm(Kind::reconcile, AppId(), 0);
}

void on_reconcile_due(Context& c) {
  if (!c.state.registered) return;
  Reconcile known;
  bool unheard = false;
  for (const auto& [id, app] : c.state.apps) {
    for (const auto& [number, instance] : app.instances) {
      // One that runs may be lost with its machine while the master changed: named now and then.
      // So may one that others end, for which no call of ours is repeated.
      const bool there =
          instance.phase == InstancePhase::running || instance.phase == InstancePhase::stopping;
      if (!is_open(instance.phase) && !(there && c.state.ask_for_all)) continue;
      unheard = unheard || is_unheard(instance.phase);
      const AppRecord& record = c.state.book.apps.at(id);
      known.tasks.push_back(
          {task_id_of(id, record, instance.record), instance.record.agent_id.raw()});
      if (known.tasks.size() == kAskedAtOnce) c.emit(std::exchange(known, {}));
    }
  }
  if (!known.tasks.empty()) c.emit(std::move(known));
  if (c.state.ask_for_all) c.emit(Reconcile{});
  c.state.ask_for_all = false;
  if (c.state.reconciles > 0) PROBE("service.asks_again");
  ++c.state.reconciles;
  arm_reconcile(c, unheard);
}

}  // namespace bourse::service
