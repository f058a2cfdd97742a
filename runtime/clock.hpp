// The two clocks of a daemon. monotonic_now() counts through suspend (CLOCK_BOOTTIME), so leases
// and deadlines hold on a laptop too; wall_now() is for people and the wire and may jump. Cores
// never call these: a shell reads them once per batch and puts the Stamp on the event. Any thread.
#pragma once

#include "base/time.hpp"

namespace bourse::runtime {

Instant monotonic_now();
WallTime wall_now();
Stamp stamp_now();

}  // namespace bourse::runtime
