#include "bench/relay_floor.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/codec/links.hpp"
#include "runtime/daemon.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::bench {

namespace {

// The legs of a task, in their order; each message begins with its leg and its agent.
enum class Leg : char { hello, launch, running, first_acknowledgement, finished, acknowledgement };
constexpr std::size_t kHead = 5;
constexpr std::uint32_t kFramework = ~0u;

std::string message(Leg leg, std::uint32_t agent, std::size_t bytes) {
  std::string out(kHead + bytes, 'x');
  out[0] = static_cast<char>(leg);
  std::memcpy(out.data() + 1, &agent, sizeof agent);
  return out;
}

Leg leg_of(std::string_view bytes) {
  return static_cast<Leg>(bytes.front());
}

std::uint32_t agent_of(std::string_view bytes) {
  std::uint32_t agent = 0;
  std::memcpy(&agent, bytes.data() + 1, sizeof agent);
  return agent;
}

struct TaskBytes {
  std::size_t launch = 0;
  std::size_t update = 0;
  std::size_t acknowledgement = 0;
};

// What the codec makes of one task on each kind of leg.
TaskBytes task_bytes() {
  const FrameworkId framework("0a1b2c3d4e5f60718293a4b5c6d7e8f9-1-0000");
  const AgentId agent("0a1b2c3d4e5f60718293a4b5c6d7e8f9-1-S123");
  TaskFacet task;
  task.id = TaskId("t1234567");
  task.name = task.id.raw();
  task.agent_id = agent;
  task.resources = Resources::parse("cpus:1;mem:32").value();
  task.has_command = true;
  TaskStatus status;
  status.task_id = task.id;
  status.state = TaskState::running;
  status.agent_id = agent;
  status.executor_id = ExecutorId(task.id.raw());
  status.container_id = ContainerId("0e9a5d1c-6d7c-4f6e-9a55-2f6f4c9b7a10");
  status.executor_pid = 4711;
  status.uuid = make_uuid(1, 1);
  status.timestamp = WallTime{1'700'000'000'000'000'000};
  std::string launch;
  std::string update;
  std::string acknowledgement;
  const LinkHeader header{1u << 31, 1'000, 1};
  codec::append_framework_to_master(
      {header, SchedulerCall{framework, call::Accept{{}, {{{}, LaunchOperation{{task}}}}, {}}}},
      launch);
  codec::append_agent_to_master({header, to_master::StatusUpdate{framework, status, status.state}},
                                update);
  codec::append_framework_to_master(
      {header, SchedulerCall{framework, call::Acknowledge{agent, task.id, *status.uuid}}},
      acknowledgement);
  return {launch.size(), update.size(), acknowledgement.size()};
}

struct RelayAgent {
  std::uint32_t number = 0;
  std::unique_ptr<runtime::ZmqClient> client;
};

int failed(const Error& error) {
  std::fprintf(stderr, "task-throughput: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int run_relay() {
  runtime::Loop loop;
  std::unique_ptr<runtime::ZmqServer> server;
  std::unordered_map<std::uint32_t, runtime::PeerId> peer_of;
  std::unordered_map<runtime::PeerId, bool> is_framework;
  std::vector<std::uint32_t> early;  // agents that came before the framework
  runtime::ZmqServerOptions options;
  options.endpoint = "tcp://127.0.0.1:0";
  runtime::ZmqServerHandlers handlers;
  handlers.on_message = [&](runtime::PeerId from, std::string_view bytes) {
    const std::uint32_t agent = agent_of(bytes);
    if (leg_of(bytes) == Leg::hello) {
      peer_of[agent] = from;
      is_framework[from] = agent == kFramework;
      if (agent != kFramework) early.push_back(agent);
      if (!peer_of.contains(kFramework)) return;
      for (const std::uint32_t one : std::exchange(early, {})) {
        (void)server->send(peer_of[kFramework], message(Leg::hello, one, 0));
      }
      return;
    }
    (void)server->send(peer_of[is_framework[from] ? agent : kFramework], std::string(bytes));
  };
  auto opened = runtime::ZmqServer::open(loop, std::move(options), std::move(handlers));
  if (!opened.ok()) return failed(opened.error());
  server = std::move(opened).value();
  std::printf("ready link=127.0.0.1:%u\n", server->port());
  std::fflush(stdout);
  loop.run();
  return 0;
}

int run_relay_agents(const std::string& relay, std::uint32_t first, std::uint32_t count,
                     std::uint32_t tasks) {
  runtime::Loop loop;
  const TaskBytes bytes = task_bytes();
  std::vector<std::unique_ptr<RelayAgent>> agents;
  for (std::uint32_t i = 0; i < count; ++i) {
    RelayAgent& agent = *agents.emplace_back(std::make_unique<RelayAgent>());
    agent.number = first + i;
    runtime::ZmqClientOptions options;
    options.endpoint = "tcp://" + relay;
    runtime::ZmqClientHandlers handlers;
    const auto send = [&agent, tasks](Leg leg, std::size_t each) {
      (void)agent.client->send(message(leg, agent.number, each * tasks));
    };
    handlers.on_connected = [send] { send(Leg::hello, 0); };
    handlers.on_message = [send, bytes](std::string_view in) {
      if (leg_of(in) == Leg::launch) send(Leg::running, bytes.update);
      if (leg_of(in) == Leg::first_acknowledgement) send(Leg::finished, bytes.update);
    };
    auto opened = runtime::ZmqClient::open(loop, std::move(options), std::move(handlers));
    if (!opened.ok()) return failed(opened.error());
    agent.client = std::move(opened).value();
  }
  std::printf("ready\n");
  std::fflush(stdout);
  loop.run();
  return 0;
}

double drive_relay(const std::string& relay, std::uint32_t agents, std::uint32_t tasks,
                   double seconds) {
  using Clock = std::chrono::steady_clock;
  runtime::Loop loop;
  const TaskBytes bytes = task_bytes();
  std::uint32_t heard = 0;
  std::uint64_t finished = 0;
  Clock::time_point begun;
  double rate = 0;
  runtime::Timer end;
  std::unique_ptr<runtime::ZmqClient> client;
  const auto send = [&](Leg leg, std::uint32_t agent, std::size_t each) {
    (void)client->send(message(leg, agent, each * tasks));
  };
  runtime::ZmqClientOptions options;
  options.endpoint = "tcp://" + relay;
  runtime::ZmqClientHandlers handlers;
  handlers.on_connected = [&] { send(Leg::hello, kFramework, 0); };
  handlers.on_message = [&](std::string_view in) {
    const std::uint32_t agent = agent_of(in);
    if (leg_of(in) == Leg::running) {
      send(Leg::first_acknowledgement, agent, bytes.acknowledgement);
      return;
    }
    if (leg_of(in) == Leg::finished) {
      finished += tasks;
      send(Leg::acknowledgement, agent, bytes.acknowledgement);
    } else if (++heard == agents) {
      begun = Clock::now();
      finished = 0;
      end = loop.after(Duration::microseconds(static_cast<std::int64_t>(seconds * 1e6)), [&] {
        const std::chrono::duration<double> took = Clock::now() - begun;
        rate = static_cast<double>(finished) / took.count();
        loop.stop();
      });
    }
    send(Leg::launch, agent, bytes.launch);
  };
  auto opened = runtime::ZmqClient::open(loop, std::move(options), std::move(handlers));
  if (!opened.ok()) return 0;
  client = std::move(opened).value();
  loop.run_for(Duration::seconds(60));
  client.reset();
  return rate;
}

}  // namespace bourse::bench
