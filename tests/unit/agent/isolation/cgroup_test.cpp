#include "agent/isolation/cgroup.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/isolation/cgroup_base.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/pressure.hpp"

namespace bourse::isolation {
namespace {

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::string unique_name(const char* what) {
  static int count = 0;
  return "bourse-" + std::string(what) + "-" + std::to_string(::getpid()) + "-" +
         std::to_string(++count);
}

// The cgroup2 mount of this machine, with or without controllers.
std::string v2_mount() {
  for (const CgroupMount& mount : parse_mountinfo(read_file("/proc/self/mountinfo").value_or(""))) {
    if (mount.v2 && !mount.read_only && ::access(mount.mount_point.c_str(), W_OK) == 0) {
      return mount.mount_point;
    }
  }
  return "";
}

pid_t start_in(const ContainerCgroup& cgroup) {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int error = cgroup.attach_self();
    const auto byte = static_cast<char>(error);
    if (::write(ready[1], &byte, 1) != 1 || error != 0) ::_exit(1);
    while (true) ::pause();
  }
  char byte = 1;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 0);
  ::close(ready[0]);
  ::close(ready[1]);
  return pid;
}

}  // namespace

TEST_CASE("limits become the numbers the kernel wants") {
  CHECK(cpu_shares_of(1000) == 1024);
  CHECK(cpu_shares_of(1) == 2);
  CHECK(cpu_shares_of(10'000'000) == 262'144);
  CHECK(cpu_weight_of(1) == 1);
  CHECK(cpu_weight_of(1000) == 39);
  CHECK(cpu_weight_of(10'000'000) == 10'000);
  CHECK(cpu_quota_us_of(250) == 25'000);
  CHECK(cpu_quota_us_of(1) == 1'000);
}

TEST_CASE("a lent cpu weighs a hundredth of one's own") {
  CHECK(cpu_shares_of(0, 1'000) == 10);
  CHECK(cpu_shares_of(0, 100) == 2);
  CHECK(cpu_shares_of(1'000, 2'000) == 1'044);
}

TEST_CASE("how long the machine waited is read in thousandths, or not at all") {
  CHECK(waited_permille("some avg10=1.53 avg60=0.20 avg300=0.00 total=12\n") == 15);
  CHECK(waited_permille("some avg10=100.00 avg60=1.00") == 1'000);
  CHECK(waited_permille("some avg10=0.00") == 0);
  for (const char* text : {"", "full avg10=1.00", "some avg10=", "some avg10=x.0", "some avg10=3.",
                           "some avg10=200.00", "some avg10=-1.00"}) {
    CHECK_FALSE(waited_permille(text));
  }
}

TEST_CASE("cgroup v2 limits are written to the files of that interface") {
  // The kernel's files, as plain ones: what is written where is ours to get right.
  std::string root = "/tmp/bourse-v2-XXXXXX";
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  const std::string dir = root + "/c";
  const ContainerCgroup missing({{true, kAllControllers, dir}});
  const Status refused = missing.create({500, true, 64 << 20, 7});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("cpu.weight") != std::string::npos);
  CHECK(::access(dir.c_str(), F_OK) != 0);

  std::filesystem::create_directory(dir);
  CHECK(missing.create({}).error().code == ErrorCode::conflict);
  for (const char* file : {"cpu.stat", "memory.current", "memory.peak", "memory.events",
                           "pids.current", "cgroup.procs"}) {
    std::ofstream(dir + "/" + file) << "";
  }
  std::ofstream(dir + "/cpu.stat") << "usage_usec 1500\nuser_usec 1\nnr_throttled 3\n";
  std::ofstream(dir + "/memory.events") << "low 0\noom 1\noom_kill 2\n";
  std::ofstream(dir + "/memory.peak") << "4096\n";
  const CgroupUsage usage = missing.usage();
  CHECK(usage.cpu_ns == 1'500'000);
  CHECK(usage.cpu_throttled_periods == 3);
  CHECK(usage.oom_kills == 2);
  CHECK(usage.memory_peak_bytes == 4096);
  std::filesystem::remove_all(root);
}

TEST_CASE("a container's files of cgroup v2 are read as statistics") {
  std::string root = "/tmp/bourse-v2-XXXXXX";
  REQUIRE(::mkdtemp(root.data()) != nullptr);
  std::ofstream(root + "/cpu.stat") << "usage_usec 30\nuser_usec 10\nsystem_usec 20\n"
                                       "nr_periods 4\nnr_throttled 3\nthrottled_usec 5\n";
  std::ofstream(root + "/memory.current") << "9000\n";
  std::ofstream(root + "/memory.stat") << "anon 4096\nfile 2048\nfile_mapped 1024\nunevictable 7\n";
  std::ofstream(root + "/pids.current") << "6\n";
  const CgroupStatistics told = ContainerCgroup({{true, kAllControllers, root}}).statistics();
  REQUIRE(told.cpu);
  CHECK(told.cpu->user_ns == 10'000);
  CHECK(told.cpu->system_ns == 20'000);
  CHECK(told.cpu->periods == 4);
  CHECK(told.cpu->throttled_periods == 3);
  CHECK(told.cpu->throttled_ns == 5'000);
  REQUIRE(told.memory);
  CHECK(told.memory->total_bytes == 9000);
  CHECK(told.memory->rss_bytes == 4096);
  CHECK(told.memory->file_bytes == 2048);
  CHECK(told.memory->mapped_file_bytes == 1024);
  CHECK(told.memory->unevictable_bytes == 7);
  CHECK(told.pids == 6);
  const CgroupStatistics none = ContainerCgroup(std::vector<CgroupParent>()).statistics();
  CHECK_FALSE(none.cpu);
  CHECK_FALSE(none.memory);
  CHECK_FALSE(none.pids);
  std::filesystem::remove_all(root);
}

TEST_CASE("a real cgroup v2 is entered, frozen, killed while frozen, and removed") {
  const std::string mount = v2_mount();
  if (mount.empty()) {
    WARN("skipped: no writable cgroup2 mount");
    return;
  }
  const ContainerCgroup cgroup({{true, kFreezer, mount + "/" + unique_name("v2")}});
  REQUIRE(cgroup.create({}).ok());
  CHECK(cgroup.create({}).error().code == ErrorCode::conflict);
  const pid_t pid = start_in(cgroup);
  CHECK(cgroup.processes() == std::vector<pid_t>{pid});
  CHECK_FALSE(cgroup.remove());
  CHECK(write_value(cgroup.dirs()[0].dir + "/cgroup.freeze", "1") == 0);
  CHECK(eventually([&] { return cgroup.destroy_pass(); }));
  CHECK(::waitpid(pid, nullptr, 0) == pid);
  CHECK(eventually([&] { return cgroup.remove(); }));
  CHECK(::access(cgroup.dirs()[0].dir.c_str(), F_OK) != 0);
}

TEST_CASE("a frozen cgroup is thawed so that SIGKILL reaches its processes") {
  const CgroupPlan plan = discover_cgroups("");
  const CgroupBase base = CgroupBase::prepare(plan, unique_name("frozen"));
  if ((base.controllers() & kFreezer) == 0) {
    WARN("skipped: no usable freezer cgroup");
    return;
  }
  const ContainerCgroup cgroup = base.container("x");
  REQUIRE(cgroup.create({}).ok());
  const pid_t pid = start_in(cgroup);
  for (const CgroupParent& dir : cgroup.dirs()) {
    if ((dir.controllers & kFreezer) == 0) continue;
    CHECK(write_value(dir.dir + (dir.v2 ? "/cgroup.freeze" : "/freezer.state"),
                      dir.v2 ? "1" : "FROZEN") == 0);
  }
  ::kill(pid, SIGKILL);
  CHECK(eventually([&] { return cgroup.destroy_pass(); }));
  CHECK(::waitpid(pid, nullptr, 0) == pid);
  CHECK(eventually([&] { return cgroup.remove(); }));
  CHECK(base.containers().empty());
  CHECK(base.remove());
}

TEST_CASE("cgroups that a task made below its own are destroyed and removed too") {
  const CgroupBase base = CgroupBase::prepare(discover_cgroups(""), unique_name("nested"));
  if (base.dirs().empty()) {
    WARN("skipped: no usable cgroup");
    return;
  }
  const ContainerCgroup cgroup = base.container("x");
  REQUIRE(cgroup.create({}).ok());
  CHECK(base.containers() == std::vector<std::string>{"x"});
  const std::string below = cgroup.dirs()[0].dir + "/a/b";
  REQUIRE(::mkdir((cgroup.dirs()[0].dir + "/a").c_str(), 0755) == 0);
  REQUIRE(::mkdir(below.c_str(), 0755) == 0);
  const ContainerCgroup inner({{cgroup.dirs()[0].v2, cgroup.dirs()[0].controllers, below}});
  const pid_t pid = start_in(inner);
  CHECK(cgroup.processes() == std::vector<pid_t>{pid});
  CHECK(eventually([&] { return cgroup.destroy_pass(); }));
  ::waitpid(pid, nullptr, 0);
  CHECK(eventually([&] { return cgroup.remove(); }));
  CHECK(base.remove());
}

TEST_CASE("an agent without usable cgroups says so in a sentence") {
  CgroupPlan plan;
  plan.parents = {{false, kPids, "/proc/nothing/here"}};
  const CgroupBase base = CgroupBase::prepare(plan, "x");
  CHECK(base.dirs().empty());
  REQUIRE(base.notes().size() == 2);
  CHECK(base.notes()[0].find("cannot use the cgroup hierarchy of pids at /proc/nothing/here") == 0);
  CHECK(base.notes()[1].find("process groups and rlimits only") != std::string::npos);
}

}  // namespace bourse::isolation
