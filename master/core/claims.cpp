// Agents, roles and frameworks as the allocator sees them: dimensions, the tree of roles, claims
// and what is charged to them.
#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

constexpr std::int64_t kMaxQuantity = std::int64_t{1} << 60;

static_assert(allocator::kMaxDimensions == limits::kMaxScalarDimensions,
              "the tables of the allocator are as wide as the limit says");

// Every name gets its dimension when it is first seen, or never: what is charged for a name is
// released for it.
void learn_dimension(Allocation& allocation, const Resource& resource) {
  if (dimension_of(allocation, resource.name) != allocator::kNone) return;
  if (allocation.dimensions.size() >= allocator::kMaxDimensions) return;
  if (resource.kind == Resource::Kind::scalar) {
    allocation.share_mask |= 1u << allocation.dimensions.size();
  }
  allocation.dimensions.push_back(resource.name);
  const auto count = static_cast<std::uint32_t>(allocation.dimensions.size());
  allocation.tree.grow_dimensions(count);
  allocation.rooms.grow_dimensions(count);
  allocation.refusals.grow_dimensions(count);
  allocation.quotas.grow_dimensions(count);
  allocation.demands.grow_dimensions(count);
  allocation.demands_stale = !allocation.demands.empty();
  allocation.minimums_stale = true;
  allocation.totals.resize(count);
}

allocator::Capabilities capabilities_of(const FrameworkFacet& facet) {
  allocator::Capabilities out = 0;
  const auto map = [&](Capabilities::Capability from, allocator::Capabilities to) {
    if (facet.capabilities.has(from)) out = static_cast<allocator::Capabilities>(out | to);
  };
  map(Capabilities::revocable_resources, allocator::kRevocable);
  map(Capabilities::shared_resources, allocator::kShared);
  map(Capabilities::reservation_refinement, allocator::kRefined);
  map(Capabilities::gpu_resources, allocator::kGpus);
  map(Capabilities::region_aware, allocator::kRegionAware);
  return out;
}

