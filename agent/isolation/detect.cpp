#include "agent/isolation/detect.hpp"

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

constexpr std::int64_t kGiB = 1LL << 30;
// v1 writes "no limit" as the largest page-aligned number; anything like it is none.
constexpr std::int64_t kNoLimit = 1LL << 60;

void lower(std::int64_t& ceiling, std::int64_t value) {
  if (value <= 0 || value >= kNoLimit) return;
  ceiling = ceiling == 0 ? value : std::min(ceiling, value);
}

std::int64_t ceiling_in(const std::string& path) {
  const auto text = read_file(path);
  return text ? parse_number(*text).value_or(0) : 0;
}

void apply_dir(const CgroupParent& parent, const std::string& dir, CgroupCeilings& ceilings) {
  if ((parent.controllers & kCpu) != 0) {
    if (parent.v2) {
      lower(ceilings.cpu_milli, cpu_milli_of_cpu_max(read_file(dir + "/cpu.max").value_or("")));
    } else {
      lower(ceilings.cpu_milli, cpu_milli_of_quota(ceiling_in(dir + "/cpu.cfs_quota_us"),
                                                   ceiling_in(dir + "/cpu.cfs_period_us")));
    }
  }
  if ((parent.controllers & kMemory) != 0) {
    lower(ceilings.memory_bytes,
          ceiling_in(dir + (parent.v2 ? "/memory.max" : "/memory.limit_in_bytes")));
  }
}

std::int64_t usable_cpu_milli() {
  // 4096 cpus: the set must be as large as the kernel's, or the call fails.
  cpu_set_t* set = CPU_ALLOC(4096);
  const std::size_t size = CPU_ALLOC_SIZE(4096);
  std::int64_t count = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (set != nullptr && ::sched_getaffinity(0, size, set) == 0) count = CPU_COUNT_S(size, set);
  if (set != nullptr) CPU_FREE(set);
  return std::max<std::int64_t>(count, 1) * 1000;
}

}  // namespace

std::int64_t offerable_memory(std::int64_t total_bytes) {
  return total_bytes >= 2 * kGiB ? total_bytes - kGiB : total_bytes / 2;
}

std::int64_t offerable_disk(std::int64_t total_bytes) {
  return total_bytes >= 10 * kGiB ? total_bytes - 5 * kGiB : total_bytes / 2;
}

std::int64_t total_of_meminfo(std::string_view meminfo) {
  const std::size_t at = meminfo.find("MemTotal:");
  if (at == std::string_view::npos) return 0;
  meminfo.remove_prefix(at + 9);
  while (!meminfo.empty() && meminfo.front() == ' ') meminfo.remove_prefix(1);
  return parse_number(meminfo.substr(0, meminfo.find(' '))).value_or(0) * 1024;
}

std::int64_t cpu_milli_of_quota(std::int64_t quota_us, std::int64_t period_us) {
  return quota_us > 0 && period_us > 0 ? quota_us * 1000 / period_us : 0;
}

std::int64_t cpu_milli_of_cpu_max(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  return cpu_milli_of_quota(parse_number(text.substr(0, space)).value_or(0),
                            parse_number(text.substr(space + 1)).value_or(0));
}

CgroupCeilings ceilings_of(const CgroupPlan& plan) {
  CgroupCeilings ceilings;
  for (const CgroupParent& parent : plan.parents) {
    // Up to and past the mount point: reading there finds no file and changes nothing.
    std::string dir = parent.dir;
    while (dir.size() > 1) {
      apply_dir(parent, dir, ceilings);
      dir.resize(std::min(dir.size(), dir.rfind('/')));
    }
  }
  return ceilings;
}

Result<DetectedResources> detect_resources(const std::string& work_dir) {
  DetectedResources found;
  const CgroupCeilings ceilings = ceilings_of(discover_cgroups(""));
  found.cpu_milli = usable_cpu_milli();
  lower(found.cpu_milli, ceilings.cpu_milli);
  found.memory_total_bytes = total_of_meminfo(read_file("/proc/meminfo").value_or(""));
  if (found.memory_total_bytes == 0) {
    return Error{ErrorCode::unsupported,
                 "cannot read MemTotal from /proc/meminfo; is /proc "
                 "mounted? Give the agent its resources by flag"};
  }
  lower(found.memory_total_bytes, ceilings.memory_bytes);
  found.memory_bytes = offerable_memory(found.memory_total_bytes);
  struct statvfs disk {};
  if (::statvfs(work_dir.c_str(), &disk) != 0) {
    return Error{ErrorCode::io,
                 "cannot read the size of the disk of " + work_dir + ": " + errno_text(errno)};
  }
  found.disk_total_bytes =
      static_cast<std::int64_t>(disk.f_blocks) * static_cast<std::int64_t>(disk.f_frsize);
  found.disk_bytes = offerable_disk(found.disk_total_bytes);
  return found;
}

}  // namespace bourse::isolation
