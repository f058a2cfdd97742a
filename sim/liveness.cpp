#include "sim/liveness.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "coordination/core/config.hpp"
#include "model/leader_finder.hpp"

namespace bourse::sim {

namespace {

// How often the World looks: as much later a thing may be seen.
constexpr Duration kLook = Duration::seconds(2);
constexpr Duration kRegisteredWithin = Duration::seconds(30);
constexpr Duration kDoneWithin = Duration::seconds(60);

bool stays(const FrameworkNode& framework) {
  return !framework.over() && framework.plan().ending == Ending::stays;
}

}  // namespace

// An end that nobody closed is noticed by its silence. Then the leader is looked for: an address
// that failed is not believed for a while, one that does not answer costs its time-out, and a
// registration that was under way when its session ended is repeated after its pause. Who learns
// the leader from the ensemble may have to open its session there anew.
Duration Liveness::registered_within(bool watches) const {
  const Plan& plan = env_.plan;
  const LeaderFinderConfig finder;
  const Duration silence = std::max(plan.master.agent_silence, plan.scheduler.silence_timeout);
  const Duration retry =
      std::max(plan.agent.register_retry_max, plan.scheduler.subscribe_retry_max);
  Duration out = silence + finder.answer_timeout + finder.distrust + retry;
  if (watches) out = out + coordination::CoordinationConfig{}.reopen + plan.zk_timeout;
  return std::max(kRegisteredWithin, out) + kLook;
}

// A request that was lost is made again after its sender's pause, and so is an update that tells
// what became of it: each may just have begun its longest one.
Duration Liveness::done_within() const {
  const Plan& plan = env_.plan;
  const Duration out = plan.scheduler.call_retry_max + plan.agent.update_retry_max;
  return std::max(kDoneWithin, out) + kLook;
}

// What is asked of an agent that will not be back is answered when it is given up: in its turn.
Duration Liveness::given_up_within() const {
  const Plan& plan = env_.plan;
  return std::max(plan.master.agent_timeout, plan.master.agent_recovery) +
         plan.master.agent_removal_interval * 20;
}

bool Liveness::overdue(Instant began, Instant since, Duration within) const {
  return std::max({healed_, began, since}) + within < env_.schedule.now();
}

bool Liveness::look_at_agent(const AgentNode& agent) {
  if (!agent.up()) return false;
  const AgentId& id = agent.core().state().identity->id;
  const master::MasterState& state = leading_->core().state();
  const auto row = state.agent_of.find(id);
  const bool active =
      row != state.agent_of.end() && state.agents.at(row->second).phase == AgentPhase::active;
  if (active && agent.core().state().link.registered) return true;
  if (judge_.operators().is_gone(id)) return false;  // ends what it runs, and then itself
  // What it ran under the name that was forgotten it must end first.
  const auto nameless = agent.nameless_since();
  const Instant begun = nameless ? *nameless + kDoneWithin : agent.started_at();
  if (overdue(begun, led_since_, registered_within(agent.watches()))) {
    judge_.violate("L2", agent.name() + " is not registered long after the last fault");
  }
  return false;
}

bool Liveness::look_at_framework(const FrameworkNode& framework) {
  if (!stays(framework)) return true;
  // It may believe in a master that has just ended: what it says there is lost.
  const master::MasterState& state = leading_->core().state();
  const auto row = state.framework_of.find(framework.id());
  const bool connected =
      row != state.framework_of.end() && state.frameworks.at(row->second).connected();
  if (connected && framework.subscribed()) return true;
  if (!framework.down() &&
      overdue(framework.begun_at(), led_since_, registered_within(framework.watches()))) {
    judge_.violate("L2", framework.name() + " is not subscribed long after the last fault");
  }
  return false;
}

void Liveness::look_at_requests() {
  std::map<std::string, Instant> seen;
  const auto wait = [&](const std::string& what, Duration within, const char* promise = "L3") {
    const auto before = pending_.find(what);
    const Instant since = before == pending_.end() ? env_.schedule.now() : before->second;
    seen.emplace(what, since);
    if (since + within < env_.schedule.now()) {
      judge_.violate(promise, what + " is not done " + std::to_string(within.ms() / 1000) +
                                  " s after everybody was back");
    }
  };
  std::set<FrameworkId> there;
  for (const auto& framework : frameworks_) {
    if (stays(*framework)) there.insert(framework->id());
  }
  std::set<AgentId> here;
  for (const auto& agent : agents_) {
    here.insert(agent->core().state().identity->id);
    // What nobody there knows any more, and the rest of what did not end whole.
    for (const ContainerId& container : agent->host().left_over(agent->core().state())) {
      wait("the end of container " + container.raw() + " on " + agent->name(), kDoneWithin, "L6");
    }
    for (const auto& [key, task] : agent->core().state().tasks) {
      if (task.pending.empty() || !task.pending.front().stored) continue;
      if (!there.contains(key.first))
        continue;  // for whom nobody acknowledges before it is removed
      const TaskStatus& status = task.pending.front().status;
      wait("the acknowledgement of " + key.second.raw() + " as " +
               std::string(name_of(status.state)) + " by " + key.first.raw(),
           done_within());
    }
  }
  for (const auto& framework : frameworks_) {
    for (const FrameworkNode::Request& request : framework->requests()) {
      const bool back = here.contains(request.agent);
      if (!back && request.kill && request.unreachable) continue;  // kept, as promised
      wait(request.what, back ? done_within() : done_within() + given_up_within());
    }
  }
  pending_ = std::move(seen);
}

void Liveness::look(const MasterNode* leading) {
  const Instant now = env_.schedule.now();
  if (healed_ == Instant{}) healed_ = now;
  env_.settled = false;
  const Epoch epoch = leading == nullptr ? 0 : leading->core().state().epoch;
  if (leading != leading_ || epoch != epoch_) led_since_ = now;
  leading_ = leading;
  epoch_ = epoch;
  if (leading == nullptr) return pending_.clear();
  bool all = true;
  for (const auto& agent : agents_) all = look_at_agent(*agent) && all;
  for (const auto& framework : frameworks_) all = look_at_framework(*framework) && all;
  if (!all) return pending_.clear();
  // What is said into a link that broke in the last moment of the faults is lost.
  const bool recovering = leading->core().state().agents_recovering > 0;
  env_.settled = !recovering && now > env_.links_tell;
  look_at_requests();
}

}  // namespace bourse::sim
