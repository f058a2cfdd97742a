#include "master/record/story.hpp"

#include <algorithm>

#include "base/overloaded.hpp"

namespace bourse::master {

namespace {

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

std::string text_of(const TaskStatus& status) {
  std::string out(name_of(status.state));
  if (status.reason) out += ", " + std::string(name_of(*status.reason));
  if (!status.message.empty()) out += ": " + quoted(status.message);
  return out;
}

std::string grace_text(const std::optional<Duration>& grace) {
  return grace ? " with a grace of " + std::to_string(grace->ms()) + " ms" : std::string();
}

std::string framework_text(const MasterCore& core, const FrameworkId& id) {
  const auto it = core.state().framework_of.find(id);
  if (it == core.state().framework_of.end()) return "framework " + id.raw();
  return "framework " + quoted(core.state().frameworks.at(it->second).facet->name) + " (" +
         id.raw() + ")";
}

std::string agent_text(const MasterCore& core, const AgentId& id) {
  const auto it = core.state().agent_of.find(id);
  if (it == core.state().agent_of.end()) return "agent " + id.raw();
  return "agent " + core.state().agents.at(it->second).facet->hostname + " (" + id.raw() + ")";
}

std::string peer_text(const MasterCore& core, PeerId peer) {
  const auto it = core.state().agent_of_peer.find(peer);
  if (it == core.state().agent_of_peer.end()) return "an agent";
  const Agent& agent = core.state().agents.at(it->second);
  return "agent " + agent.facet->hostname + " (" + agent.id.raw() + ")";
}

const std::vector<TaskFacet>* tasks_of(const OfferOperation& operation) {
  if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) return &launch->tasks;
  if (const auto* group = std::get_if<LaunchGroupOperation>(&operation.body)) return &group->tasks;
  return nullptr;
}

std::string why_text(change::OfferRemoved::Why why) {
  switch (why) {
    case change::OfferRemoved::Why::accepted:
      return "accepted";
    case change::OfferRemoved::Why::declined:
      return "declined";
    case change::OfferRemoved::Why::expired:
      return "expired";
    case change::OfferRemoved::Why::rescinded:
      return "rescinded";
  }
  return "ended";
}

}  // namespace

void TaskStory::tell(const ReplayStep& step, bool effect, std::string text) {
  ++lines_;
  tell_({step.sequence, step.event.stamp.wall, effect, std::move(text)});
}

void TaskStory::watch(const ReplayStep& step) {
  touched_ = false;
  tell_event(step);
  for (const Effect& effect : step.effects.list) tell_effect(step, effect, false);
  for (const Change& change : step.effects.changes) tell_change(step, change);
  tell_notes(step);
  for (const Change& change : step.effects.changes) follow_offers(step, change);
}

void TaskStory::tell_event(const ReplayStep& step) {
  std::visit(Overloaded{
                 [&](const FromAgent& in) { tell_from_agent(step, in); },
                 [&](const FromFramework& in) {
                   if (const auto* call = std::get_if<SchedulerCall>(&in.message.body)) {
                     tell_call(step, *call);
                   }
                 },
                 [&](const FromOperator& in) { tell_operator(step, in); },
                 [](const auto&) {},  // what they do to it is seen in the effects
             },
             step.event.body);
}

void TaskStory::tell_call(const ReplayStep& step, const SchedulerCall& call) {
  const std::string who = framework_text(step.core, call.framework_id);
  const auto say = [&](const std::string& text) {
    touched_ = true;
    tell(step, false, who + " " + text);
  };
  std::visit(Overloaded{
                 [&](const call::Accept& in) { tell_accept(step, who, in); },
                 [&](const call::Kill& in) {
                   if (is_it(in.task_id)) say("asks to kill it" + grace_text(in.grace));
                 },
                 [&](const call::Acknowledge& in) {
                   if (is_it(in.task_id)) say("acknowledges update " + to_text(in.uuid));
                 },
                 [&](const call::Reconcile& in) {
                   const auto named = [&](const call::Reconcile::Task& t) {
                     return is_it(t.task_id);
                   };
                   if (std::any_of(in.tasks.begin(), in.tasks.end(), named)) say("asks how it is");
                 },
                 [&](const call::Teardown&) {
                   if (!framework_.empty() && call.framework_id == framework_)
                     say("leaves for good");
                 },
                 [](const auto&) {},
             },
             call.body);
}

