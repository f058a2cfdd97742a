// What the containers of this agent use, read from the kernel for its core. Stateless; the agent's
// thread.
#pragma once

#include <map>

#include "agent/core/event.hpp"
#include "agent/core/state.hpp"
#include "agent/isolation/container.hpp"
#include "base/result.hpp"

namespace bourse::agent {

UsageSampled sample_usage(const isolation::ContainerRuntime& runtime,
                          const std::map<ContainerId, ExecutorKey>& containers);

// unsupported: an estimator or a controller is wanted where nothing is counted, so all would seem
// idle.
Status check_measurable(const OversubscriptionConfig& wanted,
                        const isolation::ContainerRuntime& runtime);

}  // namespace bourse::agent
