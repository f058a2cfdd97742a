// ServiceCore: the service scheduler as a deterministic machine. Events go in, effects come out;
// nothing else is touched. The same events give the same effects and the same fingerprint on every
// machine. A plain value: copy it to fork a run. One owner, one thread.
//
// The first event is Start. Afterwards the shell feeds every event in the order of arrival,
// performs the effects in order, and sends Tick at or after next_deadline().
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "frameworks/service/core/effect.hpp"
#include "frameworks/service/core/event.hpp"
#include "frameworks/service/core/state.hpp"

namespace bourse::service {

class ServiceCore {
 public:
  explicit ServiceCore(ServiceConfig config) : config_(config) {}

  // Appends to `effects`; the caller clears it between steps.
  void step(const Event& event, Effects& effects);
  // When the next Tick is due; Instant::max(): none.
  Instant next_deadline() const { return state_.deadlines.next(); }
  // Equal states have equal fingerprints, and different ones all but surely different ones.
  std::uint64_t fingerprint() const;
  // Checks every row and every count; ASSERTs on the first that does not hold.
  void check_invariants() const;

  const ServiceState& state() const { return state_; }

 private:
  ServiceConfig config_;
  ServiceState state_;
};

}  // namespace bourse::service
