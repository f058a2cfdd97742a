// Time as data. Three kinds that do not mix:
//   Duration  a span, nanoseconds, may be negative
//   Instant   a point on a clock that only goes forward (CLOCK_BOOTTIME in a daemon, virtual in the
//             simulator); leases, deadlines and time-outs use only this
//   WallTime  nanoseconds since 1970 UTC, for people and the wire; never compared with a deadline
// There is no now() here: time enters a core on its event. Arithmetic saturates instead of
// wrapping, so "never" (Instant::max()) stays never. Values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace bourse {

namespace detail {
constexpr std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max()
               : std::numeric_limits<std::int64_t>::min();
}
}  // namespace detail

struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
  static constexpr Duration microseconds(std::int64_t n) { return scaled(n, 1'000); }
  static constexpr Duration milliseconds(std::int64_t n) { return scaled(n, 1'000'000); }
  static constexpr Duration seconds(std::int64_t n) { return scaled(n, 1'000'000'000); }
  static constexpr Duration max() { return {std::numeric_limits<std::int64_t>::max()}; }

  constexpr std::int64_t ms() const { return ns / 1'000'000; }
  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const {
    return {detail::saturating_add(ns, other.ns)};
  }
  constexpr Duration operator-(Duration other) const {
    return {detail::saturating_add(ns, -other.ns)};
  }
  constexpr Duration operator*(std::int64_t factor) const { return scaled(ns, factor); }
  constexpr Duration operator/(std::int64_t divisor) const { return {ns / divisor}; }

 private:
  static constexpr Duration scaled(std::int64_t n, std::int64_t unit_ns) {
    std::int64_t product = 0;
    if (!__builtin_mul_overflow(n, unit_ns, &product)) return {product};
    const bool negative = (n < 0) != (unit_ns < 0);
    return {negative ? std::numeric_limits<std::int64_t>::min()
                     : std::numeric_limits<std::int64_t>::max()};
  }
};

struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant max() { return {std::numeric_limits<std::int64_t>::max()}; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {detail::saturating_add(ns, d.ns)}; }
  constexpr Instant operator-(Duration d) const { return {detail::saturating_add(ns, -d.ns)}; }
  constexpr Duration operator-(Instant other) const {
    return {detail::saturating_add(ns, -other.ns)};
  }
};

struct WallTime {
  std::int64_t ns = 0;

  constexpr auto operator<=>(const WallTime&) const = default;
  constexpr WallTime operator+(Duration d) const { return {detail::saturating_add(ns, d.ns)}; }
};

// When an event happened, as its shell saw it: both clocks, read once per batch of events.
struct Stamp {
  Instant now;
  WallTime wall;

  constexpr auto operator<=>(const Stamp&) const = default;
};

}  // namespace bourse
