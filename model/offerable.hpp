// What a framework may be offered of an agent at all, whoever's turn it is and whatever it
// declined: by what it can handle, by its constraints, and by what the limits of its roles leave.
// For those who say what would fit; the allocator has the same in its tables. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/facets.hpp"
#include "model/offer_constraints.hpp"
#include "model/resources.hpp"

namespace bourse {

struct OfferTerms {
  std::string role;
  Capabilities can;
  const std::vector<ConstraintGroup>* constraints = nullptr;  // null: any agent will do
  std::string region;                                         // the master's; empty: it has none
};

// In the role, by the framework's capabilities and constraints.
OfferTerms terms_of(const FrameworkFacet& framework, const OfferConstraintsPtr& constraints,
                    const std::string& role, const std::string& region);

// Whether it is offered anything of such an agent. `total`: what the agent has.
bool admits(const OfferTerms& terms, const AgentFacet& agent, const Resources& total);
// Whether this part of it is for the framework.
bool admits(const OfferTerms& terms, const Resource& resource);

// By dimension. `kept` counts for the limits already (reserved for the role, or on offer to it),
// `open` does once it is offered: at most `left` of it, which falls by what is taken.
struct Fit {
  std::span<const std::int64_t> wanted;
  std::span<const std::int64_t> kept;
  std::span<const std::int64_t> open;
  std::span<std::int64_t> left;
};
// How often what is wanted fits, `most` times at most. REQUIRES something wanted.
std::int64_t copies_within(const Fit& fit, std::int64_t most);

}  // namespace bourse
