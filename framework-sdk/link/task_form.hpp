// The SDK's public values <-> the model: what an author writes becomes a facet with a validated
// canonical description, what the master says becomes plain values. Private to the SDK; pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "bourse/executor.hpp"
#include "bourse/scheduler.hpp"
#include "bourse/types.hpp"
#include "model/executor_link.hpp"
#include "model/facets.hpp"
#include "model/scheduler_call.hpp"
#include "model/scheduler_event.hpp"

namespace bourse::sdk {

class OfferPool;

// Errors name the field of the task and what would be right.
// What it holds is taken of the pool.
Result<TaskFacet> task_facet(const TaskSpec& task, const std::string& agent_id,
                             const FrameworkId& framework_id, OfferPool& pool);

// Errors name the entry and what would be right.
Result<call::Request> request_of(const std::vector<Wanted>& wanted);

Offer public_offer(const OfferFacet& offer);
InverseOffer public_inverse_offer(const InverseOfferFacet& offer);
TaskUpdate public_update(const TaskStatus& status);
OperationUpdate public_operation(const OperationStatus& status);
LaunchedTask public_task(const TaskFacet& task);
Resources public_resources(const bourse::Resources& resources);
bourse::Resources model_resources(const Resources& resources);

}  // namespace bourse::sdk
