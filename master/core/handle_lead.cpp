// The start of a leadership: the registry says who may be here; who is here says so itself. And
// what became of each write.
#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

void recover_agent(Context& c, const Registry::Agent& stored, const ScheduleIndex& schedule) {
  Agent agent;
  agent.id = stored.facet.id;
  agent.facet = std::make_shared<const AgentFacet>(stored.facet);
  agent.registered_at = stored.admitted_at;
  agent.standing = stored.standing;
  agent.maintenance = stored.maintenance;
  agent.wanted = stored.maintenance;
  agent.ledger = Ledger(stored.facet.total);
  agent.confirmed = stored.facet.total;
  const Planned planned = schedule.find(stored.facet.hostname, stored.facet.http.ip);
  agent.unavailability = planned.unavailability;
  agent.machine_down = planned.down;
  switch (stored.standing) {
    case registry::AgentStanding::admitted:
      agent.phase = AgentPhase::recovered;
      agent.reason = "in the registry, not seen since this master leads";
      ++c.state.agents_recovering;
      break;
    case registry::AgentStanding::unreachable:
      agent.phase = AgentPhase::unreachable;
      agent.reason = "unreachable before this master led";
      agent.unreachable_at = stored.standing_at;
      break;
    case registry::AgentStanding::gone:
      agent.phase = AgentPhase::gone;
      agent.reason = "marked gone by an operator";
      break;
  }
  const AgentSlot slot = c.state.agents.insert(std::move(agent));
  c.state.agent_of.emplace(stored.facet.id, slot);
  begin_waiting(c, slot);
  if (stored.standing != registry::AgentStanding::admitted) depart(c, slot, stored.standing_at);
  const Agent& row = c.state.agents.at(slot);
  if (row.machine_down) touch_agent(c, slot);
  if (row.phase == AgentPhase::recovered) {
    c.arm(DeadlineKey::Kind::agent_gone, slot, c.stamp.now + c.config.agent_recovery);
  }
  publish_agent(c, row);
}

void recover_framework(Context& c, const Registry::Framework& stored) {
  Framework framework;
  framework.id = stored.facet.id;
  framework.facet = std::make_shared<const FrameworkFacet>(stored.facet);
  framework.phase = FrameworkPhase::recovered;
  framework.registered_at = stored.registered_at;
  set_budget(framework);
  for (const std::string& name : stored.facet.roles)
    framework.roles.push_back({name, {}, true, false, {}});
  const FrameworkSlot slot = c.state.frameworks.insert(std::move(framework));
  c.state.framework_of.emplace(stored.facet.id, slot);
  Framework& row = c.state.frameworks.at(slot);
  for (std::uint32_t role = 0; role < row.roles.size(); ++role) enter_role(c, slot, role);
  row.away_noted = stored.away > Duration{};
  begin_absence(c, slot, stored.away, c.config.framework_recovery);
  publish_framework(c, row);
}

PendingWrite take_write(Context& c, PersistId id) {
  // The shell reports in order of issue: anything else is its bug.
  ASSERT(!c.state.writes.empty() && c.state.writes.front().first == id);
  PendingWrite what = std::move(c.state.writes.front().second);
  c.state.writes.pop_front();
  return what;
}

struct OnStored {
  Context& c;
  PersistId id;

  void operator()(const pending::Leadership&) const {
    c.state.leading = true;
    c.note(Note::Level::info, "master.leading",
           {{"cluster_id", c.state.cluster_id}, {"epoch", std::to_string(c.state.epoch)}});
  }
  void operator()(const pending::Admission& w) const { on_admitted(c, w.agent); }
  void operator()(const pending::Return& w) const { on_return_stored(c, w.agent, id); }
  void operator()(const pending::Unreachable& w) const { on_unreachable_stored(c, w.agent, id); }
  void operator()(const pending::Cleared& w) const { on_mark_cleared(c, w.agent); }
  void operator()(const pending::Subscription& w) const {
    on_subscription_stored(c, w.framework, id);
  }
  void operator()(const pending::Removal& w) const { on_removal_stored(c, w.framework); }
  void operator()(const pending::Weight& w) const { on_weight_stored(c, w); }
  void operator()(const pending::Upkeep& w) const { on_upkeep_stored(c, w); }
  void operator()(const pending::Gone& w) const { on_gone_stored(c, w); }
  void operator()(const pending::Quotas& w) const { on_quotas_stored(c, w); }
  void operator()(const pending::Schedule& w) const { on_schedule_stored(c, w); }
  void operator()(const pending::Absence&) const {}
  void operator()(const pending::Forgetting& w) const { on_forgetting_stored(c, w); }
};

