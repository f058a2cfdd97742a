// ACCEPT and DECLINE. An accept is validated as a whole first: of its offers there is one reason
// against them or none. What is then wrong with a task is said of that task, and the others run.
#include <algorithm>
#include <set>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Why = change::OfferRemoved::Why;

template <typename F>
void for_each_task(const std::vector<OfferOperation>& operations, F&& f) {
  for (const OfferOperation& operation : operations) {
    if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) {
      for (const TaskFacet& task : launch->tasks) f(task);
    } else if (const auto* group = std::get_if<LaunchGroupOperation>(&operation.body)) {
      for (const TaskFacet& task : group->tasks) f(task);
    }
  }
}

std::size_t count_tasks(const std::vector<OfferOperation>& operations) {
  std::size_t count = 0;
  for_each_task(operations, [&](const TaskFacet&) { ++count; });
  return count;
}

const UnsupportedOperation* find_unsupported(const std::vector<OfferOperation>& operations) {
  for (const OfferOperation& operation : operations) {
    if (const auto* found = std::get_if<UnsupportedOperation>(&operation.body)) return found;
  }
  return nullptr;
}

// The epoch in an id "<cluster id>-<epoch>-O<number>" of this cluster; nothing else has one. `kind`
// is "-O" of an offer and "-S" of an agent.
std::optional<Epoch> epoch_of(const MasterState& state, const std::string& text,
                              std::string_view kind) {
  if (text.compare(0, state.cluster_id.size(), state.cluster_id) != 0) return std::nullopt;
  std::size_t at = state.cluster_id.size();
  if (at >= text.size() || text[at] != '-') return std::nullopt;
  Epoch epoch = 0;
  std::size_t digits = 0;
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9' && digits < 18; ++at) {
    epoch = epoch * 10 + static_cast<Epoch>(text[at] - '0');
    ++digits;
  }
  if (digits == 0 || text.compare(at, kind.size(), kind) != 0) return std::nullopt;
  return epoch;
}

// An earlier master may have launched it: it is answered when its agent is back or given up.
// Returns whether it waits.
bool await_agent(Context& c, const Framework& framework, const TaskFacet& task) {
  const auto it = c.state.agent_of.find(task.agent_id);
  if (it == c.state.agent_of.end()) return false;
  Agent& agent = c.state.agents.at(it->second);
  if (agent.phase != AgentPhase::recovered) return false;
  if (agent.accepts_waiting.size() >= limits::kMaxTasksPerAgent) {
    PROBE("master.too_many_accepts_wait");
    return true;  // unanswered: the SDK repeats it, reconciliation answers everybody else
  }
  agent.accepts_waiting.emplace(framework.id, task.id);
  return true;
}

bool is_forgotten(const MasterState& state, const AgentId& id) {
  return !state.agent_of.contains(id) && epoch_of(state, id.raw(), "-S").has_value();
}

// What a task of an earlier master's ACCEPT is that its agent does not list: it may run where
// nobody can ask.
TaskState state_with(const MasterState& state, const AgentId& agent_id) {
  const auto agent = state.agent_of.find(agent_id);
  // There was one, for it was offered: it is forgotten.
  if (agent == state.agent_of.end()) return TaskState::unknown;
  switch (state.agents.at(agent->second).phase) {
    case AgentPhase::unreachable:
      return TaskState::unreachable;
    case AgentPhase::gone:
      return TaskState::gone_by_operator;
    default:
      return TaskState::dropped;
  }
}

// A task of an accept whose offers are not valid: LOST or DROPPED, unless it is there (a repeated
// ACCEPT) or may be (its agent is not back).
void answer_unlaunched(Context& c, FrameworkSlot slot, const TaskFacet& task, bool older_epoch,
                       const std::string& reason) {
  Framework& framework = c.state.frameworks.at(slot);
  if (const auto live = framework.task_of.find(task.id); live != framework.task_of.end()) {
    PROBE("master.accept_repeated");
    send_latest(c, framework, c.state.tasks.at(live->second));
    return;
  }
  if (framework.completed.contains(task.id)) {
    PROBE("master.accept_of_completed_task_repeated");
    send_about_unknown(c, framework, task.id, task.agent_id);
    return;
  }
  if (older_epoch && await_agent(c, framework, task)) {
    PROBE("master.old_accept_waits");
    return;
  }
  // Of this master's own it knows each task, but for those of whom it has forgotten.
  const bool may_run = older_epoch || is_forgotten(c.state, task.agent_id);
  const TaskState state = may_run ? state_with(c.state, task.agent_id) : TaskState::dropped;
  send_to_framework(
      c, framework,
      event::Update{master_status(c, task.id, task.agent_id, state, StatusReason::invalid_offers,
                                  "Task launched with invalid offers: " + reason)});
}

