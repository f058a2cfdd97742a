// UsageEstimator, called "usage": what containers were allocated without what they used, nearly
// always, in a window of time, and without a margin.
//
// Each container has a history of its own, and one that is shorter than the window counts for
// nothing: a task that has just started is not idle. The window is cut into slots, of which the
// highest use is kept, so a history has one size however often samples come. Copyable; one owner,
// one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "agent/core/plug_in.hpp"
#include "agent/core/resource_estimator.hpp"

namespace bourse::agent {

class UsageEstimator : public ResourceEstimator {
 public:
  static constexpr std::int64_t kSlots = 60;

  static std::vector<Parameter> parameters();
  explicit UsageEstimator(const Parameters& parameters);

  std::unique_ptr<ResourceEstimator> clone() const override;
  void look(const UsageSample& sample) override;
  Quantities estimate(Instant now) const override;
  void fingerprint(Fingerprint& fp) const override;

 private:
  struct Amounts {
    std::int64_t cpu_milli = 0;
    std::int64_t memory_milli = 0;
  };
  struct Slot {
    std::int64_t number = 0;  // time in lengths of a slot
    Amounts most;
  };
  struct History {
    Instant since;
    Amounts allocated;
    std::deque<Slot> slots;
    std::uint64_t seen = 0;
  };

  static Amounts own_of(const Resources& allocated);
  void add(History& history, const UsageSample::Use& use, Instant at) const;
  std::int64_t nearly_most(const History& history, std::int64_t Amounts::*of) const;

  Duration window_;
  std::int64_t percentile_permille_ = 0;
  std::int64_t margin_permille_ = 0;
  bool lends_memory_ = false;
  std::map<ContainerId, History> histories_;
  std::uint64_t samples_ = 0;
};

}  // namespace bourse::agent
