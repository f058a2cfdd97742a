#include "sim/operator_judge.hpp"

#include <algorithm>

#include "base/overloaded.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

const char* name_of(AgentDuty duty) {
  static constexpr const char* kNames[] = {"", "serving", "deactivated", "draining", "drained"};
  return kNames[static_cast<std::size_t>(duty)];
}

// What a wish becomes by itself.
bool leads_to(AgentDuty from, AgentDuty to) {
  return from == to || (from == AgentDuty::draining && to == AgentDuty::drained);
}

}  // namespace

void OperatorJudge::asked(RequestId request, const Operation& operation, Epoch epoch) {
  const auto wish = [&](const AgentId& id, AgentDuty duty) {
    requests_[request] = id;
    agents_[id].wishes.push_back({request, epoch, duty, false});
  };
  std::visit(Overloaded{
                 [&](const master::operation::DrainAgent& drain) {
                   wish(drain.agent_id, AgentDuty::draining);
                   agents_[drain.agent_id].emptied = true;
                   agents_[drain.agent_id].gone_asked |= drain.mark_gone;
                 },
                 [&](const master::operation::DeactivateAgent& deactivate) {
                   wish(deactivate.agent_id, AgentDuty::deactivated);
                 },
                 [&](const master::operation::ReactivateAgent& reactivate) {
                   wish(reactivate.agent_id, AgentDuty::serving);
                 },
                 [&](const master::operation::MarkAgentGone& gone) {
                   Agent& agent = agents_[gone.agent_id];
                   agent.emptied = agent.gone_asked = agent.gone_now = true;
                 },
                 [&](const master::operation::TeardownFramework& teardown) {
                   torn_down_.insert(teardown.framework_id);
                 },
                 [](const auto&) {},
             },
             operation);
}

void OperatorJudge::answered(RequestId request, const Status& status) {
  const auto it = requests_.find(request);
  if (it == requests_.end()) return;
  std::vector<Wish>& wishes = agents_[it->second].wishes;
  const auto wish = std::find_if(wishes.begin(), wishes.end(),
                                 [&](const Wish& one) { return one.request == request; });
  if (wish == wishes.end()) return;
  if (status.ok() && !wish->seen) {
    judge_.violate("O2", "an operator was told that " + it->second.raw() + " is " +
                             name_of(wish->duty) + ", and it is not");
  }
  wishes.erase(wish);
}

void OperatorJudge::step(const master::MasterCore& core, const master::Effects& effects) {
  const Epoch epoch = core.state().epoch;
  // What an overtaken leader believes is nobody's business any more.
  if (epoch < latest_) return;
  latest_ = epoch;
  for (const Change& change : effects.changes) {
    if (const auto* put = std::get_if<change::AgentPut>(&change.body)) {
      agent_put(*put, epoch);
    } else if (const auto* offer = std::get_if<change::OfferAdded>(&change.body)) {
      const auto it = agents_.find(offer->agent->id);
      if (it == agents_.end() || it->second.duty == AgentDuty::serving) continue;
      judge_.violate("O2", offer->agent->id.raw() + " is " + name_of(it->second.duty) +
                               " and is offered all the same");
    } else if (const auto* removed = std::get_if<change::FrameworkRemoved>(&change.body)) {
      removed_.insert(removed->framework_id);
    } else if (const auto* framework = std::get_if<change::FrameworkPut>(&change.body)) {
      if (!removed_.contains(framework->framework->id)) continue;
      judge_.violate("O5", framework->framework->id.raw() + " was removed and is back");
    }
  }
}

void OperatorJudge::agent_put(const change::AgentPut& put, Epoch epoch) {
  const AgentId& id = put.agent->id;
  Agent& agent = agents_[id];
  if (put.phase == AgentPhase::gone) {
    if (!agent.gone_asked) judge_.violate("O3", id.raw() + " is gone and nobody marked it");
    agent.gone = true;
    return;
  }
  if (agent.gone) {
    judge_.violate("O3", id.raw() + " was marked gone and is " +
                             std::string(bourse::name_of(put.phase)) + " again");
  }
  check_duty(agent, put, epoch);
}

void OperatorJudge::check_duty(Agent& agent, const change::AgentPut& put, Epoch epoch) {
  const AgentDuty duty = put.maintenance.duty;
  bool explained = leads_to(agent.duty, duty);
  for (Wish& wish : agent.wishes) {
    if (!leads_to(wish.duty, duty)) continue;
    explained = wish.seen = true;
  }
  if (!explained) {
    judge_.violate("O2", put.agent->id.raw() + " was " + name_of(agent.duty) + " and is " +
                             name_of(duty) + ", which no operator asked for");
  }
  agent.duty = duty;
  // What an earlier leader was asked is in what this one found in the registry, or never will be.
  std::erase_if(agent.wishes, [&](const Wish& wish) { return wish.epoch < epoch; });
  if (duty != AgentDuty::drained) return;
  if (const std::string task = judge_.running_on(put.agent->id); !task.empty()) {
    judge_.violate("O4", put.agent->id.raw() + " is drained and runs " + task);
  }
}

void OperatorJudge::sweep(const master::MasterState& state) {
  state.agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    const Maintenance& drain = agent.maintenance;
    if (drain.duty != AgentDuty::draining || !drain.max_grace) return;
    for (const master::TaskSlot slot : agent.tasks) {
      const master::Task& task = state.tasks.at(slot);
      // One whose framework is gone ends with everything of that framework, as its own policy says.
      if (task.standing != master::TaskStanding::live) continue;
      if (!task.kill_requested || is_terminal(task.state)) continue;
      // Nobody speaks with its agent: it is told again, within what the drain allows, when it is
      // back.
      if (task.state == TaskState::unreachable) continue;
      const Duration grace =
          task.kill_grace.value_or(task.facet->kill_grace.value_or(*drain.max_grace));
      if (grace <= *drain.max_grace) continue;
      judge_.violate("O2", task.facet->id.raw() + " has " + std::to_string(grace.ms()) +
                               " ms to end on " + agent.id.raw() + ", whose drain allows " +
                               std::to_string(drain.max_grace->ms()));
    }
  });
}

bool OperatorJudge::may_be_emptied(const AgentId& id) const {
  const auto it = agents_.find(id);
  return it != agents_.end() && it->second.emptied;
}

bool OperatorJudge::may_be_gone(const AgentId& id) const {
  const auto it = agents_.find(id);
  return it != agents_.end() && it->second.gone_now;
}

bool OperatorJudge::is_gone(const AgentId& id) const {
  const auto it = agents_.find(id);
  return it != agents_.end() && it->second.gone;
}

bool OperatorJudge::is_drained(const AgentId& id) const {
  const auto it = agents_.find(id);
  if (it == agents_.end() || it->second.duty != AgentDuty::drained) return false;
  // A wish to have it back may be written already, and not heard of.
  return it->second.wishes.empty();
}

}  // namespace bourse::sim
