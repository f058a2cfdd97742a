// CoordinationNode: the real Coordinator at the modelled ensemble, as coordination/link's driver
// runs it at a real one: of a master, or of an agent or framework that only wants to know who
// leads. Owned by its node; one thread; handlers are called from inside, never from write().
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "coordination/core/coordinator.hpp"
#include "sim/env.hpp"
#include "sim/node_clock.hpp"
#include "sim/standstill.hpp"
#include "sim/zookeeper_model.hpp"

namespace bourse::sim {

class CoordinationNode {
 public:
  struct Handlers {
    std::function<void(const coordination::BecameLeader&)> on_lead = {};
    std::function<void(const coordination::Leader&)> on_leader = {};
    std::function<void(const std::string& reason)> on_end = {};
    // A transaction is about to leave.
    std::function<void()> on_transaction = {};
  };
  using Changes = std::vector<std::pair<std::string, std::optional<std::string>>>;
  using Written = std::function<void(const Status&)>;

  CoordinationNode(Env& env, ZooKeeperModel& zookeeper, const NodeClock& clock, Standstill& process,
                   std::string name, Duration session_timeout)
      : env_(env),
        zookeeper_(zookeeper),
        clock_(clock),
        process_(process),
        name_(std::move(name)),
        session_timeout_(session_timeout) {}

  void start(coordination::CoordinationConfig config, Handlers handlers);
  void write(Changes changes, Written written);
  bool may_act() const;
  // The process ends; politely: it says goodbye to the ensemble.
  void stop(bool politely);
  void freeze(bool frozen);
  bool running() const { return coordinator_ != nullptr; }
  const coordination::Coordinator& core() const { return *coordinator_; }
  // 0: no session was opened yet.
  ZooKeeperModel::Handle handle() const { return handle_; }

 private:
  void feed(coordination::EventBody body);
  void drain();
  void perform(const coordination::Effect& effect);
  void open(coordination::SessionNumber session);
  void answer(PersistId id, const Status& status);
  void arm();

  Env& env_;
  ZooKeeperModel& zookeeper_;
  const NodeClock& clock_;
  Standstill& process_;
  std::string name_;
  Duration session_timeout_;
  Handlers handlers_;
  std::unique_ptr<coordination::Coordinator> coordinator_;
  std::uint64_t life_ = 0;
  bool stepping_ = false;
  std::deque<coordination::EventBody> events_;
  ZooKeeperModel::Handle handle_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t refusals_told_ = 0;
  std::unordered_map<std::uint64_t, Written> written_;  // by PersistId; never walked
  Instant armed_ = Instant::max();
};

}  // namespace bourse::sim
