// Effect: everything an agent core wants done, as one value. The effect runner (agent/shell) and
// the simulator perform them in order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/agent_link.hpp"
#include "model/checkpoint_record.hpp"
#include "model/executor_link.hpp"
#include "model/ids.hpp"
#include "model/note.hpp"

namespace bourse::agent {

struct Effect;

struct SendToMaster {
  AgentToMaster message;
};
struct SendToExecutor {
  PeerId peer;
  ExecutorEvent event;
};
// Each call over HTTP has one: taken, or the reason why not. SUBSCRIBE: before its first event.
struct AnswerExecutor {
  RequestId request;
  Status status;
};
struct CloseExecutor {
  PeerId peer;
  std::string reason;
};
// Store in order of issue. `after` may leave only once it is stored, before the Stored event's own
// effects. Rejected: `after` never leaves.
// The directory of a volume that is created is made first: if it cannot be, neither is it stored.
struct Checkpoint {
  PersistId id;
  std::vector<CheckpointRecord> records;
  std::vector<Effect> after;
};
// Start a container. What to run is in the descriptions: the shell decodes them.
struct StartContainer {
  ContainerId container_id;
  FrameworkFacetPtr framework;
  ExecutorFacetPtr executor;  // what to run unless command_task
  TaskFacetPtr task;          // command task; null for an executor's container
  Resources resources;        // limits: of the task, or of the executor and what runs in it
  std::string user;
  std::string token;  // for the executor's environment
  Duration kill_grace;
};
// The container's limits follow the tasks in it.
struct ResizeContainer {
  ContainerId container_id;
  Resources resources;
};
// SIGTERM, after the grace SIGKILL to the whole tree. A zero grace kills at once.
struct KillContainer {
  ContainerId container_id;
  Duration grace;
};
// Nothing refers to it any more: run directory may go at once, the sandbox after its retention.
struct ReleaseContainer {
  ContainerId container_id;
};
// A destroyed volume: what is in it goes.
struct RemoveVolume {
  Resource volume;
};
// Drop the connection and make a new one (the session is over or a newer master is to be found).
struct ReconnectMaster {
  std::string reason;
};
// Look at what containers use: UsageSampled.
struct SampleUsage {};
// Exit with the reason.
struct Stop {
  enum class Cause : std::uint8_t {
    refused,  // this agent may not run under its identity or configuration: somebody must look
    done,     // what it was started for is done
  };
  std::string reason;
  Cause cause = Cause::refused;
};

struct Effect {
  std::variant<SendToMaster, SendToExecutor, CloseExecutor, Checkpoint, StartContainer,
               ResizeContainer, KillContainer, ReleaseContainer, ReconnectMaster, Stop,
               AnswerExecutor, RemoveVolume, SampleUsage>
      body;
};

struct Effects {
  std::vector<Effect> list;
  std::vector<Note> notes;

  void clear() {
    list.clear();
    notes.clear();
  }
};

}  // namespace bourse::agent
