#include "sim/planted.hpp"

#include "model/task_status.hpp"

namespace bourse::sim::planted {

void leak_ledger(const master::MasterCore& core, const master::Event& event) {
  const auto* from = std::get_if<master::FromAgent>(&event.body);
  if (from == nullptr) return;
  const auto* update = std::get_if<to_master::StatusUpdate>(&from->message.body);
  if (update == nullptr || !is_terminal(update->status->state)) return;
  auto& state = const_cast<master::MasterState&>(core.state());
  const auto it = state.agent_of_peer.find(from->peer);
  if (it == state.agent_of_peer.end()) return;
  state.agents.at(it->second).ledger.use_anyway(Resources({Resource::scalar("cpus", 100)}));
}

void forget_epoch_seen(AgentToMaster& message) {
  if (auto* announce = std::get_if<to_master::Register>(&message.body)) announce->epoch_seen = 0;
}

void forget_filters(FrameworkToMaster& message) {
  auto* call = std::get_if<SchedulerCall>(&message.body);
  if (call == nullptr) return;
  if (auto* decline = std::get_if<call::Decline>(&call->body)) decline->filters = Filters{{}};
}

void forget(Plant plant, Registry& registry) {
  for (auto& [id, agent] : registry.agents) {
    if (plant == Plant::forgotten_drain) agent.maintenance = {};
    if (plant == Plant::hasty_drain && agent.maintenance.duty == AgentDuty::draining) {
      agent.maintenance.duty = AgentDuty::drained;
    }
    const bool gone = agent.standing == registry::AgentStanding::gone;
    if (plant == Plant::gone_forgotten && gone) {
      agent.standing = registry::AgentStanding::admitted;
    }
  }
  if (plant == Plant::removal_forgotten) registry.removed_frameworks.clear();
}

std::optional<master::SendToAgent> acknowledge(const master::MasterCore& core,
                                               const master::Event& event) {
  const auto* from = std::get_if<master::FromAgent>(&event.body);
  if (from == nullptr) return std::nullopt;
  const auto* update = std::get_if<to_master::StatusUpdate>(&from->message.body);
  if (update == nullptr || !update->status->uuid) return std::nullopt;
  auto& state = const_cast<master::MasterState&>(core.state());
  const auto it = state.agent_of_peer.find(from->peer);
  if (it == state.agent_of_peer.end()) return std::nullopt;
  master::Session& session = state.agents.at(it->second).session;
  if (session.peer != from->peer) return std::nullopt;
  const LinkHeader header{session.number, session.sender.next(), state.epoch};
  return master::SendToAgent{
      from->peer,
      {header, to_agent::Acknowledge{update->framework_id, update->status->task_id,
                                     *update->status->uuid}}};
}

}  // namespace bourse::sim::planted
