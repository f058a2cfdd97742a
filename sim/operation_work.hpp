// OperationWork: what a small framework does with the disk that it is offered: it reserves some,
// makes volumes of it, destroys them and gives it back. It draws from a seed of its own, so that
// worlds without it stay as they were. Owned by its FrameworkNode; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/prng.hpp"
#include "model/operation_status.hpp"
#include "model/scheduler_call.hpp"
#include "model/scheduler_event.hpp"

namespace bourse::sim {

class Judge;

class OperationWork {
 public:
  OperationWork(std::uint64_t seed, int framework, std::string role, std::string principal);

  // Operations on an offer, and what is left of it for tasks. `made`: a volume that is new in it.
  std::vector<OfferOperation> draw(const OfferFacet& offer, Resources& left, Resources& made,
                                   Judge& judge);
  void heard(const OperationStatus& status, Judge& judge);

 private:
  // Whether it fits.
  bool add(ResourceOperation::Type type, Resource resource, const OfferFacet& offer,
           Resources& left, std::vector<OfferOperation>& out);
  Resource reserved_disk(std::int64_t milli) const;
  Resource volume_of(const std::string& id) const;

  Prng rng_;
  std::string prefix_;
  std::string role_;
  std::string principal_;
  std::vector<Label> labels_;  // of what it reserves
  bool on_ = false;
  std::uint64_t named_ = 0;
  struct Asked {
    AgentId agent;
    ResourceOperation::Type type;
    Resource resource;
    bool done = false;
  };
  std::map<OperationId, Asked> asked_;
};

}  // namespace bourse::sim
