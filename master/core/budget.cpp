// Disruption budgets: how many of a framework's tasks must run on while operators empty agents. A
// task counts as running when its agent says so and nobody has told it to end. A drain tells one
// that counts to end only if enough are left; what waits is looked at again whenever the framework
// has one more that runs, or another budget. Nothing is remembered of what drains ended before: a
// new master counts what agents tell it, and so never believes in too many.
#include <algorithm>
#include <map>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

bool counts(const Task& task) {
  return task.standing == TaskStanding::live && task.state == TaskState::running &&
         !task.kill_requested && !task.ending;
}

bool has_room(const Framework& framework) {
  return !framework.budget || framework.running > framework.budget->min_running;
}

bool waits_no_more(const Context& c, const Agent& agent) {
  return agent.maintenance.force || agent.wait_ends <= c.stamp.now;
}

std::vector<change::DrainWait> waits_of(const Context& c, const Agent& agent) {
  std::vector<change::DrainWait> out;
  if (agent.maintenance.duty != AgentDuty::draining || agent.phase != AgentPhase::active) {
    return out;
  }
  if (waits_no_more(c, agent)) return out;
  std::map<FrameworkId, std::pair<const Framework*, std::uint64_t>> waiting;
  for (const TaskSlot slot : agent.tasks) {
    const Task& task = c.state.tasks.at(slot);
    if (!task.counted) continue;
    const Framework& framework = c.state.frameworks.at(task.framework);
    if (!framework.budget) continue;
    waiting[framework.id].first = &framework;
    ++waiting[framework.id].second;
  }
  for (const auto& [id, what] : waiting) {
    const auto& [framework, tasks] = what;
    out.push_back({id, tasks, framework->running,
                   "waits for the budget of framework " + id.raw() + ": " +
                       words_of(*framework->budget, framework->running)});
  }
  return out;
}

bool same_tasks(const std::vector<change::DrainWait>& a, const std::vector<change::DrainWait>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.framework_id == y.framework_id && x.tasks == y.tasks;
  });
}

}  // namespace

void count_task(Context& c, Task& task) {
  const bool now = counts(task);
  if (now == task.counted) return;
  Framework& framework = c.state.frameworks.at(task.framework);
  task.counted = now;
  if (now) {
    ++framework.running;
  } else {
    --framework.running;
  }
  touch_framework(c, task.framework);
}

void uncount_task(Context& c, Task& task) {
  if (!task.counted) return;
  task.counted = false;
  --c.state.frameworks.at(task.framework).running;
}

bool may_ask_away(Context& c, AgentSlot slot, const Task& task) {
  if (!task.counted || waits_no_more(c, c.state.agents.at(slot))) return true;
  Framework& framework = c.state.frameworks.at(task.framework);
  if (has_room(framework)) return true;
  PROBE("master.drain_waits_for_budget");
  framework.drains_waiting.insert(slot);
  touch_agent(c, slot);
  return false;
}

void set_budget(Framework& framework) {
  framework.budget.reset();
  // Judged when it subscribed; one that an older build let pass counts for nothing.
  const auto declared = disruption_budget_of(framework.facet->labels);
  if (declared.ok()) framework.budget = *declared;
}

void settle_budgets(Context& c) {
  for (std::size_t i = 0; i < c.state.touched_frameworks.size(); ++i) {
    Framework* framework = c.state.frameworks.find(c.state.touched_frameworks[i]);
    if (framework == nullptr || framework->drains_waiting.empty()) continue;
    const std::set<AgentSlot> waiting = framework->drains_waiting;
    for (const AgentSlot slot : waiting) {
      if (!has_room(*framework)) break;
      framework->drains_waiting.erase(slot);  // it is put back if it waits on
      if (c.state.agents.find(slot) != nullptr) go_on_draining(c, slot);
    }
  }
}

void publish_waits(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.waits.empty() && agent.maintenance.duty != AgentDuty::draining) return;
  std::vector<change::DrainWait> waits = waits_of(c, agent);
  if (same_tasks(waits, agent.waits)) return;
  for (const change::DrainWait& wait : waits) {
    c.note(
        Note::Level::info, "agent.drain_waits",
        {{"agent_id", agent.id.raw()}, {"tasks", std::to_string(wait.tasks)}, {"why", wait.why}});
  }
  agent.waits = std::move(waits);
  publish_agent(c, agent);
}

void begin_waiting(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  const Maintenance& drain = agent.maintenance;
  const bool bounded = drain.duty == AgentDuty::draining && drain.max_wait && !drain.force;
  agent.wait_ends = bounded ? c.stamp.now + *drain.max_wait : Instant::max();
  if (bounded) {
    c.arm(DeadlineKey::Kind::agent_waited, slot, agent.wait_ends);
  } else {
    c.disarm(DeadlineKey::Kind::agent_waited, slot);
  }
}

void check_running(const MasterState& state) {
  std::map<FrameworkSlot, std::uint64_t> running;
  state.tasks.for_each([&](TaskSlot, const Task& task) {
    ASSERT(task.counted == counts(task));
    if (task.counted) ++running[task.framework];
  });
  state.frameworks.for_each([&](FrameworkSlot slot, const Framework& framework) {
    const auto it = running.find(slot);
    ASSERT(framework.running == (it == running.end() ? 0 : it->second));
  });
}

}  // namespace bourse::master
