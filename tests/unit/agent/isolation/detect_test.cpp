#include "agent/isolation/detect.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bourse::isolation {

TEST_CASE("what is kept back for the system is what Mesos keeps back") {
  constexpr std::int64_t gib = 1LL << 30;
  CHECK(offerable_memory(16 * gib) == 15 * gib);
  CHECK(offerable_memory(gib) == gib / 2);
  CHECK(offerable_disk(100 * gib) == 95 * gib);
  CHECK(offerable_disk(4 * gib) == 2 * gib);
}

TEST_CASE("kernel texts about cpus and memory are read") {
  CHECK(total_of_meminfo("MemTotal:       24682164 kB\nMemFree: 1 kB\n") == 24682164LL * 1024);
  CHECK(total_of_meminfo("nothing") == 0);
  CHECK(cpu_milli_of_cpu_max("max 100000\n") == 0);
  CHECK(cpu_milli_of_cpu_max("150000 100000\n") == 1500);
  CHECK(cpu_milli_of_cpu_max("") == 0);
  CHECK(cpu_milli_of_quota(-1, 100000) == 0);
}

TEST_CASE("the tightest cgroup limit on the way up is what the agent may offer") {
  std::string root = "/tmp/bourse-detect-XXXXXX";
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string inner = root + "/a/b";
  std::filesystem::create_directories(inner);
  std::ofstream(root + "/a/memory.max") << "1073741824\n";
  std::ofstream(inner + "/memory.max") << "max\n";
  std::ofstream(root + "/cpu.max") << "50000 100000\n";
  std::ofstream(inner + "/cpu.max") << "200000 100000\n";
  std::ofstream(inner + "/memory.limit_in_bytes") << "9223372036854771712\n";
  CgroupPlan plan;
  plan.parents = {{true, kCpu | kMemory, inner}};
  CHECK(ceilings_of(plan).memory_bytes == 1073741824);
  CHECK(ceilings_of(plan).cpu_milli == 500);
  plan.parents = {{false, kMemory, inner}};
  CHECK(ceilings_of(plan).memory_bytes == 0);
  std::filesystem::remove_all(root);
}

TEST_CASE("this machine's cpus, memory, disk and ports are detected") {
  const auto found = detect_resources("/tmp");
  REQUIRE(found.ok());
  CHECK(found->cpu_milli > 0);
  CHECK(found->memory_bytes > 0);
  CHECK(found->memory_bytes < found->memory_total_bytes);
  CHECK(found->disk_bytes > 0);
  CHECK(found->port_begin == 31000);
  CHECK(found->port_end == 32000);
  const auto missing = detect_resources("/does/not/exist");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("/does/not/exist") != std::string::npos);
}

}  // namespace bourse::isolation
