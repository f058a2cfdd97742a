// LinkAgents: many agents on one thread that speak the link to a master as the daemon does
// (preamble, Register, heartbeats, Launch, one status update of a task under way until it is
// acknowledged), around an executor that starts and ends every task at once. Nothing is stored:
// what an agent's own disk and containers cost is another bench's. One owner, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "model/agent_link.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::bench {

class LinkAgents {
 public:
  struct Options {
    std::string master;  // "127.0.0.1:port"
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    Resources each;
  };

  LinkAgents(runtime::Loop& loop, const Options& options);

  // `all_registered` is called once; `broken` with the reason when the protocol fails.
  Status start(std::function<void()> all_registered, std::function<void(std::string)> broken);

 private:
  struct Task {
    ExecutorId executor_id;
    Uuid uuid;  // of the update under way
    bool ended = false;
  };
  // By framework and id, with a byte between that neither has.
  using TaskKey = std::string;
  struct Agent {
    std::unique_ptr<runtime::ZmqClient> client;
    AgentFacet facet;
    std::uint64_t session = 0;
    Epoch epoch = 0;
    LinkSender sender;
    LinkReceiver receiver;
    bool registered = false;
    bool flush_scheduled = false;
    std::string batch;
    std::unordered_map<TaskKey, Task> tasks;
  };

  void begin_session(Agent& agent);
  void on_bytes(Agent& agent, std::string_view bytes);
  void on_message(Agent& agent, const MasterToAgent& message);
  void launch(Agent& agent, const to_agent::Launch& launch);
  void acknowledged(Agent& agent, const to_agent::Acknowledge& message);
  void update(Agent& agent, const FrameworkId& framework, const TaskId& id, Task& task,
              TaskState state);
  void send(Agent& agent, decltype(AgentToMaster::body) body, bool sequenced);
  void heartbeat();

  runtime::Loop& loop_;
  Options options_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::function<void()> all_registered_;
  std::function<void(std::string)> broken_;
  std::uint32_t registered_ = 0;
  std::uint64_t uuids_made_ = 0;
  runtime::Timer heartbeats_;
};

}  // namespace bourse::bench
