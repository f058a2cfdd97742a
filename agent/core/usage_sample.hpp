// UsageSample: what the containers of an agent use, as estimators and controllers see it. The shell
// reads counters; the core makes rates of them and says whose they are. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/resources.hpp"

namespace bourse::agent {

// A container's counters, as the kernel has them.
struct ContainerUsage {
  ContainerId container_id;
  std::int64_t cpu_ns = 0;  // since it began
  std::int64_t memory_bytes = 0;
};

// Thousandths of the last ten seconds in which something waited for it; absent: the kernel does not
// say.
struct MachinePressure {
  std::optional<std::int64_t> cpu_permille;
  std::optional<std::int64_t> memory_permille;
};

struct UsageSample {
  struct Use {
    ContainerId container_id;
    FrameworkId framework_id;
    ExecutorId executor_id;
    Resources allocated;            // of its executor and the tasks in it
    Instant since;                  // when it was first looked at
    std::int64_t cpu_milli = 0;     // thousandths of a cpu, on the average since the sample before
    std::int64_t memory_milli = 0;  // thousandths of a megabyte, now
  };

  Instant at;
  Resources total;        // what the agent has, without what it lends
  std::vector<Use> uses;  // by container id
  MachinePressure pressure;
};

}  // namespace bourse::agent
