// The floor of task-throughput: what the same machine does when the same bytes make the same way
// between as many processes over ZeroMQ, and nobody looks at them. A relay stands where the master
// is; agents and framework answer at once. One thread in each process.
#pragma once

#include <cstdint>
#include <string>

namespace bourse::bench {

// Where the master would be: takes agents and one framework until it is ended. Prints "ready" with
// its address.
int run_relay();
// Agents that answer, `tasks` at a time, until ended. Prints "ready".
int run_relay_agents(const std::string& relay, std::uint32_t first, std::uint32_t count,
                     std::uint32_t tasks);
// The framework: every agent always has `tasks` under way. Tasks per second over so long.
double drive_relay(const std::string& relay, std::uint32_t agents, std::uint32_t tasks,
                   double seconds);

}  // namespace bourse::bench
