// AgentNode: the real AgentCore on a modelled disk, link and machine. Owned by the World; one
// thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/agent_core.hpp"
#include "sim/channel.hpp"
#include "sim/disk.hpp"
#include "sim/env.hpp"
#include "sim/host.hpp"
#include "sim/leader_watch_node.hpp"
#include "sim/node_clock.hpp"

namespace bourse::sim {

class AgentNode {
 public:
  // With an ensemble: it may learn the leader there.
  AgentNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index);

  void start();
  // What becomes of its machine meanwhile.
  enum class Machine : std::uint8_t { stays, reboots, loses_power };
  void crash_and_return(Duration away, Machine machine);
  bool up() const { return core_ != nullptr; }
  const agent::AgentCore& core() const { return *core_; }
  Wire& wire() { return channel_.wire(); }
  NodeClock& clock() { return clock_; }
  LeaderWatchNode* watch() { return watch_.get(); }
  Host& host() { return host_; }
  Disk& disk() { return disk_; }
  Instant started_at() const { return started_at_; }
  // Since when it has no name, because its registry forgot it; nothing: it has one, or never had.
  std::optional<Instant> nameless_since() const;
  bool watches() const { return watch_ != nullptr; }
  const std::string& name() const { return name_; }
  // Breaks one executor's connection; false: there is none.
  bool break_executor();

 private:
  Host::Agent agent_of_host();
  void on_bytes(std::string_view bytes);
  void on_executor_bytes(PeerId peer, std::string_view bytes);
  void on_executor_gone(PeerId peer);
  void call_over_http(PeerId peer, ExecutorCall call);
  template <typename Body>
  void step(Body body);
  void perform(agent::Effect& effect);
  void perform_checkpoint(agent::Checkpoint& write);
  void note_refused(const std::vector<CheckpointRecord>& records);
  void note_issued(const agent::Checkpoint& write);
  void send(agent::SendToMaster& send);
  void flush();
  void close_executor(const agent::CloseExecutor& close);
  void after_master_message(const MasterToAgent& message);
  std::optional<std::vector<CheckpointRecord>> stored_records();
  void refuse(const std::string& damage);
  void stop(const std::string& reason);
  void look_for_master();
  agent::AgentConfig config() const;
  void sample_usage();
  void judge_kill(const agent::KillContainer& kill);
  void note_epoch();
  // Its own, or the one that it gave up last.
  const AgentId& last_name() const;
  void note_name(const AgentId& before);
  void wipe();
  void arm();

  Env& env_;
  std::string name_;
  bool lends_ = false;
  AgentFacetPtr detected_;
  Disk disk_;
  const Network& network_;
  NodeClock clock_;
  Channel channel_;
  std::unique_ptr<LeaderWatchNode> watch_;
  Host host_;
  std::unique_ptr<agent::AgentCore> core_;
  std::uint64_t life_ = 0;
  std::uint64_t newest_incarnation_ = 0;  // of the lives before
  std::string batch_;                     // leaves together at the end of this instant
  std::uint64_t boots_ = 1;
  std::uint64_t peers_made_ = 0;
  Epoch highest_epoch_ = 0;  // that it was registered by
  Epoch obeying_ = 0;        // of the message that is being acted on
  bool launching_ = false;
  // What it had when its disk forgot: under update_invented it says of that what it never made.
  std::set<std::pair<FrameworkId, TaskId>> forgotten_;
  std::map<PeerId, std::weak_ptr<ExecutorProcess>> executors_;
  std::uint64_t http_calls_ = 0;
  std::vector<Status> http_answers_;  // to the last of them
  Instant armed_ = Instant::max();
  Instant started_at_;
  int stops_in_a_row_ = 0;  // lives that ended without being registered
  AgentId gave_up_;         // its name till its registry forgot it; empty: it has one, or never had
  Instant gave_up_at_;
  AgentId named_;  // in the life before
};

}  // namespace bourse::sim
