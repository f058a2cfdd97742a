// What planted bugs do to a master: only under a Plant, never else. One thread.
#pragma once

#include <optional>

#include "master/core/master_core.hpp"
#include "model/agent_link.hpp"
#include "model/framework_link.hpp"
#include "model/registry_command.hpp"
#include "sim/plan.hpp"

namespace bourse::sim::planted {

// What a terminal update frees is used again by nobody.
void leak_ledger(const master::MasterCore& core, const master::Event& event);
// The master does not hear that its agent obeys a later one already.
void forget_epoch_seen(AgentToMaster& message);

// What was declined may be offered again at once.
void forget_filters(FrameworkToMaster& message);
// A new leader overlooks what operators wanted.
void forget(Plant plant, Registry& registry);
// The acknowledgement of an update that no framework saw yet; null: nothing to acknowledge.
std::optional<master::SendToAgent> acknowledge(const master::MasterCore& core,
                                               const master::Event& event);

}  // namespace bourse::sim::planted
