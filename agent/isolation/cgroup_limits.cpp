#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

std::int64_t cpu_shares_of(std::int64_t cpu_milli) {
  // 1024 shares are one cpu, as Mesos and Docker count; the kernel allows 2 to 262144.
  return std::clamp<std::int64_t>(cpu_milli * 1024 / 1000, 2, 262'144);
}

std::int64_t cpu_shares_of(std::int64_t own_cpu_milli, std::int64_t lent_cpu_milli) {
  // 10 shares are one lent cpu: a hundredth of one's own, and the least weight of v2.
  return std::clamp<std::int64_t>(own_cpu_milli * 1024 / 1000 + lent_cpu_milli * 10 / 1000, 2,
                                  262'144);
}

namespace {

std::int64_t weight_of_shares(std::int64_t shares) {
  // The mapping that container runtimes agreed on, so that a mixed host stays fair.
  return 1 + (shares - 2) * 9999 / 262'142;
}

std::int64_t shares_of(const CgroupLimits& limits) {
  return limits.cpu_shares > 0 ? limits.cpu_shares : cpu_shares_of(limits.cpu_milli);
}

}  // namespace

std::int64_t cpu_weight_of(std::int64_t cpu_milli) {
  return weight_of_shares(cpu_shares_of(cpu_milli));
}

std::int64_t cpu_quota_us_of(std::int64_t cpu_milli) {
  // The kernel refuses a quota below 1 ms.
  return std::max<std::int64_t>(cpu_milli * kCpuPeriodUs / 1000, 1000);
}

namespace {

// Writes and remembers the first failure.
class LimitWriter {
 public:
  explicit LimitWriter(const std::string& dir) : dir_(dir) {}

  void write(const char* file, const std::string& value, bool may_be_absent = false) {
    if (!status_.ok()) return;
    const std::string path = dir_ + "/" + file;
    const int error = write_value(path, value);
    if (error == 0 || (may_be_absent && error == ENOENT)) return;
    status_ =
        Error{ErrorCode::io, "cannot write " + value + " to " + path + ": " + errno_text(error)};
  }
  void write(const char* file, std::int64_t value, bool may_be_absent = false) {
    write(file, std::to_string(value), may_be_absent);
  }
  Status status() const { return status_; }

 private:
  const std::string& dir_;
  Status status_;
};

void write_v1(LimitWriter& out, Controllers controllers, const CgroupLimits& limits) {
  if ((controllers & kCpu) != 0 && limits.cpu_milli > 0) {
    out.write("cpu.shares", shares_of(limits));
    if (limits.cpu_quota) {
      out.write("cpu.cfs_period_us", kCpuPeriodUs);
      out.write("cpu.cfs_quota_us", cpu_quota_us_of(limits.cpu_milli));
    }
  }
  if ((controllers & kMemory) != 0 && limits.memory_bytes > 0) {
    const std::int64_t bytes = std::max(limits.memory_bytes, kMinMemoryBytes);
    out.write("memory.limit_in_bytes", bytes);
    // Memory plus swap equal to memory: no swap. Absent when the kernel does not account swap.
    out.write("memory.memsw.limit_in_bytes", bytes, true);
  }
  if ((controllers & kPids) != 0 && limits.pids > 0) out.write("pids.max", limits.pids);
}

void write_v2(LimitWriter& out, Controllers controllers, const CgroupLimits& limits) {
  if ((controllers & kCpu) != 0 && limits.cpu_milli > 0) {
    out.write("cpu.weight", weight_of_shares(shares_of(limits)));
    if (limits.cpu_quota) {
      out.write("cpu.max", std::to_string(cpu_quota_us_of(limits.cpu_milli)) + " " +
                               std::to_string(kCpuPeriodUs));
    }
  }
  if ((controllers & kMemory) != 0 && limits.memory_bytes > 0) {
    out.write("memory.max", std::max(limits.memory_bytes, kMinMemoryBytes));
    out.write("memory.swap.max", 0, true);
    out.write("memory.oom.group", 1, true);
  }
  if ((controllers & kPids) != 0 && limits.pids > 0) out.write("pids.max", limits.pids);
}

}  // namespace

Status ContainerCgroup::write_limits(const CgroupParent& dir, const CgroupLimits& limits) const {
  LimitWriter out(dir.dir);
  if (dir.v2) {
    write_v2(out, dir.controllers, limits);
  } else {
    write_v1(out, dir.controllers, limits);
  }
  return out.status();
}

Status ContainerCgroup::create(const CgroupLimits& limits) const {
  Status failed;
  std::size_t made = 0;
  for (; made < dirs_.size(); ++made) {
    const CgroupParent& dir = dirs_[made];
    if (::mkdir(dir.dir.c_str(), 0755) != 0) {
      const int error = errno;
      failed = Error{error == EEXIST ? ErrorCode::conflict : ErrorCode::io,
                     "cannot make cgroup " + dir.dir + ": " + errno_text(error)};
      break;
    }
    failed = write_limits(dir, limits);
    if (!failed.ok()) {
      ++made;
      break;
    }
  }
  if (failed.ok()) return failed;
  for (std::size_t i = 0; i < made; ++i) ::rmdir(dirs_[i].dir.c_str());
  return failed;
}

int ContainerCgroup::attach_self() const {
  for (const CgroupParent& dir : dirs_) {
    // v1: by thread, not by process. Moving a process takes a lock whose writer waits for an RCU
    // grace period (measured here: 1 to 15 ms); a thread moving itself is exempt.
    const int error = write_value(dir.dir + (dir.v2 ? "/cgroup.procs" : "/tasks"), "0");
    if (error != 0) return error;
  }
  return 0;
}

}  // namespace bourse::isolation
