// What holds at the end of every step.
#include "base/assert.hpp"
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

void check_instance(const ServiceState& state, const App& app, const AppRecord& record,
                    const Instance& instance) {
  const std::uint64_t number = instance.record.number;
  ASSERT(number > 0 && number < app.next_number);
  // A record for what may run, and for nothing else.
  ASSERT(record.instances.contains(number) == is_stored(instance.phase));
  ASSERT(state.wanted.contains({instance.since, app.id, number}) ==
         (instance.phase == InstancePhase::wanted));
  ASSERT(state.deadlines.deadline_of({Kind::replace_unreachable, app.id, number}).has_value() ==
         (instance.phase == InstancePhase::unreachable));
  ASSERT(state.deadlines.deadline_of({Kind::ready, app.id, number}).has_value() ==
         (instance.phase == InstancePhase::running && !instance.ran_long));
  ASSERT(!instance.ready || !instance.record.health_checked || instance.healthy == true);
  if (instance.phase == InstancePhase::backing_off) {
    ASSERT(state.deadlines.deadline_of({Kind::backoff_over, app.id, 0}).has_value());
  }
}

}  // namespace

void check_app(const ServiceState& state, const App& app) {
  if (app.phase == AppPhase::admitting) {
    ASSERT(app.writing && app.instances.empty() && !state.book.apps.contains(app.id));
    return;
  }
  const AppRecord& record = state.book.apps.at(app.id);
  const AppPolicy& policy = record.current.definition.policy;
  ASSERT(record.removing == (app.phase != AppPhase::active));
  App counted;
  counted.instances = app.instances;
  recount(record, counted);
  ASSERT(counted.tally == app.tally);
  for (const auto& [number, instance] : app.instances) {
    ASSERT(number == instance.record.number);
    check_instance(state, app, record, instance);
  }
  if (app.phase != AppPhase::active) return;
  const std::uint32_t current = app.tally.alive(false);
  const std::uint32_t old = app.tally.alive(true);
  // More than that only while one is on its way to the store, or nothing may be ended yet.
  const bool waits =
      app.tally.count(InstancePhase::placing) > 0 || app.tally.count(InstancePhase::recovering) > 0;
  ASSERT(waits || current <= policy.instances);
  ASSERT(waits || old == 0 || current + old <= policy.instances + policy.max_surge);
  // Without a rolling change there is never one too few.
  ASSERT(old > 0 || current >= policy.instances);
}

void check_all(const ServiceState& state) {
  for (const auto& [id, app] : state.apps) {
    ASSERT(id == app.id);
    check_app(state, app);
  }
  for (const auto& [id, record] : state.book.apps) {
    const auto app = state.apps.find(id);
    ASSERT(!state.started || app != state.apps.end());
    for (const auto& [number, instance] : record.instances) {
      ASSERT(!state.started || app->second.instances.contains(number));
    }
  }
  for (const WantedKey& key : state.wanted) {
    ASSERT(state.apps.at(key.app_id).instances.at(key.number).phase == InstancePhase::wanted);
  }
}

}  // namespace bourse::service
