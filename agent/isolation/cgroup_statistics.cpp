// What the kernel counts of a container beside what its limits need.
#include <unistd.h>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

// The numbers of one file, each after its key.
class Keyed {
 public:
  explicit Keyed(const std::string& path) : text_(read_file(path).value_or("")) {}
  std::int64_t at(const char* key) const { return find_keyed_number(text_, key).value_or(0); }

 private:
  std::string text_;
};

CgroupStatistics::Cpu cpu_of_v1(const std::string& accounting, const std::string* quota) {
  CgroupStatistics::Cpu cpu;
  // In the kernel's ticks for people.
  const std::int64_t ns_per_tick = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  const Keyed used(accounting + "/cpuacct.stat");
  cpu.user_ns = used.at("user") * ns_per_tick;
  cpu.system_ns = used.at("system") * ns_per_tick;
  if (quota == nullptr) return cpu;
  const Keyed held(*quota + "/cpu.stat");
  cpu.periods = held.at("nr_periods");
  cpu.throttled_periods = held.at("nr_throttled");
  cpu.throttled_ns = held.at("throttled_time");
  return cpu;
}

CgroupStatistics::Cpu cpu_of_v2(const std::string& dir) {
  CgroupStatistics::Cpu cpu;
  const Keyed stat(dir + "/cpu.stat");
  cpu.user_ns = stat.at("user_usec") * 1000;
  cpu.system_ns = stat.at("system_usec") * 1000;
  cpu.periods = stat.at("nr_periods");
  cpu.throttled_periods = stat.at("nr_throttled");
  cpu.throttled_ns = stat.at("throttled_usec") * 1000;
  return cpu;
}

CgroupStatistics::Memory memory_of(const std::string& dir, bool v2) {
  CgroupStatistics::Memory memory;
  const auto total = read_file(dir + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  if (total) memory.total_bytes = parse_number(*total).value_or(0);
  const Keyed stat(dir + "/memory.stat");
  memory.rss_bytes = stat.at(v2 ? "anon" : "total_rss");
  memory.file_bytes = stat.at(v2 ? "file" : "total_cache");
  memory.mapped_file_bytes = stat.at(v2 ? "file_mapped" : "total_mapped_file");
  memory.unevictable_bytes = stat.at(v2 ? "unevictable" : "total_unevictable");
  return memory;
}

}  // namespace

CgroupStatistics ContainerCgroup::statistics() const {
  CgroupStatistics out;
  bool v2 = false;
  if (const std::string* dir = dir_of(kCpuacct, &v2)) {
    bool quota_v2 = false;
    out.cpu = v2 ? cpu_of_v2(*dir) : cpu_of_v1(*dir, dir_of(kCpu, &quota_v2));
  }
  if (const std::string* dir = dir_of(kMemory, &v2)) out.memory = memory_of(*dir, v2);
  if (const std::string* dir = dir_of(kPids, &v2)) {
    const auto text = read_file(*dir + "/pids.current");
    out.pids = text ? parse_number(*text).value_or(0) : 0;
  }
  return out;
}

}  // namespace bourse::isolation
