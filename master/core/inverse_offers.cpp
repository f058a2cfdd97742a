// Inverse offers: each framework that has something on an agent which is to be unavailable is asked
// to leave it in time. It says yes or no, and is asked again once its answer's time is over, for as
// long as it has something there. Nothing is taken from it: what it said is shown to operators.
#include <algorithm>
#include <charconv>
#include <map>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Said = change::InverseOfferPut::Answer;
using InverseBatches = std::map<FrameworkSlot, event::InverseOffers>;

OfferId inverse_offer_id(const MasterState& state, std::uint64_t number) {
  return OfferId(state.id_prefix + "-I" + std::to_string(number));
}

// The number in "<id prefix>-I<number>", or 0.
std::uint64_t inverse_number_of(const MasterState& state, const OfferId& id) {
  const std::string& text = id.raw();
  const std::string prefix = state.id_prefix + "-I";
  if (!text.starts_with(prefix)) return 0;
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + prefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : 0;
}

void publish(Context& c, const Agent& agent, FrameworkSlot framework, const InverseAsk& ask) {
  c.publish(change::InverseOfferPut{agent.id, c.state.frameworks.at(framework).id, ask.number,
                                    ask.answer, ask.at});
}

// The one that is out is so no more.
void close(Context& c, const Agent& agent, FrameworkSlot framework, InverseAsk& ask) {
  c.state.inverse_offer_of.erase(ask.number);
  ask.number = 0;
  publish(c, agent, framework, ask);
}

void rescind(Context& c, const Agent& agent, FrameworkSlot framework, InverseAsk& ask) {
  if (ask.number == 0) return;
  PROBE("master.inverse_offer_rescinded");
  send_to_framework(c, c.state.frameworks.at(framework),
                    event::RescindInverse{inverse_offer_id(c.state, ask.number)});
  // What comes and goes there is not worth a question each time.
  ask.again = c.stamp.now + c.config.reoffer_min;
  close(c, agent, framework, ask);
}

// The frameworks that have something there: tasks, executors, offers.
std::set<FrameworkSlot> present_on(const MasterState& state, const Agent& agent) {
  std::set<FrameworkSlot> out;
  for (const TaskSlot slot : agent.tasks) {
    const Task& task = state.tasks.at(slot);
    if (task.standing == TaskStanding::live && !is_terminal(task.state)) out.insert(task.framework);
  }
  for (const auto& [key, executor] : agent.executors) {
    if (!executor.framework.empty()) out.insert(executor.framework);
  }
  for (const OfferSlot slot : agent.offers) out.insert(state.offers.at(slot).framework);
  return out;
}

void ask(Context& c, AgentSlot slot, const Agent& agent, FrameworkSlot framework, InverseAsk& row,
         InverseBatches& batches) {
  row.number = c.state.next_inverse_offer++;
  if (row.answer == Said::none) row.at = c.stamp.wall;
  c.state.inverse_offer_of.emplace(row.number, InversePlace{slot, framework});
  publish(c, agent, framework, row);
  event::InverseOffers& batch = batches[framework];
  batch.framework_id = c.state.frameworks.at(framework).id;
  batch.offers.push_back(
      {inverse_offer_id(c.state, row.number), agent.facet, agent.unavailability});
  if (batch.offers.size() < limits::kMaxInverseOffersPerEvent) return;
  send_to_framework(c, c.state.frameworks.at(framework), std::move(batch));
  batches.erase(framework);
}

void ask_on(Context& c, AgentSlot slot, Agent& agent, InverseBatches& batches) {
  if (agent.phase == AgentPhase::silent) return;  // it may be back in a moment
  std::set<FrameworkSlot> present;
  if (agent.phase == AgentPhase::active && agent.unavailability) {
    present = present_on(c.state, agent);
  }
  for (auto& [framework, row] : agent.asks) {
    if (!present.contains(framework)) rescind(c, agent, framework, row);
  }
  Instant next = Instant::max();
  for (const FrameworkSlot framework : present) {
    if (!c.state.frameworks.at(framework).connected()) continue;
    InverseAsk& row = agent.asks[framework];
    if (row.number != 0) continue;
    if (row.again > c.stamp.now) {
      next = std::min(next, row.again);
    } else {
      ask(c, slot, agent, framework, row, batches);
    }
  }
  if (next != Instant::max()) c.arm(DeadlineKey::Kind::agent_asking, slot, next);
}

}  // namespace

