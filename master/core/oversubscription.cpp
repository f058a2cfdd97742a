// What agents lend: resources that are allocated and not used, offered a second time to those who
// can lose them. An agent tells how much it is, now and then; tasks that hold more than that stay.
#include <map>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

void rescind_unfounded(Context& c, Agent& agent, const Resources& total) {
  std::map<std::uint64_t, OfferSlot> oldest_first;
  for (const OfferSlot slot : agent.offers) {
    const Offer& offer = c.state.offers.at(slot);
    if (!offer.resources.revocable().empty()) oldest_first.emplace(offer.number, slot);
  }
  if (oldest_first.empty()) return;
  Resources left = total.revocable();
  left.subtract_up_to(agent.ledger.used().revocable());
  left.subtract_up_to(agent.ledger.held().revocable());
  for (const auto& [number, slot] : oldest_first) {
    const Resources lent = c.state.offers.at(slot).resources.revocable();
    if (left.contains(lent)) {
      left.subtract(lent);
      continue;
    }
    PROBE("master.lent_offer_rescinded");
    rescind_offer(c, slot, change::OfferRemoved::Why::rescinded);
  }
}

void on_oversubscribed(Context& c, AgentSlot slot, const to_master::Oversubscribed& message) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.oversubscribed == message.total) return;
  Resources total = agent.ledger.total();
  total.subtract(agent.oversubscribed);
  total.add(message.total);
  rescind_unfounded(c, agent, total);
  learn_names(c, message.total);
  agent.oversubscribed = message.total;
  agent.ledger.convert_total(std::move(total));
  if (!agent.ledger.deficit().empty()) PROBE("master.lent_more_than_there_is");
  touch_agent(c, slot);
  touch_room(c, slot);
  publish_agent(c, agent);
}

std::optional<std::string> mixed_name(const Resources& resources) {
  const Resources lent = resources.revocable();
  if (lent.empty()) return std::nullopt;
  const Resources kept = resources.non_revocable();
  for (const Resource& own : kept.list()) {
    for (const Resource& other : lent.list()) {
      if (other.name == own.name) return own.name;
    }
  }
  return std::nullopt;
}

}  // namespace bourse::master
