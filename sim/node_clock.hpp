// NodeClock: the clocks of one machine in a simulated world. Its monotonic clock began somewhere
// and runs a little fast or slow; its wall clock is off, and jumps. Value; one owner.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace bourse::sim {

class NodeClock {
 public:
  NodeClock() = default;
  NodeClock(Duration ahead, std::int64_t drift_ppm, Duration wall_offset)
      : ahead_(ahead), drift_ppm_(drift_ppm), wall_offset_(wall_offset) {}

  Instant here(Instant world) const {
    return Instant{ahead_.ns + world.ns + world.ns / 1'000 * drift_ppm_ / 1'000};
  }
  // The first moment of the world at which this clock shows `here` or more.
  Instant world(Instant here) const {
    constexpr std::int64_t kMillion = 1'000'000;
    const std::int64_t span = here.ns - ahead_.ns;
    Instant out{span - span / (kMillion + drift_ppm_) * drift_ppm_};
    while (this->here(out) < here) out.ns += 1'000;
    return out;
  }
  Stamp stamp(Instant world) const {
    return {here(world), WallTime{1'800'000'000'000'000'000} + Duration{world.ns} + wall_offset_};
  }
  void set_wall_offset(Duration offset) { wall_offset_ = offset; }

 private:
  Duration ahead_;
  std::int64_t drift_ppm_ = 0;
  Duration wall_offset_;
};

}  // namespace bourse::sim
