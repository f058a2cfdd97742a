// MasterNode: one master process: the real MasterCore while it leads, the real election before, on
// modelled links, disks and an ensemble. One owner, one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "master/core/master_core.hpp"
#include "sim/env.hpp"
#include "sim/hub.hpp"
#include "sim/node_clock.hpp"
#include "sim/recording.hpp"
#include "sim/registry_node.hpp"
#include "sim/standstill.hpp"

namespace bourse::sim {

class MasterNode {
 public:
  // When a process is stopped that leads: anywhere, after it decided and before its messages leave,
  // or before its next transaction leaves.
  enum class Moment : std::uint8_t { now, before_messages, before_transaction };

  // Without an ensemble: the only master, with a registry of its own.
  MasterNode(Env& env, Network& network, ZooKeeperModel* zookeeper, int index);

  void start();
  void crash_and_return(Duration away);
  void freeze(Duration span, Moment moment);
  void thaw();
  bool up() const { return up_; }
  bool frozen() const { return process_.frozen(); }
  bool leads() const { return core_ != nullptr; }
  bool is_zombie() const;  // planted: it leads though its leadership is over
  // An operator's request arrives, when the process goes on.
  void ask(RequestId request, decltype(master::FromOperator::body) operation);
  // A recorded life is played again; at its end, and at the end of the run.
  void replay();
  const master::MasterCore& core() const { return *core_; }
  Hub& hub() { return hub_; }
  NodeClock& clock() { return clock_; }
  const std::string& name() const { return name_; }
  int index() const { return index_; }
  CoordinationNode* coordination() { return registry_->coordination(); }
  Disk* disk() { return registry_->disk(); }

 private:
  using Outgoing =
      std::variant<master::SendToAgent, master::SendToFramework, master::ClosePeer, master::Answer>;

  void on_bytes(PeerId peer, Hub::Kind kind, std::string_view bytes);
  void lead(Registry registry, Epoch epoch);
  void end(const std::string& reason);
  void crash(bool politely);
  void stop_here(Moment moment);
  void remember_call(PeerId peer, const FrameworkToMaster& message);
  void speak_late(PeerId peer);
  void late_call(PeerId peer, const SchedulerCall& call);
  Principal principal_of(PeerId peer, const FrameworkToMaster& message);
  void overhear(PeerId peer, const FrameworkToMaster& message);
  void call_of_stranger(const SchedulerCall& call);
  template <typename Body>
  void step(Body body);
  void perform(master::Effect& effect);
  void persist(master::Persist& write);
  void plant_after(const master::Event& event, master::Effects& effects);
  void hand_over();
  void flush(std::vector<Outgoing> batch);
  void arm();

  Env& env_;
  std::string name_;
  int index_;
  NodeClock clock_;
  Standstill process_;
  Hub hub_;
  std::unique_ptr<RegistryNode> registry_;
  bool up_ = false;
  std::unique_ptr<master::MasterCore> core_;
  std::vector<Outgoing> outgoing_;
  std::unique_ptr<Recording> recording_;
  std::map<PeerId, SchedulerCall> last_calls_;  // of frameworks, by their connections
  PeerId late_;  // what is acted on comes from a connection of before
  std::uint64_t late_calls_ = 0;
  std::map<PeerId, std::string> principals_;  // of frameworks, as their connections show
  bool stranger_ = false;                     // what is acted on is not its framework's
  std::uint64_t strangers_ = 0;
  std::uint64_t life_ = 0;
  std::uint64_t stops_ = 0;
  std::optional<Moment> stop_at_;
  Duration stop_span_;
  Instant armed_ = Instant::max();
};

}  // namespace bourse::sim
