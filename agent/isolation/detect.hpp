// What this machine has to give to tasks, seen from inside the agent's own cgroup: an agent in a
// container must offer the container's cpus and memory, not the host's. Flags override all of it.
// The arithmetic is pure; detect_resources reads the files. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/isolation/cgroup_discovery.hpp"
#include "base/result.hpp"

namespace bourse::isolation {

struct DetectedResources {
  std::int64_t cpu_milli = 0;     // whole machine or cgroup quota, whichever is less
  std::int64_t memory_bytes = 0;  // to offer: see offerable_memory
  std::int64_t disk_bytes = 0;    // to offer: see offerable_disk
  std::uint64_t port_begin = 31'000;
  std::uint64_t port_end = 32'000;  // inclusive
  // Before anything was kept back.
  std::int64_t memory_total_bytes = 0;
  std::int64_t disk_total_bytes = 0;
};

// As Mesos: 1 GiB stays with the system, half of a machine that has less than two.
std::int64_t offerable_memory(std::int64_t total_bytes);
// As Mesos: 5 GiB stay with the system, half of a disk that has less than ten.
std::int64_t offerable_disk(std::int64_t total_bytes);

// "MemTotal:  24682164 kB" of /proc/meminfo, in bytes; 0 when absent.
std::int64_t total_of_meminfo(std::string_view meminfo);
// "max 100000" or "150000 100000" of v2's cpu.max; 0 means no quota.
std::int64_t cpu_milli_of_cpu_max(std::string_view text);
std::int64_t cpu_milli_of_quota(std::int64_t quota_us, std::int64_t period_us);

// The tightest limits on the way from each own cgroup up to what is mounted; 0 means none.
struct CgroupCeilings {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};
CgroupCeilings ceilings_of(const CgroupPlan& plan);

// work_dir must exist: its file system is the disk that is offered.
Result<DetectedResources> detect_resources(const std::string& work_dir);

}  // namespace bourse::isolation
