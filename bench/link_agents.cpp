#include "bench/link_agents.hpp"

#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
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

LinkAgents::LinkAgents(runtime::Loop& loop, const Options& options)
    : loop_(loop), options_(options) {}

Status LinkAgents::start(std::function<void()> all_registered,
                         std::function<void(std::string)> broken) {
  all_registered_ = std::move(all_registered);
  broken_ = std::move(broken);
  for (std::uint32_t i = 0; i < options_.count; ++i) {
    Agent& agent = *agents_.emplace_back(std::make_unique<Agent>());
    agent.facet.hostname = "node-" + std::to_string(options_.first + i) + ".example";
    agent.facet.http = {agent.facet.hostname, "127.0.0.1", 5051};
    agent.facet.total = options_.each;
    agent.facet.version = "1";
    runtime::ZmqClientOptions client;
    client.endpoint = "tcp://" + options_.master;
    runtime::ZmqClientHandlers handlers;
    handlers.on_connected = [this, &agent] {
      (void)agent.client->send(std::string(kAgentPreamble));
      begin_session(agent);
    };
    handlers.on_message = [this, &agent](std::string_view bytes) { on_bytes(agent, bytes); };
    handlers.on_disconnected = [this] { broken_("the master closed a connection"); };
    auto opened = runtime::ZmqClient::open(loop_, std::move(client), std::move(handlers));
    if (!opened.ok()) return opened.error();
    agent.client = std::move(opened).value();
  }
  heartbeats_ = loop_.every(Duration::seconds(5), [this] { heartbeat(); });
  return {};
}

void LinkAgents::begin_session(Agent& agent) {
  const auto incarnation = static_cast<std::uint64_t>(runtime::wall_now().ns / 1'000'000);
  agent.session = (incarnation << 16) + 1;
  to_master::Register message;
  message.agent = std::make_shared<const AgentFacet>(agent.facet);
  message.incarnation = incarnation;
  send(agent, std::move(message), false);
}

void LinkAgents::send(Agent& agent, decltype(AgentToMaster::body) body, bool sequenced) {
  const LinkHeader header{agent.session, sequenced ? agent.sender.next() : 0, agent.epoch};
  codec::append_agent_to_master({header, std::move(body)}, agent.batch);
  if (agent.flush_scheduled) return;
  agent.flush_scheduled = true;
  loop_.post([&agent] {
    agent.flush_scheduled = false;
    (void)agent.client->send(std::exchange(agent.batch, {}));
  });
}

void LinkAgents::heartbeat() {
  for (const auto& agent : agents_) {
    if (agent->registered) send(*agent, to_master::Heartbeat{agent->sender.last()}, false);
  }
}

void LinkAgents::on_bytes(Agent& agent, std::string_view bytes) {
  const auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) return broken_(frames.error().message);
  for (const std::string_view frame : frames.value()) {
    const auto message = codec::decode_master_to_agent(frame);
    if (!message.ok()) return broken_(message.error().message);
    on_message(agent, message.value());
  }
}

void LinkAgents::on_message(Agent& agent, const MasterToAgent& message) {
  if (message.header.session != agent.session) return;
  if (agent.receiver.arrive(message.header.sequence) != Arrival::fresh) {
    return broken_("a frame of the master was lost or came twice");
  }
  if (const auto* registered = std::get_if<to_agent::Registered>(&message.body)) {
    agent.facet.id = registered->agent_id;
    agent.epoch = message.header.epoch;
    if (std::exchange(agent.registered, true)) return;
    if (++registered_ == options_.count) all_registered_();
  } else if (const auto* task = std::get_if<to_agent::Launch>(&message.body)) {
    launch(agent, *task);
  } else if (const auto* ack = std::get_if<to_agent::Acknowledge>(&message.body)) {
    acknowledged(agent, *ack);
  } else if (const auto* beat = std::get_if<to_agent::Heartbeat>(&message.body)) {
    if (!agent.receiver.complete(beat->last_sent)) broken_("a frame of the master was lost");
  } else if (const auto* again = std::get_if<to_agent::Reregister>(&message.body)) {
    broken_("the master ended a session: " + again->reason);
  } else if (const auto* refused = std::get_if<to_agent::Refused>(&message.body)) {
    broken_("the master refused an agent: " + refused->reason);
  }
}

void LinkAgents::launch(Agent& agent, const to_agent::Launch& launch) {
  for (const TaskFacetPtr& facet : launch.tasks) {
    const FrameworkId& framework = launch.framework->id;
    Task& task = agent.tasks[key_of(framework, facet->id)];
    task.executor_id = ExecutorId(facet->id.raw());
    update(agent, framework, facet->id, task, TaskState::running);
  }
}

void LinkAgents::acknowledged(Agent& agent, const to_agent::Acknowledge& message) {
  const auto it = agent.tasks.find(key_of(message.framework_id, message.task_id));
  if (it == agent.tasks.end() || it->second.uuid != message.uuid) return;
  if (it->second.ended) {
    agent.tasks.erase(it);
    return;
  }
  it->second.ended = true;
  update(agent, message.framework_id, message.task_id, it->second, TaskState::finished);
}

void LinkAgents::update(Agent& agent, const FrameworkId& framework, const TaskId& id, Task& task,
                        TaskState state) {
  task.uuid = make_uuid(options_.first, ++uuids_made_);
  TaskStatus status;
  status.task_id = id;
  status.state = state;
  status.source = StatusSource::executor;
  status.agent_id = agent.facet.id;
  status.executor_id = task.executor_id;
  status.container_id = ContainerId("0e9a5d1c-6d7c-4f6e-9a55-2f6f4c9b7a10");
  status.executor_pid = 4711;
  status.uuid = task.uuid;
  status.timestamp = runtime::wall_now();
  send(agent, to_master::StatusUpdate{framework, std::move(status), state}, true);
}

}  // namespace bourse::bench
