// The offer round: what changed since the last one goes to the allocator, its grants become offers.
//
// Touched agents are collected, and a few milliseconds after the first the allocator runs over
// them. Claims that gave back whole every one of their last offers share a budget: past it they are
// held back and get their turn as it refills, so that frameworks which want nothing cost little and
// never delay those that want something.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

constexpr std::uint32_t kIdleAfter = 3;  // offers given back whole, in a row

void mark(Allocation& allocation, std::uint32_t index) {
  if (allocation.is_touched.size() <= index) allocation.is_touched.resize(index + 1);
  if (allocation.is_touched[index]) return;
  allocation.is_touched[index] = true;
  allocation.touched.push_back(index);
}

bool can_offer(const Agent& agent) {
  return agent.phase == AgentPhase::active && agent.ledger.offerable() &&
         agent.standing == registry::AgentStanding::admitted && is_offered(agent);
}

void schedule(Context& c) {
  Allocation& allocation = c.state.allocation;
  if (allocation.round_due == Instant::max() && !allocation.touched.empty()) {
    allocation.round_due = c.stamp.now + c.config.offer_tick;
  }
}

allocator::Part part_of(Context& c, const Resource& resource) {
  allocator::Part part;
  if (!resource.meta) return part;
  if (resource.is_reserved()) part.role = role_node(c, std::string(resource.role()));
  if (resource.is_revocable()) part.traits |= allocator::kRevocable;
  if (resource.is_shared()) part.traits |= allocator::kShared;
  if (resource.meta->reservations.size() > 1) part.traits |= allocator::kRefined;
  return part;
}

allocator::RoomFlags flags_of(const Context& c, const Agent& agent) {
  allocator::RoomFlags flags = 0;
  if (agent.room.counted[kGpus] > 0) flags |= allocator::kHasGpus;
  const std::string& region = agent.facet->domain.region;
  if (!region.empty() && !c.config.region.empty() && region != c.config.region) {
    flags |= allocator::kRemoteRegion;
  }
  return flags;
}

// What is free on the agent, split into the pieces that may go to different claims. Returns whether
// there is any.
bool set_room(Context& c, std::uint32_t index) {
  Allocation& allocation = c.state.allocation;
  Agent* agent = c.state.agents.find_index(index);
  const allocator::RoomId room(index);
  if (agent == nullptr || !can_offer(*agent)) {
    allocation.rooms.clear(room);
    if (agent != nullptr) agent->room.available.reset();
    return false;
  }
  agent->room.available = std::make_shared<const Resources>(agent->ledger.available());
  auto& parts = agent->room.parts;
  parts.clear();
  const std::size_t width = allocation.dimensions.size();
  std::vector<std::int64_t>& rows = c.memory.rows;
  rows.clear();
  for (const Resource& resource : agent->room.available->list()) {
    const allocator::Part part = part_of(c, resource);
    auto at = std::find(parts.begin(), parts.end(), part);
    if (at == parts.end()) {
      parts.push_back(part);
      rows.resize(rows.size() + width);
      at = parts.end() - 1;
    }
    const std::size_t base = static_cast<std::size_t>(at - parts.begin()) * width;
    add_to_row(allocation, resource, rows.data() + base);
  }
  allocation.rooms.set(room, flags_of(c, *agent), parts, rows);
  return !parts.empty();
}

// Often the whole room, which then nobody else got a part of in this round.
std::shared_ptr<const Resources> granted(Context& c, const Agent& agent,
                                         std::span<const std::uint32_t> parts) {
  if (parts.size() == agent.room.parts.size()) return agent.room.available;
  std::vector<Resource> out;
  for (const Resource& resource : agent.room.available->list()) {
    const allocator::Part part = part_of(c, resource);
    for (const std::uint32_t index : parts) {
      if (agent.room.parts[index] == part) out.push_back(resource);
    }
  }
  return std::make_shared<const Resources>(out);
}

void count_refusals(Context& c) {
  Allocation& allocation = c.state.allocation;
  const allocator::Output& output = c.memory.output;
  for (std::size_t i = 0; i < output.class_refusals.size(); ++i) {
    for (std::size_t reason = 0; reason < allocator::kRefusalReasons; ++reason) {
      allocation.class_refusals[i][reason] += output.class_refusals[i][reason];
    }
  }
  for (const allocator::ClaimRefusals& refusals : output.claim_refusals) {
    const auto& owner = allocation.owners[refusals.claim.raw()];
    Framework* framework = c.state.frameworks.find(owner.framework);
    if (framework == nullptr) continue;
    allocator::RefusalCounts& own = framework->roles[owner.role].claim.own;
    own[static_cast<std::size_t>(allocator::RefusalReason::below_minimum)] +=
        refusals.below_minimum;
    own[static_cast<std::size_t>(allocator::RefusalReason::filtered)] += refusals.filtered;
  }
}

// Offers of one framework travel in one event.
struct Batches {
  std::vector<std::pair<FrameworkSlot, event::Offers>> list;
  std::vector<std::uint32_t> index_of;  // by framework index, one past its place in list

  event::Offers& of(FrameworkSlot slot) {
    std::uint32_t& place = index_of[slot.index];
    if (place == 0) {
      list.emplace_back(slot, event::Offers{});
      place = static_cast<std::uint32_t>(list.size());
    }
    return list[place - 1].second;
  }
};

