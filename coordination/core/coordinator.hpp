// Coordinator: the deterministic machine of one process at ZooKeeper. It stands for the leadership,
// takes it in one transaction that raises the fencing epoch, reads the registry and writes to it,
// and steps down when in doubt; it touches nothing. One owner, one thread. Copyable.
//
// Invariants (check_invariants, asserted after each step):
//  1. nothing is asked unless the session is connected;
//  2. a leader has a session, a candidate's node and an epoch; nobody else has writes;
//  3. a shard is busy exactly when one batch in flight has it, and batches share none;
//  4. every write is pending, in one batch, or has a fate that waits for those before it.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include "coordination/core/config.hpp"
#include "coordination/core/effect.hpp"
#include "coordination/core/event.hpp"
#include "coordination/core/state.hpp"

namespace bourse::coordination {

class Coordinator {
 public:
  explicit Coordinator(CoordinationConfig config) : config_(std::move(config)) {}

  // REQUIRES that the first event is Started. Appends to effects.
  void step(const Event& event, Effects& effects);

  // When a Tick is wanted at the latest; Instant::max(): not at all.
  Instant next_deadline() const { return state_.deadlines.next(); }

  // Whether a leader may still act: to be asked right before anything is ordered of anybody.
  bool may_act(Instant now) const { return now < acts_until(); }
  // When that ends unless the ensemble is heard of again; kNever while this one does not lead.
  static constexpr Instant kNever{std::numeric_limits<std::int64_t>::min()};
  Instant acts_until() const;

  const CoordinatorState& state() const { return state_; }
  std::uint64_t fingerprint() const;
  void check_invariants() const;

 private:
  CoordinationConfig config_;
  CoordinatorState state_;
};

}  // namespace bourse::coordination
