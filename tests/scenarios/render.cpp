// Effects, Changes and Notes as lines of a transcript.
#include "tests/scenarios/world.hpp"

namespace bourse::master::scenario {

namespace {

using test::short_name;

std::string status_text(const TaskStatus& status) {
  std::string out = status.task_id.raw() + " " + short_name(status.state);
  if (status.reason) out += " " + std::string(name_of(*status.reason));
  if (!status.message.empty()) out += " \"" + status.message + "\"";
  if (status.uuid) out += " (to be acknowledged)";
  return out;
}

std::string planned_text(const Unavailability& planned) {
  std::string out = "unavailable from " + std::to_string(planned.start.ns / 1'000'000'000) + " s";
  if (planned.duration) out += " for " + std::to_string(planned.duration->ms() / 1000) + " s";
  return out;
}

struct AgentBody {
  std::string operator()(const to_agent::Registered& m) const {
    return "Registered " + m.agent_id.raw();
  }
  std::string operator()(const to_agent::Refused& m) const {
    std::string out = "Refused \"" + m.reason + "\"";
    if (m.forget_identity) return out + ", forget who you are";
    if (m.retry_after == Duration{}) return out + ", stop";
    return out + ", again in " + std::to_string(m.retry_after.ms()) + " ms";
  }
  std::string operator()(const to_agent::Launch& m) const {
    std::string out = m.group ? "LaunchGroup " : "Launch ";
    out += std::to_string(m.launch_id.epoch) + "/" + std::to_string(m.launch_id.number);
    for (const TaskFacetPtr& task : m.tasks) out += " " + task->id.raw();
    if (m.executor) out += " on executor " + m.executor->id.raw();
    return out;
  }
  std::string operator()(const to_agent::Kill& m) const {
    std::string out = "Kill " + m.task_id.raw();
    if (m.grace) out += " within " + std::to_string(m.grace->ms()) + " ms";
    if (m.cause == KillCause::drain) out += ", drained";
    if (m.cause == KillCause::drain_to_gone) out += ", drained to be gone";
    return out;
  }
  std::string operator()(const to_agent::ShutdownExecutor& m) const {
    return "ShutdownExecutor " + m.executor_id.raw();
  }
  std::string operator()(const to_agent::ShutdownFramework& m) const {
    return "ShutdownFramework " + m.framework_id.raw();
  }
  std::string operator()(const to_agent::Acknowledge& m) const {
    return "Acknowledge " + m.task_id.raw();
  }
  std::string operator()(const to_agent::FrameworkMessage& m) const {
    return "FrameworkMessage to executor " + m.executor_id.raw() + " \"" + m.data + "\"";
  }
  std::string operator()(const to_agent::UpdateFramework& m) const {
    return "UpdateFramework " + m.framework->name;
  }
  std::string operator()(const to_agent::Heartbeat&) const { return "Heartbeat"; }
  std::string operator()(const to_agent::Reregister& m) const {
    return "Reregister \"" + m.reason + "\"";
  }
  std::string operator()(const to_agent::ApplyOperations& m) const {
    std::string out = "ApplyOperations";
    for (const OperationOrder& order : m.orders) {
      out += " " + std::string(name_of(order.operation.type)) + " [" +
             order.operation.resources.to_text() + "]";
    }
    return out;
  }
  std::string operator()(const to_agent::AcknowledgeOperations& m) const {
    return "AcknowledgeOperations " + std::to_string(m.uuids.size());
  }
};

struct FrameworkBody {
  const LinkHeader& header;

  std::string operator()(const event::Subscribed& e) const {
    return "SUBSCRIBED " + e.framework_id.raw();
  }
  std::string operator()(const event::Offers& e) const {
    std::string out = "OFFERS";
    for (const OfferFacet& offer : e.offers) {
      out += " " + offer.id.raw() + " on " + offer.agent->hostname + " [" +
             offer.resources.to_text() + "]";
      if (*offer.role != "*") out += " for " + *offer.role;
      if (offer.unavailability) out += " " + planned_text(*offer.unavailability);
    }
    return out;
  }
  std::string operator()(const event::Rescind& e) const { return "RESCIND " + e.offer_id.raw(); }
  std::string operator()(const event::Update& e) const { return "UPDATE " + status_text(e.status); }
  std::string operator()(const event::Message& e) const {
    return "MESSAGE from executor " + e.executor_id.raw() + " \"" + e.data + "\"";
  }
  std::string operator()(const event::Failure& e) const {
    std::string out = "FAILURE of agent " + e.agent_id.raw();
    if (!e.executor_id.empty()) {
      out = "FAILURE of executor " + e.executor_id.raw() + " on " + e.agent_id.raw();
    }
    if (e.wait_status) out += " with status " + std::to_string(*e.wait_status);
    return out;
  }
  std::string operator()(const event::UpdateOperation& e) const {
    std::string out = "UPDATE_OPERATION_STATUS " + e.status.id.raw() + " " +
                      std::string(name_of(e.status.state).substr(10));
    if (!e.status.message.empty()) out += " \"" + e.status.message + "\"";
    if (e.status.uuid) out += " (to be acknowledged)";
    return out;
  }
  std::string operator()(const event::InverseOffers& e) const {
    std::string out = "INVERSE_OFFERS";
    for (const InverseOfferFacet& offer : e.offers) {
      out += " " + offer.id.raw() + " of " + offer.agent->hostname + " " +
             planned_text(*offer.unavailability);
    }
    return out;
  }
  std::string operator()(const event::RescindInverse& e) const {
    return "RESCIND_INVERSE_OFFER " + e.offer_id.raw();
  }
  std::string operator()(const event::Error& e) const { return "ERROR \"" + e.message + "\""; }
  std::string operator()(const event::Heartbeat&) const {
    return header.sequence == ~std::uint64_t{0} ? "HEARTBEAT (the session is over)" : "HEARTBEAT";
  }
};

struct CommandText {
  std::string operator()(const registry::SetCluster& c) const {
    return "SetCluster " + c.cluster_id + " epoch " + std::to_string(c.epoch);
  }
  std::string operator()(const registry::AdmitAgent& c) const {
    return "AdmitAgent " + c.agent.id.raw();
  }
  std::string operator()(const registry::UpdateAgent& c) const {
    return "UpdateAgent " + c.agent.id.raw() + " [" + c.agent.total.to_text() + "]";
  }
  std::string operator()(const registry::MarkAgent& c) const {
    static const char* kStandings[] = {"", "admitted", "unreachable", "gone"};
    return "MarkAgent " + c.agent_id.raw() + " " + kStandings[static_cast<std::size_t>(c.standing)];
  }
  std::string operator()(const registry::RemoveAgent& c) const {
    return "RemoveAgent " + c.agent_id.raw();
  }
  std::string operator()(const registry::PutFramework& c) const {
    return "PutFramework " + c.framework.id.raw() + " " + c.framework.name;
  }
  std::string operator()(const registry::RemoveFramework& c) const {
    return "RemoveFramework " + c.framework_id.raw();
  }
  std::string operator()(const registry::SetWeight& c) const {
    return "SetWeight " + c.role + " " + std::to_string(c.weight_milli);
  }
  std::string operator()(const registry::SetMaintenance& c) const {
    static const char* kDuties[] = {"", "serving", "deactivated", "draining", "drained"};
    return "SetMaintenance " + c.agent_id.raw() + " " +
           kDuties[static_cast<std::size_t>(c.maintenance.duty)] +
           (c.maintenance.force ? " by force" : "");
  }
  std::string operator()(const registry::SetQuotas& c) const {
    std::string out = "SetQuotas";
    for (const RoleQuota& one : c.quotas) out += " " + one.role;
    return out;
  }
  std::string operator()(const registry::SetWeights& c) const {
    std::string out = "SetWeights";
    for (const RoleWeight& one : c.weights) out += " " + one.role;
    return out;
  }
  std::string operator()(const registry::SetSchedule& c) const {
    std::string out = "SetSchedule";
    for (const MaintenanceWindow& window : c.schedule.windows) {
      for (const MachineId& id : window.machines) {
        out += " " + words_of(id) + (c.schedule.down.contains(id) ? " down" : "");
      }
    }
    return out;
  }
};

struct EffectText {
  const World& world;

  std::string name(PeerId peer) const {
    const auto it = world.names.find(peer);
    return it == world.names.end() ? "somebody" : it->second;
  }
  std::string operator()(const SendToAgent& e) const {
    return name(e.peer) + " <- " + std::visit(AgentBody{}, e.message.body);
  }
  std::string operator()(const SendToFramework& e) const {
    return name(e.stream) + " <- " + std::visit(FrameworkBody{e.message.header}, e.message.body);
  }
  std::string operator()(const ClosePeer& e) const {
    return "close " + name(e.peer) + ": " + e.reason;
  }
  std::string operator()(const Persist& e) const {
    return "write " + std::visit(CommandText{}, e.command);
  }
  std::string operator()(const Answer& e) const {
    if (e.status.ok()) return "answer ok";
    return std::string("answer ") + name_of(e.status.error().code) + ": " +
           e.status.error().message;
  }
  std::string operator()(const Abdicate& e) const { return "abdicate: " + e.reason; }
};

struct ChangeText {
  std::string operator()(const change::ClusterStarted& c) const {
    return "ClusterStarted " + c.cluster_id + " epoch " + std::to_string(c.epoch);
  }
  std::string operator()(const change::AgentPut& c) const {
    std::string out = "AgentPut " + c.agent->id.raw() + " " + std::string(name_of(c.phase));
    if (!c.deficit.empty()) out += " deficit [" + c.deficit.to_text() + "]";
    for (const change::DrainWait& wait : c.waits) {
      out += ", " + std::to_string(wait.tasks) + " of its tasks: " + wait.why;
    }
    if (!c.oversubscribed.empty()) out += " lends [" + c.oversubscribed.to_text() + "]";
    return out;
  }
  std::string operator()(const change::AgentRemoved& c) const {
    return "AgentRemoved " + c.agent_id.raw();
  }
  std::string operator()(const change::FrameworkPut& c) const {
    return "FrameworkPut " + c.framework->id.raw() + (c.connected ? " connected" : "") +
           (c.recovered ? " recovered" : "");
  }
  std::string operator()(const change::FrameworkRemoved& c) const {
    return "FrameworkRemoved " + c.framework_id.raw();
  }
  std::string operator()(const change::TaskAdded& c) const {
    return "TaskAdded " + c.task->id.raw() + " " + short_name(c.state);
  }
  std::string operator()(const change::TaskUpdated& c) const {
    return "TaskUpdated " + c.status->task_id.raw() + " " + short_name(c.state);
  }
  std::string operator()(const change::TaskRemoved& c) const {
    return "TaskRemoved " + c.task_id.raw();
  }
  std::string operator()(const change::ExecutorAdded& c) const {
    return "ExecutorAdded " + c.executor->id.raw();
  }
  std::string operator()(const change::ExecutorRemoved& c) const {
    return "ExecutorRemoved " + c.executor_id.raw();
  }
  std::string operator()(const change::OfferAdded& c) const {
    return "OfferAdded O" + std::to_string(c.number);
  }
  std::string operator()(const change::OfferRemoved& c) const {
    static const char* kWhy[] = {"accepted", "declined", "expired", "rescinded"};
    return "OfferRemoved O" + std::to_string(c.number) + " " +
           kWhy[static_cast<std::size_t>(c.why)];
  }
  std::string operator()(const change::WeightSet& c) const {
    return "WeightSet " + c.role + " " + std::to_string(c.weight_milli);
  }
  std::string operator()(const change::OperationPut& c) const {
    return "OperationPut " + std::string(name_of(c.order->operation.type)) + " " +
           std::string(name_of(c.status.state).substr(10));
  }
  std::string operator()(const change::OperationRemoved&) const { return "OperationRemoved"; }
  std::string operator()(const change::Published& c) const {
    return "Published " + c.name + " of " + std::to_string(c.content->size()) + " bytes";
  }
  std::string operator()(const change::Explained& c) const {
    return "Explained " + c.explanation->framework_id.raw();
  }
  std::string operator()(const change::ScheduleSet& c) const {
    return "ScheduleSet " + std::to_string(c.schedule.windows.size()) + " windows";
  }
  std::string operator()(const change::InverseOfferPut& c) const {
    static const char* kAnswers[] = {"", "asked", "accepted", "declined"};
    return "InverseOfferPut " + c.agent_id.raw() + " " + c.framework_id.raw() + " I" +
           std::to_string(c.number) + " " + kAnswers[static_cast<std::size_t>(c.answer)];
  }
  std::string operator()(const change::InverseOfferRemoved& c) const {
    return "InverseOfferRemoved " + c.agent_id.raw() + " " + c.framework_id.raw();
  }
  std::string operator()(const change::QuotaSet& c) const {
    std::string out = "QuotaSet " + c.role;
    for (const auto& [name, milli] : c.quota.guarantees) {
      out += " " + name + ">=" + milli_text(milli);
    }
    for (const auto& [name, milli] : c.quota.limits) out += " " + name + "<=" + milli_text(milli);
    return out;
  }
};

}  // namespace

std::string render(const World& world, const Effect& effect) {
  return std::visit(EffectText{world}, effect.body);
}

std::string render(const Change& change) {
  return std::to_string(change.sequence) + " " + std::visit(ChangeText{}, change.body);
}

std::string render(const Note& note) {
  static const char* kLevels[] = {"debug", "info", "warning", "error"};
  std::string out = std::string(kLevels[static_cast<std::size_t>(note.level)]) + " " + note.code;
  for (const auto& [name, value] : note.fields) out += " " + name + "=\"" + value + "\"";
  return out;
}

}  // namespace bourse::master::scenario
