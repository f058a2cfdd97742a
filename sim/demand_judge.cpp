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

void DemandJudge::said(const FrameworkToMaster& message) {
  const auto* said = std::get_if<SchedulerCall>(&message.body);
  const auto* request = said == nullptr ? nullptr : std::get_if<call::Request>(&said->body);
  if (request != nullptr) heard_.emplace(said->framework_id, *request);
}

void DemandJudge::begin(int master) {
  std::erase_if(wants_, [master](const auto& row) { return row.first.first == master; });
}

// A call may be dropped, or say what was said before: then the table is what it was.
void DemandJudge::hear(int master, const master::MasterState& state) {
  if (!heard_) return;
  const auto [id, request] = *std::exchange(heard_, std::nullopt);
  const auto slot = state.framework_of.find(id);
  if (slot == state.framework_of.end()) return;
  const master::Framework& framework = state.frameworks.at(slot->second);
  Wants& wants = wants_[{master, id}];
  if (wants.taken == framework.demand) return;
  wants.taken = framework.demand;
  wants.said = {};
  for (const call::Request::Wanted& wanted : request.wanted) {
    const std::string& role = wanted.role.empty() ? framework.facet->roles.front() : wanted.role;
    wants.said.roles[role].push_back(wanted.shape);
  }
}

void DemandJudge::step(int master, const master::MasterState& state,
                       const master::Effects& effects) {
  hear(master, state);
  for (const Change& change : effects.changes) {
    const auto* offer = std::get_if<change::OfferAdded>(&change.body);
    if (offer == nullptr) continue;
    const auto slot = state.framework_of.find(offer->framework->id);
    if (slot == state.framework_of.end()) continue;
    const DemandPtr& taken = state.frameworks.at(slot->second).demand;
    if (taken == nullptr) continue;
    const auto own = wants_.find({master, offer->framework->id});
    const bool known = own != wants_.end() && own->second.taken == taken;
    const Demand* demand = known ? &own->second.said : taken.get();
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