// As Mesos: 0.01 cpus or 32 MB, unless the framework says what is the least it can use.
std::vector<std::int64_t> minimum_of(const Allocation& allocation, const FrameworkFacet& facet,
                                     const std::string& role) {
  const std::size_t count = allocation.dimensions.size();
  std::vector<std::int64_t> rows;
  const auto it = facet.min_allocatable.find(role);
  if (it == facet.min_allocatable.end()) {
    rows.assign(2 * count, 0);
    rows[kCpus] = 10;
    rows[count + kMem] = 32'000;
    return rows;
  }
  for (const Quantities& least : it->second) {
    std::vector<std::int64_t> row(count, 0);
    for (const auto& [name, milli] : least) {
      const std::uint32_t dimension = dimension_of(allocation, name);
      // Nobody has that: out of reach, by way of a quantity that nobody has.
      row[dimension == allocator::kNone ? kCpus : dimension] =
          dimension == allocator::kNone ? std::numeric_limits<std::int64_t>::max() : milli;
    }
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

// In its role, which its claim does not change. What it says it wants is its minimum.
allocator::ClaimSpec spec_of(const Context& c, const Framework& framework, const Role& role) {
  const Allocation& allocation = c.state.allocation;
  allocator::ClaimSpec spec;
  spec.capabilities = capabilities_of(*framework.facet);
  if (const auto* wanted = wanted_in(framework.demand, role)) {
    spec.minimum = demand_rows(allocation, *wanted);
    spec.demanded = true;
  } else {
    spec.minimum = minimum_of(allocation, *framework.facet, role.name);
  }
  if (role.claim.entered) {
    spec.role = allocator::NodeId(allocation.tree.at(role.claim.id).role);
  }
  return spec;
}

// Refusals are counted by class: those of a class that it was not in do not count.
void count_anew(const Allocation& allocation, AllocationClaim& claim) {
  claim.since = allocation.class_refusals[allocation.tree.at(claim.id).class_index];
  claim.own = {};
}

void release_role(Context& c, const std::string& role) {
  auto& roles = c.state.allocation.roles;
  const auto it = roles.find(role);
  if (it == roles.end() || --it->second.references > 0) return;
  c.state.allocation.tree.remove_role(it->second.node);
  roles.erase(it);
  if (const auto slash = role.rfind('/'); slash != std::string::npos) {
    release_role(c, role.substr(0, slash));
  }
}

allocator::NodeId acquire_role(Context& c, const std::string& role) {
  if (role == "*") return allocator::kRootRole;
  auto& roles = c.state.allocation.roles;
  if (const auto it = roles.find(role); it != roles.end()) {
    ++it->second.references;
    return it->second.node;
  }
  const auto slash = role.rfind('/');
  const allocator::NodeId parent =
      slash == std::string::npos ? allocator::kRootRole : acquire_role(c, role.substr(0, slash));
  const auto weight = c.state.weights_milli.find(role);
  const auto weight_milli = weight == c.state.weights_milli.end()
                                ? allocator::kDefaultWeightMilli
                                : static_cast<std::uint32_t>(weight->second);
  const allocator::NodeId node = c.state.allocation.tree.add_role(parent, weight_milli);
  roles.emplace(role, Allocation::RoleNode{node, 1, false});
  return node;
}

}  // namespace

allocator::Input allocation_input(const MasterState& state, const MasterConfig& config,
                                  std::span<const std::uint32_t> touched) {
  const Allocation& allocation = state.allocation;
  return {allocation.tree,
          allocation.rooms,
          allocation.refusals,
          touched,
          allocation.totals,
          {allocation.share_mask, true},
          config.seed + allocation.rounds,
          &allocation.quotas,
          &allocation.constraints,
          &allocation.demands};
}

std::uint32_t dimension_of(const Allocation& allocation, const std::string& name) {
  for (std::uint32_t i = 0; i < allocation.dimensions.size(); ++i) {
    if (allocation.dimensions[i] == name) return i;
  }
  return allocator::kNone;
}

bool add_to_row(const Allocation& allocation, const Resource& resource, std::int64_t* row) {
  const std::uint32_t dimension = dimension_of(allocation, resource.name);
  if (dimension == allocator::kNone) return false;
  row[dimension] = std::min(row[dimension] + quantity_of(resource), kMaxQuantity);
  return true;
}

QuantityRow row_of(const Allocation& allocation, const Resources& resources) {
  QuantityRow row{};
  for (const Resource& r : resources.list()) add_to_row(allocation, r, row.data());
  return row;
}

std::span<const std::int64_t> span_of(const Allocation& allocation, const QuantityRow& row) {
  return {row.data(), allocation.dimensions.size()};
}

// Of a reservation: its role stays in the tree from then on, for rooms name it.
allocator::NodeId role_node(Context& c, const std::string& role) {
  if (role == "*") return allocator::kRootRole;
  auto& roles = c.state.allocation.roles;
  auto it = roles.find(role);
  if (it == roles.end() || !it->second.reserved) {
    acquire_role(c, role);
    it = roles.find(role);
    it->second.reserved = true;
  }
  return it->second.node;
}

void learn_names(Context& c, const Resources& resources) {
  for (const Resource& r : resources.list()) learn_dimension(c.state.allocation, r);
}

void enter_agent(Context& c, AgentSlot slot) {
  leave_agent(c, slot);
  Agent& agent = c.state.agents.at(slot);
  Allocation& allocation = c.state.allocation;
  learn_names(c, agent.ledger.total());
  // What may be taken away makes no share smaller, and guarantees nothing.
  agent.room.counted = row_of(allocation, agent.ledger.total().non_revocable());
  for (std::size_t i = 0; i < allocation.dimensions.size(); ++i) {
    allocation.totals[i] += static_cast<allocator::Sum>(agent.room.counted[i]);
  }
  constrain_agent(c, slot);
  if (allocation.demands_name_agents) allocation.demands_stale = true;
  count_reservations(c, slot);
}

void leave_agent(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  Allocation& allocation = c.state.allocation;
  for (std::size_t i = 0; i < allocation.dimensions.size(); ++i) {
    allocation.totals[i] -= static_cast<allocator::Sum>(agent.room.counted[i]);
  }
  agent.room.counted = {};
  if (allocation.demands_name_agents) allocation.demands_stale = true;
  forget_reservations(c, agent);
  leave_room(agent);
  count_spare(c, agent);
  drop_filters_of(c, slot);
  touch_room(c, slot);
}

void enter_role(Context& c, FrameworkSlot slot, std::uint32_t index) {
  Framework& framework = c.state.frameworks.at(slot);
  Role& role = framework.roles[index];
  role.shared_name = role.name;
  Allocation& allocation = c.state.allocation;
  allocator::ClaimSpec spec = spec_of(c, framework, role);
  if (role.claim.entered) {
    allocation.tree.update_claim(role.claim.id, spec);
  } else {
    spec.role = acquire_role(c, role.name);
    role.claim.id = allocation.tree.add_claim(spec);
    role.claim.entered = true;
    if (allocation.owners.size() <= role.claim.id.raw()) {
      allocation.owners.resize(role.claim.id.raw() + 1);
    }
    allocation.owners[role.claim.id.raw()] = {slot, index};
  }
  count_anew(allocation, role.claim);
  constrain_role(c, slot, index);
  want_role(c, slot, index);
  update_role(c, slot, index);
}

void renew_claim(Context& c, FrameworkSlot slot, std::uint32_t index) {
  Framework& framework = c.state.frameworks.at(slot);
  Role& role = framework.roles[index];
  c.state.allocation.tree.update_claim(role.claim.id, spec_of(c, framework, role));
  count_anew(c.state.allocation, role.claim);
  want_role(c, slot, index);
}

void renew_minimums(Context& c) {
  c.state.allocation.minimums_stale = false;
  c.state.frameworks.for_each([&](FrameworkSlot slot, const Framework& framework) {
    if (framework.facet->min_allocatable.empty()) return;
    for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
      const Role& role = framework.roles[i];
      if (!role.claim.entered || !framework.facet->min_allocatable.contains(role.name)) continue;
      renew_claim(c, slot, i);
    }
  });
}