void refuse_tasks(Context& c, FrameworkSlot slot, const call::Accept& call, StatusReason reason,
                  const std::string& message) {
  Framework& framework = c.state.frameworks.at(slot);
  for_each_task(call.operations, [&](const TaskFacet& task) {
    if (framework.task_of.contains(task.id)) return;
    send_to_framework(
        c, framework,
        event::Update{master_status(c, task.id, task.agent_id, TaskState::error, reason, message)});
  });
}

bool has_operations(const std::vector<OfferOperation>& operations) {
  return std::any_of(operations.begin(), operations.end(), [](const OfferOperation& operation) {
    return std::holds_alternative<ResourceOperation>(operation.body);
  });
}

// Those with an id hear why not.
void refuse_operations(Context& c, FrameworkSlot slot, const call::Accept& call,
                       OperationState state, const std::string& message) {
  Framework& framework = c.state.frameworks.at(slot);
  for (const OfferOperation& operation : call.operations) {
    if (!std::holds_alternative<ResourceOperation>(operation.body)) continue;
    tell_operation_refused(c, framework, operation.id, {}, state, message);
  }
}

OfferSlot find_own(const MasterState& state, FrameworkSlot framework, const OfferId& id) {
  const OfferSlot slot = find_offer(state, id);
  const Offer* offer = state.offers.find(slot);
  return offer && offer->framework == framework ? slot : OfferSlot{};
}

// The offers that are its own are used up all the same.
void close_own(Context& c, FrameworkSlot slot, const std::vector<OfferId>& ids, Why why) {
  for (const OfferId& id : ids) {
    const OfferSlot offer = find_own(c.state, slot, id);
    if (!offer.empty()) close_offer(c, offer, why);
  }
}

void on_invalid_offers(Context& c, FrameworkSlot slot, const call::Accept& call,
                       const std::string& reason) {
  PROBE("master.invalid_offers");
  bool older_epoch = false;
  for (const OfferId& id : call.offer_ids) {
    const auto epoch = epoch_of(c.state, id.raw(), "-O");
    if (epoch && *epoch > c.state.epoch) {
      // We were overtaken and do not know it yet: what became of it is the later leader's to say.
      PROBE("master.accept_of_a_later_master");
      return;
    }
    older_epoch = older_epoch || (epoch && *epoch < c.state.epoch);
  }
  close_own(c, slot, call.offer_ids, Why::declined);
  refuse_operations(c, slot, call, OperationState::dropped,
                    "Operation attempted with invalid offers: " + reason);
  for_each_task(call.operations, [&](const TaskFacet& task) {
    answer_unlaunched(c, slot, task, older_epoch, reason);
  });
}

void decline_offer(Context& c, FrameworkSlot slot, OfferSlot offer_slot, Duration refuse) {
  const Offer& offer = c.state.offers.at(offer_slot);
  const std::uint32_t role = offer.role;
  const AgentSlot agent = offer.agent;
  const Resources resources = offer.resources;
  close_offer(c, offer_slot, Why::declined);
  add_filter(c, slot, role, agent, resources, std::max(refuse, c.config.reoffer_min));
  claim_declined(c, c.state.frameworks.at(slot).roles[role]);
}

Status check_sizes(const call::Accept& call) {
  if (call.offer_ids.size() > limits::kMaxOffersPerAccept) {
    return Error{ErrorCode::too_large,
                 "accept.offer_ids: " + std::to_string(call.offer_ids.size()) +
                     " offers, more than " + std::to_string(limits::kMaxOffersPerAccept)};
  }
  if (const std::size_t tasks = count_tasks(call.operations); tasks > limits::kMaxTasksPerAccept) {
    return Error{ErrorCode::too_large, "accept.operations: " + std::to_string(tasks) +
                                           " tasks, more than " +
                                           std::to_string(limits::kMaxTasksPerAccept)};
  }
  return {};
}

