// Offer constraints: which agents a framework may be offered in a role, by what they are. A pair is
// judged when the framework subscribes or the agent registers, never in a round.
#include <algorithm>

#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

const std::vector<ConstraintGroup>* groups_of(const Framework& framework, const Role& role) {
  if (framework.constraints == nullptr) return nullptr;
  const auto it = framework.constraints->roles.find(role.name);
  return it == framework.constraints->roles.end() ? nullptr : &it->second;
}

Status compile(AttributeConstraint& constraint, const std::string& role) {
  using Test = AttributeConstraint::Test;
  if (constraint.test != Test::matches && constraint.test != Test::not_matches) return {};
  Result<Pattern> pattern = Pattern::compile(constraint.text, kConstraintPatternBounds);
  if (!pattern) {
    return invalid("'offer_constraints' for role '" + role + "': the pattern " +
                   pattern.error().message);
  }
  constraint.pattern = *pattern;
  return {};
}

}  // namespace

Status compile_constraints(OfferConstraintsPtr& constraints, const FrameworkFacet& framework) {
  if (constraints == nullptr) return {};
  auto compiled = std::make_shared<OfferConstraints>(*constraints);
  for (auto& [role, groups] : compiled->roles) {
    const bool own = framework.roles.empty()
                         ? role == "*"
                         : std::find(framework.roles.begin(), framework.roles.end(), role) !=
                               framework.roles.end();
    if (!own) {
      return invalid("'offer_constraints' are for role '" + role +
                     "', which is not one of the framework's roles");
    }
    for (ConstraintGroup& group : groups) {
      for (AttributeConstraint& constraint : group) {
        if (Status ok = compile(constraint, role); !ok) return ok;
      }
    }
  }
  constraints = std::move(compiled);
  return {};
}

void constrain_role(Context& c, FrameworkSlot slot, std::uint32_t index) {
  const Framework& framework = c.state.frameworks.at(slot);
  const Role& role = framework.roles[index];
  allocator::ConstraintTable& table = c.state.allocation.constraints;
  const auto* groups = groups_of(framework, role);
  if (groups == nullptr) {
    table.release(role.claim.id);
    return;
  }
  table.constrain(role.claim.id);
  c.state.agents.for_each([&](AgentSlot agent, const Agent& row) {
    table.set(role.claim.id, allocator::RoomId(agent.index), !passes(*row.facet, *groups));
  });
}

void constrain_agent(Context& c, AgentSlot slot) {
  const Agent& agent = c.state.agents.at(slot);
  Allocation& allocation = c.state.allocation;
  for (const std::uint32_t claim : allocation.constraints.constrained()) {
    const Allocation::ClaimOwner& owner = allocation.owners[claim];
    const Framework& framework = c.state.frameworks.at(owner.framework);
    const auto* groups = groups_of(framework, framework.roles[owner.role]);
    allocation.constraints.set(allocator::ClaimId(claim), allocator::RoomId(slot.index),
                               groups != nullptr && !passes(*agent.facet, *groups));
  }
}

}  // namespace bourse::master
