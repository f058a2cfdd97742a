// The rows of instances: every change of a phase goes through here.
#include <algorithm>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

void count(const AppRecord& record, App& app, const Instance& instance, bool add) {
  const std::size_t old = is_old(record, instance) ? 1 : 0;
  std::uint32_t& phase = app.tally.in_phase[old][static_cast<std::size_t>(instance.phase)];
  std::uint32_t& ready = app.tally.ready[old];
  const bool is_ready = instance.phase == InstancePhase::running && instance.ready;
  if (add) {
    ++phase;
    if (is_ready) ++ready;
    return;
  }
  ASSERT(phase > 0 && (!is_ready || ready > 0));
  --phase;
  if (is_ready) --ready;
}

const AppRecord& record_of(const Context& c, const App& app) {
  return c.state.book.apps.at(app.id);
}

// What only holds in the phase that ends.
void leave_phase(Context& c, App& app, Instance& instance) {
  const std::uint64_t number = instance.record.number;
  switch (instance.phase) {
    case InstancePhase::wanted:
      c.state.wanted.erase({instance.since, app.id, number});
      return;
    case InstancePhase::running:
      c.disarm(Kind::ready, app.id, number);
      return;
    case InstancePhase::unreachable:
      c.disarm(Kind::replace_unreachable, app.id, number);
      return;
    case InstancePhase::ended:
      c.disarm(Kind::store_again, app.id, number);
      return;
    default:
      return;
  }
}

void enter_phase(Context& c, App& app, Instance& instance) {
  const std::uint64_t number = instance.record.number;
  const AppPolicy& policy = record_of(c, app).current.definition.policy;
  if (instance.phase == InstancePhase::wanted) {
    c.state.wanted.insert({instance.since, app.id, number});
    c.state.offers_asked = true;
  } else if (instance.phase == InstancePhase::unreachable) {
    c.arm(Kind::replace_unreachable, app.id, number, policy.replace_unreachable_after);
  } else if (instance.phase == InstancePhase::running && !instance.ran_long) {
    c.arm(Kind::ready, app.id, number, policy.ready_after);
  }
}

}  // namespace

const char* name_of(InstancePhase phase) {
  switch (phase) {
    case InstancePhase::wanted:
      return "wanted";
    case InstancePhase::backing_off:
      return "backing_off";
    case InstancePhase::placing:
      return "placing";
    case InstancePhase::launching:
      return "launching";
    case InstancePhase::running:
      return "running";
    case InstancePhase::unreachable:
      return "unreachable";
    case InstancePhase::recovering:
      return "recovering";
    case InstancePhase::given_up:
      return "given_up";
    case InstancePhase::stopping:
      return "stopping";
    case InstancePhase::ended:
      return "ended";
  }
  UNREACHABLE();
}

const char* name_of(AppPhase phase) {
  switch (phase) {
    case AppPhase::admitting:
      return "admitting";
    case AppPhase::active:
      return "active";
    case AppPhase::removing:
    case AppPhase::forgetting:
      return "removing";
  }
  UNREACHABLE();
}

bool is_alive(InstancePhase phase) {
  return phase <= InstancePhase::recovering;
}

bool is_stored(InstancePhase phase) {
  return phase >= InstancePhase::launching;
}

std::uint32_t Tally::alive(bool old) const {
  std::uint32_t sum = 0;
  for (std::size_t p = 1; p <= static_cast<std::size_t>(InstancePhase::recovering); ++p) {
    sum += in_phase[old ? 1 : 0][p];
  }
  return sum;
}

bool is_old(const AppRecord& record, const Instance& instance) {
  return instance.record.version != 0 && instance.record.version != record.current.task_version;
}

std::string task_id_of(const AppId& app_id, const AppRecord& record, const InstanceRecord& row) {
  return to_task_id({app_id, record.incarnation, row.version, row.number});
}

