#include "runtime/clock.hpp"

#include <ctime>

#include "base/assert.hpp"

namespace bourse::runtime {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec at{};
  const int rc = clock_gettime(clock, &at);
  ASSERT(rc == 0);
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

Instant monotonic_now() {
  return {read_clock(CLOCK_BOOTTIME)};
}

WallTime wall_now() {
  return {read_clock(CLOCK_REALTIME)};
}

Stamp stamp_now() {
  return {monotonic_now(), wall_now()};
}

}  // namespace bourse::runtime
