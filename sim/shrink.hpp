// Shrink: from a plan that breaks a promise to the fewest of its faults that still break it. Runs
// worlds; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/plan.hpp"

namespace bourse::sim {

// Leaves only these of the drawn faults, counted from 1 in the order of their moments. Number 0
// stands for what may befall each message and write by chance.
void keep_faults(Plan& plan, const std::vector<std::uint64_t>& numbers);

// What is left, in words, with the command that plays it.
std::string shrink(const Plan& plan, const std::string& violation);

}  // namespace bourse::sim
