// ServiceNode: one process of a service scheduler: the real service core while it leads, on the
// SDK's scheduler machine, with its book on a disk or in the ensemble. What the daemon's shell does
// (frameworks/service/shell), on modelled links. Owned by the World; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "framework-sdk/core/scheduler_machine.hpp"
#include "frameworks/service/core/service_core.hpp"
#include "sim/book_node.hpp"
#include "sim/channel.hpp"
#include "sim/env.hpp"
#include "sim/leader_watch_node.hpp"
#include "sim/node_clock.hpp"
#include "sim/standstill.hpp"

namespace bourse::sim {

class ServiceNode {
 public:
  ServiceNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index);

  void start();
  void crash_and_return(Duration away);
  void freeze(Duration span);
  void thaw();
  bool up() const { return up_; }
  bool leads() const { return core_ != nullptr; }
  const service::ServiceCore& core() const { return *core_; }
  // A person asks; null: they do not wait for the answer.
  void ask(service::AppChange change, std::function<void(const Status&)> answered);
  Wire* wire() { return channel_ ? &channel_->wire() : nullptr; }
  NodeClock& clock() { return clock_; }
  LeaderWatchNode* watch() { return watch_.get(); }
  CoordinationNode* coordination() { return book_->coordination(); }
  Disk* disk() { return book_->disk(); }
  std::uint64_t fingerprint() const;

 private:
  struct Perform;

  void lead(service::Book book);
  void end(const std::string& reason);
  void crash(bool politely);
  // -- the core
  void feed(decltype(service::Event::body) body);
  void perform(const std::vector<service::Effect>& effects);
  void persist(const service::Persist& effect);
  void arm();
  // -- the driver
  void subscribe(const std::string& framework_id);
  void launch(const service::Launch& effect);
  void call(decltype(SchedulerCall::body) body);
  void drive(decltype(sdk::SchedulerInput::body) body);
  void perform(sdk::SchedulerOutput& output);
  void show(const SchedulerEvent& event);
  void on_bytes(std::string_view bytes, std::uint64_t connection);
  void flush();
  void arm_driver();
  // What reaches the process, when it goes on.
  void later(Duration span, std::function<void()> action);

  Env& env_;
  const Network& network_;
  ZooKeeperModel* zookeeper_;
  std::string name_;
  NodeClock clock_;
  Standstill process_;
  std::unique_ptr<BookNode> book_;
  bool up_ = false;
  std::uint64_t life_ = 0;
  std::uint64_t stops_ = 0;
  std::unique_ptr<service::ServiceCore> core_;
  std::uint64_t leader_ = 0;  // its number at the judge
  std::uint64_t requests_ = 0;
  std::map<RequestId, std::function<void(const Status&)>> asked_;
  std::unique_ptr<sdk::SchedulerMachine> machine_;
  std::unique_ptr<Channel> channel_;
  // Of earlier lives: their wires may still be named, and what they asked may be answered.
  std::vector<std::unique_ptr<Channel>> buried_;
  std::vector<std::unique_ptr<LeaderWatchNode>> buried_watches_;
  std::unique_ptr<LeaderWatchNode> watch_;
  std::uint64_t connection_ = 0;  // of the channel, which a process that stands still does not stop
  std::string batch_;             // leaves together at the end of this instant
  std::map<std::string, std::string> agent_of_offer_;
  bool hasty_ = false;  // planted
  Instant armed_ = Instant::max();
  Instant driver_armed_ = Instant::max();
};

}  // namespace bourse::sim
