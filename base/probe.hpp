// PROBE("name"): a rare path that some simulated seed must reach. Compiled into every build, so
// that what the simulator runs is what ships: there it costs a load and a branch that is never
// taken. The code around it never asks whether it is simulated.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace bourse {

// Set by the simulator and by tests that count, before they start a thread; never by a daemon.
inline constinit bool probes_counted = false;

// Counts of this thread since the last clear, so that a seed's coverage is its own; ordered so that
// a printed report is stable.
std::map<std::string, std::uint64_t>& probe_counts();

void count_probe(const char* name);

}  // namespace bourse

#define PROBE(name)                                                                                \
  (__builtin_expect(static_cast<long>(::bourse::probes_counted), 0L) ? ::bourse::count_probe(name) \
                                                                     : static_cast<void>(0))