void recount(const AppRecord& record, App& app) {
  app.tally = {};
  for (const auto& [number, instance] : app.instances) count(record, app, instance, true);
}

void set_phase(Context& c, App& app, Instance& instance, InstancePhase phase, std::string why) {
  const AppRecord& record = record_of(c, app);
  c.touch(app);
  instance.why = std::move(why);
  if (instance.phase == phase) return;
  leave_phase(c, app, instance);
  count(record, app, instance, false);
  instance.phase = phase;
  instance.since = c.stamp.now;
  if (phase != InstancePhase::running) instance.ready = instance.ran_long = false;
  count(record, app, instance, true);
  enter_phase(c, app, instance);
}

void settle_ready(Context& c, App& app, Instance& instance) {
  const bool well = !instance.record.health_checked || instance.healthy == true;
  const bool ready = instance.phase == InstancePhase::running && instance.ran_long && well;
  if (ready == instance.ready) return;
  const AppRecord& record = record_of(c, app);
  count(record, app, instance, false);
  instance.ready = ready;
  count(record, app, instance, true);
  c.touch(app);
}

void ran_long_enough(Context& c, App& app, Instance& instance) {
  if (instance.phase != InstancePhase::running) return;
  instance.ran_long = true;
  c.disarm(Kind::ready, app.id, instance.record.number);
  settle_ready(c, app, instance);
}

Instance& add_instance(Context& c, App& app, InstanceRecord record, InstancePhase phase) {
  const std::uint64_t number = record.number;
  const auto [it, inserted] = app.instances.try_emplace(number);
  ASSERT(inserted);
  Instance& instance = it->second;
  instance.record = std::move(record);
  instance.phase = phase;
  instance.since = c.stamp.now;
  instance.launched_at = c.stamp.now;
  app.next_number = std::max(app.next_number, number + 1);
  count(record_of(c, app), app, instance, true);
  enter_phase(c, app, instance);
  c.touch(app);
  return instance;
}

void erase_instance(Context& c, App& app, std::uint64_t number) {
  const auto it = app.instances.find(number);
  ASSERT(it != app.instances.end());
  leave_phase(c, app, it->second);
  count(record_of(c, app), app, it->second, false);
  app.instances.erase(it);
  c.touch(app);
}

void stop_instance(Context& c, App& app, Instance& instance, std::string why) {
  ASSERT(is_stored(instance.phase) && instance.phase != InstancePhase::ended);
  set_phase(c, app, instance, InstancePhase::stopping, std::move(why));
  c.emit(Kill{task_id_of(app.id, record_of(c, app), instance.record)});
}

void end_instance(Context& c, App& app, Instance& instance, const sdk::TaskUpdate& update,
                  std::string why) {
  ASSERT(is_stored(instance.phase) && instance.phase != InstancePhase::ended);
  set_phase(c, app, instance, InstancePhase::ended, std::move(why));
  instance.end = update;
  store_end(c, app, instance);
  // Whoever waits for its place (a `unique` rule) may get one now.
  if (app.tally.count(InstancePhase::wanted) > 0) c.state.offers_asked = true;
}

void store_end(Context& c, App& app, Instance& instance) {
  std::vector<Effect> after;
  if (instance.end && !instance.end->uuid.empty()) after.push_back({Acknowledge{*instance.end}});
  persist(c, {EndInstance{app.id, instance.record.number}},
          pending::End{app.id, instance.record.number}, std::move(after));
}

void give_up_instance(Context& c, App& app, Instance& instance, std::string why) {
  PROBE("service.gives_up_unreachable");
  set_phase(c, app, instance, InstancePhase::given_up, std::move(why));
  if (app.tally.count(InstancePhase::given_up) <= limits::kMaxGivenUpPerApp) return;
  for (auto& [number, row] : app.instances) {
    if (row.phase != InstancePhase::given_up) continue;
    end_instance(c, app, row, {}, "too many are unreachable: forgotten");
    return;
  }
}

}  // namespace bourse::service
