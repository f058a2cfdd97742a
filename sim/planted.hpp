// What planted bugs do to a master or an agent: only under a Plant, never else. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/effect.hpp"
#include "base/time.hpp"
#include "master/core/master_core.hpp"
#include "model/agent_link.hpp"
#include "model/change.hpp"
#include "model/checkpoint_record.hpp"
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

// To a question about tasks on agents that this master has not seen yet: LOST.
std::vector<master::SendToFramework> say_lost(const master::MasterCore& core,
                                              const master::Event& event);
// Whether it is of an agent that was given up and is back.
bool comes_back(const master::MasterCore& core, const AgentToMaster& message);
// One question of four becomes something else.
void lose_question(FrameworkToMaster& message);
// Half of what a framework says that it wants.
void halve_wants(FrameworkToMaster& message);
// An order to end a task whose framework was told that it is over becomes something else.
void spare_what_is_over(const master::MasterCore& core, master::SendToAgent& order);

// What tasks are launched with is free in the ledger of their agent.
void free_at_launch(const master::MasterCore& core, const master::Event& event,
                    const master::Effects& effects);
// The offers that were opened never lapse.
void keep_offers(const master::MasterCore& core, const master::Effects& effects);
// No role has a limit where offers are made; the quotas that are listed have theirs.
void forget_limits(const master::MasterCore& core);
// What is to be forgotten becomes an agent that is there.
void forget_another(const master::MasterCore& core, RegistryCommand& command);

// One Change of many is not published.
void swallow(std::vector<Change>& changes);

// What an agent that starts overlooks of what it wrote.
void forget(Plant plant, std::vector<CheckpointRecord>& records);
// What it adds to the number that it is to draw its pauses from.
std::uint64_t bias(Plant plant, WallTime now);
// An update under another name, that was never made.
SharedStatus invent(const SharedStatus& status);
// The number of a life of an agent, each lower than the last; and none that is newer is heard of.
std::uint64_t count_down(std::uint64_t life);
void forget_newest(MasterToAgent& message);
// What it starts besides; none: nothing.
std::optional<agent::StartContainer> start_also(Plant plant, const agent::StartContainer& start);

}  // namespace bourse::sim::planted
