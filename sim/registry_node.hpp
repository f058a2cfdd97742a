// RegistryNode: where a simulated master keeps its registry, and whether it may lead: on a disk of
// its own, or in the modelled ensemble, as the daemon's two backends do. Owned by its master; one
// thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "model/ids.hpp"
#include "model/registry_command.hpp"
#include "sim/coordination_node.hpp"
#include "sim/disk.hpp"
#include "sim/env.hpp"
#include "sim/standstill.hpp"

namespace bourse::sim {

class RegistryNode {
 public:
  struct Handlers {
    // Epoch 0: the registry's own next one will do.
    std::function<void(Registry, Epoch)> on_lead;
    std::function<void(const std::string& announced)> on_leader;
    std::function<void(const std::string& reason)> on_end;
  };
  // An error: refused for good, with the reason.
  using Stored = std::function<void(const Status&)>;

  virtual ~RegistryNode() = default;
  virtual void start(const std::string& announced, Handlers handlers) = 0;
  virtual void store(const RegistryCommand& command, Stored stored) = 0;
  virtual bool may_act() const = 0;
  virtual void stop(bool politely) = 0;
  virtual void freeze(bool frozen) = 0;
  // The ensemble's client; null: there is none.
  virtual CoordinationNode* coordination() { return nullptr; }
  // Its own disk; null: there is none.
  virtual Disk* disk() { return nullptr; }
};

class LocalRegistryNode final : public RegistryNode {
 public:
  LocalRegistryNode(Env& env, Standstill& process)
      : env_(env), process_(process), disk_(env, env.plan.master_write_rejected) {}

  void start(const std::string& announced, Handlers handlers) override;
  void store(const RegistryCommand& command, Stored stored) override;
  bool may_act() const override { return true; }
  void stop(bool politely) override;
  void freeze(bool) override {}
  Disk* disk() override { return &disk_; }

 private:
  Env& env_;
  Standstill& process_;
  Disk disk_;
  Handlers handlers_;
  std::uint64_t life_ = 0;
};

class EnsembleRegistryNode final : public RegistryNode {
 public:
  EnsembleRegistryNode(Env& env, ZooKeeperModel& zookeeper, const NodeClock& clock,
                       Standstill& process, const std::string& name)
      : env_(env),
        coordination_(env, zookeeper, clock, process, name + ".zk", env.plan.zk_timeout) {}

  void start(const std::string& announced, Handlers handlers) override;
  void store(const RegistryCommand& command, Stored stored) override;
  bool may_act() const override;
  void stop(bool politely) override;
  void freeze(bool frozen) override { coordination_.freeze(frozen); }
  CoordinationNode* coordination() override { return &coordination_; }
  // Called when a transaction is about to leave.
  std::function<void()> on_transaction;

 private:
  void lead(const coordination::BecameLeader& won);
  void on_written(const Status& status, const Stored& stored);

  Env& env_;
  CoordinationNode coordination_;
  Handlers handlers_;
  Epoch epoch_ = 0;
  // As stored, and with what is under way: an entry holds the whole of what it is about.
  Registry stored_;
  Registry ahead_;
  std::deque<RegistryCommand> under_way_;
};

}  // namespace bourse::sim
