// When may an app's next instance be launched? Its failures in a row decide.
#include <algorithm>

#include "base/probe.hpp"
#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

using Kind = DeadlineKey::Kind;

// Whether this end may be the app's own fault. An agent that was lost and a kill by an operator are
// not; one for its health is.
bool counts_as_failure(const sdk::TaskUpdate& update) {
  if (update.state == sdk::TaskState::killed) return update.healthy == false;
  switch (update.state) {
    case sdk::TaskState::finished:  // a service that ends by itself has failed to stay
    case sdk::TaskState::failed:
    case sdk::TaskState::error:
    case sdk::TaskState::lost:
    case sdk::TaskState::dropped:
      return true;
    default:
      return false;
  }
}

void hold_until(Context& c, App& app, Instant at) {
  app.backoff.not_before = std::max(app.backoff.not_before, at);
  c.state.deadlines.arm({Kind::backoff_over, app.id, 0}, app.backoff.not_before);
}

}  // namespace

Duration backoff_of(const AppPolicy& policy, std::uint32_t failures) {
  Duration out = policy.backoff_first;
  for (std::uint32_t i = 1; i < failures && out < policy.backoff_most; ++i) out = out * 2;
  return std::min(out, policy.backoff_most);
}

void note_end(Context& c, App& app, const Instance& instance, const sdk::TaskUpdate& update) {
  const AppPolicy& policy = c.state.book.apps.at(app.id).current.definition.policy;
  ++app.ends_counted;
  app.ends.push_back({instance.record.number, instance.record.version, update.state, update.reason,
                      update.message, instance.record.hostname, c.stamp.wall});
  if (app.ends.size() > limits::kMaxRememberedEnds) app.ends.pop_front();
  if (!counts_as_failure(update)) return;
  Backoff& backoff = app.backoff;
  if (instance.running_since && c.stamp.now - *instance.running_since >= policy.backoff_reset) {
    backoff.failures = 0;
    return;
  }
  if (backoff.failures > 0 && instance.launched_at <= backoff.raised_at) return;
  backoff.failures = std::min(backoff.failures + 1, 64U);
  backoff.raised_at = c.stamp.now;
  if (backoff.failures > 6) PROBE("service.backs_off_for_long");
  hold_until(c, app, c.stamp.now + backoff_of(policy, backoff.failures));
}

void reset_backoff(Context& c, App& app) {
  app.backoff = {};
  on_backoff_over(c, app);
}

void hold_launches(Context& c, App& app, Duration span) {
  hold_until(c, app, c.stamp.now + span);
}

void on_backoff_over(Context& c, App& app) {
  c.disarm(Kind::backoff_over, app.id, 0);
  for (auto& [number, instance] : app.instances) {
    if (instance.phase == InstancePhase::backing_off) {
      set_phase(c, app, instance, InstancePhase::wanted, "needs a place");
    }
  }
}

}  // namespace bourse::service
