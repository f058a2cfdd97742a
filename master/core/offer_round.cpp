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

// A mount or block disk is used as a whole; what is no scalar is never cut.
bool is_divisible(const Resource& resource) {
  if (!resource.meta || !resource.meta->disk || !resource.meta->disk->source) return true;
  return resource.meta->disk->source->type == DiskSource::Type::path;
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

// Splits what is available into the pieces that may go to different claims, a row of quantities
// for each.
void split_room(Context& c, AllocationRoom& room, std::vector<std::int64_t>& rows) {
  const Allocation& allocation = c.state.allocation;
  const std::size_t width = allocation.dimensions.size();
  room.parts.clear();
  room.contents.clear();
  rows.clear();
  for (const Resource& resource : room.available.list()) {
    allocator::Part part = part_of(c, resource);
    // Each its own: cut by its quota, a framework gets some of them.
    if (!is_divisible(resource)) part.tag = static_cast<std::uint32_t>(room.parts.size()) + 1;
    part.whole = part.tag != 0;
    const auto known = std::find(room.parts.begin(), room.parts.end(), part);
    const auto at = static_cast<std::size_t>(known - room.parts.begin());
    if (known == room.parts.end()) {
      room.parts.push_back(part);
      room.contents.emplace_back();
      rows.resize(rows.size() + width);
    }
    room.contents[at].add(resource);
    add_to_row(allocation, resource, rows.data() + at * width);
  }
  if (room.parts.size() < 2) room.contents.clear();
}

// At least what an offer takes when it is sent: its agent is described in it, and its role stands
// beside each resource.
std::uint32_t offer_bytes(const Agent& agent) {
  return static_cast<std::uint32_t>(1024 + agent.facet->description.bytes().size() +
                                    agent.room.available.list().size() *
                                        (16 + limits::kMaxRoleBytes));
}

void enter_room(Context& c, std::uint32_t index, Agent& agent, Resources available) {
  agent.room.available = std::move(available);
  split_room(c, agent.room, c.memory.rows);
  c.state.allocation.rooms.set(allocator::RoomId(index), flags_of(c, agent), agent.room.parts,
                               c.memory.rows);
  agent.room.entered = true;
  agent.room.offer_bytes = offer_bytes(agent);
}

// What is free on the agent goes into the allocator's table, unless it is there still. Returns
// whether there is any.
bool set_room(Context& c, std::uint32_t index) {
  Agent* agent = c.state.agents.find_index(index);
  if (agent == nullptr || !can_offer(*agent)) {
    c.state.allocation.rooms.clear(allocator::RoomId(index));
    if (agent != nullptr) leave_room(*agent);
    return false;
  }
  AllocationRoom& room = agent->room;
  if (c.state.allocation.counts_quotas && !room.reserving.same_as(agent->ledger.total())) {
    count_reservations(c, c.state.agents.slot_of_index(index));
  }
  if (!room.entered || !agent->ledger.still_available(room.available)) {
    Resources available = agent->ledger.available();
    if (!room.entered || !(room.available == available)) {
      enter_room(c, index, *agent, std::move(available));
    }
  }
  return !room.parts.empty();
}

// Most often the whole room or one part of it.
Resources granted(const AllocationRoom& room, std::span<const std::uint32_t> parts) {
  if (parts.size() == room.parts.size()) return room.available;
  Resources out;
  for (const std::uint32_t part : parts) out.add(room.contents[part]);
  return out;
}

// The smaller of a resource and what is left of its dimension; what is no scalar whole or not.
std::optional<Resource> cut_resource(const Allocation& allocation, Resource resource,
                                     QuantityRow& left) {
  const std::uint32_t d = dimension_of(allocation, resource.name);
  if (d == allocator::kNone) return resource;
  QuantityRow row{};
  add_to_row(allocation, resource, row.data());
  if (resource.kind == Resource::Kind::scalar) {
    resource.scalar_milli = std::min(resource.scalar_milli, left[d]);
    left[d] -= resource.scalar_milli;
    if (resource.scalar_milli == 0) return {};
    return resource;
  }
  if (row[d] > left[d]) return {};
  left[d] -= row[d];
  return resource;
}

// As much of each part as its row says, of what earlier grants of the room left of it.
Resources cut_granted(Context& c, const AllocationRoom& room, const allocator::Grant& grant) {
  PROBE("master.offer_cut_by_quota");
  const Allocation& allocation = c.state.allocation;
  RoundMemory& memory = c.memory;
  if (memory.cut_room != grant.room.raw()) memory.cut_parts.clear();
  memory.cut_room = grant.room.raw();
  const std::span<const std::uint32_t> parts = memory.output.parts_of(grant);
  const auto dimensions = static_cast<std::uint32_t>(allocation.dimensions.size());
  Resources out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Resources& whole = room.contents.empty() ? room.available : room.contents[parts[i]];
    Resources& there = memory.cut_parts.try_emplace(parts[i], whole).first->second;
    QuantityRow left{};
    std::copy_n(memory.output.row_of(grant, i, dimensions), dimensions, left.begin());
    Resources taken;
    for (const Resource& resource : there.list()) {
      if (const auto some = cut_resource(allocation, resource, left)) taken.add(*some);
    }
    there.subtract(taken);
    out.add(taken);
  }
  return out;
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
    own[static_cast<std::size_t>(allocator::RefusalReason::constraint)] += refusals.constraint;
    own[static_cast<std::size_t>(allocator::RefusalReason::demand)] += refusals.demand;
    own[static_cast<std::size_t>(allocator::RefusalReason::over_quota)] += refusals.over_quota;
    own[static_cast<std::size_t>(allocator::RefusalReason::kept_for_guarantees)] +=
        refusals.kept_for_guarantees;
  }
}

