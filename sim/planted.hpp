// What planted bugs do to a master: only under a Plant, never else. One thread.
#pragma once

#include "master/core/master_core.hpp"
#include "model/agent_link.hpp"

namespace bourse::sim::planted {

// What a terminal update frees is used again by nobody.
void leak_ledger(const master::MasterCore& core, const master::Event& event);
// The master does not hear that its agent obeys a later one already.
void forget_epoch_seen(AgentToMaster& message);

}  // namespace bourse::sim::planted
