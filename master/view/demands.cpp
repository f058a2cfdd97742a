#include "master/view/demands.hpp"

#include <algorithm>
#include <map>

#include "model/limits.hpp"
#include "proto/codec/demand_form.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::master {

namespace {

// What is free on each agent that can be offered, worked out once for an answer.
class FreeAgents {
 public:
  explicit FreeAgents(const ViewState& state) {
    for (const auto& [id, row] : state.agents()) {
      if (row.put.phase != AgentPhase::active || !row.put.deficit.empty()) continue;
      Resources free = row.put.agent->total;
      free.subtract_up_to(row.used.all());
      free.subtract_up_to(row.offered.all());
      free_.emplace(id, std::move(free));
    }
    for (const auto& [number, offer] : state.offers()) {
      const auto framework = state.frameworks().find(offer.framework->id);
      if (framework == state.frameworks().end() || !framework->second.put.demand) continue;
      offered_[{offer.framework->id, *offer.role}][offer.agent->id].add(offer.resources);
    }
  }

  std::size_t size() const { return free_.size(); }

  std::uint32_t fits(const FrameworkId& framework, const std::string& role,
                     const DemandShape& shape) const {
    const auto offered = offered_.find({framework, role});
    DemandShape rest = shape;
    for (const auto& [id, free] : free_) {
      if (rest.count == 0) break;
      if (!shape.agent_id.empty() && shape.agent_id != id) continue;
      Resources there = free;
      if (offered != offered_.end()) {
        const auto its = offered->second.find(id);
        if (its != offered->second.end()) there.add(its->second);
      }
      rest.count -= copies_in(there, role, rest);
    }
    return shape.count - rest.count;
  }

 private:
  std::map<AgentId, Resources> free_;
  std::map<std::pair<FrameworkId, std::string>, std::map<AgentId, Resources>> offered_;
};

std::size_t shapes_of(const Demand& demand) {
  std::size_t out = 0;
  for (const auto& [role, shapes] : demand.roles) out += shapes.size();
  return out;
}

}  // namespace

std::string demands_json(const ViewState& state, const std::vector<FrameworkId>& ids) {
  std::vector<const FrameworkRow*> rows;
  std::size_t shapes = 0;
  for (const auto& [id, row] : state.frameworks()) {
    if (row.put.demand == nullptr) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
    rows.push_back(&row);
    shapes += shapes_of(*row.put.demand);
  }
  if (rows.empty()) return {};
  const FreeAgents agents(state);
  const bool looks = shapes * agents.size() <= limits::kMaxDemandLooks;
  operator_extension::FrameworkDemands out;
  for (const FrameworkRow* row : rows) {
    const FrameworkId& id = row->put.framework->id;
    for (const auto& [role, wanted] : row->put.demand->roles) {
      for (const DemandShape& shape : wanted) {
        operator_extension::FrameworkDemand& made = *out.add_demands();
        made.mutable_framework_id()->set_value(id.raw());
        made.set_role(role);
        codec::write_amounts(shape.amounts, "", *made.mutable_resources());
        if (!shape.agent_id.empty()) made.mutable_agent_id()->set_value(shape.agent_id.raw());
        made.set_count(shape.count);
        if (!looks) continue;
        const std::uint32_t fits = agents.fits(id, role, shape);
        made.set_fits(fits);
        made.set_unmet(shape.count - fits);
      }
    }
  }
  const std::string json = codec::to_json(out);
  return json.substr(1, json.size() - 2);  // without its braces
}

}  // namespace bourse::master
