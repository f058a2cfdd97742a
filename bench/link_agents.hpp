// LinkAgents: many agents on one thread that speak the link to a master as the daemon does (finding
// the leader, preamble, Register with what they have, heartbeats, silence, Launch, one status
// update of a task under way until it is acknowledged), around an executor that starts every task
// at once and, if told so, ends it at once. Nothing is stored: what an agent's own disk and
// containers cost is another bench's. One owner, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "bench/zmtp_socket.hpp"
#include "model/agent_link.hpp"
#include "model/leader_finder.hpp"
#include "runtime/loop.hpp"

namespace bourse::bench {

class LinkAgents {
 public:
  struct Options {
    std::vector<std::string> masters;  // "127.0.0.1:port", any of them may lead
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    Resources each;
    bool tasks_end = false;  // at once, when they have run
    std::uint32_t most_connecting = 500;
  };
  struct Stats {
    std::uint32_t registered = 0;
    std::uint64_t tasks = 0;
    std::uint64_t ended = 0;           // tasks killed or shut down on a master's word
    std::uint64_t old_epoch = 0;       // commands of a master that is not the newest one heard of
    std::uint64_t sessions_ended = 0;  // by the master's word
    std::uint64_t refused = 0;
    std::uint64_t connections_lost = 0;
    Epoch epoch = 0;                          // newest
    std::map<Epoch, std::uint64_t> commands;  // obeyed, by the epoch of who gave them
  };
  struct Handlers {
    // Whenever all of them are registered, having not been.
    std::function<void()> all_registered;
    // The master said what it must not say.
    std::function<void(const std::string&)> broken;
  };

  LinkAgents(runtime::Loop& loop, Options options, Handlers handlers);
  ~LinkAgents();

  void start();
  // Drops every connection; start() again goes on from there, with what the agents have.
  void hold();
  // These are the masters from now on.
  void set_masters(const std::vector<std::string>& masters);
  // The ensemble says who leads.
  void learned(const std::string& leader);
  // From now on each has so many more tasks of this framework, whoever launched them: the next
  // master hears of them.
  void make_tasks(std::uint32_t each, const FrameworkId& framework);
  const Stats& stats() const { return stats_; }

 private:
  struct Task {
    to_master::KnownTask known;
    Uuid uuid;  // of the update under way; all zero: none
    bool ended = false;
  };
  // By framework and id, with a byte between that neither has.
  using TaskKey = std::string;
  struct Agent {
    std::uint32_t number = 0;  // of all that are played anywhere
    std::unique_ptr<LeaderFinder> finder;
    runtime::Timer timer;  // the finder's
    std::unique_ptr<ZmtpSocket> socket;
    std::uint64_t connection = 0;  // callbacks of an earlier one say nothing any more
    bool connecting = false;       // counted in connecting_
    AgentFacet facet;
    std::string cluster_id;
    std::uint64_t incarnation = 0;
    std::uint64_t session = 0;
    Epoch epoch = 0;
    LinkSender sender;
    LinkReceiver receiver;
    bool registered = false;
    bool flush_scheduled = false;
    Instant heard;
    Instant beat;
    std::string batch;
    std::map<FrameworkId, FrameworkFacetPtr> frameworks;
    std::unordered_map<TaskKey, Task> tasks;
  };

  // Connections (link_agents.cpp).
  void find(Agent& agent, const FinderInput& input);
  void connect_later(Agent& agent);
  void connect_waiting();
  void connect(Agent& agent);
  void connected(Agent& agent);
  void drop(Agent& agent);
  void on_bytes(Agent& agent, std::string_view bytes);
  void sweep();
  void send(Agent& agent, decltype(AgentToMaster::body) body, bool sequenced);

  // Sessions and tasks (link_agent_sessions.cpp).
  void begin_session(Agent& agent);
  void end_session(Agent& agent);
  void on_message(Agent& agent, const MasterToAgent& message);
  void on_registered(Agent& agent, const to_agent::Registered& message, Epoch epoch);
  void on_refused(Agent& agent, const to_agent::Refused& message);
  void on_command(Agent& agent, const MasterToAgent& message);
  void launch(Agent& agent, const to_agent::Launch& launch);
  void acknowledged(Agent& agent, const to_agent::Acknowledge& message);
  void kill(Agent& agent, const to_agent::Kill& kill);
  void shut_down(Agent& agent, const FrameworkId& framework);
  void update(Agent& agent, Task& task, TaskState state);
  void make_task(Agent& agent, const FrameworkId& framework, std::uint32_t number);

  runtime::Loop& loop_;
  Options options_;
  Handlers handlers_;
  Stats stats_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::vector<std::pair<Agent*, std::uint64_t>>
      waiting_;  // to connect, with the connection's number
  std::size_t next_waiting_ = 0;
  bool connect_scheduled_ = false;
  std::uint32_t connecting_ = 0;
  std::uint64_t uuids_made_ = 0;
  runtime::Timer sweep_;
};

}  // namespace bourse::bench
