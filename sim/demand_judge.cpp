#include "sim/demand_judge.hpp"

#include <algorithm>
#include <string>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

bool holds(const change::OfferAdded& offer, const DemandShape& shape) {
  if (!shape.agent_id.empty() && shape.agent_id != offer.agent->id) return false;
  return std::all_of(shape.amounts.begin(), shape.amounts.end(), [&](const auto& amount) {
    return offer.resources.scalar_milli(amount.first) >= amount.second;
  });
}

}  // namespace

void DemandJudge::step(const master::MasterState& state, const master::Effects& effects) {
  for (const Change& change : effects.changes) {
    const auto* offer = std::get_if<change::OfferAdded>(&change.body);
    if (offer == nullptr) continue;
    const auto slot = state.framework_of.find(offer->framework->id);
    if (slot == state.framework_of.end()) continue;
    const DemandPtr& demand = state.frameworks.at(slot->second).demand;
    if (demand == nullptr) continue;
    const auto wanted = demand->roles.find(*offer->role);
    if (wanted == demand->roles.end()) continue;
    const bool any = std::any_of(wanted->second.begin(), wanted->second.end(),
                                 [&](const DemandShape& shape) { return holds(*offer, shape); });
    if (any) continue;
    judge_.violate("O9", offer->framework->name + " is offered " + offer->resources.to_text() +
                             ", in which nothing fits that it wants");
  }
}

}  // namespace bourse::sim
