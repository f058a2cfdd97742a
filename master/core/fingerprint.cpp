// The fingerprint of a state: every row in index order, nothing that depends on hashing.
#include "base/fingerprint.hpp"

#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

template <typename Enum>
void add_enum(Fingerprint& fp, Enum value) {
  fp.add(static_cast<std::uint64_t>(value));
}

void add_session(Fingerprint& fp, const Session& session) {
  fp.add(session.peer.raw());
  fp.add(session.number);
  fp.add(session.receiver.last());
  fp.add(session.sender.last());
  fp.add(session.last_heard.ns);
}

void add_agent(Fingerprint& fp, const Agent& agent) {
  fp.add(agent.id.raw());
  add_enum(fp, agent.phase);
  fp.add(agent.incarnation);
  add_session(fp, agent.session);
  agent.ledger.fingerprint(fp);
  add_enum(fp, agent.standing);
  for (const Maintenance* m : {&agent.maintenance, &agent.wanted}) {
    add_enum(fp, m->duty);
    fp.add(m->max_grace ? m->max_grace->ns : -1);
    fp.add(m->mark_gone);
    fp.add(m->force);
    fp.add(m->max_wait ? m->max_wait->ns : -1);
  }
  fp.add(agent.unavailability ? agent.unavailability->start.ns : -1);
  fp.add(agent.machine_down);
  fp.add(agent.wait_ends.ns);
  for (const auto& [framework, ask] : agent.asks) {
    fp.add(ask.number);
    add_enum(fp, ask.answer);
    fp.add(ask.again.ns);
  }
  for (const change::DrainWait& wait : agent.waits) fp.add(wait.tasks);
  fp.add(agent.going.has_value());
  fp.add(agent.removal_ticket);
  fp.add(agent.forgetting);
  fp.add(agent.pending.has_value());
  fp.add(static_cast<std::uint64_t>(agent.tasks.size()));
  fp.add(static_cast<std::uint64_t>(agent.offers.size()));
  for (const auto& [key, executor] : agent.executors) {
    fp.add(key.first.raw());
    fp.add(key.second.raw());
  }
  for (const Filter& filter : agent.filters) fp.add(filter.ends.ns);
  for (const auto& [key, launch] : agent.told_lost) fp.add(key.second.raw());
  for (const auto& [key, grace] : agent.kills_waiting) fp.add(key.second.raw());
  for (const auto& key : agent.accepts_waiting) fp.add(key.second.raw());
  for (const auto& [number, row] : agent.operations) {
    fp.add(number);
    fp.add(row.order->id.raw());
    add_enum(fp, row.state);
  }
  agent.confirmed.fingerprint(fp);
  agent.oversubscribed.fingerprint(fp);
}

void add_framework(Fingerprint& fp, const Framework& framework) {
  fp.add(framework.id.raw());
  add_enum(fp, framework.phase);
  add_session(fp, framework.session);
  fp.add(framework.pending.has_value());
  fp.add(framework.away_before.ns);
  fp.add(framework.away_from.ns);
  fp.add(framework.away_noted);
  for (const Role& role : framework.roles) {
    fp.add(role.name);
    fp.add(role.subscribed);
    fp.add(role.suppressed);
    fp.add(role.claim.id.raw());
    fp.add(role.claim.declined_in_a_row);
    fp.add(role.claim.held_back);
  }
  if (framework.demand != nullptr) {
    for (const auto& [role, shapes] : framework.demand->roles) {
      fp.add(role);
      for (const DemandShape& shape : shapes) fp.add(describe(shape));
    }
  }
  for (const TaskId& id : framework.completed_order) fp.add(id.raw());
  for (const auto& [id, grace] : framework.kills_waiting) fp.add(id.raw());
  for (const auto& [name, bytes] : framework.published) fp.add(name);
  for (const auto& [id, uuid] : framework.operation_of) fp.add(id.raw());
  for (const OperationId& id : framework.completed_operations_order) fp.add(id.raw());
  fp.add(framework.budget ? framework.budget->min_running + 1 : 0);
  fp.add(framework.running);
  for (const AgentSlot slot : framework.drains_waiting) fp.add(slot.index);
}

void add_task(Fingerprint& fp, const Task& task) {
  fp.add(task.framework_id.raw());
  fp.add(task.facet->id.raw());
  fp.add(task.agent.index);
  fp.add(task.launch_id.epoch);
  fp.add(task.launch_id.number);
  add_enum(fp, task.standing);
  add_enum(fp, task.state);
  fp.add(task.acknowledged);
  fp.add(task.answered);
  fp.add(task.released);
  fp.add(task.charged);
  fp.add(task.kill_requested);
  add_enum(fp, task.kill_cause);
  fp.add(task.ending);
}

void add_schedule(Fingerprint& fp, const MaintenanceSchedule& schedule) {
  for (const MaintenanceWindow& window : schedule.windows) {
    fp.add(window.unavailability.start.ns);
    for (const MachineId& id : window.machines) {
      fp.add(id.hostname);
      fp.add(id.ip);
    }
  }
  for (const MachineId& id : schedule.down) fp.add(id.hostname);
}

}  // namespace

std::uint64_t fingerprint_of(const MasterState& state) {
  Fingerprint fp;
  fp.add(state.leading);
  fp.add(state.cluster_id);
  fp.add(state.epoch);
  state.agents.for_each([&](AgentSlot slot, const Agent& agent) {
    fp.add(slot.index);
    add_agent(fp, agent);
  });
  state.frameworks.for_each([&](FrameworkSlot slot, const Framework& framework) {
    fp.add(slot.index);
    add_framework(fp, framework);
  });
  state.tasks.for_each([&](TaskSlot slot, const Task& task) {
    fp.add(slot.index);
    add_task(fp, task);
  });
  state.offers.for_each([&](OfferSlot slot, const Offer& offer) {
    fp.add(slot.index);
    fp.add(offer.number);
    offer.resources.fingerprint(fp);
    fp.add(offer.expires.ns);
  });
  for (const auto& [id, at] : state.removed_frameworks) fp.add(id.raw());
  for (const auto& [role, weight] : state.weights_milli) fp.add(weight);
  for (const auto* quotas : {&state.quotas, &state.quotas_wanted}) {
    for (const auto& [role, quota] : *quotas) {
      fp.add(role);
      for (const auto& [name, milli] : quota.guarantees) fp.add(milli);
      for (const auto& [name, milli] : quota.limits) fp.add(milli);
    }
  }
  for (const allocator::Sum amount : state.allocation.quotas.needed()) {
    fp.add(static_cast<std::uint64_t>(amount));
  }
  add_schedule(fp, state.schedule);
  add_schedule(fp, state.schedule_wanted);
  fp.add(state.next_inverse_offer);
  for (const auto& [id, write] : state.writes) fp.add(id.raw());
  fp.add(state.next_removal.ns);
  fp.add(state.deadlines.next().ns);
  fp.add(static_cast<std::uint64_t>(state.deadlines.size()));
  fp.add(state.allocation.round_due.ns);
  fp.add(state.allocation.idle_budget_milli);
  fp.add(state.next_offer);
  fp.add(state.next_launch);
  fp.add(state.next_operation);
  fp.add(state.sequence);
  return fp.value();
}

}  // namespace bourse::master
