// Filters: what was refused is not offered again before its time, unless it grew. Kept in the
// allocator's RefusalTable; here is when each one ends. Ends are rounded up to a grain, so that a
// thousand of them wake the master once.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

allocator::RoomId room_of(AgentSlot slot) {
  return allocator::RoomId(slot.index);
}

Instant round_up(Instant at, Duration grain) {
  if (at.ns > Instant::max().ns - grain.ns) return at;
  return {(at.ns + grain.ns - 1) / grain.ns * grain.ns};
}

allocator::Kinds kinds_of_resources(const Resources& resources) {
  allocator::Kinds kinds = 0;
  for (const Resource& r : resources.list()) {
    kinds |= r.is_reserved() ? allocator::kReservedKind : allocator::kUnreservedKind;
    if (r.is_revocable()) kinds |= allocator::kRevocable;
    if (r.is_shared()) kinds |= allocator::kShared;
    if (r.is_reserved() && r.meta->reservations.size() > 1) kinds |= allocator::kRefined;
  }
  return kinds;
}

void forget(Context& c, AgentSlot slot, const Filter& filter) {
  c.state.allocation.refusals.remove(room_of(slot), filter.claim, filter.row);
  if (Framework* framework = c.state.frameworks.find(filter.framework)) --framework->filters;
}

void arm_next(Context& c, AgentSlot slot, Agent& agent) {
  agent.filters_due = Instant::max();
  for (const Filter& filter : agent.filters) {
    agent.filters_due = std::min(agent.filters_due, filter.ends);
  }
  if (agent.filters_due == Instant::max()) {
    c.disarm(DeadlineKey::Kind::agent_filters, slot);
  } else {
    c.arm(DeadlineKey::Kind::agent_filters, slot, agent.filters_due);
  }
}

// A framework over its limit: of its filters the eighth that ends first is dropped, and no more
// where many end together.
void drop_earliest(Context& c, FrameworkSlot slot) {
  PROBE("master.too_many_filters");
  std::vector<Instant> ends;
  c.state.agents.for_each([&](AgentSlot, const Agent& agent) {
    for (const Filter& filter : agent.filters) {
      if (filter.framework == slot) ends.push_back(filter.ends);
    }
  });
  if (ends.empty()) return;
  const auto last = ends.begin() + static_cast<std::ptrdiff_t>((ends.size() - 1) / 8);
  std::nth_element(ends.begin(), last, ends.end());
  const Instant bound = *last;
  // Of those that end at the bound itself, in the order of the agents.
  auto at_bound = 1 + std::count(ends.begin(), last, bound);
  c.state.agents.for_each([&](AgentSlot agent_slot, Agent& agent) {
    std::erase_if(agent.filters, [&](const Filter& filter) {
      if (filter.framework != slot || filter.ends > bound) return false;
      if (filter.ends == bound && at_bound-- <= 0) return false;
      forget(c, agent_slot, filter);
      return true;
    });
  });
}

}  // namespace

void add_filter(Context& c, FrameworkSlot slot, std::uint32_t role, AgentSlot agent_slot,
                const Resources& refused, Duration refuse) {
  refuse = std::min(refuse, limits::kMaxRefuse);
  if (refuse <= Duration{} || refused.empty()) return;
  Framework& framework = c.state.frameworks.at(slot);
  Agent& agent = c.state.agents.at(agent_slot);
  if (framework.filters >= limits::kMaxFiltersPerFramework) drop_earliest(c, slot);
  Allocation& allocation = c.state.allocation;
  const allocator::ClaimId claim = framework.roles[role].claim.id;
  const QuantityRow row = row_of(allocation, refused);
  Filter filter;
  filter.framework = slot;
  filter.claim = claim;
  filter.row = allocation.refusals.add(room_of(agent_slot), claim, span_of(allocation, row),
                                       kinds_of_resources(refused));
  filter.ends = round_up(c.stamp.now + refuse, c.config.filter_grain);
  ++framework.filters;
  agent.filters.push_back(filter);
  if (filter.ends < agent.filters_due) {
    agent.filters_due = filter.ends;
    c.arm(DeadlineKey::Kind::agent_filters, agent_slot, filter.ends);
  }
}

// In constant time; what is left of them is reclaimed when it would have ended.
void drop_filters(Context& c, FrameworkSlot slot, std::uint32_t role) {
  const Role& row = c.state.frameworks.at(slot).roles[role];
  if (row.claim.entered) c.state.allocation.refusals.forget_claim(row.claim.id);
}

void drop_filters_of(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  for (const Filter& filter : agent.filters) forget(c, slot, filter);
  agent.filters.clear();
  c.state.allocation.refusals.drop_room(room_of(slot));
  arm_next(c, slot, agent);
}

void on_filters_due(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  const auto ended =
      std::stable_partition(agent.filters.begin(), agent.filters.end(),
                            [&](const Filter& filter) { return filter.ends > c.stamp.now; });
  for (auto it = ended; it != agent.filters.end(); ++it) forget(c, slot, *it);
  agent.filters.erase(ended, agent.filters.end());
  arm_next(c, slot, agent);
  touch_room(c, slot);
}

}  // namespace bourse::master