void TaskStory::tell_accept(const ReplayStep& step, const std::string& who,
                            const call::Accept& accept) {
  const TaskFacet* found = nullptr;
  for (const OfferOperation& operation : accept.operations) {
    const auto* tasks = tasks_of(operation);
    if (tasks == nullptr) continue;
    for (const TaskFacet& task : *tasks) {
      if (is_it(task.id)) found = &task;
    }
  }
  if (found == nullptr) return;
  touched_ = true;
  std::string names;
  for (const OfferId& id : accept.offer_ids) {
    names += (names.empty() ? "" : ", ") + id.raw();
    const auto origin = offers_.find(id.raw());
    const ReplayStep& now = step;
    ++lines_;
    if (origin == offers_.end()) {
      tell_({now.sequence, now.event.stamp.wall, false,
             "offer " + id.raw() + " is none that was made in this replay and still stands"});
    } else {
      tell_({origin->second.sequence, origin->second.at, true, origin->second.text});
    }
  }
  tell(step, false,
       who + " accepts " + (names.empty() ? "no offer" : names) + " and launches it with " +
           found->resources.to_text() + " on " + agent_text(step.core, found->agent_id));
}

void TaskStory::tell_from_agent(const ReplayStep& step, const FromAgent& from) {
  const std::string who = peer_text(step.core, from.peer);
  if (const auto* update = std::get_if<to_master::StatusUpdate>(&from.message.body)) {
    if (!is_it(update->status->task_id)) return;
    touched_ = true;
    return tell(step, false, who + " reports " + text_of(*update->status));
  }
  const auto* announce = std::get_if<to_master::Register>(&from.message.body);
  if (announce == nullptr) return;
  const std::string name =
      "agent " + announce->agent->hostname +
      (announce->agent->id.empty() ? std::string() : " (" + announce->agent->id.raw() + ")");
  for (const to_master::KnownTask& known : announce->tasks) {
    if (!is_it(known.task->id)) continue;
    touched_ = true;
    framework_ = known.framework_id;
    agent_ = announce->agent->id;
    return tell(step, false,
                name + " registers and has it in " + std::string(name_of(known.state)));
  }
  if (!agent_.empty() && announce->agent->id == agent_) {
    touched_ = true;
    tell(step, false, name + " registers and does not have it");
  }
}

void TaskStory::tell_operator(const ReplayStep& step, const FromOperator& from) {
  const std::string who = from.principal.name.empty() ? std::string("an operator")
                                                      : "operator " + quoted(from.principal.name);
  const auto say = [&](const std::string& text) {
    touched_ = true;
    tell(step, false, who + " " + text);
  };
  const auto its_agent = [&](const AgentId& id) { return !agent_.empty() && id == agent_; };
  std::visit(Overloaded{
                 [&](const operation::KillTask& in) {
                   if (is_it(in.task_id)) say("kills it" + grace_text(in.grace));
                 },
                 [&](const operation::TeardownFramework& in) {
                   if (!framework_.empty() && in.framework_id == framework_) {
                     say("tears its framework down");
                   }
                 },
                 [&](const operation::DrainAgent& in) {
                   if (its_agent(in.agent_id)) say("drains its agent" + grace_text(in.max_grace));
                 },
                 [&](const operation::MarkAgentGone& in) {
                   if (its_agent(in.agent_id)) say("says that its agent is gone for ever");
                 },
                 [](const auto&) {},
             },
             from.body);
}

