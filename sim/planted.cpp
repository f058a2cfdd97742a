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
  for (auto& [id, framework] : registry.frameworks) {
    if (plant == Plant::time_out_forgotten) framework.facet.failover_timeout = {};
  }
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

std::vector<master::SendToFramework> say_lost(const master::MasterCore& core,
                                              const master::Event& event) {
  std::vector<master::SendToFramework> out;
  const auto* from = std::get_if<master::FromFramework>(&event.body);
  const auto* said = from == nullptr ? nullptr : std::get_if<SchedulerCall>(&from->message.body);
  const auto* asked = said == nullptr ? nullptr : std::get_if<call::Reconcile>(&said->body);
  if (asked == nullptr) return out;
  auto& state = const_cast<master::MasterState&>(core.state());
  const auto slot = state.framework_of.find(said->framework_id);
  if (slot == state.framework_of.end()) return out;
  master::Framework& framework = state.frameworks.at(slot->second);
  if (framework.session.peer != from->stream) return out;
  for (const auto& task : asked->tasks) {
    const auto agent = state.agent_of.find(task.agent_id);
    if (framework.task_of.contains(task.task_id) || agent == state.agent_of.end()) continue;
    if (state.agents.at(agent->second).phase != AgentPhase::recovered) continue;
    TaskStatus status;
    status.task_id = task.task_id;
    status.agent_id = task.agent_id;
    status.state = TaskState::lost;
    status.source = StatusSource::master;
    status.message = "planted";
    const LinkHeader header{framework.session.number, framework.session.sender.next(), state.epoch};
    out.push_back({framework.session.peer,
                   framework.facet->capabilities,
                   {header, event::Update{SharedStatus(std::move(status))}}});
  }
  return out;
}

bool comes_back(const master::MasterCore& core, const AgentToMaster& message) {
  const auto* announce = std::get_if<to_master::Register>(&message.body);
  if (announce == nullptr) return false;
  const auto it = core.state().agent_of.find(announce->agent->id);
  return it != core.state().agent_of.end() &&
         core.state().agents.at(it->second).phase == AgentPhase::unreachable;
}

void lose_question(FrameworkToMaster& message) {
  auto* said = std::get_if<SchedulerCall>(&message.body);
  if (said == nullptr || !std::holds_alternative<call::Reconcile>(said->body)) return;
  if (message.header.sequence % 4 == 0)
    said->body = call::Acknowledge{AgentId("nobody"), TaskId("nothing"), Uuid{}};
}

void halve_wants(FrameworkToMaster& message) {
  auto* said = std::get_if<SchedulerCall>(&message.body);
  auto* request = said == nullptr ? nullptr : std::get_if<call::Request>(&said->body);
  if (request == nullptr) return;
  for (auto& wanted : request->wanted) {
    for (auto& [name, milli] : wanted.shape.amounts) milli = (milli + 1) / 2;
  }
}

void spare_what_is_over(const master::MasterCore& core, master::SendToAgent& order) {
  const auto* kill = std::get_if<to_agent::Kill>(&order.message.body);
  const auto agent = core.state().agent_of_peer.find(order.peer);
  if (kill == nullptr || agent == core.state().agent_of_peer.end()) return;
  for (const master::TaskSlot slot : core.state().agents.at(agent->second).tasks) {
    const master::Task& task = core.state().tasks.at(slot);
    if (task.framework_id != kill->framework_id || task.facet->id != kill->task_id) continue;
    if (task.standing != master::TaskStanding::zombie) return;
    order.message.body = to_agent::Acknowledge{task.framework_id, TaskId("nothing"), Uuid{}};
    return;
  }
}

void free_at_launch(const master::MasterCore& core, const master::Event& event,
                    const master::Effects& effects) {
  // By an ACCEPT: what is launched once more at a registration was freed before.
  const auto* from = std::get_if<master::FromFramework>(&event.body);
  const auto* said = from == nullptr ? nullptr : std::get_if<SchedulerCall>(&from->message.body);
  if (said == nullptr || !std::holds_alternative<call::Accept>(said->body)) return;
  auto& state = const_cast<master::MasterState&>(core.state());
  for (const master::Effect& effect : effects.list) {
    const auto* order = std::get_if<master::SendToAgent>(&effect.body);
    const auto* launch =
        order == nullptr ? nullptr : std::get_if<to_agent::Launch>(&order->message.body);
    const auto agent =
        launch == nullptr ? state.agent_of_peer.end() : state.agent_of_peer.find(order->peer);
    if (agent == state.agent_of_peer.end()) continue;
    master::Ledger& ledger = state.agents.at(agent->second).ledger;
    for (const TaskFacetPtr& task : launch->tasks) {
      if (ledger.used().contains(task->resources)) ledger.release(task->resources);
    }
  }
}

