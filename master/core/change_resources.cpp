#include "master/core/change_resources.hpp"

#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

// Volumes that several may use at once are gone from every offer before they are destroyed.
Status release_shared(Context& c, AgentSlot slot, const ResourceOperation& operation) {
  if (operation.type != ResourceOperation::Type::destroy) return {};
  Agent& agent = c.state.agents.at(slot);
  for (const Resource& volume : operation.resources.list()) {
    if (!volume.is_shared()) continue;
    if (agent.ledger.used().contains(volume)) {
      return Error{ErrorCode::conflict, "destroy.volumes: volume '" +
                                            volume.meta->disk->persistence_id +
                                            "' is used by a task: end its tasks first"};
    }
    for (const OfferSlot offer : std::vector<OfferSlot>(agent.offers)) {
      if (!c.state.offers.at(offer).resources.contains(volume)) continue;
      PROBE("master.shared_volume_rescinded");
      rescind_offer(c, offer, change::OfferRemoved::Why::rescinded);
    }
  }
  return {};
}

// Offers of the agent end until what is free holds what an operator's operation consumes.
Status make_room(Context& c, Agent& agent, const Resources& consumed) {
  Resources all = agent.ledger.free();
  if (all.contains(consumed)) return {};
  all.add(agent.ledger.offered());
  if (!all.contains(consumed)) {
    return Error{ErrorCode::conflict, "resources: what is free on agent '" + agent.id.raw() +
                                          "', " + all.to_text() + " does not contain " +
                                          consumed.to_text() +
                                          ": ask for less, or end what uses it"};
  }
  for (const OfferSlot offer : std::vector<OfferSlot>(agent.offers)) {
    PROBE("master.offer_rescinded_for_operator");
    rescind_offer(c, offer, change::OfferRemoved::Why::rescinded);
    if (agent.ledger.free().contains(consumed)) break;
  }
  return {};
}

std::string role_of(const ResourceOperation& operation) {
  return operation.resources.empty() ? "*" : std::string(operation.resources.list().front().role());
}

}  // namespace

ResourceChange::ResourceChange(Context& c, AgentSlot agent)
    : c_(c), slot_(agent), total_(c.state.agents.at(agent).ledger.total()) {}

Status ResourceChange::admissible(const OperationOrder& order) const {
  const Agent& agent = c_.state.agents.at(slot_);
  if (agent.operations.size() >= limits::kMaxOperationsPerAgent) {
    return Error{ErrorCode::full, "agent '" + agent.id.raw() + "' has " +
                                      std::to_string(limits::kMaxOperationsPerAgent) +
                                      " operations without acknowledgement, its limit"};
  }
  const auto it = c_.state.framework_of.find(order.framework_id);
  if (order.id.empty() || it == c_.state.framework_of.end()) return {};
  const Framework& framework = c_.state.frameworks.at(it->second);
  if (framework.operation_of.contains(order.id)) {
    return invalid("id: operation ID '" + order.id.raw() +
                   "' is used by an operation that is not acknowledged yet");
  }
  if (framework.operation_of.size() >= limits::kMaxOperationsPerFramework) {
    return Error{ErrorCode::full, "the framework has " +
                                      std::to_string(limits::kMaxOperationsPerFramework) +
                                      " operations without acknowledgement, its limit"};
  }
  return {};
}

Status ResourceChange::begin(OperationOrder order, const OperationScope& scope, Resources& pool,
                             RequestId request) {
  const auto conversion = conversion_of(order.operation);
  if (!conversion.ok()) return conversion.error();
  if (Status allowed = check_scope(order.operation, scope); !allowed.ok()) return allowed;
  if (Status fits = admissible(order); !fits.ok()) return fits;
  if (Status free = release_shared(c_, slot_, order.operation); !free.ok()) return free;
  if (Status there = convert(pool, conversion.value()); !there.ok()) return there;
  if (Status done = convert(total_, conversion.value()); !done.ok()) {
    pool.subtract(conversion->converted);
    pool.add(conversion->consumed);
    return done;
  }
  order.uuid = new_operation_uuid(c_);
  Operation row;
  row.order = std::make_shared<const OperationOrder>(order);
  row.conversion = conversion.value();
  row.request = request;
  add_operation(c_, slot_, std::move(row));
  orders_.push_back(std::move(order));
  ++begun_;
  return {};
}

void ResourceChange::flush() {
  if (orders_.empty()) return;
  Agent& agent = c_.state.agents.at(slot_);
  agent.ledger.convert_total(total_);
  send_to_agent(c_, agent, to_agent::ApplyOperations{std::move(orders_)});
  orders_.clear();
  touch_agent(c_, slot_);
  touch_room(c_, slot_);
}

// Answered when the agent has stored it.
void on_change_resources(Context& c, const FromOperator& event,
                         const operation::ChangeResources& call) {
  const Status allowed =
      authorize(event.principal, Action::change_resources, role_of(call.operation));
  if (!allowed.ok()) return c.answer(event.request, allowed);
  const auto it = c.state.agent_of.find(call.agent_id);
  if (it == c.state.agent_of.end()) {
    return c.answer(event.request, invalid("agent_id: No agent found with specified ID '" +
                                           call.agent_id.raw() + "'"));
  }
  Agent& agent = c.state.agents.at(it->second);
  if (agent.phase != AgentPhase::active) {
    return c.answer(event.request, Error{ErrorCode::unavailable,
                                         "agent '" + call.agent_id.raw() + "' is " +
                                             std::string(name_of(agent.phase)) + ", not here"});
  }
  const auto conversion = conversion_of(call.operation);
  if (!conversion.ok()) return c.answer(event.request, conversion.error());
  if (Status room = make_room(c, agent, conversion->consumed); !room.ok()) {
    return c.answer(event.request, room);
  }
  ResourceChange change(c, it->second);
  Resources free = agent.ledger.free();
  const OperationScope scope{event.principal.name, {}, true};
  OperationOrder order;
  order.operation = call.operation;
  if (Status begun = change.begin(std::move(order), scope, free, event.request); !begun.ok()) {
    return c.answer(event.request, begun);
  }
  change.flush();
}

}  // namespace bourse::master
