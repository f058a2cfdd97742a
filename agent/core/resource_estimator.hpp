// ResourceEstimator: the plug-in that says how much of what is allocated may be lent. It sees
// samples and answers with amounts; it touches nothing (docs/oversubscription.md tells how to write
// one). One owner, one thread.
#pragma once

#include <memory>

#include "agent/core/usage_sample.hpp"
#include "base/fingerprint.hpp"
#include "model/facets.hpp"

namespace bourse::agent {

class ResourceEstimator {
 public:
  ResourceEstimator() = default;
  ResourceEstimator& operator=(const ResourceEstimator&) = delete;
  virtual ~ResourceEstimator() = default;

  virtual std::unique_ptr<ResourceEstimator> clone() const = 0;
  // Every sample, in their order.
  virtual void look(const UsageSample& sample) = 0;
  // All that may be lent from now on, what is lent already included: thousandths by name. The core
  // lends no more of a name than the agent has of it, and nothing that it has not.
  virtual Quantities estimate(Instant now) const = 0;
  // What its next answers depend on.
  virtual void fingerprint(Fingerprint& fp) const = 0;

 protected:
  ResourceEstimator(const ResourceEstimator&) = default;
};

}  // namespace bourse::agent