void keep_offers(const master::MasterCore& core, const master::Effects& effects) {
  auto& state = const_cast<master::MasterState&>(core.state());
  for (const Change& change : effects.changes) {
    const auto* added = std::get_if<change::OfferAdded>(&change.body);
    const auto* slot = added == nullptr ? nullptr : state.offer_of.find(added->number + 1);
    if (slot != nullptr) state.offers.at(*slot).expires = Instant::max();
  }
}

void forget_limits(const master::MasterCore& core) {
  auto& state = const_cast<master::MasterState&>(core.state());
  if (state.quotas.empty()) return;
  allocator::QuotaTable& table = state.allocation.quotas;
  const std::vector<std::int64_t> none(table.dimensions(), allocator::kNoLimit);
  for (std::uint32_t entry = 0; entry < table.entry_capacity(); ++entry) {
    if (table.node_of(entry) == allocator::kNone) continue;
    const std::int64_t* kept = table.guarantees(entry);
    const std::vector<std::int64_t> guarantees(kept, kept + table.dimensions());
    table.set(allocator::NodeId{table.node_of(entry)}, guarantees, none);
  }
  table.settle(state.allocation.tree);
}

void forget_another(const master::MasterCore& core, RegistryCommand& command) {
  auto* remove = std::get_if<registry::RemoveAgent>(&command);
  if (remove == nullptr) return;
  core.state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    if (agent.phase == AgentPhase::active) remove->agent_id = agent.id;
  });
}

void swallow(std::vector<Change>& changes) {
  std::erase_if(changes, [](const Change& change) { return change.sequence % 256 == 0; });
}

// -- an agent's

namespace {

void give_away(Resources& resources) {
  std::vector<Resource> out;
  for (const Resource& resource : resources.list()) {
    out.push_back(resource);
    if (!resource.is_reserved()) continue;
    ResourceMeta meta = *resource.meta;
    meta.reservations.back().labels = {{"of", "another"}};
    out.back() = resource.with(std::move(meta));
  }
  resources = Resources(std::move(out));
}

void give_away(CheckpointRecord& record) {
  if (auto* applied = std::get_if<checkpoint::OperationApplied>(&record)) {
    give_away(applied->order.operation.resources);
    give_away(applied->order.operation.extra);
  } else if (auto* all = std::get_if<checkpoint::ResourcesConverted>(&record)) {
    give_away(all->net.taken);
    give_away(all->net.made);
  }
}

}  // namespace

void forget(Plant plant, std::vector<CheckpointRecord>& records) {
  if (plant == Plant::acknowledgement_lost) {
    std::erase_if(records, [](const CheckpointRecord& record) {
      return std::holds_alternative<checkpoint::UpdateAcknowledged>(record);
    });
  }
  if (plant == Plant::lives_counted_down) {
    for (CheckpointRecord& record : records) {
      if (auto* life = std::get_if<checkpoint::LifeBegun>(&record)) life->incarnation = 0;
    }
  }
  if (plant != Plant::owner_forgotten) return;
  for (CheckpointRecord& record : records) give_away(record);
}

std::uint64_t bias(Plant plant, WallTime now) {
  static std::uint64_t lives = 0;
  if (plant == Plant::run_before_remembered) return ++lives;
  return plant == Plant::time_of_day_drawn ? static_cast<std::uint64_t>(now.ns / 1'000'000) : 0;
}

SharedStatus invent(const SharedStatus& status) {
  TaskStatus made = *status;
  made.uuid->bytes[0] ^= 1;
  return SharedStatus(std::move(made));
}

std::uint64_t count_down(std::uint64_t life) {
  return 1'000'000 - life;
}

void forget_newest(MasterToAgent& message) {
  auto* refused = std::get_if<to_agent::Refused>(&message.body);
  if (refused != nullptr) refused->newest_incarnation = 0;
}

std::optional<agent::StartContainer> start_also(Plant plant, const agent::StartContainer& start) {
  const bool other = plant == Plant::double_launch;
  if (!start.task || (!other && plant != Plant::started_twice)) return std::nullopt;
  agent::StartContainer again = start;
  if (other) again.container_id = ContainerId(start.container_id.raw() + "-again");
  return again;
}

}  // namespace bourse::sim::planted
