// What JSON of a recorded offer costs, beside the fastest JSON libraries of Debian. One thread.
#pragma once

#include "bench/harness.hpp"

namespace bourse::bench {

// False if the recorded text is not as it should be.
bool measure_json(Report& report);

}  // namespace bourse::bench
