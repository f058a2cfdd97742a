// The SDK's public values <-> the model, as the driver's framework-sdk/link/task_form makes them,
// without descriptions: nobody here reads those. Pure.
#pragma once

#include "bourse/types.hpp"
#include "model/facets.hpp"
#include "model/resources.hpp"
#include "model/scheduler_event.hpp"
#include "model/task_status.hpp"

namespace bourse::sim {

TaskFacet task_facet(const sdk::TaskSpec& task, const AgentId& agent);
sdk::Offer public_offer(const OfferFacet& offer);
sdk::TaskUpdate public_update(const TaskStatus& status);

}  // namespace bourse::sim
