#include "sim/registry_node.hpp"

#include <utility>

#include "base/assert.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/registry_entries.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

// -- on a disk

void LocalRegistryNode::start(const std::string&, Handlers handlers) {
  ++life_;
  handlers_ = std::move(handlers);
  Registry registry;
  const Result<std::vector<std::string>> read = disk_.open();
  ASSERT(read.ok());  // disks of masters do not lie
  for (const std::string& bytes : *read) {
    const Result<RegistryCommand> command = codec::decode_registry_command(bytes);
    if (!command.ok()) {
      env_.judge->violate("S25", "a registry record does not parse: " + command.error().message);
      return;
    }
    if (const Status applied = apply(registry, *command); !applied.ok()) {
      env_.judge->violate("S5", "the registry does not replay: " + applied.error().message);
      return;
    }
  }
  handlers_.on_lead(std::move(registry), Epoch{});
}

void LocalRegistryNode::store(const RegistryCommand& command, Stored stored) {
  // Removed while its process is away, perhaps by a master that dies before it can say so: what
  // its tasks still tell is acknowledged for nobody.
  std::optional<FrameworkId> removed;
  if (const auto* removal = std::get_if<registry::RemoveFramework>(&command)) {
    removed = removal->framework_id;
  }
  disk_.submit(
      {codec::encode_registry_command(command)},
      [this, life = life_, stored = std::move(stored)](Disk::Outcome outcome,
                                                       const std::string& reason) {
        process_.run([this, life, stored, outcome, reason] {
          if (life != life_) return;
          if (outcome == Disk::Outcome::unknown) return handlers_.on_end("registry: " + reason);
          const bool done = outcome == Disk::Outcome::stored;
          stored(done ? Status() : Status(Error{ErrorCode::full, reason}));
        });
      },
      [this, removed, command] {
        if (removed) env_.judge->framework_ended(*removed);
        env_.judge->forgetting().stored(command);
      });
}

void LocalRegistryNode::stop(bool) {
  ++life_;
  disk_.crash();
}

// -- in the ensemble

void EnsembleRegistryNode::start(const std::string& announced, Handlers handlers) {
  handlers_ = std::move(handlers);
  epoch_ = 0;
  under_way_.clear();
  coordination::CoordinationConfig config;
  config.candidate_info = announced;
  config.shards = env_.plan.zk_shards;
  config.planted_unfenced = env_.plan.plant == Plant::no_fencing;
  CoordinationNode::Handlers on;
  on.on_lead = [this](const coordination::BecameLeader& won) { lead(won); };
  on.on_leader = [this](const coordination::Leader& leader) {
    if (!leader.ours) handlers_.on_leader(leader.info.value_or(""));
  };
  on.on_end = [this](const std::string& reason) { handlers_.on_end(reason); };
  on.on_transaction = [this] {
    if (on_transaction) on_transaction();
  };
  coordination_.start(std::move(config), std::move(on));
}

bool EnsembleRegistryNode::may_act() const {
  return plants_zombie(env_.plan.plant) || coordination_.may_act();
}

void EnsembleRegistryNode::lead(const coordination::BecameLeader& won) {
  env_.judge->registry().loaded(won);
  auto registry = codec::decode_registry(won.entries);
  if (!registry.ok()) {
    env_.judge->violate("S25", "the registry does not parse: " + registry.error().message);
    return;
  }
  epoch_ = won.epoch;
  stored_ = std::move(registry).value();
  stored_.cluster_id = won.cluster_id;
  ahead_ = stored_;
  handlers_.on_lead(stored_, won.epoch);
}

void EnsembleRegistryNode::store(const RegistryCommand& command, Stored stored) {
  // It may be stored whatever becomes of this master: see above.
  if (const auto* removal = std::get_if<registry::RemoveFramework>(&command)) {
    env_.judge->framework_ended(removal->framework_id);
  }
  const auto changed = apply_entities(ahead_, command);
  ASSERT(changed.ok());
  under_way_.push_back(command);
  const CoordinationNode::Changes changes = codec::encode_registry_changes(ahead_, changed.value());
  const std::uint64_t write = env_.judge->registry().issued(epoch_, changes);
  const bool dropped = env_.plan.plant == Plant::write_dropped && env_.rng.chance(1, 16);
  coordination_.write(dropped ? CoordinationNode::Changes{} : changes,
                      [this, write, changes, stored = std::move(stored)](const Status& status) {
                        if (status.ok()) env_.judge->registry().told(epoch_, write, changes);
                        on_written(status, stored);
                      });
}

// Answers come in the order of the writes.
void EnsembleRegistryNode::on_written(const Status& status, const Stored& stored) {
  const RegistryCommand command = std::move(under_way_.front());
  under_way_.pop_front();
  if (status.ok()) {
    const Status applied = apply(stored_, command);
    ASSERT(applied.ok());
  } else {
    ahead_ = stored_;
    for (const RegistryCommand& later : under_way_) (void)apply(ahead_, later);
  }
  stored(status);
}

void EnsembleRegistryNode::stop(bool politely) {
  coordination_.stop(politely);
  under_way_.clear();
}

}  // namespace bourse::sim
