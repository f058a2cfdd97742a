// Event: everything that can happen to an agent core, as one value. Shells and the simulator make
// them; nothing else reaches the core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/usage_sample.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "model/agent_link.hpp"
#include "model/checkpoint_record.hpp"
#include "model/executor_link.hpp"
#include "model/ids.hpp"

namespace bourse::agent {

// First event: who we could be and what the checkpoint and the container runtime remember.
struct Started {
  // What a container is at the moment of recovery.
  struct FoundContainer {
    ContainerId container_id;
    bool running = false;
    std::optional<std::uint32_t> pid;
    std::optional<int> wait_status;  // it ended while no agent was there; absent: never known
    bool out_of_memory = false;
    bool leaked = false;                       // ended, but processes of it are still there
    bool unhealthy = false;                    // it was ended for its health
    std::optional<std::string> not_started{};  // it never began, and why
  };
  AgentFacetPtr detected;  // resources, attributes, hostname, http address; id empty
  // At least; wall clock milliseconds. The core counts on from the last life if that is more.
  std::uint64_t incarnation = 0;
  std::uint64_t seed = 0;  // unique per start: for uuids and jitter
  SecretKey token_key{};   // secret: for executors' tokens
  std::string boot_id;
  std::vector<CheckpointRecord> records;
  std::vector<FoundContainer> containers;
  Blob status_extra;  // of every status that this agent makes (TaskStatus::extra): its address
};

struct FromMaster {
  MasterToAgent message;
};
// The transport's view of the link to the master.
struct MasterConnected {};
struct MasterLost {};

// A framework's own executor, on its connection. Over HTTP its events are the response to its
// SUBSCRIBE, which is its connection then; other calls come without one, and each call is answered.
struct FromExecutor {
  PeerId peer;
  ExecutorCall call;
  RequestId request = {};  // over HTTP: what AnswerExecutor answers
  bool from_here = false;  // over HTTP: from an address of this machine
};
struct ExecutorGone {  // its connection closed; the container may still run
  PeerId peer;
};

// The container runtime.
struct ContainerStarted {
  ContainerId container_id;
  std::uint32_t pid = 0;  // of the task or executor
};
struct ContainerExited {  // its cgroup is empty, or (leaked) could not be emptied
  ContainerId container_id;
  int wait_status = 0;
  bool status_known = true;  // false: the shim died with the status unwritten
  bool out_of_memory = false;
  bool leaked = false;
  bool unhealthy = false;  // its supervisor ended it because its health check failed too often
};
struct ContainerCleaned {  // a leaked container is empty at last
  ContainerId container_id;
};
struct ContainerFailed {  // it never started
  ContainerId container_id;
  std::string reason;
};

// What the checks of a command task say: after a change, and once before it starts.
struct TaskChecked {
  ContainerId container_id;
  std::optional<bool> healthy;  // absent: no health check, or none that counts was made yet
  std::uint32_t failures = 0;   // in a row
  bool ends = false;            // and it is being ended for that
  Blob extra;                   // of its statuses from here on; empty: its check has no say
};

struct Stored {
  PersistId id;
};
struct Rejected {
  PersistId id;
  std::string reason;
};

// The answer to SampleUsage.
struct UsageSampled {
  std::vector<ContainerUsage> containers;
  MachinePressure pressure;
};

struct Tick {};

struct Event {
  Stamp stamp;
  std::variant<Started, FromMaster, MasterConnected, MasterLost, FromExecutor, ExecutorGone,
               ContainerStarted, ContainerExited, ContainerCleaned, ContainerFailed, Stored,
               Rejected, Tick, UsageSampled, TaskChecked>
      body;
};

}  // namespace bourse::agent
