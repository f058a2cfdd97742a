// From what is there to what is wanted. A plan is made anew from the rows after each step that
// touched the app; it remembers nothing, so a restart in the middle of a deployment goes on where
// it was.
#include <algorithm>

#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

struct Planner {
  Context& c;
  App& app;
  const AppRecord& record;
  const AppPolicy& policy;

  // Calls f(instance) for rows in this phase, the newest first, until it returns false.
  template <typename F>
  void newest_first(InstancePhase phase, bool old, F f) {
    if (app.tally.in_phase[old ? 1 : 0][static_cast<std::size_t>(phase)] == 0) return;
    std::vector<std::uint64_t> numbers;
    for (auto it = app.instances.rbegin(); it != app.instances.rend(); ++it) {
      if (it->second.phase == phase && is_old(record, it->second) == old) {
        numbers.push_back(it->first);
      }
    }
    for (const std::uint64_t number : numbers) {
      if (!f(app.instances.at(number))) return;
    }
  }

  void add_missing() {
    const std::uint32_t current = app.tally.alive(false);
    const std::uint32_t old = app.tally.alive(true);
    const std::uint32_t most = policy.instances + (old > 0 ? policy.max_surge : 0);
    if (current >= policy.instances || current + old >= most) return;
    std::uint32_t missing = std::min(policy.instances - current, most - current - old);
    const bool wait = app.backoff.not_before > c.stamp.now;
    for (; missing > 0; --missing) {
      InstanceRecord placeless;
      placeless.number = app.next_number;
      Instance& instance = add_instance(c, app, std::move(placeless),
                                        wait ? InstancePhase::backing_off : InstancePhase::wanted);
      instance.why = wait ? "waits until the back-off is over" : "needs a place";
    }
  }

  // What is not there yet goes first: the rows in `phase` without a place.
  void drop_unplaced(InstancePhase phase, std::uint32_t& surplus) {
    newest_first(phase, false, [&](const Instance& instance) {
      if (surplus == 0) return false;
      erase_instance(c, app, instance.record.number);
      --surplus;
      return true;
    });
  }

  void stop_surplus(InstancePhase phase, std::uint32_t& surplus, bool spare_ready) {
    newest_first(phase, false, [&](Instance& instance) {
      if (surplus == 0) return false;
      if (spare_ready && instance.ready) return true;
      if (phase == InstancePhase::unreachable) {
        give_up_instance(c, app, instance, "its agent is away, and it is not wanted any more");
      } else {
        stop_instance(c, app, instance, "more run than are defined");
      }
      --surplus;
      return true;
    });
  }

  // Ends so many of the current version, those first that serve nobody, and then the newest.
  void drop(std::uint32_t surplus, bool spare_ready) {
    drop_unplaced(InstancePhase::backing_off, surplus);
    drop_unplaced(InstancePhase::wanted, surplus);
    // Whoever is being placed is the newest of all: once launched, it is stopped.
    const auto placing = static_cast<std::size_t>(InstancePhase::placing);
    surplus -= std::min(surplus, app.tally.in_phase[0][placing]);
    if (!may_stop()) return;
    stop_surplus(InstancePhase::unreachable, surplus, spare_ready);
    stop_surplus(InstancePhase::launching, surplus, spare_ready);
    stop_surplus(InstancePhase::running, surplus, spare_ready);
  }

  void drop_surplus() {
    const std::uint32_t current = app.tally.alive(false);
    if (current > policy.instances) drop(current - policy.instances, false);
  }

  // A change of the wanted number in the middle of a rolling change may leave too many of both.
  void keep_surge() {
    const std::uint32_t alive = app.tally.alive(false) + app.tally.alive(true);
    const std::uint32_t most = policy.instances + policy.max_surge;
    if (app.tally.alive(true) > 0 && alive > most) drop(alive - most, true);
  }

  // Nothing is ended before it is known of each instance what became of it.
  bool may_stop() const { return app.tally.count(InstancePhase::recovering) == 0; }

  void replace_old() {
    if (app.tally.alive(true) == 0 || !may_stop()) return;
    const std::string why = "replaced by version " + std::to_string(record.current.task_version);
    const auto stop = [&](Instance& instance) {
      stop_instance(c, app, instance, why);
      return true;
    };
    // Those that serve nobody.
    newest_first(InstancePhase::unreachable, true, [&](Instance& instance) {
      give_up_instance(c, app, instance, why);
      return true;
    });
    newest_first(InstancePhase::launching, true, stop);
    newest_first(InstancePhase::running, true, [&](Instance& instance) {
      if (!instance.ready) stop_instance(c, app, instance, why);
      return true;
    });
    const std::uint32_t floor = policy.instances - allowed_missing(policy);
    const std::uint32_t available = app.tally.ready[0] + app.tally.ready[1];
    std::uint32_t spare = available - std::min(available, floor);
    newest_first(InstancePhase::running, true, [&](Instance& instance) {
      if (spare == 0) return false;
      stop_instance(c, app, instance, why);
      --spare;
      return true;
    });
  }

  void end_all() {
    std::vector<std::uint64_t> unplaced;
    for (auto& [number, instance] : app.instances) {
      switch (instance.phase) {
        case InstancePhase::wanted:
        case InstancePhase::backing_off:
          unplaced.push_back(number);
          break;
        case InstancePhase::launching:
        case InstancePhase::running:
          stop_instance(c, app, instance, "the app is removed");
          break;
        case InstancePhase::unreachable:
        case InstancePhase::given_up:
          // A removal does not wait for a dead machine. Should it come back, nobody knows the task
          // any more, and it is killed.
          end_instance(c, app, instance, {}, "the app is removed");
          break;
        default:
          break;  // each says by itself what becomes of it
      }
    }
    for (const std::uint64_t number : unplaced) erase_instance(c, app, number);
    if (!app.instances.empty() || app.writing) return;
    app.phase = AppPhase::forgetting;
    persist(c, {ForgetApp{app.id}}, pending::Forget{app.id});
  }
};

}  // namespace

std::uint32_t allowed_missing(const AppPolicy& policy) {
  // A single instance is not taken away before its successor runs, if a second one may run beside.
  const std::uint32_t most =
      policy.max_surge > 0 && policy.instances > 0 ? policy.instances - 1 : policy.instances;
  return std::min(policy.max_unavailable, most);
}

void plan_app(Context& c, App& app) {
  if (app.phase != AppPhase::active && app.phase != AppPhase::removing) return;
  const AppRecord& record = c.state.book.apps.at(app.id);
  Planner planner{c, app, record, record.current.definition.policy};
  if (app.phase == AppPhase::removing) return planner.end_all();
  planner.drop_surplus();
  planner.replace_old();
  planner.keep_surge();
  planner.add_missing();
}

}  // namespace bourse::service
