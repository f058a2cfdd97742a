#include "sim/words.hpp"

#include <iterator>
#include <variant>

#include "base/overloaded.hpp"

namespace bourse::sim {

namespace {

std::string header(const LinkHeader& header) {
  return " [" + std::to_string(header.session & 0xffff) + "." + std::to_string(header.sequence) +
         "]";
}

std::string text_of(const to_agent::Launch& launch) {
  std::string out = "launch";
  for (const TaskFacetPtr& task : launch.tasks) out += " " + task->id.raw();
  return out + (launch.executor ? " on " + launch.executor->id.raw() : std::string());
}

}  // namespace

std::string text_of(const Note& note) {
  std::string out = note.code;
  for (const auto& [name, value] : note.fields) out += " " + name + "=" + value;
  return out;
}

std::string text_of(const TaskStatus& status) {
  return status.task_id.raw() + " " + std::string(name_of(status.state)) +
         (status.uuid ? "" : " (no uuid)") +
         (status.message.empty() ? "" : " '" + status.message + "'");
}

std::string text_of(const MasterToAgent& message) {
  static constexpr const char* kNames[] = {"registered",
                                           "refused",
                                           "launch",
                                           "kill",
                                           "shutdown executor",
                                           "shutdown framework",
                                           "acknowledge",
                                           "framework message",
                                           "update framework",
                                           "heartbeat",
                                           "reregister",
                                           "apply operations",
                                           "acknowledge operations"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(message.body)>);
  std::string out = kNames[message.body.index()];
  if (const auto* launch = std::get_if<to_agent::Launch>(&message.body)) out = text_of(*launch);
  if (const auto* kill = std::get_if<to_agent::Kill>(&message.body)) {
    out += " " + kill->task_id.raw();
  }
  if (const auto* ack = std::get_if<to_agent::Acknowledge>(&message.body)) {
    out += " " + ack->task_id.raw() + " " + to_text(ack->uuid).substr(0, 8);
  }
  return out + header(message.header);
}

std::string text_of(const AgentToMaster& message) {
  static constexpr const char* kNames[] = {
      "register",  "update",  "executor exited",    "container leaked", "executor message",
      "heartbeat", "leaving", "operation outcomes", "oversubscribed"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(message.body)>);
  std::string out = kNames[message.body.index()];
  if (const auto* update = std::get_if<to_master::StatusUpdate>(&message.body)) {
    out += " " + text_of(update->status);
  }
  if (const auto* lent = std::get_if<to_master::Oversubscribed>(&message.body)) {
    out += " " + lent->total.to_text();
  }
  if (const auto* announce = std::get_if<to_master::Register>(&message.body)) {
    out += " " + announce->agent->id.raw() + " tasks:";
    for (const auto& task : announce->tasks) {
      out += " " + task.task->id.raw() + "=" + std::string(name_of(task.state));
    }
  }
  return out + header(message.header);
}

std::string text_of(const MasterToFramework& message) {
  static constexpr const char* kNames[] = {
      "subscribed", "offers",    "rescind",   "update",         "message",          "failure",
      "error",      "heartbeat", "operation", "inverse offers", "inverse rescinded"};
  static_assert(std::size(kNames) == std::variant_size_v<SchedulerEvent>);
  std::string out = kNames[message.body.index()];
  if (const auto* update = std::get_if<event::Update>(&message.body)) {
    out += " " + text_of(update->status);
  }
  if (const auto* error = std::get_if<event::Error>(&message.body)) out += " " + error->message;
  return out + header(message.header);
}

std::string text_of(const FrameworkToMaster& message) {
  const auto* call = std::get_if<SchedulerCall>(&message.body);
  if (call == nullptr) return "heartbeat" + header(message.header);
  static constexpr const char* kNames[] = {"subscribe",
                                           "teardown",
                                           "accept",
                                           "decline",
                                           "revive",
                                           "suppress",
                                           "kill",
                                           "shutdown",
                                           "acknowledge",
                                           "reconcile",
                                           "message",
                                           "update framework",
                                           "publish",
                                           "unsupported",
                                           "acknowledge operation",
                                           "reconcile operations",
                                           "request",
                                           "answer to inverse offers"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(call->body)>);
  std::string out = kNames[call->body.index()];
  if (const auto* accept = std::get_if<call::Accept>(&call->body)) {
    for (const OfferId& id : accept->offer_ids) out += " " + id.raw();
    for (const OfferOperation& operation : accept->operations) {
      if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) {
        for (const TaskFacet& task : launch->tasks) out += " " + task.id.raw();
      } else if (const auto* change = std::get_if<ResourceOperation>(&operation.body)) {
        out += " " + std::string(name_of(change->type)) + "(" + change->resources.to_text() + ")";
      }
    }
  }
  if (const auto* kill = std::get_if<call::Kill>(&call->body)) out += " " + kill->task_id.raw();
  if (const auto* reconcile = std::get_if<call::Reconcile>(&call->body)) {
    for (const auto& task : reconcile->tasks) out += " " + task.task_id.raw();
  }
  return out + header(message.header);
}