struct OnRejected {
  Context& c;
  PersistId id;
  const std::string& reason;

  void operator()(const pending::Leadership&) const {
    c.emit({Abdicate{"the registry refused to record this leadership: " + reason}});
  }
  void operator()(const pending::Admission& w) const { on_admission_rejected(c, w.agent, reason); }
  void operator()(const pending::Return& w) const { on_return_rejected(c, w.agent, id, reason); }
  void operator()(const pending::Unreachable& w) const {
    on_unreachable_rejected(c, w.agent, id, reason);
  }
  void operator()(const pending::Cleared& w) const { on_clearing_rejected(c, w.agent, reason); }
  void operator()(const pending::Subscription& w) const {
    on_subscription_rejected(c, w.framework, id, reason);
  }
  void operator()(const pending::Removal& w) const { on_removal_rejected(c, w.framework, reason); }
  void operator()(const pending::Weight& w) const {
    c.answer(w.request, Error{ErrorCode::full, "weight of role '" + w.weights.front().role +
                                                   "' was not stored: " + reason});
  }
  void operator()(const pending::Upkeep& w) const { on_upkeep_rejected(c, w, reason); }
  void operator()(const pending::Gone& w) const { on_gone_rejected(c, w, reason); }
  void operator()(const pending::Quotas& w) const { on_quotas_rejected(c, w, reason); }
  void operator()(const pending::Schedule& w) const { on_schedule_rejected(c, w, reason); }
  void operator()(const pending::Absence& w) const { on_absence_rejected(c, w.framework, reason); }
  void operator()(const pending::Forgetting& w) const { on_forgetting_rejected(c, w, reason); }
};

}  // namespace

void on_lead(Context& c, const Registry& registry) {
  MasterState& s = c.state;
  ASSERT(s.sequence == 0);
  s.cluster_id = registry.cluster_id;
  if (s.cluster_id.empty()) s.cluster_id = c.config.cluster_id;
  if (s.cluster_id.empty()) s.cluster_id = to_text(make_uuid(c.config.seed, 0));
  s.epoch = c.config.epoch == 0 ? registry.epoch + 1 : c.config.epoch;
  if (s.epoch <= registry.epoch) {
    c.emit({Abdicate{"epoch: " + std::to_string(s.epoch) + " is not above " +
                     std::to_string(registry.epoch) + ", which the registry has seen"}});
    return;
  }
  s.id_prefix = s.cluster_id + "-" + std::to_string(s.epoch);
  s.allocation.idle_budget_milli = c.config.idle_offers_per_second * 1000;
  s.allocation.idle_budget_at = c.stamp.now;
  c.publish(change::ClusterStarted{s.cluster_id, c.config.cluster_name, c.config.master_id, s.epoch,
                                   c.stamp.wall});
  s.removed_frameworks = registry.removed_frameworks;
  for (const auto& [role, weight_milli] : registry.weights_milli) {
    set_role_weight(c, role, weight_milli);
    c.publish(change::WeightSet{role, weight_milli});
  }
  recover_quotas(c, registry.quotas);
  s.schedule = s.schedule_wanted = registry.schedule;
  if (!s.schedule.empty()) c.publish(change::ScheduleSet{s.schedule});
  const ScheduleIndex schedule(s.schedule);
  for (const auto& [id, agent] : registry.agents) recover_agent(c, agent, schedule);
  for (const auto& [id, framework] : registry.frameworks) recover_framework(c, framework);
  // Ids and commands carry the epoch: nothing leaves before it can never be given out again.
  persist(c, registry::SetCluster{s.cluster_id, s.epoch}, pending::Leadership{});
}

void on_stored(Context& c, PersistId id) {
  std::visit(OnStored{c, id}, take_write(c, id));
}

void on_rejected(Context& c, PersistId id, const std::string& reason) {
  PROBE("master.write_rejected");
  c.note(Note::Level::error, "registry.rejected",
         {{"persist", std::to_string(id.raw())}, {"reason", reason}});
  std::visit(OnRejected{c, id, reason}, take_write(c, id));
}

}  // namespace bourse::master
