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

}  // namespace bourse::sim::planted
