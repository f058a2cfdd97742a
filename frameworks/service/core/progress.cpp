#include "frameworks/service/core/progress.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace bourse::service {

namespace {

using Phase = InstancePhase;

std::string counted(std::uint32_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string seconds_text(Duration span) {
  return std::to_string((span.ms() + 999) / 1000) + " s";
}

std::string last_end(const App& app) {
  if (app.ends.empty()) return "";
  const RememberedEnd& end = app.ends.back();
  std::string out = std::string("; the last one ended as ") + sdk::name_of(end.state);
  if (!end.message.empty()) out += " (" + end.message + ")";
  return out;
}

std::string of_backoff(const App& app, std::uint32_t count, Instant now) {
  const Duration left = std::max(app.backoff.not_before - now, Duration{});
  return counted(count, "instance waits ", "instances wait ") + seconds_text(left) +
         " more: back-off after " + counted(app.backoff.failures, "failure", "failures") +
         " in a row" + last_end(app);
}

// Those that run and do not count as available yet.
std::string of_not_ready(const App& app, const AppPolicy& policy, std::uint32_t count) {
  std::uint32_t not_well = 0;
  for (const auto& [number, instance] : app.instances) {
    not_well += instance.phase == Phase::running && instance.ran_long && !instance.ready;
  }
  if (not_well > 0) {
    return counted(not_well, "instance runs, but its health check does not say that it is well",
                   "instances run, but their health checks do not say that they are well") +
           last_end(app);
  }
  return counted(count, "instance runs", "instances run") + ", but not for " +
         seconds_text(policy.ready_after) + " (ready_after_seconds) yet";
}

// What the app waits for: that which has to happen first.
std::string why_of(const ServiceState& state, const App& app, Instant now) {
  const Tally& tally = app.tally;
  if (!state.registered) {
    return "no master has taken this scheduler in: what runs goes on, nothing is launched or ended";
  }
  if (const auto n = tally.count(Phase::recovering); n > 0) {
    return counted(n, "instance", "instances") +
           " of before the scheduler's restart: nobody has said yet what became of it";
  }
  if (const auto n = tally.count(Phase::backing_off); n > 0) return of_backoff(app, n, now);
  if (const auto n = tally.count(Phase::wanted); n > 0) {
    if (app.no_place.empty()) return counted(n, "instance waits", "instances wait") + " for offers";
    return counted(n, "instance has", "instances have") + " found no place: " + app.no_place;
  }
  if (const auto n = tally.count(Phase::placing) + tally.count(Phase::launching); n > 0) {
    return counted(n, "instance is", "instances are") + " being launched";
  }
  const std::uint32_t ready = tally.ready[0] + tally.ready[1];
  if (const auto n = tally.count(Phase::running) - ready; n > 0) {
    return of_not_ready(app, state.book.apps.at(app.id).current.definition.policy, n);
  }
  if (const auto n = tally.count(Phase::unreachable); n > 0) {
    return counted(n, "instance is", "instances are") + " on agents that are away";
  }
  if (const auto n = tally.count(Phase::stopping) + tally.count(Phase::ended); n > 0) {
    return counted(n, "instance has", "instances have") + " been told to end and " +
           (n == 1 ? "has" : "have") + " not yet";
  }
  return "";
}

Stage stage_of(const AppRecord& record, const App& app, const Progress& progress) {
  if (app.phase != AppPhase::active) return Stage::removing;
  if (progress.old > 0) return Stage::rolling;
  if (progress.current < record.current.definition.policy.instances) return Stage::starting;
  const bool ending = app.tally.count(Phase::stopping) > 0 || app.tally.count(Phase::ended) > 0;
  return ending ? Stage::stopping : Stage::done;
}

}  // namespace

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::done:
      return "done";
    case Stage::starting:
      return "starting";
    case Stage::rolling:
      return "rolling";
    case Stage::stopping:
      return "stopping";
    case Stage::removing:
      return "removing";
  }
  UNREACHABLE();
}

Progress progress_of(const ServiceState& state, const App& app, Instant now) {
  Progress out;
  out.ready = app.tally.ready[0] + app.tally.ready[1];
  out.current = app.tally.ready[0];
  out.old = app.tally.alive(true);
  out.stage = stage_of(state.book.apps.at(app.id), app, out);
  if (out.stage != Stage::done) out.why = why_of(state, app, now);
  return out;
}

}  // namespace bourse::service
