#include "sim/quota_judge.hpp"

#include <cstdint>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

bool counts(const Resource& resource) {
  return !resource.is_reserved() && !resource.is_revocable();
}

std::int64_t counted(const Resources& resources, const std::string& name) {
  std::int64_t sum = 0;
  for (const Resource& r : resources.list()) {
    if (r.name == name && counts(r)) sum += r.scalar_milli;
  }
  return sum;
}

// By tasks, executors, offers and reservations, of the role and all below it.
std::int64_t held_by(const master::MasterState& state, const std::string& role,
                     const std::string& name) {
  std::int64_t sum = 0;
  const auto add = [&](Slot<master::Framework> slot, std::uint32_t index,
                       const Resources& resources) {
    const std::string& its = state.frameworks.at(slot).roles[index].name;
    if (role_may_use(its, role)) sum += counted(resources, name);
  };
  state.tasks.for_each([&](master::TaskSlot, const master::Task& task) {
    if (task.charged) add(task.framework, task.role, task.facet->resources);
  });
  state.offers.for_each([&](master::OfferSlot, const master::Offer& offer) {
    add(offer.framework, offer.role, offer.resources);
  });
  state.agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    for (const auto& [key, executor] : agent.executors) {
      if (executor.charged) add(executor.framework, executor.role, executor.facet->resources);
    }
    if (agent.phase != AgentPhase::active) return;
    for (const Resource& r : agent.ledger.total().list()) {
      if (r.name != name || !r.is_reserved() || r.is_revocable()) continue;
      if (role_may_use(r.role(), role)) sum += r.scalar_milli;
    }
  });
  return sum;
}

}  // namespace

void QuotaJudge::step(const master::MasterState& state, const master::Effects& effects) {
  if (state.quotas.empty()) return;
  for (const Change& change : effects.changes) {
    const auto* offer = std::get_if<change::OfferAdded>(&change.body);
    if (offer == nullptr) continue;
    for (const auto& [role, quota] : state.quotas) {
      if (role_may_use(*offer->role, role)) check(state, role, quota, offer->resources);
    }
  }
}

void QuotaJudge::check(const master::MasterState& state, const std::string& role,
                       const Quota& quota, const Resources& offered) {
  for (const auto& [name, limit] : quota.limits) {
    if (counted(offered, name) == 0) continue;
    const std::int64_t held = held_by(state, role, name);
    if (held <= limit) continue;
    judge_.violate("O8", "an offer takes role " + role + " to " + name + ":" + milli_text(held) +
                             ", its limit is " + milli_text(limit));
  }
}

}  // namespace bourse::sim
