#include "master/shell/zookeeper_registry.hpp"

#include "base/assert.hpp"
#include "proto/codec/registry_entries.hpp"

namespace bourse::master {

ZookeeperRegistry::ZookeeperRegistry(runtime::ZookeeperOptions zookeeper,
                                     coordination::CoordinationConfig config)
    : zookeeper_(std::move(zookeeper)), config_(std::move(config)) {}

ZookeeperRegistry::~ZookeeperRegistry() = default;

void ZookeeperRegistry::announce(std::string candidate) {
  config_.candidate_info = std::move(candidate);
}

Status ZookeeperRegistry::start(runtime::Loop& loop, RegistryHandlers handlers) {
  handlers_ = std::move(handlers);
  coordination::DriverHandlers on;
  on.on_lead = [this](const coordination::BecameLeader& won) { lead(won); };
  on.on_leader = [this](const coordination::Leader& leader) {
    handlers_.on_leader(leader.info.value_or(""));
  };
  on.on_end = [this](const std::string& reason) { handlers_.on_end(reason); };
  driver_ =
      std::make_unique<coordination::CoordinationDriver>(loop, zookeeper_, config_, std::move(on));
  return driver_->start();
}

void ZookeeperRegistry::lead(const coordination::BecameLeader& won) {
  auto registry = codec::decode_registry(won.entries);
  if (!registry.ok()) {
    return driver_->decline("the registry at " + config_.path +
                            " cannot be read: " + registry.error().message);
  }
  stored_ = std::move(registry).value();
  stored_.cluster_id = won.cluster_id;
  ahead_ = stored_;
  handlers_.on_lead(stored_, won.epoch);
}

void ZookeeperRegistry::store(const RegistryCommand& command, Stored stored) {
  const auto changed = apply_entities(ahead_, command);
  // The core checked it against the same state.
  ASSERT(changed.ok());
  under_way_.push_back(command);
  driver_->write(codec::encode_registry_changes(ahead_, changed.value()),
                 [this, stored = std::move(stored)](const Status& status) mutable {
                   on_written(status, stored);
                 });
}

// Answers come in the order of the writes.
void ZookeeperRegistry::on_written(const Status& status, Stored& stored) {
  const RegistryCommand command = std::move(under_way_.front());
  under_way_.pop_front();
  if (status.ok()) {
    const Status applied = apply(stored_, command);
    ASSERT(applied.ok());
    return stored({runtime::WriteOutcome::stored, {}});
  }
  ahead_ = stored_;
  for (const RegistryCommand& later : under_way_) (void)apply(ahead_, later);
  stored({runtime::WriteOutcome::rejected, status});
}

}  // namespace bourse::master
