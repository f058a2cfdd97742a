#include "master/view/demands.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "master/view/roles.hpp"
#include "model/limits.hpp"
#include "model/offerable.hpp"
#include "proto/codec/demand_form.hpp"
#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::master {

namespace {

// What is free on each agent that can be offered, worked out once for an answer.
class FreeAgents {
 public:
  explicit FreeAgents(const ViewState& state) : state_(state) {
    for (const auto& [id, row] : state.agents()) {
      if (row.put.phase != AgentPhase::active || !row.put.deficit.empty()) continue;
      Resources free = row.put.agent->total;
      free.add(row.put.oversubscribed);
      free.subtract_up_to(row.used.all());
      free.subtract_up_to(row.offered.all());
      free_.push_back({&row.put, std::move(free)});
    }
    for (const auto& [number, offer] : state.offers()) {
      const auto framework = state.frameworks().find(offer.framework->id);
      if (framework == state.frameworks().end() || !framework->second.put.demand) continue;
      offered_[{offer.framework->id, *offer.role}][offer.agent->id].add(offer.resources);
    }
  }

  std::size_t size() const { return free_.size(); }

  // Of each shape, as many as fit.
  std::vector<std::uint32_t> fits(const change::FrameworkPut& framework, const std::string& role,
                                  const std::vector<DemandShape>& wanted) {
    // Where the master is, its Changes do not say: an agent elsewhere counts like any other.
    const OfferTerms terms = terms_of(*framework.framework, framework.offer_constraints, role, "");
    const Quantities left = limits_left(role);
    const auto offered = offered_.find({framework.framework->id, role});
    std::vector<Count> counts;
    for (const DemandShape& shape : wanted) counts.emplace_back(shape, left);
    for (const Free& agent : free_) {
      const AgentId& id = agent.put->agent->id;
      const Resources* its = nullptr;
      if (offered != offered_.end() && offered->second.contains(id)) {
        its = &offered->second.at(id);
      }
      const bool admitted = admits(terms, *agent.put->agent, agent.put->agent->total);
      if (!admitted && its == nullptr) continue;
      for (Count& count : counts) count.look(id, admitted ? &agent.free : nullptr, its, terms);
    }
    std::vector<std::uint32_t> out;
    for (const Count& count : counts) out.push_back(count.found);
    return out;
  }

 private:
  struct Free {
    const change::AgentPut* put;
    Resources free;
  };

  // Of one shape, a dimension for each name that it wants.
  struct Count {
    const DemandShape* shape;
    std::uint32_t found = 0;
    std::vector<std::int64_t> amounts, kept, open, left;

    Count(const DemandShape& of, const Quantities& limits) : shape(&of) {
      for (const auto& [name, milli] : of.amounts) {
        const auto limit = limits.find(name);
        amounts.push_back(milli);
        left.push_back(limit == limits.end() ? std::numeric_limits<std::int64_t>::max()
                                             : limit->second);
      }
    }

    // `free` of the agent, and what of it is on offer to the framework; null: none.
    void look(const AgentId& id, const Resources* free, const Resources* offered,
              const OfferTerms& terms) {
      const bool wants = found < shape->count && (shape->agent_id.empty() || shape->agent_id == id);
      if (!wants) return;
      kept.assign(amounts.size(), 0);
      open.assign(amounts.size(), 0);
      if (free != nullptr) {
        for (const Resource& resource : free->list()) {
          if (!admits(terms, resource)) continue;
          add(resource, resource.is_reserved() || resource.is_revocable() ? kept : open);
        }
      }
      if (offered != nullptr) {
        for (const Resource& resource : offered->list()) add(resource, kept);
      }
      found += static_cast<std::uint32_t>(
          copies_within({amounts, kept, open, left}, shape->count - found));
    }

    void add(const Resource& resource, std::vector<std::int64_t>& row) const {
      const auto at = shape->amounts.find(resource.name);
      if (at == shape->amounts.end()) return;
      const auto d = static_cast<std::size_t>(std::distance(shape->amounts.begin(), at));
      row[d] = std::min(row[d] + quantity_of(resource), kMostQuantity);
    }
  };

  // What the limits of the role and those above it leave, by name.
  Quantities limits_left(const std::string& role) {
    Quantities out;
    for (const auto& [name, quota] : state_.quotas()) {
      if (quota.limits.empty() || !role_may_use(role, name)) continue;
      const Quantities& consumed = consumed_by(name);
      for (const auto& [resource, limit] : quota.limits) {
        const auto its = consumed.find(resource);
        const std::int64_t left = limit - (its == consumed.end() ? 0 : its->second);
        const auto at = out.emplace(resource, left).first;
        at->second = std::min(at->second, left);
      }
    }
    return out;
  }

  // As the core counts it: what is reserved, and of the rest what is used or on offer.
  const Quantities& consumed_by(const std::string& role) {
    if (consumed_.empty()) {
      for (const RoleRow& row : role_rows(state_)) {
        Quantities& sum = consumed_[row.name];
        const auto add = [&](const Resources& resources, bool reserved) {
          for (const Resource& resource : resources.list()) {
            const bool counts = resource.kind == Resource::Kind::scalar &&
                                !resource.is_revocable() && (reserved || !resource.is_reserved());
            if (counts) sum[resource.name] += resource.scalar_milli * resource.copies;
          }
        };
        add(row.reserved, true);
        add(row.allocated, false);
        add(row.offered, false);
      }
    }
    return consumed_[role];
  }

  static constexpr std::int64_t kMostQuantity = std::int64_t{1} << 60;  // two make no overflow

  const ViewState& state_;
  std::vector<Free> free_;  // in the order of their ids
  std::map<std::pair<FrameworkId, std::string>, std::map<AgentId, Resources>> offered_;
  std::map<std::string, Quantities> consumed_;  // by role, once it was asked for
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
  FreeAgents agents(state);
  const bool looks = shapes * agents.size() <= limits::kMaxDemandLooks;
  operator_extension::FrameworkDemands out;
  for (const FrameworkRow* row : rows) {
    const FrameworkId& id = row->put.framework->id;
    for (const auto& [role, wanted] : row->put.demand->roles) {
      const auto found = looks ? agents.fits(row->put, role, wanted) : std::vector<std::uint32_t>();
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const DemandShape& shape = wanted[i];
        operator_extension::FrameworkDemand& made = *out.add_demands();
        made.mutable_framework_id()->set_value(id.raw());
        made.set_role(role);
        codec::write_amounts(shape.amounts, "", *made.mutable_resources());
        if (!shape.agent_id.empty()) made.mutable_agent_id()->set_value(shape.agent_id.raw());
        made.set_count(shape.count);
        if (!looks) continue;
        made.set_fits(found[i]);
        made.set_unmet(shape.count - found[i]);
      }
    }
  }
  const std::string json = codec::to_json(out);
  return json.substr(1, json.size() - 2);  // without its braces
}

}  // namespace bourse::master
