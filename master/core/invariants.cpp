// What must hold after every step, for the rows that the step touched, and the full sweep over
// every row that the simulator and tests call.
#include "base/assert.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

void check_task(const MasterState& state, TaskSlot slot, const Task& task) {
  const Agent& agent = state.agents.at(task.agent);
  ASSERT(agent.tasks[task.position_in_agent] == slot);
  if (task.standing == TaskStanding::zombie) {
    ASSERT(task.framework.empty() && !task.charged);
    return;
  }
  const Framework& framework = state.frameworks.at(task.framework);
  ASSERT(framework.id == task.framework_id);
  ASSERT(framework.tasks[task.position_in_framework] == slot);
  ASSERT(framework.task_of.at(task.facet->id) == slot);
  // Terminal is final, and frees once.
  ASSERT(!is_terminal(task.state) || task.released);
  ASSERT(task.charged == !task.released);
  ASSERT(task.launch_id.epoch <= state.epoch);
}

void check_offer(const MasterState& state, OfferSlot slot, const Offer& offer) {
  const Agent& agent = state.agents.at(offer.agent);
  const Framework& framework = state.frameworks.at(offer.framework);
  ASSERT(agent.offers[offer.position_in_agent] == slot);
  ASSERT(framework.offers[offer.position_in_framework] == slot);
  ASSERT(framework.connected());
  ASSERT(agent.phase == AgentPhase::active);
  const OfferSlot* found = state.offer_of.find(offer.number + 1);
  ASSERT(found != nullptr && *found == slot);
}

// The ledger's terms are the sums over the rows.
void check_ledger_rows(const MasterState& state, const Agent& agent) {
  Ledger expected(agent.ledger.total());
  for (const TaskSlot slot : agent.tasks) {
    const Task& task = state.tasks.at(slot);
    if (!task.released) expected.use_anyway(task.facet->resources);
  }
  for (const auto& [key, executor] : agent.executors) {
    expected.use_anyway(executor.facet->resources);
  }
  for (const auto& [key, leaked] : agent.leaks) expected.hold(leaked);
  for (const OfferSlot slot : agent.offers) expected.offer(state.offers.at(slot).resources);
  ASSERT(expected.used() == agent.ledger.used());
  ASSERT(expected.held() == agent.ledger.held());
  ASSERT(expected.offered() == agent.ledger.offered());
  ASSERT(expected.free() == agent.ledger.free());
  ASSERT(expected.deficit() == agent.ledger.deficit());
}

// Operations change what resources mean and never how much there is. What is lent comes on top.
void check_amounts(const Agent& agent) {
  if (agent.phase != AgentPhase::active) return;
  ASSERT(agent.ledger.total().contains(agent.oversubscribed));
  Resources own = agent.ledger.total();
  own.subtract(agent.oversubscribed);
  ASSERT(same_amounts(own, agent.facet->total));
  ASSERT(same_amounts(agent.confirmed, agent.facet->total));
}

std::array<allocator::Sum, allocator::kMaxDimensions> charged_by_rows(const MasterState& state,
                                                                      const Framework& framework,
                                                                      std::uint32_t role) {
  std::array<allocator::Sum, allocator::kMaxDimensions> sums{};
  const auto add = [&](const Resources& resources) {
    const QuantityRow row = row_of(state.allocation, resources);
    for (std::size_t i = 0; i < row.size(); ++i) sums[i] += static_cast<allocator::Sum>(row[i]);
  };
  for (const TaskSlot slot : framework.tasks) {
    const Task& task = state.tasks.at(slot);
    if (task.charged && task.role == role) add(task.facet->resources);
  }
  for (const OfferSlot slot : framework.offers) {
    const Offer& offer = state.offers.at(slot);
    if (offer.role == role) add(offer.resources);
  }
  state.agents.for_each([&](AgentSlot, const Agent& agent) {
    for (auto it = agent.executors.lower_bound({framework.id, ExecutorId()});
         it != agent.executors.end() && it->first.first == framework.id; ++it) {
      if (it->second.charged && it->second.role == role) add(it->second.facet->resources);
    }
  });
  return sums;
}

