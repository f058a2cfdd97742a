// Ledger: what becomes of one agent's resources. For each resource
//
//     free + offered + used + held - deficit = total,   all terms >= 0
//
//   offered  in live offers                 used     by tasks and executors
//   held     withheld: a container that could not be emptied (LEAKED)
//   deficit  promised but not there: the agent came back with less, or leaked what was free
//
// A deficit is data: it stops offers until it is gone. A shared resource (a shared volume) counts
// once while used at all, whoever else uses it, and may be in any number of offers: it is never
// `offered` here. Ports and set items that two holders claim (an agent that lies, a leaked
// container) count once too, until the last of them ends. Value; one owner, one thread. Taking what
// is not there is our bug and ASSERTs.
#pragma once

#include <vector>

#include "base/fingerprint.hpp"
#include "model/resources.hpp"

namespace bourse::master {

class Ledger {
 public:
  Ledger() = default;
  explicit Ledger(Resources total);

  const Resources& total() const { return total_; }
  const Resources& free() const { return free_; }
  const Resources& offered() const { return offered_; }
  const Resources& used() const { return used_; }
  const Resources& held() const { return held_; }
  const Resources& deficit() const { return deficit_; }

  // What an offer may carry now: nothing while there is a deficit; else the free resources and
  // every shared one, used or not.
  bool offerable() const { return deficit_.empty(); }
  Resources available() const;

  // An offer opens. REQUIRES offerable() and available().contains(resources).
  void offer(const Resources& resources);
  // It closes, whatever it was for.
  void unoffer(const Resources& resources);

  // A task or executor starts to hold. REQUIRES that it is free (or shared and there).
  void use(const Resources& resources);
  // A task or executor that is there whatever we think: may make a deficit.
  void use_anyway(const Resources& resources);
  // It ended. REQUIRES that it was used.
  void release(const Resources& resources);

  void hold(const Resources& resources);
  void unhold(const Resources& resources);

  // The agent came back with another total. REQUIRES no offers.
  void set_total(Resources total);

  // The equation above, recomputed.
  bool balanced() const;
  void fingerprint(Fingerprint& fp) const;

  bool operator==(const Ledger&) const = default;

 private:
  void settle();
  void release_last(const Resources& resources);

  Resources total_;
  Resources free_;
  Resources offered_;
  Resources used_;  // shared: one copy while used at all
  Resources held_;
  Resources deficit_;
  Resources shared_uses_;            // shared: one copy per user
  std::vector<Resources> overlaps_;  // ranges and items claimed by one more user than the first
};

}  // namespace bourse::master
