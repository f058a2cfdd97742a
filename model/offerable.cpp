#include "model/offerable.hpp"

#include <algorithm>

namespace bourse {

OfferTerms terms_of(const FrameworkFacet& framework, const OfferConstraintsPtr& constraints,
                    const std::string& role, const std::string& region) {
  OfferTerms out{role, framework.capabilities, nullptr, region};
  if (constraints == nullptr) return out;
  const auto groups = constraints->roles.find(role);
  if (groups != constraints->roles.end()) out.constraints = &groups->second;
  return out;
}

bool admits(const OfferTerms& terms, const AgentFacet& agent, const Resources& total) {
  const auto& list = total.list();
  const bool has_gpus = std::any_of(list.begin(), list.end(), [](const Resource& resource) {
    return resource.name == "gpus" && !resource.is_revocable();
  });
  if (has_gpus && !terms.can.has(Capabilities::gpu_resources)) return false;
  const std::string& region = agent.domain.region;
  const bool remote = !region.empty() && !terms.region.empty() && region != terms.region;
  if (remote && !terms.can.has(Capabilities::region_aware)) return false;
  return terms.constraints == nullptr || passes(agent, *terms.constraints);
}

bool admits(const OfferTerms& terms, const Resource& resource) {
  if (!role_may_use(terms.role, resource.role())) return false;
  if (resource.is_revocable() && !terms.can.has(Capabilities::revocable_resources)) return false;
  if (resource.is_shared() && !terms.can.has(Capabilities::shared_resources)) return false;
  const bool refined = resource.meta && resource.meta->reservations.size() > 1;
  return !refined || terms.can.has(Capabilities::reservation_refinement);
}

std::int64_t copies_within(const Fit& fit, std::int64_t most) {
  std::int64_t copies = most;
  for (std::size_t d = 0; d < fit.wanted.size(); ++d) {
    if (fit.wanted[d] <= 0) continue;
    const std::int64_t open = std::min(fit.open[d], std::max<std::int64_t>(fit.left[d], 0));
    copies = std::min(copies, (fit.kept[d] + open) / fit.wanted[d]);
  }
  for (std::size_t d = 0; d < fit.wanted.size(); ++d) {
    if (fit.wanted[d] <= 0) continue;
    fit.left[d] -= std::max<std::int64_t>(copies * fit.wanted[d] - fit.kept[d], 0);
  }
  return copies;
}

}  // namespace bourse
