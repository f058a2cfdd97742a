// Event: everything that can happen to a master core, as one value. Shells and the simulator make
// them; nothing else reaches the core. Two levels of variant, so that a handler sees its family
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/agent_link.hpp"
#include "model/authorization.hpp"
#include "model/framework_link.hpp"
#include "model/ids.hpp"
#include "model/quota.hpp"
#include "model/registry_command.hpp"

namespace bourse::master {

// A frame of an agent's link.
struct FromAgent {
  PeerId peer;
  Principal principal;
  AgentToMaster message;
};

// A call of a framework. Over the SDK's link each frame has a header; over HTTP every call is
// sequenced by its connection and header is zero. `stream` is where events to the framework go: for
// the link it equals peer; for HTTP it is the open SUBSCRIBE response named by Mesos-Stream-Id.
struct FromFramework {
  PeerId stream;
  Principal principal;
  FrameworkToMaster message;
  RequestId request;  // HTTP: answered by Effect Answer; empty over the link
};

// The transport lost this peer or stream. Nothing more will come from it.
struct PeerGone {
  PeerId peer;
};

// What became of a Persist, in the order in which they were issued.
struct Stored {
  PersistId id;
};
struct Rejected {  // not stored, and never will be: disk full, too large
  PersistId id;
  std::string reason;
};

// Writes by an operator.
namespace operation {
struct TeardownFramework {
  FrameworkId framework_id;
};
struct KillTask {
  FrameworkId framework_id;  // empty: the only framework with that task
  TaskId task_id;
  std::optional<Duration> grace;
};
struct SetWeight {
  std::string role;
  std::int64_t weight_milli = 1000;
};
struct DrainAgent {
  AgentId agent_id;
  std::optional<Duration> max_grace;
  bool mark_gone = false;
  bool force = false;                               // whatever budgets of frameworks allow
  std::optional<Duration> max_wait = std::nullopt;  // for what they allow; then as if forced
};
struct DeactivateAgent {
  AgentId agent_id;
};
struct ReactivateAgent {
  AgentId agent_id;
};
struct MarkAgentGone {
  AgentId agent_id;
};
struct ChangeResources {  // answered when the agent has stored it
  AgentId agent_id;
  ResourceOperation operation;
};
struct ExplainFramework {  // a question; answered by change::Explained
  FrameworkId framework_id;
};
struct UpdateQuota {  // all of them or none
  enum class How : std::uint8_t { update = 1, set_new, remove };
  How how = How::update;  // set_new: the role must have none; remove: it must have one
  std::vector<RoleQuota> quotas;
  bool force = false;
};
struct UpdateWeights {  // all of them or none
  std::vector<RoleWeight> weights;
};
struct UpdateSchedule {  // the whole of it: what does not stand in it is not planned any more
  std::vector<MaintenanceWindow> windows;
};
struct StartMaintenance {
  std::vector<MachineId> machines;
};
struct StopMaintenance {
  std::vector<MachineId> machines;
};
}  // namespace operation
struct FromOperator {
  RequestId request;
  Principal principal;
  std::variant<operation::TeardownFramework, operation::KillTask, operation::SetWeight,
               operation::DrainAgent, operation::DeactivateAgent, operation::ReactivateAgent,
               operation::MarkAgentGone, operation::ChangeResources, operation::ExplainFramework,
               operation::UpdateQuota, operation::UpdateWeights, operation::UpdateSchedule,
               operation::StartMaintenance, operation::StopMaintenance>
      body;
};

// Time passed; sent at or after next_deadline().
struct Tick {};

// The first event: the registry as recovered. From now on this master leads.
struct Lead {
  Registry registry;
};

struct Event {
  Stamp stamp;
  std::variant<FromAgent, FromFramework, PeerGone, Stored, Rejected, FromOperator, Tick, Lead> body;
};

}  // namespace bourse::master
