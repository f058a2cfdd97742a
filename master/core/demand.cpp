// Declared demand: how many of which shapes a framework says it wants (REQUEST). In the roles it
// speaks of it is offered only agents on which one of them fits, and nothing once what is on offer
// to it meets them all. What it launches lowers nothing: the framework says what it wants next.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"
#include "model/offerable.hpp"

namespace bourse::master {

namespace {

using allocator::DemandTable;

// The role that a shape is wanted in, or what is wrong with it.
Result<std::string> role_of(const Framework& framework, const call::Request::Wanted& wanted) {
  const auto count = std::count_if(framework.roles.begin(), framework.roles.end(),
                                   [](const Role& role) { return role.subscribed; });
  for (const Role& role : framework.roles) {
    if (!role.subscribed) continue;
    if (role.name == wanted.role || (wanted.role.empty() && count == 1)) return role.name;
  }
  const std::string what = "'request.requests' asks for " + describe(wanted.shape);
  if (!wanted.role.empty()) {
    return invalid(what + " in role '" + wanted.role +
                   "', which is not one of the framework's roles");
  }
  return invalid(what + " and the framework is in " + std::to_string(count) +
                 " roles: 'allocation_info.role' of its resources must say in which");
}

bool is_sound(const DemandShape& shape) {
  return shape.count > 0 && !shape.amounts.empty() &&
         std::all_of(shape.amounts.begin(), shape.amounts.end(), [](const auto& amount) {
           return amount.second > 0 && amount.second <= limits::kMaxScalarMilli;
         });
}

Result<DemandPtr> demand_of(const Framework& framework, const call::Request& call) {
  if (call.wanted.empty()) return DemandPtr();
  if (call.wanted.size() > limits::kMaxDemandShapes) {
    return Error{ErrorCode::too_large,
                 "'request.requests' asks for " + std::to_string(call.wanted.size()) +
                     " different shapes: at most " + std::to_string(limits::kMaxDemandShapes)};
  }
  Demand out;
  std::uint64_t count = 0;
  for (const call::Request::Wanted& wanted : call.wanted) {
    if (!is_sound(wanted.shape)) {
      return invalid("'request.requests' asks for " + describe(wanted.shape) +
                     ": each amount must be over 0");
    }
    count += wanted.shape.count;
    Result<std::string> role = role_of(framework, wanted);
    if (!role) return role.error();
    out.roles[*role].push_back(wanted.shape);
  }
  if (count > limits::kMaxDemandRequests) {
    return Error{ErrorCode::too_large, "'request.requests' has " + std::to_string(count) +
                                           " entries: at most " +
                                           std::to_string(limits::kMaxDemandRequests)};
  }
  return std::make_shared<const Demand>(std::move(out));
}

// What is free on an agent this moment, offers aside, that the framework may have in the role.
struct FreeRows {
  QuantityRow kept{};  // reserved for it or lent: no limit counts it anew
  QuantityRow open{};
};

FreeRows free_rows(const MasterState& state, const OfferTerms& terms, AgentSlot slot) {
  FreeRows out;
  const Agent& agent = state.agents.at(slot);
  if (!can_offer(agent) || !admits(terms, *agent.facet, agent.ledger.total())) return out;
  const Resources available = agent.ledger.available();
  for (const Resource& resource : available.list()) {
    if (!admits(terms, resource)) continue;
    QuantityRow& row = resource.is_reserved() || resource.is_revocable() ? out.kept : out.open;
    add_to_row(state.allocation, resource, row.data());
  }
  return out;
}

// What the limits of its role and those above it leave.
QuantityRow limits_left(const MasterState& state, const Role& role) {
  const Allocation& allocation = state.allocation;
  QuantityRow out;
  out.fill(allocator::kNoLimit);
  for (const auto& [name, quota] : state.quotas) {
    if (!role_may_use(role.name, name)) continue;
    const allocator::NodeId node = allocation.roles.find(name)->second.node;
    for (const auto& [resource, limit] : quota.limits) {
      const std::uint32_t d = dimension_of(allocation, resource);
      if (d == allocator::kNone) continue;
      const auto consumed = static_cast<std::int64_t>(allocation.quotas.consumed(node, d));
      out[d] = std::min(out[d], limit - consumed);
    }
  }
  return out;
}

bool are_equal(const DemandPtr& a, const DemandPtr& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// Where a shape is wanted: one that is not here may come.
std::uint32_t room_of(const MasterState& state, const DemandShape& shape) {
  if (shape.agent_id.empty()) return DemandTable::kAnyRoom;
  const auto agent = state.agent_of.find(shape.agent_id);
  return agent == state.agent_of.end() ? DemandTable::kNoRoom : agent->second.index;
}

// What is on offer to it in this role meets what it wants now.
void meet_by_offers(MasterState& state, Framework& framework, std::uint32_t index) {
  DemandTable& table = state.allocation.demands;
  const allocator::ClaimId claim = framework.roles[index].claim.id;
  const auto shapes = table.shapes(claim);
  for (const OfferSlot slot : framework.offers) {
    Offer& offer = state.offers.at(slot);
    if (offer.role != index) continue;
    offer.meets.assign(shapes.size(), 0);
    if (shapes.empty()) continue;
    std::vector<std::uint32_t> unmet;
    for (const DemandTable::Shape& shape : shapes) unmet.push_back(shape.unmet);
    const QuantityRow row = row_of(state.allocation, offer.resources);
    table.meet(claim, allocator::RoomId(offer.agent.index), row.data(), unmet, offer.meets);
    table.take(claim, offer.meets);
  }
}

void change_demand(Context& c, FrameworkSlot slot, DemandPtr demand) {
  Framework& framework = c.state.frameworks.at(slot);
  const DemandPtr before = std::exchange(framework.demand, std::move(demand));
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    const Role& role = framework.roles[i];
    if (!role.claim.entered) continue;
    const auto* had = wanted_in(before, role);
    const auto* has = wanted_in(framework.demand, role);
    if (had == has || (had != nullptr && has != nullptr && *had == *has)) continue;
    renew_claim(c, slot, i);
  }
}

}  // namespace

const std::vector<DemandShape>* wanted_in(const DemandPtr& demand, const Role& role) {
  if (demand == nullptr || !role.subscribed) return nullptr;
  const auto it = demand->roles.find(role.name);
  return it == demand->roles.end() ? nullptr : &it->second;
}

Status on_request(Context& c, FrameworkSlot slot, const call::Request& call) {
  Framework& framework = c.state.frameworks.at(slot);
  Result<DemandPtr> demand = demand_of(framework, call);
  if (!demand) return demand.error();
  if (are_equal(*demand, framework.demand)) return {};
  change_demand(c, slot, std::move(*demand));
  touch_framework(c, slot);
  touch_all_rooms(c);
  publish_framework(c, framework);
  return {};
}

void forget_demand(Context& c, FrameworkSlot slot) {
  if (c.state.frameworks.at(slot).demand != nullptr) change_demand(c, slot, nullptr);
}

void narrow_demand(Context& c, FrameworkSlot slot) {
  const Framework& framework = c.state.frameworks.at(slot);
  if (framework.demand == nullptr) return;
  Demand kept = *framework.demand;
  std::erase_if(kept.roles, [&](const auto& entry) {
    const auto& roles = framework.facet->roles;
    return std::find(roles.begin(), roles.end(), entry.first) == roles.end();
  });
  if (kept.roles.size() == framework.demand->roles.size()) return;
  change_demand(c, slot,
                kept.roles.empty() ? nullptr : std::make_shared<const Demand>(std::move(kept)));
}

std::vector<std::int64_t> demand_rows(const Allocation& allocation,
                                      const std::vector<DemandShape>& shapes) {
  const std::size_t width = allocation.dimensions.size();
  std::vector<std::int64_t> rows(shapes.size() * width);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    for (const auto& [name, milli] : shapes[i].amounts) {
      const std::uint32_t d = dimension_of(allocation, name);
      // Nobody has that yet: out of reach, by way of a quantity that nobody has.
      const bool known = d != allocator::kNone;
      rows[i * width + (known ? d : kCpus)] =
          known ? milli : std::numeric_limits<std::int64_t>::max();
      if (!known) break;
    }
  }
  return rows;
}

