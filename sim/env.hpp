// Env: what every part of a simulated world shares: the clock, the one random source, the plan, the
// judge, the trace and the counts. Owned by the World; outlives its parts. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fingerprint.hpp"
#include "base/prng.hpp"
#include "base/time.hpp"
#include "sim/node_clock.hpp"
#include "sim/plan.hpp"
#include "sim/schedule.hpp"

namespace bourse::sim {

class Judge;

struct Env {
  const Plan& plan;
  Schedule schedule;
  Prng rng;
  Judge* judge = nullptr;
  Fingerprint fingerprint;
  Fingerprint decisions;  // which steps were made when, and what was told: no times of day
  bool tracing = false;
  bool healed = false;   // the second phase: nothing goes wrong any more
  bool settled = false;  // and everybody is back (sim/liveness.hpp)
  // An agent's, under a clock set back: its disk did not have the last one.
  bool life_named_again = false;
  Instant links_tell;  // by then each that broke has told its ends
  Duration disk_slowness;

  std::uint64_t core_events = 0;
  std::uint64_t faults = 0;
  std::uint64_t messages = 0;
  std::uint64_t peers_made = 0;

  Env(const Plan& drawn, bool trace)
      : plan(drawn), rng(drawn.seed ^ 0x5eed5eed5eed5eedULL), tracing(trace) {}

  // Of one machine: each has its own.
  NodeClock draw_clock() {
    return {Duration::seconds(rng.between(0, 100'000)),
            rng.between(-plan.clock_drift_ppm, plan.clock_drift_ppm),
            Duration{rng.between(-plan.wall_skew.ns, plan.wall_skew.ns)}};
  }
  // True in `permille` of thousand cases while faults happen.
  bool fault(int permille) {
    if (healed || permille == 0 || !rng.chance(static_cast<std::uint64_t>(permille), 1000)) {
      return false;
    }
    ++faults;
    return true;
  }
  Duration between_ms(std::int64_t low, std::int64_t high) {
    return Duration::milliseconds(rng.between(low, high));
  }
  // One line of the readable trace. Cheap when nobody reads it: guard costly texts by `tracing`.
  void trace(std::string_view who, std::string_view what) const;
  // A step of a core: counted, and part of the fingerprint.
  void count_event(std::string_view who, std::size_t kind);
};

}  // namespace bourse::sim
