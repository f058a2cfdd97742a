// A start with --recover=cleanup: what earlier lives left running is killed, its ends are stored,
// told and acknowledged; then this agent gives its name up and stops. Frameworks that stay away
// cannot hold it for ever: what they have not acknowledged is told by the next start.
#include <algorithm>
#include <utility>

#include "agent/core/context.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

void stop(Context& c, std::string reason) {
  c.state.cleanup = CleanupPhase::over;
  c.disarm(Kind::cleanup_over);
  c.emit(Stop{std::move(reason), Stop::Cause::done});
}

std::size_t unacknowledged(const AgentState& state) {
  std::size_t count = 0;
  for (const auto& [key, task] : state.tasks) count += task.pending.size();
  return count;
}

std::size_t leaked(const AgentState& state) {
  return static_cast<std::size_t>(std::count_if(state.executors.begin(), state.executors.end(),
                                                [](const auto& e) { return e.second.leaked; }));
}

// Asked after each event: it goes on from the one that ran when it was asked last, so that each is
// looked at once.
bool all_ended(AgentState& state) {
  const auto& executors = std::as_const(state.executors);
  const auto runs = [&](const auto& entry) {
    ++state.rows_looked_at;
    return entry.second.phase != ExecutorPhase::exited;
  };
  auto it = std::find_if(executors.lower_bound(state.cleanup_waits_for), executors.end(), runs);
  // One that a master launched since.
  if (it == executors.end()) it = std::find_if(executors.begin(), executors.end(), runs);
  if (it == executors.end()) return true;
  state.cleanup_waits_for = it->first;
  return false;
}

void forget_identity(Context& c) {
  PROBE("agent.cleanup_forgets_identity");
  c.state.cleanup = CleanupPhase::forgetting;
  if (c.state.identity->id.empty()) return;
  AgentFacet identity = *c.state.identity;
  identity.id = AgentId();
  c.state.identity = std::make_shared<const AgentFacet>(std::move(identity));
  c.state.cluster_id.clear();
  c.state.epoch = 0;
  store_identity(c);
}

}  // namespace

void begin_cleanup(Context& c) {
  c.state.cleanup = CleanupPhase::killing;
  end_all(c);
  c.note(Note::Level::info, "agent.cleanup",
         {{"containers", std::to_string(c.state.executors.size())},
          {"tasks", std::to_string(c.state.tasks.size())}});
}

void advance_cleanup(Context& c) {
  AgentState& state = c.state;
  if (state.cleanup == CleanupPhase::killing && all_ended(state)) {
    state.cleanup = CleanupPhase::reporting;
    c.arm(Kind::cleanup_over, c.config.cleanup_report_timeout);
  }
  if (state.cleanup == CleanupPhase::reporting && state.tasks.empty() && state.executors.empty()) {
    forget_identity(c);
  }
  if (state.cleanup == CleanupPhase::forgetting && state.writes.empty() &&
      !state.deadlines.deadline_of({Kind::identity_retry, {}, {}})) {
    stop(c, "everything of earlier lives has ended and its frameworks know");
  }
}

void on_cleanup_over(Context& c) {
  PROBE("agent.cleanup_not_acknowledged");
  stop(c, "everything of earlier lives has ended, except " + std::to_string(leaked(c.state)) +
              " containers that do not die; " + std::to_string(unacknowledged(c.state)) +
              " updates are not acknowledged and will be sent by the next start");
}

}  // namespace bourse::agent