void want_role(Context& c, FrameworkSlot slot, std::uint32_t index) {
  Framework& framework = c.state.frameworks.at(slot);
  const Role& role = framework.roles[index];
  Allocation& allocation = c.state.allocation;
  const auto* wanted = wanted_in(framework.demand, role);
  if (wanted == nullptr) {
    if (!allocation.demands.has(role.claim.id)) return;
    allocation.demands.clear(role.claim.id);
  } else {
    std::vector<DemandTable::Shape> shapes;
    for (const DemandShape& shape : *wanted) {
      shapes.push_back({shape.count, shape.count, room_of(c.state, shape)});
      if (!shape.agent_id.empty()) allocation.demands_name_agents = true;
    }
    allocation.demands.set(role.claim.id, demand_rows(allocation, *wanted), shapes);
  }
  meet_by_offers(c.state, framework, index);
}

// Agents came or left, or a resource that nobody had is there now.
void renew_demands(Context& c) {
  Allocation& allocation = c.state.allocation;
  allocation.demands_stale = false;
  allocation.demands_name_agents = false;
  for (const std::uint32_t claim : std::vector<std::uint32_t>(allocation.demands.demanding())) {
    const Allocation::ClaimOwner owner = allocation.owners[claim];
    renew_claim(c, owner.framework, owner.role);
  }
}

