// LinkAgents: what an agent says to a master and does on its word.
#include "bench/link_agents.hpp"
#include "runtime/clock.hpp"

namespace bourse::bench {

namespace {

std::string key_of(const FrameworkId& framework, const TaskId& task) {
  std::string key;
  key.reserve(framework.raw().size() + 1 + task.raw().size());
  key.append(framework.raw()).append(1, '\0').append(task.raw());
  return key;
}

}  // namespace

void LinkAgents::begin_session(Agent& agent) {
  end_session(agent);
  if (agent.session == 0) agent.session = agent.incarnation << 16;
  ++agent.session;
  agent.sender = {};
  agent.receiver = {};
  to_master::Register message;
  message.agent = std::make_shared<const AgentFacet>(agent.facet);
  message.incarnation = agent.incarnation;
  message.cluster_id = agent.cluster_id;
  message.epoch_seen = agent.epoch;
  for (const auto& [id, facet] : agent.frameworks) message.frameworks.push_back({facet});
  message.tasks.reserve(agent.tasks.size());
  for (const auto& [key, task] : agent.tasks) message.tasks.push_back(task.known);
  send(agent, std::move(message), false);
}

void LinkAgents::end_session(Agent& agent) {
  if (std::exchange(agent.registered, false)) --stats_.registered;
}

void LinkAgents::on_message(Agent& agent, const MasterToAgent& message) {
  if (message.header.session != agent.session) return;
  if (message.header.epoch < agent.epoch) {
    ++stats_.old_epoch;
    return;
  }
  agent.heard = runtime::monotonic_now();
  if (agent.receiver.arrive(message.header.sequence) != Arrival::fresh) {
    return handlers_.broken("a frame of the master was lost or came twice");
  }
  if (const auto* registered = std::get_if<to_agent::Registered>(&message.body)) {
    on_registered(agent, *registered, message.header.epoch);
  } else if (const auto* refused = std::get_if<to_agent::Refused>(&message.body)) {
    on_refused(agent, *refused);
  } else if (std::holds_alternative<to_agent::Reregister>(message.body)) {
    ++stats_.sessions_ended;
    begin_session(agent);
  } else if (agent.registered) {
    on_command(agent, message);
  }
}

void LinkAgents::on_command(Agent& agent, const MasterToAgent& message) {
  if (!std::holds_alternative<to_agent::Heartbeat>(message.body)) {
    ++stats_.commands[message.header.epoch];
  }
  if (const auto* task = std::get_if<to_agent::Launch>(&message.body)) {
    launch(agent, *task);
  } else if (const auto* ack = std::get_if<to_agent::Acknowledge>(&message.body)) {
    acknowledged(agent, *ack);
  } else if (const auto* beat = std::get_if<to_agent::Heartbeat>(&message.body)) {
    if (!agent.receiver.complete(beat->last_sent)) handlers_.broken("a frame was lost");
  } else if (const auto* one = std::get_if<to_agent::Kill>(&message.body)) {
    kill(agent, *one);
  } else if (const auto* all = std::get_if<to_agent::ShutdownFramework>(&message.body)) {
    shut_down(agent, all->framework_id);
  } else if (const auto* changed = std::get_if<to_agent::UpdateFramework>(&message.body)) {
    agent.frameworks[changed->framework->id] = changed->framework;
  }
}

void LinkAgents::on_registered(Agent& agent, const to_agent::Registered& message, Epoch epoch) {
  agent.facet.id = message.agent_id;
  agent.cluster_id = message.cluster_id;
  agent.epoch = epoch;
  stats_.epoch = std::max(stats_.epoch, epoch);
  if (std::exchange(agent.registered, true)) return;
  agent.beat = agent.heard;
  find(agent, finder::Registered{});
  for (auto& [key, task] : agent.tasks) {
    if (task.uuid != Uuid{}) update(agent, task, task.known.state);
  }
  if (++stats_.registered == options_.count) handlers_.all_registered();
}

void LinkAgents::on_refused(Agent& agent, const to_agent::Refused& message) {
  ++stats_.refused;
  end_session(agent);
  const std::uint64_t session = agent.session;
  agent.timer = loop_.after(std::max(message.retry_after, Duration::milliseconds(10)),
                            [this, &agent, session] {
                              if (agent.session == session && agent.socket) begin_session(agent);
                            });
}

void LinkAgents::launch(Agent& agent, const to_agent::Launch& launch) {
  agent.frameworks[launch.framework->id] = launch.framework;
  for (const TaskFacetPtr& facet : launch.tasks) {
    Task& task = agent.tasks[key_of(launch.framework->id, facet->id)];
    if (task.known.task) return handlers_.broken("a task was launched twice: " + facet->id.raw());
    ++stats_.tasks;
    task.known.framework_id = launch.framework->id;
    task.known.task = facet;
    task.known.launch_id = launch.launch_id;
    task.known.executor_id = ExecutorId(facet->id.raw());
    task.known.command_task = true;
    update(agent, task, TaskState::running);
  }
}

void LinkAgents::acknowledged(Agent& agent, const to_agent::Acknowledge& message) {
  const auto it = agent.tasks.find(key_of(message.framework_id, message.task_id));
  if (it == agent.tasks.end() || it->second.uuid != message.uuid) return;
  Task& task = it->second;
  task.uuid = {};
  if (task.ended) {
    agent.tasks.erase(it);
    --stats_.tasks;
  } else if (options_.tasks_end) {
    task.ended = true;
    update(agent, task, TaskState::finished);
  }
}

void LinkAgents::kill(Agent& agent, const to_agent::Kill& kill) {
  const auto it = agent.tasks.find(key_of(kill.framework_id, kill.task_id));
  if (it == agent.tasks.end() || std::exchange(it->second.ended, true)) return;
  ++stats_.ended;
  update(agent, it->second, TaskState::killed);
}

void LinkAgents::shut_down(Agent& agent, const FrameworkId& framework) {
  agent.frameworks.erase(framework);
  const std::size_t gone = std::erase_if(
      agent.tasks, [&](const auto& entry) { return entry.second.known.framework_id == framework; });
  stats_.tasks -= gone;
  stats_.ended += gone;
}

void LinkAgents::update(Agent& agent, Task& task, TaskState state) {
  if (task.uuid == Uuid{}) task.uuid = make_uuid(options_.first, ++uuids_made_);
  TaskStatus status;
  status.task_id = task.known.task->id;
  status.state = state;
  status.source = StatusSource::executor;
  status.agent_id = agent.facet.id;
  status.executor_id = task.known.executor_id;
  status.container_id = ContainerId("0e9a5d1c-6d7c-4f6e-9a55-2f6f4c9b7a10");
  status.executor_pid = 4711;
  status.uuid = task.uuid;
  status.timestamp = runtime::wall_now();
  task.known.state = state;
  if (!options_.tasks_end) task.known.latest = status;
  task.known.terminal_unacknowledged = task.ended;
  send(agent, to_master::StatusUpdate{task.known.framework_id, std::move(status), state}, true);
}

void LinkAgents::make_tasks(std::uint32_t each, const FrameworkId& framework) {
  FrameworkFacet facet;
  facet.id = framework;
  facet.name = "load";
  facet.user = "nobody";
  facet.roles = {"*"};
  const auto shared = std::make_shared<const FrameworkFacet>(std::move(facet));
  for (const auto& agent : agents_) {
    agent->frameworks[framework] = shared;
    for (std::uint32_t i = 0; i < each; ++i) make_task(*agent, framework, i);
  }
}

void LinkAgents::make_task(Agent& agent, const FrameworkId& framework, std::uint32_t number) {
  TaskFacet facet;
  facet.id = TaskId(agent.facet.hostname + "-" + std::to_string(number));
  facet.name = facet.id.raw();
  facet.agent_id = agent.facet.id;
  facet.resources = Resources::parse("cpus:0.1;mem:32").value();
  facet.has_command = true;
  Task& task = agent.tasks[key_of(framework, facet.id)];
  task.known.framework_id = framework;
  task.known.executor_id = ExecutorId(facet.id.raw());
  task.known.task = std::make_shared<const TaskFacet>(std::move(facet));
  task.known.launch_id = {agent.epoch, number + 1};
  task.known.command_task = true;
  task.known.state = TaskState::running;
  ++stats_.tasks;
}

}  // namespace bourse::bench
