// Offers open and close. Whatever ends one, the ledger gets back exactly what it took.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

// The newest is the last to expire, since all live equally long.
void link_newest(MasterState& state, OfferSlot slot, Offer& offer) {
  offer.older = state.newest_offer;
  if (Offer* before = state.offers.find(state.newest_offer)) {
    before->newer = slot;
  } else {
    state.oldest_offer = slot;
  }
  state.newest_offer = slot;
}

void unlink(MasterState& state, const Offer& offer) {
  if (Offer* older = state.offers.find(offer.older)) {
    older->newer = offer.newer;
  } else {
    state.oldest_offer = offer.newer;
  }
  if (Offer* newer = state.offers.find(offer.newer)) {
    newer->older = offer.older;
  } else {
    state.newest_offer = offer.older;
  }
}

void detach(MasterState& state, Agent& agent, Framework& framework, const Offer& offer) {
  const OfferSlot last_here = agent.offers.back();
  agent.offers[offer.position_in_agent] = last_here;
  state.offers.at(last_here).position_in_agent = offer.position_in_agent;
  agent.offers.pop_back();
  const OfferSlot last_there = framework.offers.back();
  framework.offers[offer.position_in_framework] = last_there;
  state.offers.at(last_there).position_in_framework = offer.position_in_framework;
  framework.offers.pop_back();
}

// The number in "<id prefix>-O<number>", written as this master writes it; nothing else names one
// of its offers.
std::optional<std::uint64_t> number_of(const MasterState& state, const OfferId& id) {
  const std::string& text = id.raw();
  const std::size_t start = state.id_prefix.size() + 2;
  if (text.size() <= start || text.size() > start + 18) return std::nullopt;
  if (text.compare(0, state.id_prefix.size(), state.id_prefix) != 0 ||
      text.compare(start - 2, 2, "-O") != 0) {
    return std::nullopt;
  }
  if (text[start] == '0' && text.size() > start + 1) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t at = start; at < text.size(); ++at) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
  }
  return number;
}

// What it takes is spare no more, which the agent's room does not show before the next round.
void consume_offer(Allocation& allocation, Agent& agent, const Role& role,
                   const Resources& resources) {
  consume_quota(allocation, role, resources);
  const QuantityRow row = counted_row(allocation, resources);
  QuantityRow taken{};
  for (std::size_t d = 0; d < row.size(); ++d) taken[d] = std::min(row[d], agent.room.spare[d]);
  for (std::size_t d = 0; d < row.size(); ++d) agent.room.spare[d] -= taken[d];
  allocation.quotas.take_spare(span_of(allocation, taken));
}

}  // namespace

OfferSlot find_offer(const MasterState& state, const OfferId& id) {
  const auto number = number_of(state, id);
  if (!number) return {};
  const OfferSlot* slot = state.offer_of.find(*number + 1);
  return slot == nullptr ? OfferSlot{} : *slot;
}

void open_offer(Context& c, FrameworkSlot framework_slot, std::uint32_t role_index,
                AgentSlot agent_slot, Resources resources, std::span<const std::int64_t> row,
                OfferFacet& facet) {
  Framework& framework = c.state.frameworks.at(framework_slot);
  const Role& role = framework.roles[role_index];
  Agent& agent = c.state.agents.at(agent_slot);
  agent.ledger.offer(resources);
  c.state.allocation.tree.charge(role.claim.id, row);
  if (c.state.allocation.counts_quotas) consume_offer(c.state.allocation, agent, role, resources);
  Offer offer;
  offer.number = c.state.next_offer++;
  offer.agent = agent_slot;
  offer.framework = framework_slot;
  offer.role = role_index;
  offer.resources = resources;
  offer.expires = c.stamp.now + c.config.offer_lifetime;
  offer.position_in_agent = static_cast<std::uint32_t>(agent.offers.size());
  offer.position_in_framework = static_cast<std::uint32_t>(framework.offers.size());
  facet.id = offer_id(c.state.id_prefix, offer.number);
  facet.role = role.shared_name;
  facet.agent = agent.facet;
  if (agent.unavailability) {
    facet.unavailability = agent.unavailability;
    touch_agent(c, agent_slot);  // who is offered it is asked to leave it in time
  }
  for (auto it = agent.executors.lower_bound({framework.id, ExecutorId()});
       it != agent.executors.end() && it->first.first == framework.id; ++it) {
    facet.executor_ids.push_back(it->first.second);
  }
  const OfferSlot slot = c.state.offers.insert(std::move(offer));
  Offer& added = c.state.offers.at(slot);
  link_newest(c.state, slot, added);
  agent.offers.push_back(slot);
  framework.offers.push_back(slot);
  c.state.offer_of.insert(added.number + 1, slot);
  if (is_full(framework)) update_roles(c, framework_slot);
  touch_framework(c, framework_slot);
  c.publish(change::OfferAdded{added.number, framework.facet, agent.facet, facet.role, resources});
  facet.resources = std::move(resources);
}

void close_offer(Context& c, OfferSlot slot, change::OfferRemoved::Why why) {
  Offer& offer = c.state.offers.at(slot);
  Agent& agent = c.state.agents.at(offer.agent);
  const FrameworkSlot framework_slot = offer.framework;
  Framework& framework = c.state.frameworks.at(framework_slot);
  agent.ledger.unoffer(offer.resources);
  unmeet(c.state.allocation, framework.roles[offer.role], offer);
  uncharge(c, framework.roles[offer.role], offer.resources);
  unlink(c.state, offer);
  detach(c.state, agent, framework, offer);
  touch_agent(c, offer.agent);
  touch_framework(c, offer.framework);
  touch_room(c, offer.agent);
  // Rooms that it could not be offered have room for it again.
  if (framework.offers.size() + 1 == limits::kMaxOffersPerFramework) {
    update_roles(c, framework_slot);
    touch_all_rooms(c);
  }
  c.publish(change::OfferRemoved{offer.number, why});
  c.state.offer_of.erase(offer.number + 1);
  c.state.offers.erase(slot);
}

void rescind_offer(Context& c, OfferSlot slot, change::OfferRemoved::Why why) {
  const Offer& offer = c.state.offers.at(slot);
  send_to_framework(c, c.state.frameworks.at(offer.framework),
                    event::Rescind{offer_id(c.state.id_prefix, offer.number)});
  close_offer(c, slot, why);
}

void rescind_offers_of(Context& c, Agent& agent) {
  for (const OfferSlot slot : std::vector<OfferSlot>(agent.offers)) {
    rescind_offer(c, slot, change::OfferRemoved::Why::rescinded);
  }
}

// Who lets an offer lapse has declined it.
void expire_offers(Context& c) {
  while (const Offer* oldest = c.state.offers.find(c.state.oldest_offer)) {
    if (oldest->expires > c.stamp.now) return;
    PROBE("master.offer_expired");
    const FrameworkSlot framework = oldest->framework;
    const AgentSlot agent = oldest->agent;
    const std::uint32_t role = oldest->role;
    const Resources resources = oldest->resources;
    rescind_offer(c, c.state.oldest_offer, change::OfferRemoved::Why::expired);
    add_filter(c, framework, role, agent, resources, c.config.reoffer_min);
    claim_declined(c, c.state.frameworks.at(framework).roles[role]);
  }
}

}  // namespace bourse::master
