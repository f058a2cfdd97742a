// What quotas count. Nothing is counted before the first quota is asked for; then everything is,
// once, and from there on it is kept up to date as offers, tasks, executors and agents come and go.
#include <algorithm>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

allocator::NodeId node_of(const Allocation& allocation, const Role& role) {
  return allocator::NodeId{allocation.tree.at(role.claim.id).role};
}

bool is_any(const QuantityRow& row) {
  return std::any_of(row.begin(), row.end(), [](std::int64_t quantity) { return quantity > 0; });
}

void consume_row(allocator::QuotaTable& to, const Allocation& allocation, allocator::NodeId node,
                 const QuantityRow& row) {
  if (node != allocator::kRootRole) to.consume(allocation.tree, node, span_of(allocation, row));
}

bool counts_as_reserved(const Resource& resource) {
  return resource.is_reserved() && !resource.is_revocable();
}

allocator::NodeId reserved_node(const Allocation& allocation, const Resource& resource) {
  if (resource.role() == "*") return allocator::kRootRole;
  return allocation.roles.find(resource.role())->second.node;
}

void consume_reservations(allocator::QuotaTable& to, const Allocation& allocation,
                          const Agent& agent) {
  for (const Resource& resource : agent.room.reserving.list()) {
    if (!counts_as_reserved(resource)) continue;
    QuantityRow row{};
    add_to_row(allocation, resource, row.data());
    consume_row(to, allocation, reserved_node(allocation, resource), row);
  }
}

// Everything, from nothing. Spare is not.
void count_all(const MasterState& state, allocator::QuotaTable& to) {
  const Allocation& allocation = state.allocation;
  const auto consume = [&](const Role& role, const Resources& resources) {
    consume_row(to, allocation, node_of(allocation, role), counted_row(allocation, resources));
  };
  state.tasks.for_each([&](TaskSlot, const Task& task) {
    if (!task.charged) return;
    consume(state.frameworks.at(task.framework).roles[task.role], task.facet->resources);
  });
  state.offers.for_each([&](OfferSlot, const Offer& offer) {
    consume(state.frameworks.at(offer.framework).roles[offer.role], offer.resources);
  });
  state.agents.for_each([&](AgentSlot, const Agent& agent) {
    for (const auto& [key, executor] : agent.executors) {
      if (!executor.charged) continue;
      consume(state.frameworks.at(executor.framework).roles[executor.role],
              executor.facet->resources);
    }
    consume_reservations(to, allocation, agent);
  });
}

}  // namespace

QuantityRow counted_row(const Allocation& allocation, const Resources& resources) {
  QuantityRow row{};
  for (const Resource& r : resources.list()) {
    if (!r.is_reserved() && !r.is_revocable()) add_to_row(allocation, r, row.data());
  }
  return row;
}

void begin_counting(Context& c) {
  Allocation& allocation = c.state.allocation;
  if (allocation.counts_quotas) return;
  allocation.counts_quotas = true;
  c.state.agents.for_each([&](AgentSlot, Agent& agent) {
    for (const Resource& r : agent.room.reserving.list()) {
      if (counts_as_reserved(r)) role_node(c, std::string(r.role()));
    }
    count_spare(c, agent);
  });
  count_all(c.state, allocation.quotas);
}

void forget_reservations(Context& c, Agent& agent) {
  Allocation& allocation = c.state.allocation;
  if (allocation.counts_quotas) {
    for (const Resource& resource : agent.room.reserving.list()) {
      const bool counts = counts_as_reserved(resource) && resource.role() != "*";
      if (!counts) continue;
      QuantityRow row{};
      add_to_row(allocation, resource, row.data());
      allocation.quotas.release(allocation.tree, reserved_node(allocation, resource),
                                span_of(allocation, row));
    }
  }
  agent.room.reserving = {};
}

void count_reservations(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  forget_reservations(c, agent);
  agent.room.reserving = agent.ledger.total();
  if (!c.state.allocation.counts_quotas) return;
  for (const Resource& r : agent.room.reserving.list()) {
    if (counts_as_reserved(r)) role_node(c, std::string(r.role()));
  }
  consume_reservations(c.state.allocation.quotas, c.state.allocation, agent);
}

void count_spare(Context& c, Agent& agent) {
  Allocation& allocation = c.state.allocation;
  if (!allocation.counts_quotas) return;
  const QuantityRow spare =
      can_offer(agent) ? counted_row(allocation, agent.ledger.available()) : QuantityRow{};
  if (spare == agent.room.spare) return;
  allocation.quotas.take_spare(span_of(allocation, agent.room.spare));
  allocation.quotas.add_spare(span_of(allocation, spare));
  agent.room.spare = spare;
}

