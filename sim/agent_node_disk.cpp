// What an agent reads from its disk when it starts, and what becomes of what it writes.
#include <utility>

#include "proto/codec/records.hpp"
#include "sim/agent_node.hpp"
#include "sim/judge.hpp"
#include "sim/planted.hpp"

namespace bourse::sim {

std::optional<std::vector<CheckpointRecord>> AgentNode::stored_records() {
  const Result<std::vector<std::string>> read = disk_.open();
  if (!read.ok()) {
    refuse(read.error().message);
    return std::nullopt;
  }
  std::vector<CheckpointRecord> out;
  for (const std::string& bytes : *read) {
    Result<CheckpointRecord> record = codec::decode_checkpoint_record(bytes);
    if (!record.ok()) {
      env_.judge->violate("S25", "a checkpoint record does not parse: " + record.error().message);
      return std::nullopt;
    }
    out.push_back(std::move(record).value());
  }
  return out;
}

// It is not started again before a person has moved its work directory away. Nothing runs there.
void AgentNode::refuse(const std::string& damage) {
  env_.trace(name_, "refuses to start: " + damage);
  const Duration span = env_.healed ? env_.between_ms(500, 3'000) : env_.between_ms(5'000, 60'000);
  env_.schedule.in(span, [this, life = life_] {
    if (life != life_) return;
    env_.trace(name_, "somebody moves its work directory away");
    wipe();
    start();
  });
}

void AgentNode::note_issued(const agent::Checkpoint& write) {
  for (const CheckpointRecord& record : write.records) {
    if (const auto* update = std::get_if<checkpoint::UpdateStored>(&record)) {
      env_.judge->update_issued({update->framework_id, update->status.task_id}, update->status);
    }
  }
}

// What it could not write down it has forgotten, and its next life has it again.
void AgentNode::note_refused(const std::vector<CheckpointRecord>& records) {
  for (const CheckpointRecord& record : records) {
    if (std::holds_alternative<checkpoint::TaskForgotten>(record)) {
      env_.judge->forgetting_refused(last_name());
    }
  }
}

void AgentNode::perform_checkpoint(agent::Checkpoint& write) {
  if (launching_ && obeying_ < highest_epoch_) {
    env_.judge->violate("S6", name_ + " launches for epoch " + std::to_string(obeying_) +
                                  " after epoch " + std::to_string(highest_epoch_));
  }
  note_issued(write);
  std::vector<std::string> bytes;
  for (const CheckpointRecord& record : write.records) {
    bytes.push_back(codec::encode_checkpoint_record(record));
  }
  std::vector<agent::Effect> after = std::move(write.after);
  if (env_.plan.plant == Plant::early_promise) {
    for (agent::Effect& effect : after) perform(effect);
    after.clear();
  }
  disk_.submit(
      std::move(bytes),
      [this, id = write.id, records = write.records, after = std::move(after)](
          Disk::Outcome outcome, const std::string& reason) mutable {
        if (outcome == Disk::Outcome::rejected) {
          note_refused(records);
          return step(agent::Rejected{id, reason});
        }
        // Whether it is stored is open: only a restart, which reads the disk, can tell.
        if (outcome == Disk::Outcome::unknown) {
          env_.trace(name_, "ends: " + reason);
          return crash_and_return(env_.between_ms(100, 5'000), Machine::stays);
        }
        for (agent::Effect& effect : after) perform(effect);
        step(agent::Stored{id});
      },
      [this, records = write.records] {
        for (const CheckpointRecord& record : records) {
          if (const auto* update = std::get_if<checkpoint::UpdateStored>(&record)) {
            env_.judge->update_stored({update->framework_id, update->status.task_id},
                                      *update->status.uuid);
          } else if (const auto* ack = std::get_if<checkpoint::UpdateAcknowledged>(&record)) {
            env_.judge->acknowledgement_stored({ack->framework_id, ack->task_id}, ack->uuid);
          } else if (const auto* launch = std::get_if<checkpoint::ExecutorLaunched>(&record)) {
            env_.judge->container_stored(launch->container_id);
          }
        }
      });
}

}  // namespace bourse::sim