// Offers of one framework travel together, as many as one event may carry.
struct Batches {
  struct Event {
    FrameworkSlot framework;
    event::Offers offers;
    std::size_t bytes = 0;
  };
  std::vector<Event> list;
  std::vector<std::uint32_t>& place_of;  // by framework index, one past its newest place in list
  std::size_t usual = 0;                 // offers that a framework gets, about

  OfferFacet& next(FrameworkSlot slot, const FrameworkId& id, std::size_t bytes) {
    std::uint32_t& place = place_of[slot.index];
    if (place == 0 || is_full(list[place - 1], bytes)) {
      list.push_back({slot, {id, {}}, 0});
      list.back().offers.offers.reserve(std::min<std::size_t>(usual, limits::kMaxOffersPerEvent));
      place = static_cast<std::uint32_t>(list.size());
    }
    Event& event = list[place - 1];
    event.bytes += bytes;
    return event.offers.offers.emplace_back();
  }
  static bool is_full(const Event& event, std::size_t bytes) {
    return event.offers.offers.size() >= limits::kMaxOffersPerEvent ||
           event.bytes + bytes > limits::kMaxOfferBytesPerEvent;
  }
};

// What a grant is of, as the table counts it.
QuantityRow granted_row(const Allocation& allocation, const allocator::Grant& grant,
                        std::span<const std::uint32_t> parts) {
  QuantityRow row{};
  const std::uint32_t first = allocation.rooms.room(grant.room.raw()).first_part;
  for (const std::uint32_t part : parts) {
    const std::int64_t* quantities = allocation.rooms.row(first + part);
    for (std::size_t d = 0; d < allocation.dimensions.size(); ++d) row[d] += quantities[d];
  }
  return row;
}

void open_granted(Context& c, const allocator::Grant& grant, Batches& batches) {
  Allocation& allocation = c.state.allocation;
  const Allocation::ClaimOwner owner = allocation.owners[grant.claim.raw()];
  const AgentSlot agent_slot = c.state.agents.slot_of_index(grant.room.raw());
  Framework& framework = c.state.frameworks.at(owner.framework);
  if (is_full(framework)) {
    // It became so in this round and is out of the next, which gives the others what it cannot
    // have. It is looked at again when one of its offers ends.
    PROBE("master.too_many_offers");
    touch_room(c, agent_slot);
    return;
  }
  const Agent& agent = c.state.agents.at(agent_slot);
  const std::span<const std::uint32_t> parts = c.memory.output.parts_of(grant);
  const bool cut = grant.first_row != allocator::kNone;
  Resources resources = cut ? cut_granted(c, agent.room, grant) : granted(agent.room, parts);
  if (resources.empty()) return;
  OfferFacet& facet = batches.next(owner.framework, framework.id, agent.room.offer_bytes);
  const QuantityRow row =
      cut ? row_of(allocation, resources) : granted_row(allocation, grant, parts);
  open_offer(c, owner.framework, owner.role, agent_slot, std::move(resources),
             span_of(allocation, row), facet);
  if (grant.first_met != allocator::kNone) {
    const std::size_t shapes = allocation.demands.shapes(grant.claim).size();
    note_meets(c, owner.framework, owner.role, c.memory.output.met_of(grant, shapes));
  }
  if (is_full(framework)) {
    c.note(Note::Level::warning, "framework.offers_full",
           {{"framework_id", framework.id.raw()},
            {"offers", std::to_string(limits::kMaxOffersPerFramework)}});
  }
  const AllocationClaim& claim = framework.roles[owner.role].claim;
  if (claim.declined_in_a_row >= kIdleAfter) allocation.idle_budget_milli -= 1000;
}

