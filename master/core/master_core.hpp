// MasterCore: the master as a deterministic machine. Events go in, effects come out; nothing else
// is touched. The same events give the same effects and the same fingerprint on every machine. A
// plain value: copy it to fork a run. One owner, one thread.
//
// The first event is Lead. Afterwards the shell feeds every event in the order of arrival, performs
// the effects in order, and sends Tick at or after next_deadline().
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "master/core/config.hpp"
#include "master/core/context.hpp"
#include "master/core/effect.hpp"
#include "master/core/event.hpp"
#include "master/core/state.hpp"

namespace bourse::master {

class MasterCore {
 public:
  explicit MasterCore(MasterConfig config);
  // One that goes on from another's state.
  MasterCore(MasterConfig config, MasterState state);
  // Out of line: who holds a core would otherwise compile the copy of its whole state.
  MasterCore(const MasterCore&);
  MasterCore(MasterCore&&) noexcept;
  MasterCore& operator=(const MasterCore&);
  MasterCore& operator=(MasterCore&&) noexcept;
  ~MasterCore();

  // Appends to `effects`; the caller clears it between steps.
  void step(const Event& event, Effects& effects);

  // When the next Tick is due; Instant::max(): none.
  Instant next_deadline() const;

  // Equal states have equal fingerprints, and different ones all but surely different ones.
  std::uint64_t fingerprint() const;

  // Checks every row and every sum; ASSERTs on the first that does not hold. Each step checks the
  // rows that it touched.
  void check_invariants() const;

  // Why a framework gets no offer of an agent just now, in one of the allocator's words; empty:
  // nothing is in the way. For people who ask.
  std::string explain(const FrameworkId& framework, const std::string& role,
                      const AgentId& agent) const;

  const MasterState& state() const { return state_; }
  const MasterConfig& config() const { return config_; }

 private:
  MasterConfig config_;
  MasterState state_;
  RoundMemory memory_;
};

}  // namespace bourse::master