// What is left of what was offered. What operations made of it is something else, and may be
// offered at once.
Resources untouched(const call::Accept& call, Resources offered, const Resources& rest) {
  if (!has_operations(call.operations)) return rest;
  Resources gone = offered;
  gone.subtract_up_to(rest);
  offered.subtract(gone);
  return offered;
}

}  // namespace

std::optional<std::string> validate_offers(const MasterState& state, FrameworkSlot slot,
                                           const std::vector<OfferId>& ids) {
  if (ids.empty()) return "No offers specified";
  std::set<OfferId> seen;
  const Offer* first = nullptr;
  for (const OfferId& id : ids) {
    if (!seen.insert(id).second) return "Duplicate offer " + id.raw() + " in offer list";
    const OfferSlot found = find_offer(state, id);
    if (found.empty()) return "Offer " + id.raw() + " is no longer valid";
    const Offer& offer = state.offers.at(found);
    if (offer.framework != slot) {
      return "Offer " + id.raw() + " has invalid framework " +
             state.frameworks.at(offer.framework).id.raw() + " while framework " +
             state.frameworks.at(slot).id.raw() + " is expected";
    }
    if (first == nullptr) first = &offer;
    if (offer.agent != first->agent) {
      return "Aggregated offers must belong to one single agent. Offer " + id.raw() +
             " uses agent " + state.agents.at(offer.agent).id.raw() + " and agent " +
             state.agents.at(first->agent).id.raw();
    }
    if (offer.role != first->role) {
      return "Aggregated offers must be allocated to one single role. Offer " + id.raw() +
             " is allocated to another role than the first";
    }
  }
  return std::nullopt;
}

Status on_accept(Context& c, FrameworkSlot slot, const Principal& principal,
                 const call::Accept& call) {
  if (Status sizes = check_sizes(call); !sizes.ok()) {
    close_own(c, slot, call.offer_ids, Why::declined);
    refuse_tasks(c, slot, call, StatusReason::task_invalid, sizes.error().message);
    refuse_operations(c, slot, call, OperationState::error, sizes.error().message);
    return sizes;
  }
  if (const UnsupportedOperation* unsupported = find_unsupported(call.operations)) {
    PROBE("master.unsupported_operation");
    const std::string reason =
        "accept.operations: " + unsupported->type + " is not supported by this build";
    on_decline(c, slot, {call.offer_ids, call.filters});
    refuse_tasks(c, slot, call, StatusReason::task_invalid, reason);
    refuse_operations(c, slot, call, OperationState::error, reason);
    return Error{ErrorCode::unsupported, reason};
  }
  const bool has_work = count_tasks(call.operations) > 0 || has_operations(call.operations);
  if (!has_work) {
    on_decline(c, slot, {call.offer_ids, call.filters});
    return {};
  }
  if (const auto wrong = validate_offers(c.state, slot, call.offer_ids)) {
    on_invalid_offers(c, slot, call, *wrong);
    return {};
  }
  const Offer& first = c.state.offers.at(find_offer(c.state, call.offer_ids.front()));
  const AgentSlot agent = first.agent;
  const std::uint32_t role = first.role;
  Resources offered;
  for (const OfferId& id : call.offer_ids) {
    const OfferSlot offer = find_offer(c.state, id);
    offered.add(c.state.offers.at(offer).resources);
    close_offer(c, offer, Why::accepted);
  }
  Resources rest = offered;
  const std::size_t launched =
      launch_operations(c, slot, agent, role, principal, call.operations, rest);
  Role& claim = c.state.frameworks.at(slot).roles[role];
  if (launched > 0) {
    claim_is_active(c, claim);
    add_filter(c, slot, role, agent, untouched(call, std::move(offered), rest),
               call.filters.refuse);
  } else {
    add_filter(c, slot, role, agent, rest, std::max(call.filters.refuse, c.config.reoffer_min));
    claim_declined(c, claim);
  }
  return {};
}

// Offers that are not there any more are none to decline: an offer and its end may cross.
void on_decline(Context& c, FrameworkSlot slot, const call::Decline& call) {
  for (const OfferId& id : call.offer_ids) {
    const OfferSlot offer = find_own(c.state, slot, id);
    if (!offer.empty()) decline_offer(c, slot, offer, call.filters.refuse);
  }
}

}  // namespace bourse::master