void note_meets(Context& c, FrameworkSlot slot, std::uint32_t role,
                std::span<const std::uint32_t> met) {
  const Framework& framework = c.state.frameworks.at(slot);
  const allocator::ClaimId claim = framework.roles[role].claim.id;
  c.state.offers.at(framework.offers.back()).meets.assign(met.begin(), met.end());
  c.state.allocation.demands.take(claim, met);
  if (c.state.allocation.demands.is_met(claim)) PROBE("master.demand_is_met");
}

void unmeet(Allocation& allocation, const Role& role, const Offer& offer) {
  if (!offer.meets.empty()) allocation.demands.give_back(role.claim.id, offer.meets);
}

bool is_open_to(const Allocation& allocation, const allocator::ShareTree::Claim& claim,
                allocator::NodeId owner) {
  std::uint32_t node = claim.role;
  while (node != owner.raw() && node != allocator::kRootRole.raw()) {
    node = allocation.tree.node(node).parent;
  }
  return node == owner.raw();
}

QuantityRow usable_row(const Allocation& allocation, const allocator::ShareTree::Claim& claim,
                       std::uint32_t room) {
  QuantityRow out{};
  if (room >= allocation.rooms.capacity()) return out;
  const auto& place = allocation.rooms.room(room);
  const auto parts = allocation.rooms.parts(allocator::RoomId(room));
  for (std::uint32_t i = 0; i < place.part_count; ++i) {
    if ((parts[i].traits & ~claim.capabilities) != 0 ||
        !is_open_to(allocation, claim, parts[i].role))
      continue;
    const std::int64_t* row = allocation.rooms.row(place.first_part + i);
    for (std::size_t d = 0; d < allocation.dimensions.size(); ++d) out[d] += row[d];
  }
  return out;
}

std::vector<Explanation::Wanted> explain_wanted(const MasterState& state,
                                                const MasterConfig& config,
                                                const Framework& framework, const Role& role,
                                                std::size_t stride) {
  const Allocation& allocation = state.allocation;
  const auto* wanted = wanted_in(framework.demand, role);
  const auto shapes = allocation.demands.shapes(role.claim.id);
  std::vector<Explanation::Wanted> out;
  if (wanted == nullptr || wanted->size() != shapes.size()) return out;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const DemandTable::Shape& shape = shapes[i];
    out.push_back({describe((*wanted)[i]), shape.wanted, shape.wanted - shape.unmet, 0, {}});
  }
  QuantityRow most{};
  const std::size_t width = allocation.dimensions.size();
  const OfferTerms terms =
      terms_of(*framework.facet, framework.constraints, role.name, config.region);
  // Each shape for itself.
  std::vector<QuantityRow> left(shapes.size(), limits_left(state, role));
  std::size_t number = 0;
  state.agents.for_each([&](AgentSlot slot, const Agent&) {
    if (number++ % stride != 0) return;
    const FreeRows there = free_rows(state, terms, slot);
    for (std::size_t d = 0; d < most.size(); ++d) {
      most[d] = std::max(most[d], there.kept[d] + there.open[d]);
    }
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (shapes[i].room != DemandTable::kAnyRoom && shapes[i].room != slot.index) continue;
      const Fit fit{{allocation.demands.row(role.claim.id, i), width},
                    {there.kept.data(), width},
                    {there.open.data(), width},
                    {left[i].data(), width}};
      const auto rest = shapes[i].unmet - static_cast<std::int64_t>(out[i].fits);
      out[i].fits += static_cast<std::uint64_t>(copies_within(fit, rest));
    }
  });
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (out[i].fits > 0 || shapes[i].unmet == 0) continue;
    for (const auto& [name, milli] : (*wanted)[i].amounts) {
      const std::uint32_t d = dimension_of(allocation, name);
      out[i].numbers.emplace_back("largest free " + name,
                                  d == allocator::kNone ? "nobody has any" : milli_text(most[d]));
    }
  }
  return out;
}

void check_demands(const MasterState& state, const Framework& framework) {
  const DemandTable& table = state.allocation.demands;
  for (std::uint32_t i = 0; i < framework.roles.size(); ++i) {
    const Role& role = framework.roles[i];
    if (!role.claim.entered) continue;
    const auto shapes = table.shapes(role.claim.id);
    const auto* wanted = wanted_in(framework.demand, role);
    ASSERT(shapes.size() == (wanted == nullptr ? 0 : wanted->size()));
    ASSERT(state.allocation.tree.at(role.claim.id).demanded == !shapes.empty());
    std::vector<std::uint64_t> met(shapes.size());
    for (const OfferSlot slot : framework.offers) {
      const Offer& offer = state.offers.at(slot);
      if (offer.role != i) continue;
      ASSERT(offer.meets.size() == shapes.size());
      for (std::size_t s = 0; s < shapes.size(); ++s) met[s] += offer.meets[s];
    }
    for (std::size_t s = 0; s < shapes.size(); ++s) {
      ASSERT(shapes[s].wanted == shapes[s].unmet + met[s]);
    }
  }
}

}  // namespace bourse::master
