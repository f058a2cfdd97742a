// BookNode: where a simulated service scheduler keeps its book, and whether it may lead: a file on
// its machine's disk, or the modelled ensemble, as the daemon's two stores do. Owned by its
// scheduler's process; one thread.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/service_command.hpp"
#include "sim/coordination_node.hpp"
#include "sim/disk.hpp"
#include "sim/env.hpp"
#include "sim/standstill.hpp"

namespace bourse::sim {

class BookNode {
 public:
  using Commands = std::vector<ServiceCommand>;
  struct Handlers {
    std::function<void(service::Book)> on_lead;
    std::function<void(const std::string& reason)> on_end;
  };
  // An error: refused for good, with the reason.
  using Stored = std::function<void(const Status&)>;

  virtual ~BookNode() = default;
  virtual void start(Handlers handlers) = 0;
  virtual void store(const Commands& commands, Stored stored) = 0;
  virtual bool may_act() const = 0;
  virtual void stop(bool politely) = 0;
  virtual void freeze(bool frozen) = 0;
  // The ensemble's client; null: there is none.
  virtual CoordinationNode* coordination() { return nullptr; }
  // Its own disk; null: there is none.
  virtual Disk* disk() { return nullptr; }
};

class FileBookNode final : public BookNode {
 public:
  FileBookNode(Env& env, Standstill& process)
      : env_(env), process_(process), disk_(env, env.plan.master_write_rejected) {}

  void start(Handlers handlers) override;
  void store(const Commands& commands, Stored stored) override;
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

class EnsembleBookNode final : public BookNode {
 public:
  EnsembleBookNode(Env& env, ZooKeeperModel& zookeeper, const NodeClock& clock, Standstill& process,
                   const std::string& name)
      : env_(env),
        name_(name),
        coordination_(env, zookeeper, clock, process, name + ".zk", env.plan.zk_timeout) {}

  void start(Handlers handlers) override;
  void store(const Commands& commands, Stored stored) override;
  bool may_act() const override { return coordination_.may_act(); }
  void stop(bool politely) override;
  void freeze(bool frozen) override { coordination_.freeze(frozen); }
  CoordinationNode* coordination() override { return &coordination_; }

 private:
  void lead(const coordination::BecameLeader& won);
  void on_written(const Status& status, const Stored& stored);

  Env& env_;
  std::string name_;
  CoordinationNode coordination_;
  Handlers handlers_;
  service::Book stored_;
  service::Book ahead_;
  std::deque<Commands> under_way_;
};

}  // namespace bourse::sim
