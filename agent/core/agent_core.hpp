// AgentCore: the deterministic machine of one agent. It decides what to launch, kill, store, resend
// and report; it touches nothing. One owner, one thread. Copyable: a copy is a fork of the agent.
//
// Invariants (asserted after each step of the rows that it touched; check_invariants, which the
// simulator and tests call, sweeps them all):
//  1. every task has its executor, every executor its framework, every by_* index its target;
//  2. a task's queue of updates has at most kMaxPendingUpdatesPerTask entries, a terminal one only
//  last;
//  3. nothing is started, told or sent that is not stored first;
//  4. a task past `storing` is in the checkpoint; a terminal task's queue is not empty (else it is
//     forgotten).
#pragma once

#include <vector>

#include "agent/core/effect.hpp"
#include "agent/core/event.hpp"
#include "agent/core/state.hpp"

namespace bourse::agent {

class AgentCore {
 public:
  explicit AgentCore(AgentConfig config);
  // Out of line: who holds a core would otherwise compile the copy of its whole state.
  AgentCore(const AgentCore&);
  AgentCore(AgentCore&&) noexcept;
  AgentCore& operator=(const AgentCore&);
  AgentCore& operator=(AgentCore&&) noexcept;
  ~AgentCore();

  // REQUIRES that the first event is Started. Appends to effects.
  void step(const Event& event, Effects& effects);

  // When a Tick is wanted at the latest; Instant::max(): not at all.
  Instant next_deadline() const { return state_.deadlines.next(); }

  // The fewest records that rebuild what was issued so far: for compaction of the checkpoint.
  std::vector<CheckpointRecord> snapshot() const;

  const AgentState& state() const { return state_; }
  std::uint64_t fingerprint() const;
  void check_invariants() const;

 private:
  void check_touched();

  AgentConfig config_;
  AgentState state_;
};

}  // namespace bourse::agent