// Hints that this grant will be opened soon.
void prefetch_grant(const MasterState& state, const allocator::Grant& grant) {
  const FrameworkSlot framework = state.allocation.owners[grant.claim.raw()].framework;
  state.frameworks.prefetch_index(framework.index, Framework::kHotBytes);
  const Agent* agent = state.agents.find_index(grant.room.raw());
  if (agent == nullptr) return;
  agent->room.available.prefetch();
  __builtin_prefetch(agent->offers.data());
  // Where the facet's holders are counted.
  __builtin_prefetch(reinterpret_cast<const char*>(agent->facet.get()) - 16);
}

// In the order of the agents' rows: grants come in the order in which they were made, all of a room
// one after the other.
void open_all_granted(Context& c, const std::vector<std::uint32_t>& touched, Batches& batches) {
  constexpr std::size_t kAhead = 6;
  const std::vector<allocator::Grant>& grants = c.memory.output.grants;
  c.out.changes.reserve(c.out.changes.size() + grants.size());
  std::vector<std::uint32_t>& first = c.memory.first_grants;
  first.assign(c.state.agents.capacity(), allocator::kNone);
  for (std::uint32_t i = 0; i < grants.size(); ++i) {
    if (i == 0 || grants[i].room != grants[i - 1].room) first[grants[i].room.raw()] = i;
  }
  for (std::size_t at = 0; at < touched.size(); ++at) {
    const std::uint32_t ahead = first[touched[std::min(at + kAhead, touched.size() - 1)]];
    if (ahead < grants.size()) prefetch_grant(c.state, grants[ahead]);
    const std::uint32_t index = touched[at];
    for (std::size_t i = first[index]; i < grants.size() && grants[i].room.raw() == index; ++i) {
      open_granted(c, grants[i], batches);
    }
    // While its row is at hand; what touches it later in this step has it checked again.
    check_agent(c.state, c.state.agents.slot_of_index(index));
  }
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

bool can_offer(const Agent& agent) {
  return agent.phase == AgentPhase::active && agent.ledger.offerable() &&
         agent.standing == registry::AgentStanding::admitted && is_offered(agent) &&
         agent.operations_pending == 0;
}

// Nothing that the table has of it may stay.
void leave_room(Agent& agent) {
  agent.room.entered = false;
  agent.room.available = {};
}

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
  if (allocation.demands_stale) renew_demands(c);
  if (allocation.minimums_stale) renew_minimums(c);
  ++allocation.rounds;
  std::vector<std::uint32_t> touched = std::move(allocation.touched);
  allocation.touched.clear();
  std::sort(touched.begin(), touched.end());  // in the order of their rows
  std::erase_if(touched, [&](std::uint32_t index) {
    allocation.is_touched[index] = false;
    const bool any = set_room(c, index);
    Agent* agent = c.state.agents.find_index(index);
    if (allocation.counts_quotas && agent != nullptr) count_spare(c, *agent);
    return !any;
  });
  const allocator::Input input = allocation_input(c.state, c.config, touched);
  allocator::allocate(input, c.memory.scratch, c.memory.output);
  c.memory.cut_room = allocator::kNone;
  count_refusals(c);
  if (c.memory.output.grants.empty()) return;
  const std::size_t frameworks = c.state.frameworks.capacity();
  c.memory.places.assign(frameworks, 0);
  Batches batches{{}, c.memory.places, 2 * c.memory.output.grants.size() / frameworks + 1};
  open_all_granted(c, touched, batches);
  for (Batches::Event& event : batches.list) {
    send_to_framework(c, c.state.frameworks.at(event.framework), std::move(event.offers));
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
