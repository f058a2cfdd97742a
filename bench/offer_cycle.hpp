// Figures of allocation-cycle that go through the whole master: core, ledger, Changes and codec.
#pragma once

#include <cstdint>

#include "bench/harness.hpp"

namespace bourse::bench {

// From the event that makes a full cycle due to every offer encoded in its peer's send queue and
// every Change in the view's, on one thread. The wait of one offer tick, which gathers what happens
// together, is a figure of its own. Floor: the same bytes copied into as many fresh messages.
void event_to_offers(Report& report, std::uint32_t agents, std::uint32_t frameworks,
                     std::uint32_t refused_percent, std::uint32_t repetitions);

// Frameworks that give back at once, for 0 s, whatever they are offered: what they cost the
// master's threads (core, link and view together) as a part of one core.
void declining_frameworks(Report& report, std::uint32_t agents, std::uint32_t frameworks,
                          std::uint32_t seconds);

}  // namespace bourse::bench