void consume_quota(Allocation& allocation, const Role& role, const Resources& resources) {
  const QuantityRow row = counted_row(allocation, resources);
  if (is_any(row)) consume_row(allocation.quotas, allocation, node_of(allocation, role), row);
}

void release_quota(Allocation& allocation, const Role& role, const Resources& resources) {
  const allocator::NodeId node = node_of(allocation, role);
  if (node == allocator::kRootRole) return;
  const QuantityRow row = counted_row(allocation, resources);
  if (is_any(row)) {
    allocation.quotas.release(allocation.tree, node, span_of(allocation, row));
  }
}

namespace {

struct Rescinder {
  Context& c;
  QuantityRow freed{};

  Allocation& allocation() const { return c.state.allocation; }

  void rescind(OfferSlot slot, const QuantityRow& row) {
    for (std::size_t d = 0; d < row.size(); ++d) freed[d] += row[d];
    rescind_offer(c, slot, change::OfferRemoved::Why::rescinded);
  }

  // Each offer once, the newest first.
  template <typename Wrong>
  void walk(const Wrong& wrong) {
    OfferSlot slot = c.state.newest_offer;
    while (const Offer* offer = c.state.offers.find(slot)) {
      const OfferSlot next = offer->older;
      const Role& role = c.state.frameworks.at(offer->framework).roles[offer->role];
      const QuantityRow row = counted_row(allocation(), offer->resources);
      if (wrong(node_of(allocation(), role), row)) rescind(slot, row);
      slot = next;
    }
  }

  bool is_over(allocator::NodeId role, const QuantityRow& row) const {
    const allocator::QuotaTable& quotas = allocation().quotas;
    for (std::uint32_t node = role.raw(); node != allocator::kRootRole.raw();
         node = allocation().tree.node(node).parent) {
      const std::uint32_t entry = quotas.entry_of(node);
      if (entry == allocator::kNone) continue;
      for (std::uint32_t d = 0; d < quotas.dimensions(); ++d) {
        const std::int64_t limit = quotas.limits(entry)[d];
        if (limit == allocator::kNoLimit || row[d] == 0) continue;
        const auto consumed = quotas.consumed(allocator::NodeId{node}, d);
        if (consumed > static_cast<allocator::Sum>(limit)) return true;
      }
    }
    return false;
  }

  bool is_short(std::uint32_t d) const {
    const allocator::QuotaTable& quotas = allocation().quotas;
    return quotas.needed()[d] > quotas.spare()[d] + static_cast<allocator::Sum>(freed[d]);
  }

  bool is_in_the_way(allocator::NodeId role, const QuantityRow& row) const {
    bool gives = false;
    for (std::uint32_t d = 0; d < allocation().quotas.dimensions(); ++d) {
      gives = gives || (row[d] > 0 && is_short(d));
    }
    if (!gives) return false;
    allocator::QuotaScratch memory;
    allocator::QuotaCaps caps;
    allocator::QuotaRound(allocation().quotas, allocation().tree, memory, 1)
        .caps_of(role.raw(), caps);
    return !caps.relieves;
  }
};

}  // namespace

void rescind_for_quotas(Context& c) {
  Rescinder rescinder{c};
  const std::size_t before = c.state.offers.size();
  rescinder.walk(
      [&](allocator::NodeId role, const QuantityRow& row) { return rescinder.is_over(role, row); });
  if (c.state.offers.size() < before) PROBE("master.offers_over_a_new_limit");
  const std::size_t within = c.state.offers.size();
  rescinder.walk([&](allocator::NodeId role, const QuantityRow& row) {
    return rescinder.is_in_the_way(role, row);
  });
  if (c.state.offers.size() < within) PROBE("master.offers_in_the_way_of_a_guarantee");
}

void check_quotas(const MasterState& state) {
  const Allocation& allocation = state.allocation;
  if (!allocation.counts_quotas) {
    ASSERT(allocation.quotas.empty() && state.quotas.empty());
    return;
  }
  allocator::QuotaTable expected = allocation.quotas;
  expected.forget_consumption();
  count_all(state, expected);
  expected.settle(allocation.tree);
  for (const auto& [name, role] : allocation.roles) {
    for (std::uint32_t d = 0; d < expected.dimensions(); ++d) {
      ASSERT(expected.consumed(role.node, d) == allocation.quotas.consumed(role.node, d));
    }
  }
  for (std::uint32_t d = 0; d < expected.dimensions(); ++d) {
    ASSERT(expected.needed()[d] == allocation.quotas.needed()[d]);
  }
}

}  // namespace bourse::master