void update_role(Context& c, FrameworkSlot slot, std::uint32_t index) {
  const Framework& framework = c.state.frameworks.at(slot);
  const Role& role = framework.roles[index];
  auto state = allocator::ClaimState::active;
  if (!framework.connected()) {
    state = allocator::ClaimState::disconnected;
  } else if (!role.subscribed || role.suppressed || role.claim.held_back || is_full(framework)) {
    state = allocator::ClaimState::suppressed;
  }
  c.state.allocation.tree.set_state(role.claim.id, state);
}

void update_roles(Context& c, FrameworkSlot slot) {
  const auto count = static_cast<std::uint32_t>(c.state.frameworks.at(slot).roles.size());
  for (std::uint32_t i = 0; i < count; ++i) update_role(c, slot, i);
}

std::uint32_t held_role(Context& c, FrameworkSlot slot, const std::string& name) {
  Framework& framework = c.state.frameworks.at(slot);
  const std::string& wanted = name.empty() ? framework.facet->roles.front() : name;
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    if (framework.roles[i].name == wanted) return i;
  }
  // Agents name no more roles than it can have had: two subscriptions' worth.
  if (framework.roles.size() >= 2 * limits::kMaxRolesPerFramework) return 0;
  framework.roles.push_back({wanted, {}, false, false, {}});
  const auto made = static_cast<std::uint32_t>(framework.roles.size() - 1);
  enter_role(c, slot, made);
  return made;
}

void leave_roles(Context& c, FrameworkSlot slot) {
  Framework& framework = c.state.frameworks.at(slot);
  Allocation& allocation = c.state.allocation;
  for (Role& role : framework.roles) {
    if (!role.claim.entered) continue;
    allocation.refusals.forget_claim(role.claim.id);
    allocation.constraints.release(role.claim.id);
    allocation.demands.clear(role.claim.id);
    allocation.tree.remove_claim(role.claim.id);
    allocation.owners[role.claim.id.raw()] = {};
    std::erase(allocation.held_back, role.claim.id.raw());
    role.claim = {};
    if (role.name != "*") release_role(c, role.name);
  }
}

void charge(Context& c, const Role& role, const Resources& resources) {
  ASSERT(role.claim.entered);
  Allocation& allocation = c.state.allocation;
  QuantityRow row{};
  for (const Resource& r : resources.list()) {
    if (add_to_row(allocation, r, row.data())) continue;
    learn_dimension(allocation, r);
    add_to_row(allocation, r, row.data());
  }
  allocation.tree.charge(role.claim.id, span_of(allocation, row));
  if (allocation.counts_quotas) consume_quota(allocation, role, resources);
}

void uncharge(Context& c, const Role& role, const Resources& resources) {
  ASSERT(role.claim.entered);
  Allocation& allocation = c.state.allocation;
  const QuantityRow row = row_of(allocation, resources);
  allocation.tree.release(role.claim.id, span_of(allocation, row));
  if (allocation.counts_quotas) release_quota(allocation, role, resources);
}

void set_role_weight(Context& c, const std::string& role, std::int64_t weight_milli) {
  c.state.weights_milli[role] = weight_milli;
  if (role == "*") {
    c.state.allocation.tree.set_weight(allocator::kRootRole,
                                       static_cast<std::uint32_t>(weight_milli));
    return;
  }
  const auto it = c.state.allocation.roles.find(role);
  if (it == c.state.allocation.roles.end()) return;
  c.state.allocation.tree.set_weight(it->second.node, static_cast<std::uint32_t>(weight_milli));
}

void set_role_quota(Context& c, const std::string& role, const Quota& quota) {
  Allocation& allocation = c.state.allocation;
  const auto had = c.state.quotas.find(role);
  if (quota.empty()) {
    if (had == c.state.quotas.end()) return;
    c.state.quotas.erase(had);
    allocation.quotas.remove(allocation.roles.at(role).node);
    release_role(c, role);
    return;
  }
  if (had == c.state.quotas.end()) acquire_role(c, role);
  c.state.quotas[role] = quota;
  for (const Quantities* amounts : {&quota.guarantees, &quota.limits}) {
    for (const auto& [name, milli] : *amounts) {
      learn_dimension(allocation, Resource::scalar(name, milli));
    }
  }
  std::vector<std::int64_t> guarantees(allocation.dimensions.size());
  std::vector<std::int64_t> limits(allocation.dimensions.size(), allocator::kNoLimit);
  for (std::size_t d = 0; d < limits.size(); ++d) {
    const std::string& name = allocation.dimensions[d];
    const auto guarantee = quota.guarantees.find(name);
    if (guarantee != quota.guarantees.end()) guarantees[d] = guarantee->second;
    if (const auto limit = quota.limits.find(name); limit != quota.limits.end()) {
      limits[d] = limit->second;
    }
  }
  allocation.quotas.set(allocation.roles.at(role).node, guarantees, limits);
}

}  // namespace bourse::master
