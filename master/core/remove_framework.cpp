// A framework's end, once it is stored: its tasks are nobody's from here on; they hold their
// resources until their agents have ended them.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

void end_tasks(Context& c, Framework& framework) {
  for (const TaskSlot slot : std::vector<TaskSlot>(framework.tasks)) {
    const Task& task = c.state.tasks.at(slot);
    const TaskId id = task.facet->id;
    const bool ended = is_terminal(task.state);
    if (!ended) {
      const Agent& agent = c.state.agents.at(task.agent);
      c.publish(change::TaskUpdated{
          framework.id,
          master_status(c, id, agent.id, TaskState::killed, StatusReason::framework_removed,
                        "Framework " + framework.id.raw() + " removed"),
          TaskState::killed});
    }
    c.publish(change::TaskRemoved{framework.id, id});
    if (ended) {
      erase_task(c, slot);
    } else {
      make_zombie(c, slot);
    }
  }
}

bool holds_anything(const MasterState& state, const Agent& agent, const FrameworkId& id) {
  for (const TaskSlot slot : agent.tasks) {
    if (state.tasks.at(slot).framework_id == id) return true;
  }
  const auto it = agent.executors.lower_bound({id, ExecutorId()});
  return it != agent.executors.end() && it->first.first == id;
}

void end_on_agents(Context& c, const Framework& framework) {
  c.state.agents.for_each([&](AgentSlot slot, Agent& agent) {
    if (!holds_anything(c.state, agent, framework.id)) return;
    for (auto it = agent.executors.lower_bound({framework.id, ExecutorId()});
         it != agent.executors.end() && it->first.first == framework.id; ++it) {
      Executor& executor = it->second;
      if (executor.charged) {
        uncharge(c, framework.roles[executor.role], executor.facet->resources);
        executor.charged = false;
      }
      executor.framework = FrameworkSlot{};
    }
    send_to_agent(c, agent, to_agent::ShutdownFramework{framework.id});
    touch_agent(c, slot);
  });
}

void remember_removed(MasterState& state, const FrameworkId& id, WallTime at) {
  state.removed_frameworks.emplace(id, at);
  if (state.removed_frameworks.size() <= limits::kMaxFrameworks) return;
  auto oldest = state.removed_frameworks.begin();
  for (auto it = oldest; it != state.removed_frameworks.end(); ++it) {
    if (it->second < oldest->second) oldest = it;
  }
  state.removed_frameworks.erase(oldest);
}

void close_streams(Context& c, const Framework& framework) {
  const bool connected = framework.phase_before == FrameworkPhase::subscribed;
  if (!framework.session.peer.empty()) {
    c.state.framework_of_stream.erase(framework.session.peer);
    if (connected && framework.removed_by_operator) {
      LinkHeader header;
      if (!framework.http) header = {framework.session.number, 0, c.state.epoch};
      c.emit({SendToFramework{framework.session.peer,
                              framework.facet->capabilities,
                              {header, event::Error{"Framework has been removed"}}}});
    }
    c.emit({ClosePeer{framework.session.peer, "the framework was removed"}});
  }
  if (framework.pending && !framework.pending->stream.empty() &&
      framework.pending->stream != framework.session.peer) {
    c.state.framework_of_stream.erase(framework.pending->stream);
    c.emit({ClosePeer{framework.pending->stream, "the framework was removed"}});
    c.answer(framework.pending->request,
             Error{ErrorCode::unavailable, "the framework was removed meanwhile"});
  }
}

}  // namespace

void on_removal_stored(Context& c, FrameworkSlot slot) {
  Framework& framework = c.state.frameworks.at(slot);
  end_tasks(c, framework);
  end_on_agents(c, framework);
  remove_framework_operations(c, framework);
  forget_asks(c, slot);
  leave_roles(c, slot);
  close_streams(c, framework);
  remember_removed(c.state, framework.id, c.stamp.wall);
  c.disarm(DeadlineKey::Kind::framework_heartbeat, slot);
  c.disarm(DeadlineKey::Kind::framework_silence, slot);
  end_absence(c, slot);
  c.publish(change::FrameworkRemoved{framework.id, c.stamp.wall});
  for (const RequestId request : framework.removal_requests) c.answer(request, {});
  c.state.framework_of.erase(framework.id);
  c.state.frameworks.erase(slot);
}

}  // namespace bourse::master
