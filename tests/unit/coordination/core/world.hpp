// A world of processes around one modelled ZooKeeper: each has a real Coordinator, a clock and a
// handle; tests move time and break things.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordination/core/coordinator.hpp"
#include "sim/schedule.hpp"
#include "sim/zookeeper_model.hpp"

namespace bourse::coordination::test {

inline constexpr Duration kSecond = Duration::seconds(1);

class World;

// One process: what a shell does with a coordinator, and what it saw.
class Process {
 public:
  Process(World& world, std::string name, CoordinationConfig config)
      : world_(world), name_(std::move(name)), config_(std::move(config)) {}

  void start();
  void crash();  // kill -9
  // Stands still; with its clock, if it is a suspended machine whose clock does too.
  void pause(bool paused, bool clock_stops = false);
  PersistId write(const std::string& key, std::optional<std::string> value);
  PersistId write(std::vector<std::pair<std::string, std::optional<std::string>>> changes);
  void step(EventBody body);

  bool alive() const { return core_ != nullptr; }
  bool paused() const { return paused_; }
  bool leads() const { return core_ && core_->state().phase == Phase::leading; }
  Phase phase() const { return core_ ? core_->state().phase : Phase::stopped; }
  const std::string& name() const { return name_; }
  const Coordinator& core() const { return *core_; }
  CoordinationConfig& config() { return config_; }
  sim::ZooKeeperModel::Handle handle() const { return handle_; }
  std::string own_path() const { return config_.path + "/" + core_->state().election.own; }
  bool stored(PersistId id) const;
  std::string refusal(PersistId id) const;  // empty: not refused
  bool noted(const std::string& code, const std::string& part = {}) const;
  Instant now() const;
  std::uint64_t writes() const { return writes_; }

  Duration timeout = Duration::seconds(4);
  std::optional<BecameLeader> leadership;  // of this life, the latest
  std::optional<Leader> leader;            // as last told
  std::string stepped_down;                // reason of the latest
  std::vector<Effect> answers;             // Stored and Refused of this life, in order
  std::vector<Note> notes;                 // of all lives
  std::vector<std::pair<ZkRequestId, zk::Request>> requests;  // of this life
  int sessions = 0;                                           // opened, in all lives
  // Called within a step, for each effect; and when the process is over.
  std::function<void(const Effect&)> on_effect;
  std::function<void()> on_exit;

 private:
  void perform(const Effect& effect);
  void arm();
  void exit();

  World& world_;
  std::string name_;
  CoordinationConfig config_;
  std::shared_ptr<Coordinator> core_;
  sim::ZooKeeperModel::Handle handle_ = 0;
  std::uint64_t life_ = 0;
  bool paused_ = false;
  bool clock_stops_ = false;
  Instant paused_at_;
  Duration behind_;  // of its clock
  Instant armed_ = Instant::max();
  std::uint64_t writes_ = 0;
  std::uint64_t refusals_ = 0;  // told, in this life
};

class World {
 public:
  explicit World(std::uint64_t seed = 1, sim::ZooKeeperPace pace = {})
      : zookeeper(schedule, seed, pace) {}

  sim::Schedule schedule;
  sim::ZooKeeperModel zookeeper;
  using Processes = std::map<std::string, std::unique_ptr<Process>>;
  Processes processes;
  std::vector<Processes> forgotten;

  Process& add(const std::string& name, CoordinationConfig config = {});
  Process& at(const std::string& name) { return *processes.at(name); }
  // Nobody asks for these again. They stay: what they had scheduled is still to come.
  void forget() { forgotten.push_back(std::exchange(processes, {})); }
  // Of the latest epoch: an overtaken one may not know it yet.
  Process* leader() const;

  void run_for(Duration span);
  // False: the limit passed first.
  bool run_until(const std::function<bool()>& done, Duration limit = Duration::seconds(60));
  bool elect(Duration limit = Duration::seconds(60)) {
    return run_until([&] { return leader() != nullptr; }, limit);
  }
  // Nodes below a path, by name.
  std::vector<std::string> names(const std::string& path) const {
    return sim::children_of(zookeeper.tree(), path);
  }
  EpochRecord epoch(const std::string& path = "/bourse") const;
};

}  // namespace bourse::coordination::test