void ask_frameworks(Context& c) {
  InverseBatches batches;
  for (std::size_t i = 0; i < c.state.touched_agents.size(); ++i) {
    const AgentSlot slot = c.state.touched_agents[i];
    Agent* agent = c.state.agents.find(slot);
    if (agent == nullptr || (!agent->unavailability && agent->asks.empty())) continue;
    ask_on(c, slot, *agent, batches);
  }
  for (auto& [framework, batch] : batches) {
    send_to_framework(c, c.state.frameworks.at(framework), std::move(batch));
  }
}

void on_answer_inverse_offers(Context& c, FrameworkSlot slot,
                              const call::AnswerInverseOffers& call) {
  for (const OfferId& id : call.offer_ids) {
    const auto it = c.state.inverse_offer_of.find(inverse_number_of(c.state, id));
    // An answer and the end of what it answers may cross; another's it cannot answer.
    if (it == c.state.inverse_offer_of.end() || it->second.framework != slot) continue;
    const AgentSlot agent_slot = it->second.agent;
    Agent& agent = c.state.agents.at(agent_slot);
    InverseAsk& row = agent.asks.at(slot);
    row.answer = call.accept ? Said::accepted : Said::declined;
    row.at = c.stamp.wall;
    row.again = c.stamp.now + std::max(call.filters.refuse, c.config.reoffer_min);
    close(c, agent, slot, row);
    touch_agent(c, agent_slot);
  }
}

void drop_asks(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  for (auto& [framework, row] : agent.asks) {
    rescind(c, agent, framework, row);
    c.publish(change::InverseOfferRemoved{agent.id, c.state.frameworks.at(framework).id});
  }
  agent.asks.clear();
  c.disarm(DeadlineKey::Kind::agent_asking, slot);
}

void withdraw_asks(Context& c, FrameworkSlot slot) {
  std::vector<AgentSlot> agents;
  for (const auto& [number, where] : c.state.inverse_offer_of) {
    if (where.framework == slot) agents.push_back(where.agent);
  }
  for (const AgentSlot agent_slot : agents) {
    Agent& agent = c.state.agents.at(agent_slot);
    InverseAsk& row = agent.asks.at(slot);
    row.again = c.stamp.now;
    close(c, agent, slot, row);
  }
}

void touch_planned_agents_of(Context& c, FrameworkSlot slot) {
  if (c.state.schedule.empty()) return;
  for (const TaskSlot task : c.state.frameworks.at(slot).tasks) {
    const AgentSlot agent = c.state.tasks.at(task).agent;
    if (c.state.agents.at(agent).unavailability) touch_agent(c, agent);
  }
}

void forget_asks(Context& c, FrameworkSlot slot) {
  withdraw_asks(c, slot);
  c.state.agents.for_each([&](AgentSlot, Agent& agent) {
    if (agent.asks.erase(slot) == 0) return;
    c.publish(change::InverseOfferRemoved{agent.id, c.state.frameworks.at(slot).id});
  });
}

void check_asks(const MasterState& state) {
  std::size_t out = 0;
  state.agents.for_each([&](AgentSlot slot, const Agent& agent) {
    ASSERT(agent.unavailability || agent.asks.empty());
    for (const auto& [framework, row] : agent.asks) {
      ASSERT(state.frameworks.find(framework) != nullptr);
      if (row.number == 0) continue;
      ++out;
      const InversePlace& place = state.inverse_offer_of.at(row.number);
      ASSERT(place.agent == slot && place.framework == framework);
      ASSERT(state.frameworks.at(framework).connected());
    }
  });
  ASSERT(out == state.inverse_offer_of.size());
}

}  // namespace bourse::master
