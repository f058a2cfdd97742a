// QosController: the plug-in that says which containers on lent resources have to go, so that those
// on their own get what they were promised. It sees samples and answers with names; it touches
// nothing (docs/oversubscription.md tells how to write one). One owner, one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/core/usage_sample.hpp"
#include "base/fingerprint.hpp"

namespace bourse::agent {

struct Eviction {
  ContainerId container_id;
  std::string reason;  // with numbers: its framework reads it
};

class QosController {
 public:
  QosController() = default;
  QosController& operator=(const QosController&) = delete;
  virtual ~QosController() = default;

  virtual std::unique_ptr<QosController> clone() const = 0;
  // Who goes now. The core ends no container that holds nothing lent, whatever the answer is.
  virtual std::vector<Eviction> look(const UsageSample& sample) = 0;
  // What its next answers depend on.
  virtual void fingerprint(Fingerprint& fp) const = 0;

 protected:
  QosController(const QosController&) = default;
};

}  // namespace bourse::agent
