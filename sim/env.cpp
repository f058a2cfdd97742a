#include "sim/env.hpp"

#include <cstdio>

namespace bourse::sim {

void Env::trace(std::string_view who, std::string_view what) const {
  if (!tracing) return;
  const std::int64_t us = schedule.now().ns / 1000 - 1'000'000;
  std::printf("%4lld.%06lld  %-12.*s %.*s\n", static_cast<long long>(us / 1'000'000),
              static_cast<long long>(us % 1'000'000), static_cast<int>(who.size()), who.data(),
              static_cast<int>(what.size()), what.data());
}

void Env::count_event(std::string_view who, std::size_t kind) {
  ++core_events;
  fingerprint.add(who);
  fingerprint.add(static_cast<std::uint64_t>(kind));
  fingerprint.add(schedule.now().ns);
  decisions.add(who);
  decisions.add(static_cast<std::uint64_t>(kind));
  decisions.add(schedule.now().ns);
}

}  // namespace bourse::sim
