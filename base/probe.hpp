// PROBE("name"): a rare path that some simulated seed must reach. Compiles to nothing unless
// BOURSE_PROBES is defined (the simulator and tests); the code around it never asks whether it is
// simulated. With probes on, hits are counted per thread, so a seed's coverage is its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace bourse {

// Counts of this thread since the last clear; ordered so that a printed report is stable.
std::map<std::string, std::uint64_t>& probe_counts();

}  // namespace bourse

#ifdef BOURSE_PROBES
#define PROBE(name) (++::bourse::probe_counts()[name])
#else
#define PROBE(name) ((void)0)
#endif
