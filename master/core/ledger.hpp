// Ledger: what becomes of one agent's resources. For each resource
//
//     free + offered + used + held - deficit = total,   all terms >= 0
//
//   offered  in live offers                 used     by tasks and executors
//   held     withheld: a container that could not be emptied (LEAKED)
//   deficit  promised but not there: the agent came back with less, or leaked what was free
//
// A deficit is data: it stops offers until it is gone. One of what is revocable stops offers of
// that alone: what the agent lends may shrink at any time, and the rest is there. A shared resource
// (a shared volume) counts once while used at all, whoever else uses it, and may be in any number
// of offers: it is never `offered` here. Ports and set items that two holders claim (an agent that
// lies, a leaked container) count once too, until the last of them ends. Value; one owner, one
// thread. Taking what is not there is our bug and ASSERTs, at the latest in balanced().
//
// What is free and what is offered are kept together: offers come and go all the time and mostly
// carry everything there is, so an offer is a note of what it carries, and what is left is worked
// out when somebody asks.
#pragma once

#include <tuple>
#include <vector>

#include "base/fingerprint.hpp"
#include "model/resources.hpp"

namespace bourse::master {

class Ledger {
 public:
  Ledger() = default;
  explicit Ledger(Resources total);

  const Resources& total() const { return total_; }
  Resources free() const;
  Resources offered() const;
  const Resources& used() const { return used_; }
  const Resources& held() const { return held_; }
  const Resources& deficit() const { return deficit_; }

  // What an offer may carry now: nothing while there is a deficit of what is not revocable; else
  // the free resources and every shared one, used or not.
  bool offerable() const { return deficit_.empty() || deficit_.non_revocable().empty(); }
  Resources available() const;
  // Whether these are what available() gave, and still what there is; false if it takes a look.
  bool still_available(const Resources& resources) const {
    return offers_.empty() && offerable() && !can_hold_shared() && resources.same_as(unpromised_);
  }

  // An offer opens. REQUIRES offerable() and available().contains(resources).
  void offer(const Resources& resources);
  // It closes, whatever it was for. REQUIRES that one like it was opened.
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
  // Operations changed what they mean. REQUIRES that each offer is in it still.
  void convert_total(Resources total);

  // The equation above, recomputed.
  bool balanced() const;
  void fingerprint(Fingerprint& fp) const;

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&Ledger::unpromised_, &Ledger::offers_, &Ledger::deficit_,
                      &Ledger::shared_uses_, &Ledger::shared_in_total_, &Ledger::total_,
                      &Ledger::used_, &Ledger::held_, &Ledger::overlaps_);
  }

 private:
  void settle();
  bool can_hold_shared() const { return shared_in_total_ || !shared_uses_.empty(); }
  void release_last(const Resources& resources);

  // What offers touch stands first.
  Resources unpromised_;           // free and offered
  std::vector<Resources> offers_;  // without what is shared
  Resources deficit_;
  Resources shared_uses_;  // shared: one copy per user
  bool shared_in_total_ = false;
  Resources total_;
  Resources used_;  // shared: one copy while used at all
  Resources held_;
  std::vector<Resources> overlaps_;  // ranges and items claimed by one more user than the first
};

}  // namespace bourse::master
