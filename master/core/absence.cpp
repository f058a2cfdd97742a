// A framework that is away: its failover_timeout runs on, whoever leads. How long it is away by now
// is written down once in a while, and the next leader counts on from there. It is counted on the
// leaders' clocks, which only go forward: a wall clock that jumps must end no framework's tasks. So
// what nobody counted (the time between two leaders, and since it was last written) is given to it.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using Kind = DeadlineKey::Kind;

// So much of a count is lost at most with a leader, where the time-out is long.
constexpr Duration kLongestStep = Duration::seconds(3'600);
// And of a shorter one such a part.
constexpr std::int64_t kSteps = 16;
// However short all times are: each step is a write.
constexpr Duration kShortestStep = Duration::seconds(1);

// Nothing is written of those that are back soon: a switch that fails disconnects thousands.
Duration step_of(const Context& c, const Framework& framework) {
  return std::max({c.config.framework_recovery, kShortestStep,
                   std::min(framework.facet->failover_timeout / kSteps, kLongestStep)});
}

bool is_away(const Framework& framework) {
  return framework.phase == FrameworkPhase::disconnected ||
         framework.phase == FrameworkPhase::recovered;
}

}  // namespace

void begin_absence(Context& c, FrameworkSlot slot, Duration before, Duration least) {
  Framework& framework = c.state.frameworks.at(slot);
  framework.away_before = before;
  framework.away_from = c.stamp.now;
  const Duration left = std::max(framework.facet->failover_timeout - before, least);
  c.arm(Kind::framework_removal, slot, c.stamp.now + left);
  c.arm(Kind::framework_away, slot, c.stamp.now + step_of(c, framework));
}

void await_return(Context& c, FrameworkSlot slot) {
  const Framework& framework = c.state.frameworks.at(slot);
  if (c.state.deadlines.deadline_of({Kind::framework_removal, slot.index, slot.generation})) return;
  if (framework.facet->failover_timeout <= Duration{}) {
    begin_removal(c, slot, {}, "it disconnected and has no failover_timeout");
  } else {
    begin_absence(c, slot, {}, {});
  }
}

void end_absence(Context& c, FrameworkSlot slot) {
  Framework& framework = c.state.frameworks.at(slot);
  framework.away_before = {};
  framework.away_from = {};
  framework.away_noted = false;
  c.disarm(Kind::framework_removal, slot);
  c.disarm(Kind::framework_away, slot);
}

void on_framework_away_due(Context& c, FrameworkSlot slot) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!is_away(framework)) return;
  c.arm(Kind::framework_away, slot, c.stamp.now + step_of(c, framework));
  if (framework.pending) return;  // it is on its way back, which is being written
  framework.away_noted = true;
  const Duration away = framework.away_before + (c.stamp.now - framework.away_from);
  persist(c, registry::PutFramework{*framework.facet, framework.registered_at, away},
          pending::Absence{slot});
}

// The next one says it all. It may have been removed meanwhile.
void on_absence_rejected(Context& c, FrameworkSlot slot, const std::string& reason) {
  const Framework* framework = c.state.frameworks.find(slot);
  if (framework == nullptr) return;
  PROBE("master.absence_not_written");
  c.note(Note::Level::warning, "framework.absence_not_written",
         {{"framework_id", framework->id.raw()}, {"reason", reason}});
}

}  // namespace bourse::master