void TaskStory::tell_effect(const ReplayStep& step, const Effect& effect, bool once_stored) {
  const std::string when = once_stored ? "once the registry has stored it: " : "";
  const auto say = [&](const std::string& text) { tell(step, true, when + text); };
  if (const auto* send = std::get_if<SendToAgent>(&effect.body)) {
    const std::string to = peer_text(step.core, send->peer);
    if (const auto* launch = std::get_if<to_agent::Launch>(&send->message.body)) {
      for (const TaskFacetPtr& task : launch->tasks) {
        if (is_it(task->id)) say("orders " + to + " to launch it");
      }
    } else if (const auto* kill = std::get_if<to_agent::Kill>(&send->message.body)) {
      if (is_it(kill->task_id)) say("orders " + to + " to kill it" + grace_text(kill->grace));
    } else if (const auto* ack = std::get_if<to_agent::Acknowledge>(&send->message.body)) {
      if (is_it(ack->task_id)) say("passes the acknowledgement on to " + to);
    }
  } else if (const auto* to_framework = std::get_if<SendToFramework>(&effect.body)) {
    const auto* update = std::get_if<event::Update>(&to_framework->message.body);
    if (update != nullptr && is_it(update->status->task_id)) {
      say("tells its framework " + text_of(*update->status));
    }
  } else if (const auto* write = std::get_if<Persist>(&effect.body)) {
    for (const Effect& after : write->after) tell_effect(step, after, true);
  } else if (const auto* answer = std::get_if<Answer>(&effect.body)) {
    if (!touched_) return;
    say(answer->status.ok() ? "answers that it was accepted"
                            : "answers: " + answer->status.error().message);
  }
}

void TaskStory::tell_change(const ReplayStep& step, const Change& change) {
  if (const auto* added = std::get_if<change::TaskAdded>(&change.body)) {
    if (!is_it(added->task->id)) return;
    framework_ = added->framework_id;
    agent_ = added->task->agent_id;
    tell(step, true,
         "it is a task of " + framework_text(step.core, framework_) + " on " +
             agent_text(step.core, agent_) + ", in " + std::string(name_of(added->state)));
  } else if (const auto* updated = std::get_if<change::TaskUpdated>(&change.body)) {
    if (is_it(updated->status->task_id)) {
      tell(step, true, "it is in " + std::string(name_of(updated->state)));
    }
  } else if (const auto* removed = std::get_if<change::TaskRemoved>(&change.body)) {
    if (is_it(removed->task_id)) tell(step, true, "it has ended and is history");
  }
}

void TaskStory::tell_notes(const ReplayStep& step) {
  for (const Note& note : step.effects.notes) {
    const auto names_it = [&](const auto& field) { return field.second == task_.raw(); };
    if (!touched_ && std::none_of(note.fields.begin(), note.fields.end(), names_it)) continue;
    std::string text = "notes " + note.code;
    for (const auto& [name, value] : note.fields) text += " " + name + "=" + value;
    tell(step, true, std::move(text));
  }
}

void TaskStory::follow_offers(const ReplayStep& step, const Change& change) {
  const std::string& prefix = step.core.state().id_prefix;
  if (const auto* added = std::get_if<change::OfferAdded>(&change.body)) {
    const std::string id = offer_id(prefix, added->number).raw();
    offers_[id] = {step.sequence, step.event.stamp.wall,
                   "offers " + added->resources.to_text() + " of agent " + added->agent->hostname +
                       " to framework " + quoted(added->framework->name) + " in role " +
                       quoted(*added->role) + " as " + id};
  } else if (const auto* removed = std::get_if<change::OfferRemoved>(&change.body)) {
    const std::string id = offer_id(prefix, removed->number).raw();
    if (touched_ && offers_.contains(id)) {
      tell(step, true, "offer " + id + " is " + why_text(removed->why));
    }
    offers_.erase(id);
  }
}

}  // namespace bourse::master
