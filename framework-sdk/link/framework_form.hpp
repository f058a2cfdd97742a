// What a scheduler's options say about its framework, as SUBSCRIBE and UPDATE_FRAMEWORK say it to a
// master. Errors name the option and what would be right. Private to the SDK; pure but for the
// names of this process's user and host.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bourse/scheduler.hpp"
#include "model/facets.hpp"
#include "model/offer_constraints.hpp"

namespace bourse::sdk {

struct Description {
  FrameworkFacet framework;
  std::vector<std::string> suppressed_roles;
  OfferConstraintsPtr offer_constraints;
};

Result<Description> description_of(const SchedulerOptions& options);

// `changed`, but who it is and how it speaks to its master stay as they were when it began.
SchedulerOptions updated(const SchedulerOptions& began, SchedulerOptions changed);

}  // namespace bourse::sdk