std::string text_of(const master::Event& event) {
  return std::visit(
      Overloaded{
          [](const master::FromAgent& e) {
            return "agent peer " + std::to_string(e.peer.raw()) + ": " + text_of(e.message);
          },
          [](const master::FromFramework& e) {
            return "framework peer " + std::to_string(e.stream.raw()) + ": " + text_of(e.message);
          },
          [](const master::PeerGone& e) { return "peer gone " + std::to_string(e.peer.raw()); },
          [](const master::Stored& e) { return "stored " + std::to_string(e.id.raw()); },
          [](const master::Rejected& e) { return "write refused " + std::to_string(e.id.raw()); },
          [](const master::FromOperator&) { return std::string("operator"); },
          [](const master::Tick&) { return std::string("tick"); },
          [](const master::Lead&) { return std::string("leads"); },
      },
      event.body);
}

std::string text_of(const agent::Event& event) {
  return std::visit(
      Overloaded{
          [](const agent::Started& e) {
            return "starts with " + std::to_string(e.records.size()) + " records, " +
                   std::to_string(e.containers.size()) + " containers";
          },
          [](const agent::FromMaster& e) { return "master: " + text_of(e.message); },
          [](const agent::MasterConnected&) { return std::string("connected"); },
          [](const agent::MasterLost&) { return std::string("connection lost"); },
          [](const agent::FromExecutor& e) {
            static constexpr const char* kNames[] = {"subscribe", "update", "message", "heartbeat"};
            std::string out =
                "executor " + e.call.executor_id.raw() + ": " + kNames[e.call.body.index()];
            if (const auto* update = std::get_if<executor_call::Update>(&e.call.body)) {
              out += " " + text_of(update->status);
            }
            return out;
          },
          [](const agent::ExecutorGone& e) {
            return "executor gone " + std::to_string(e.peer.raw());
          },
          [](const agent::ContainerStarted& e) { return "started " + e.container_id.raw(); },
          [](const agent::ContainerExited& e) {
            return "exited " + e.container_id.raw() + " status " + std::to_string(e.wait_status) +
                   (e.leaked ? " leaked" : "");
          },
          [](const agent::ContainerCleaned& e) { return "cleaned " + e.container_id.raw(); },
          [](const agent::ContainerFailed& e) { return "failed " + e.container_id.raw(); },
          [](const agent::TaskChecked& e) {
            return "checked " + e.container_id.raw() + ", " + std::to_string(e.failures) +
                   " failures" + (e.ends ? ", ends" : "");
          },
          [](const agent::Stored& e) { return "stored " + std::to_string(e.id.raw()); },
          [](const agent::Rejected& e) { return "write refused " + std::to_string(e.id.raw()); },
          [](const agent::UsageSampled& e) {
            return "usage of " + std::to_string(e.containers.size()) + " containers";
          },
          [](const agent::Tick&) { return std::string("tick"); },
      },
      event.body);
}

std::string text_of(const coordination::zk::Request& request) {
  namespace zk = coordination::zk;
  static constexpr const char* kNames[] = {"create", "get",    "exists", "children",
                                           "set",    "remove", "multi"};
  std::string out = kNames[request.index()];
  const auto add = [&](const auto& one) { out += " " + one.path; };
  std::visit(Overloaded{
                 [&](const zk::Multi& multi) {
                   for (const zk::Change& change : multi.changes) std::visit(add, change);
                 },
                 [&](const auto& one) { add(one); },
             },
             request);
  return out;
}

}  // namespace bourse::sim
