#include "sim/quota_judge.hpp"

#include <algorithm>
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

// -- guarantees (docs/decisions/0029-quota.md), from the rows again

// Of a name, what the role lacks of its guarantee or those below it need together, whichever is
// more. `less`: an offer to `of` that is thought away.
struct Needs {
  const master::MasterState& state;
  const std::string& name;
  std::string of = {};
  std::int64_t less = 0;

  std::int64_t lacks(const std::string& role, const Quota& quota) const {
    const auto guarantee = quota.guarantees.find(name);
    if (guarantee == quota.guarantees.end()) return 0;
    std::int64_t held = held_by(state, role, name);
    if (!of.empty() && role_may_use(of, role)) held -= less;
    return std::max<std::int64_t>(0, guarantee->second - held);
  }
  // Of those below `above`, and of nobody in between; empty: of the cluster.
  std::int64_t below(const std::string& above) const {
    std::int64_t sum = 0;
    for (const auto& [role, quota] : state.quotas) {
      if (nearest_above(role) != above) continue;
      sum += std::max(lacks(role, quota), below(role));
    }
    return sum;
  }
  std::string nearest_above(const std::string& role) const {
    for (std::size_t at = role.rfind('/'); at != std::string::npos; at = role.rfind('/', at - 1)) {
      std::string parent = role.substr(0, at);
      if (state.quotas.contains(parent)) return parent;
      if (at == 0) break;
    }
    return {};
  }
};

// What counts, is free, and is on agents that may be offered.
std::int64_t spare_of(const master::MasterState& state, const std::string& name) {
  std::int64_t sum = 0;
  state.agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    const bool offered = agent.phase == AgentPhase::active && agent.ledger.offerable() &&
                         agent.maintenance.duty == AgentDuty::serving &&
                         agent.operations_pending == 0;
    if (offered) sum += counted(agent.ledger.available(), name);
  });
  return sum;
}

// What an offer gives is what its role still lacks, or more than enough is left for all who lack.
std::string takes_from_guarantees(const master::MasterState& state,
                                  const change::OfferAdded& offer) {
  for (const std::string name : {"cpus", "mem"}) {
    const std::int64_t given = counted(offer.resources, name);
    const std::int64_t needed = given == 0 ? 0 : Needs{state, name}.below({});
    if (needed == 0 || spare_of(state, name) >= needed) continue;
    const std::int64_t before = Needs{state, name, *offer.role, given}.below({});
    if (given <= before - needed) continue;
    return "an offer gives role " + *offer.role + " " + name + ":" + milli_text(given) +
           ", of which it lacks " + milli_text(before - needed) + ", and others lack " +
           milli_text(needed) + " of which " + milli_text(spare_of(state, name)) + " is left";
  }
  return {};
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
    const std::string wrong = takes_from_guarantees(state, *offer);
    if (!wrong.empty()) judge_.violate("S19", wrong);
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
