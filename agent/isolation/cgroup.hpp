// ContainerCgroup: the cgroup of one container, v1 and v2 behind one interface: a list of
// directories, one per hierarchy, each with what it can do. Made by the shim, which outlives the
// agent; looked at, and destroyed if the shim is dead, by the agent. Plain value: the directories
// are remembered in the run directory, because a restarted agent may itself live elsewhere.
// No threads, no exceptions; one owner at a time, except that usage() and statistics()
// may be called beside it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/isolation/cgroup_discovery.hpp"
#include "base/result.hpp"

namespace bourse::isolation {

// Zero means no limit, for each.
struct CgroupLimits {
  std::int64_t cpu_milli = 0;  // shares (weight), and the quota when cpu_quota
  bool cpu_quota = true;
  std::int64_t memory_bytes = 0;  // swap is off; values below kMinMemoryBytes are raised to it
  std::int64_t pids = 0;          // processes and threads
  std::int64_t cpu_shares = 0;    // of v1, instead of what cpu_milli comes to; v2's weight follows

  bool operator==(const CgroupLimits&) const = default;
};

// As Mesos: below this a container cannot even start its program.
inline constexpr std::int64_t kMinMemoryBytes = 32LL << 20;

struct CgroupUsage {
  std::int64_t cpu_ns = 0;
  std::int64_t cpu_throttled_periods = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t memory_peak_bytes = 0;
  std::int64_t pids = 0;
  std::int64_t oom_kills = 0;
};

// More of the same, for people who look; each is there if its controller counts it.
struct CgroupStatistics {
  struct Cpu {  // of cpuacct, and the quota's of cpu
    std::int64_t user_ns = 0;
    std::int64_t system_ns = 0;
    std::int64_t periods = 0;
    std::int64_t throttled_periods = 0;
    std::int64_t throttled_ns = 0;
  };
  struct Memory {
    std::int64_t total_bytes = 0;
    std::int64_t rss_bytes = 0;  // anonymous
    std::int64_t file_bytes = 0;
    std::int64_t mapped_file_bytes = 0;
    std::int64_t unevictable_bytes = 0;
  };
  std::optional<Cpu> cpu;
  std::optional<Memory> memory;
  std::optional<std::int64_t> pids;  // processes and threads
};

// Arithmetic of the kernel's files, apart so that it can be tested.
std::int64_t cpu_shares_of(std::int64_t cpu_milli);  // v1 cpu.shares
std::int64_t cpu_weight_of(std::int64_t cpu_milli);  // v2 cpu.weight
// Of a container that holds cpus of its own and lent ones, which count as little as in Mesos.
std::int64_t cpu_shares_of(std::int64_t own_cpu_milli, std::int64_t lent_cpu_milli);
std::int64_t cpu_quota_us_of(std::int64_t cpu_milli);  // per 100 ms
inline constexpr std::int64_t kCpuPeriodUs = 100'000;

class ContainerCgroup {
 public:
  ContainerCgroup() = default;
  explicit ContainerCgroup(std::vector<CgroupParent> dirs) : dirs_(std::move(dirs)) {}

  bool empty_list() const { return dirs_.empty(); }
  const std::vector<CgroupParent>& dirs() const { return dirs_; }
  Controllers controllers() const;

  // Makes the directories and writes the limits. conflict when one exists already (a container of
  // that name lives or leaked); on failure nothing is left.
  Status create(const CgroupLimits& limits) const;
  // Writes other limits while the container runs. io: some could not be set (memory below use).
  Status resize(const CgroupLimits& limits) const;
  // Moves the calling process in, which must have one thread. errno or 0.
  int attach_self() const;

  // -1 without the memory controller. Readable when the memory limit was hit; answer with
  // drain_oom_watch, which says whether it really was.
  int open_oom_watch() const;
  bool drain_oom_watch(int watch) const;

  CgroupUsage usage() const;
  CgroupStatistics statistics() const;
  std::int64_t oom_kills() const;
  // Every process in any of the directories, each once.
  std::vector<pid_t> processes() const;

  // One round of killing everything: no new processes, thaw (a v1 frozen task keeps SIGKILL
  // pending), SIGKILL. True when no process is left. Repeat until it is, or give up: LEAKED.
  bool destroy_pass() const;
  // Removes the directories (and any a task made below). True when none is left.
  bool remove() const;

 private:
  const std::string* dir_of(Controllers controller, bool* v2) const;
  Status write_limits(const CgroupParent& dir, const CgroupLimits& limits) const;

  std::vector<CgroupParent> dirs_;
};

}  // namespace bourse::isolation