void open_granted(Context& c, const allocator::Grant& grant, Batches& batches) {
  Allocation& allocation = c.state.allocation;
  const Allocation::ClaimOwner owner = allocation.owners[grant.claim.raw()];
  const AgentSlot agent_slot = c.state.agents.slot_of_index(grant.room.raw());
  Framework& framework = c.state.frameworks.at(owner.framework);
  if (framework.offers.size() >= limits::kMaxOffersPerFramework) {
    PROBE("master.too_many_offers");
    return;
  }
  const Agent& agent = c.state.agents.at(agent_slot);
  auto resources = granted(c, agent, c.memory.output.parts_of(grant));
  if (resources->empty()) return;
  event::Offers& batch = batches.of(owner.framework);
  open_offer(c, owner.framework, owner.role, agent_slot, std::move(resources),
             batch.offers.emplace_back());
  const AllocationClaim& claim = framework.roles[owner.role].claim;
  if (claim.declined_in_a_row >= kIdleAfter) allocation.idle_budget_milli -= 1000;
}

void refill_idle_budget(Context& c) {
  Allocation& allocation = c.state.allocation;
  const Duration passed = c.stamp.now - allocation.idle_budget_at;
  allocation.idle_budget_at = c.stamp.now;
  const std::int64_t most = c.config.idle_offers_per_second * 1000;
  const std::int64_t gained =
      std::min(passed.ms(), std::int64_t{10'000}) * c.config.idle_offers_per_second;
  allocation.idle_budget_milli = std::clamp(allocation.idle_budget_milli + gained, -2 * most, most);
}

void hold_back(Context& c, Role& role) {
  Allocation& allocation = c.state.allocation;
  const auto& owner = allocation.owners[role.claim.id.raw()];
  role.claim.held_back = true;
  allocation.held_back.push_back(role.claim.id.raw());
  update_role(c, owner.framework, owner.role);
  if (allocation.idle_due == Instant::max()) {
    allocation.idle_due = c.stamp.now + c.config.filter_grain;
  }
}

void let_go(Context& c, std::uint32_t claim_id) {
  const auto& owner = c.state.allocation.owners[claim_id];
  Framework* framework = c.state.frameworks.find(owner.framework);
  if (framework == nullptr) return;
  framework->roles[owner.role].claim.held_back = false;
  update_role(c, owner.framework, owner.role);
}

}  // namespace

void touch_room(Context& c, AgentSlot slot) {
  mark(c.state.allocation, slot.index);
  schedule(c);
}

void touch_all_rooms(Context& c) {
  if (c.state.allocation.all_touched) return;
  c.state.allocation.all_touched = true;
  c.state.agents.for_each([&](AgentSlot slot, const Agent& agent) {
    if (can_offer(agent)) mark(c.state.allocation, slot.index);
  });
  schedule(c);
}

void run_round(Context& c) {
  Allocation& allocation = c.state.allocation;
  allocation.round_due = Instant::max();
  allocation.all_touched = false;
  ++allocation.rounds;
  std::vector<std::uint32_t> touched = std::move(allocation.touched);
  allocation.touched.clear();
  std::erase_if(touched, [&](std::uint32_t index) {
    allocation.is_touched[index] = false;
    return !set_room(c, index);
  });
  const allocator::Input input{allocation.tree,
                               allocation.rooms,
                               allocation.refusals,
                               touched,
                               allocation.totals,
                               {allocation.share_mask, true},
                               c.config.seed + allocation.rounds};
  allocator::allocate(input, c.memory.scratch, c.memory.output);
  count_refusals(c);
  if (c.memory.output.grants.empty()) return;
  Batches batches;
  batches.index_of.resize(c.state.frameworks.capacity());
  for (const allocator::Grant& grant : c.memory.output.grants) open_granted(c, grant, batches);
  for (auto& [slot, offers] : batches.list) {
    send_to_framework(c, c.state.frameworks.at(slot), std::move(offers));
  }
}

// As many of those held back as the budget allows look at as many rooms, each in turn.
void on_idle_due(Context& c) {
  Allocation& allocation = c.state.allocation;
  allocation.idle_due = Instant::max();
  refill_idle_budget(c);
  std::int64_t turns = allocation.idle_budget_milli / 1000;
  if (turns > 0) PROBE("master.idle_claims_get_their_turn");
  const auto rooms = static_cast<std::uint32_t>(c.state.agents.capacity());
  for (std::int64_t i = 0; i < std::min<std::int64_t>(turns, rooms); ++i) {
    allocation.idle_room = (allocation.idle_room + 1) % rooms;
    const Agent* agent = c.state.agents.find_index(allocation.idle_room);
    if (agent && can_offer(*agent)) mark(allocation, allocation.idle_room);
  }
  for (; turns > 0 && !allocation.held_back.empty(); --turns) {
    const std::uint32_t claim = allocation.held_back.front();
    allocation.held_back.pop_front();
    let_go(c, claim);
  }
  if (!allocation.held_back.empty()) allocation.idle_due = c.stamp.now + c.config.filter_grain;
  schedule(c);
}

void claim_is_active(Context& c, Role& role) {
  role.claim.declined_in_a_row = 0;
  if (!role.claim.held_back) return;
  std::erase(c.state.allocation.held_back, role.claim.id.raw());
  let_go(c, role.claim.id.raw());
}

void claim_declined(Context& c, Role& role) {
  AllocationClaim& claim = role.claim;
  if (claim.declined_in_a_row < kIdleAfter) ++claim.declined_in_a_row;
  if (claim.declined_in_a_row < kIdleAfter || claim.held_back) return;
  refill_idle_budget(c);
  if (c.state.allocation.idle_budget_milli <= 0) {
    PROBE("master.idle_claim_held_back");
    hold_back(c, role);
  }
}

}  // namespace bourse::master