void check_charges(const MasterState& state, const Framework& framework) {
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    const Role& role = framework.roles[i];
    ASSERT(role.claim.entered);
    const auto expected = charged_by_rows(state, framework, i);
    const auto charged = state.allocation.tree.charged(role.claim.id);
    for (std::size_t d = 0; d < charged.size(); ++d) ASSERT(charged[d] == expected[d]);
  }
}

}  // namespace

void check_agent(const MasterState& state, AgentSlot slot) {
  const Agent& agent = state.agents.at(slot);
  ASSERT(agent.ledger.balanced());
  ASSERT(agent.phase == AgentPhase::active || agent.offers.empty());
  ASSERT(agent.ledger.offerable() || agent.offers.empty());
  ASSERT(is_offered(agent) || agent.offers.empty());
  ASSERT(agent.phase != AgentPhase::gone || (agent.tasks.empty() && agent.executors.empty()));
  ASSERT(agent.phase != AgentPhase::admitting || agent.tasks.empty());
  check_operations(state, agent);
  const bool unreachable = agent.phase == AgentPhase::unreachable;
  const bool gone = agent.phase == AgentPhase::gone;
  ASSERT(unreachable == state.departed.unreachable.contains({agent.left_at, slot}));
  ASSERT(gone == state.departed.gone.contains({agent.left_at, slot}));
  ASSERT(!agent.forgetting || unreachable || gone);
  const bool away = agent.phase == AgentPhase::silent || agent.phase == AgentPhase::recovered;
  ASSERT(agent.removal_ticket == 0 ||
         (away && state.removals_waiting.at(agent.removal_ticket) == slot));
}

void check_framework(const MasterState& state, FrameworkSlot slot) {
  const Framework& framework = state.frameworks.at(slot);
  ASSERT(framework.tasks.size() == framework.task_of.size());
  ASSERT(framework.connected() || framework.offers.empty());
  ASSERT(framework.completed.size() == framework.completed_order.size());
}

void check_all(const MasterState& state) {
  std::size_t tasks_of_agents = 0;
  std::size_t offers_of_agents = 0;
  std::size_t removals = 0;
  std::size_t operations = 0;
  std::uint64_t recovering = 0;
  std::uint64_t admitting = 0;
  state.agents.for_each([&](AgentSlot slot, const Agent& agent) {
    check_agent(state, slot);
    ASSERT(state.agent_of.at(agent.id) == slot);
    check_ledger_rows(state, agent);
    check_amounts(agent);
    operations += agent.operations.size();
    tasks_of_agents += agent.tasks.size();
    offers_of_agents += agent.offers.size();
    removals += agent.removal_ticket != 0 ? 1 : 0;
    recovering += agent.phase == AgentPhase::recovered ? 1 : 0;
    admitting += agent.phase == AgentPhase::admitting ? 1 : 0;
  });
  ASSERT(operations == state.operation_of.size());
  ASSERT(tasks_of_agents == state.tasks.size());
  ASSERT(offers_of_agents == state.offers.size());
  ASSERT(state.offer_of.size() == state.offers.size());
  ASSERT(removals == state.removals_waiting.size());
  ASSERT(recovering == state.agents_recovering);
  ASSERT(admitting == state.agents_admitting);
  state.frameworks.for_each([&](FrameworkSlot slot, const Framework& framework) {
    check_framework(state, slot);
    ASSERT(state.framework_of.at(framework.id) == slot);
    if (framework.phase != FrameworkPhase::admitting) check_charges(state, framework);
    check_demands(state, framework);
  });
  check_quotas(state);
  check_running(state);
  check_asks(state);
  state.tasks.for_each([&](TaskSlot slot, const Task& task) { check_task(state, slot, task); });
  state.offers.for_each(
      [&](OfferSlot slot, const Offer& offer) { check_offer(state, slot, offer); });
}

}  // namespace bourse::master
