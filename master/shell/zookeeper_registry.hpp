// ZookeeperRegistry: the registry in a ZooKeeper ensemble, and the election among the masters that
// share it. Commands become entries of the coordination core's store here; all else is its word.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "coordination/link/coordination_driver.hpp"
#include "master/shell/registry_backend.hpp"

namespace bourse::master {

class ZookeeperRegistry final : public RegistryBackend {
 public:
  ZookeeperRegistry(runtime::ZookeeperOptions zookeeper, coordination::CoordinationConfig config);
  ~ZookeeperRegistry() override;

  Status start(runtime::Loop& loop, RegistryHandlers handlers) override;
  void announce(std::string candidate) override;
  void store(const RegistryCommand& command, Stored stored) override;
  bool may_act(Instant now) const override { return driver_->may_act(now); }

 private:
  void lead(const coordination::BecameLeader& won);
  void on_written(const Status& status, Stored& stored);

  runtime::ZookeeperOptions zookeeper_;
  coordination::CoordinationConfig config_;
  RegistryHandlers handlers_;
  // As stored, and with what is under way: an entry holds the whole of what it is about.
  Registry stored_;
  Registry ahead_;
  std::deque<RegistryCommand> under_way_;
  std::unique_ptr<coordination::CoordinationDriver> driver_;
};

}  // namespace bourse::master
