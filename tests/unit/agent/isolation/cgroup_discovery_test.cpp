#include "agent/isolation/cgroup_discovery.hpp"

#include <catch2/catch.hpp>
#include <map>

namespace bourse::isolation {
namespace {

CgroupPlan plan(const std::string& mountinfo, const std::string& own,
                const std::string& parent = "", const std::map<std::string, std::string>& v2 = {}) {
  return plan_cgroups(parse_mountinfo(mountinfo), parse_self_cgroup(own), parent,
                      [&](const std::string& dir) {
                        const auto found = v2.find(dir);
                        return found == v2.end() ? std::string() : found->second;
                      });
}

// A machine whose hierarchies are all mounted apart, with the own memory cgroup nested.
constexpr char kApartMounts[] =
    R"(27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
)";
constexpr char kApartOwn[] =
    "9:name=systemd:/\n8:pids:/\n6:freezer:/\n5:devices:/\n4:memory:/api/b984\n2:cpuacct:/\n"
    "1:cpu:/\n0::/\n";

}  // namespace

TEST_CASE("cgroup v1 with every controller mounted apart and the own memory cgroup nested") {
  const CgroupPlan found =
      plan(kApartMounts, kApartOwn, "", {{"/sys/fs/cgroup/unified", "hugetlb"}});
  CHECK(found.notes.empty());
  CHECK(found.parents ==
        std::vector<CgroupParent>{{false, kCpu, "/sys/fs/cgroup/cpu"},
                                  {false, kCpuacct, "/sys/fs/cgroup/cpuacct"},
                                  {false, kMemory, "/sys/fs/cgroup/memory/api/b984"},
                                  {false, kFreezer, "/sys/fs/cgroup/freezer"},
                                  {false, kPids, "/sys/fs/cgroup/pids"}});
}

TEST_CASE("cgroup v1 with cpu and cpuacct mounted together, as systemd does") {
  const CgroupPlan found = plan(
      "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
      "31 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:11 - cgroup cgroup rw,memory\n",
      "4:cpu,cpuacct:/system.slice/bourse.service\n5:memory:/system.slice/bourse.service\n"
      "1:name=systemd:/system.slice/bourse.service\n");
  REQUIRE(found.parents.size() == 2);
  CHECK(found.parents[0] == CgroupParent{false, kCpu | kCpuacct,
                                         "/sys/fs/cgroup/cpu,cpuacct/system.slice/bourse.service"});
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0] == "no cgroup hierarchy for: pids, freezer");
}

TEST_CASE("cgroup v2 alone gives what its controllers file says, and the freezer always") {
  const CgroupPlan found =
      plan("25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
           "0::/system.slice/bourse.service\n", "",
           {{"/sys/fs/cgroup/system.slice/bourse.service", "cpuset cpu io memory pids"}});
  REQUIRE(found.parents.size() == 1);
  CHECK(found.parents[0] ==
        CgroupParent{true, kAllControllers, "/sys/fs/cgroup/system.slice/bourse.service"});
  CHECK(found.notes.empty());
}

TEST_CASE("a container that sees only its own part of the hierarchy") {
  // Docker without a cgroup namespace: the mount's root is the container's own cgroup.
  const CgroupPlan docker = plan(
      "900 800 0:32 /docker/4fe1 /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
      "901 800 0:36 /docker/4fe1 /sys/fs/cgroup/pids ro,nosuid - cgroup cgroup rw,pids\n",
      "4:memory:/docker/4fe1/inner\n8:pids:/docker/4fe1\n");
  REQUIRE(docker.parents.size() == 1);
  CHECK(docker.parents[0] == CgroupParent{false, kMemory, "/sys/fs/cgroup/memory/inner"});
  REQUIRE_FALSE(docker.notes.empty());
  CHECK(docker.notes[0] == "cgroup mount /sys/fs/cgroup/pids is read-only");

  const CgroupPlan sibling =
      plan("900 800 0:32 /docker/4fe /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
           "4:memory:/docker/4fe1\n");
  CHECK(sibling.parents.empty());
  CHECK(sibling.notes[0] ==
        "cgroup mount /sys/fs/cgroup/memory does not show our own cgroup /docker/4fe1");

  const CgroupPlan outside =
      plan("900 800 0:32 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../other\n");
  CHECK(outside.parents.empty());
}

TEST_CASE("a configured parent cgroup replaces the own one in every hierarchy") {
  const CgroupPlan found = plan(kApartMounts, kApartOwn, "/bourse.slice");
  REQUIRE(found.parents.size() == 5);
  CHECK(found.parents[2].dir == "/sys/fs/cgroup/memory/bourse.slice");
  const CgroupPlan v2 = plan("25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/x\n",
                             "/bourse.slice", {{"/sys/fs/cgroup", "cpu memory pids"}});
  REQUIRE(v2.parents.size() == 1);
  CHECK(v2.parents[0] == CgroupParent{true, kAllControllers, "/sys/fs/cgroup/bourse.slice"});
}

TEST_CASE("mount points with spaces and lines of garbage do not confuse the parser") {
  const auto mounts = parse_mountinfo(
      "1 2 0:1 / /sys/my\\040cgroups\\134x rw - cgroup cgroup rw,pids\n"
      "garbage\n\n1 2\n1 2 3 4 5 6 7 8 9\n- - - -\n1 2 0:1 / /a rw - cgroup cgroup\n");
  REQUIRE(mounts.size() == 1);
  CHECK(mounts[0].mount_point == "/sys/my cgroups\\x");
  CHECK(parse_mount_points(
            "1 2 0:1 / / rw - ext4 x rw\ngarbage\n2 1 0:2 / /my\\040disk rw - a b c\n") ==
        std::vector<std::string>{"/", "/my disk"});
  CHECK(parse_self_cgroup("nonsense\n1:pids\n:::\n").size() == 1);
  CHECK(parse_self_cgroup("8:pids:/a:b\n")[0].path == "/a:b");
  CHECK(plan("", "").parents.empty());
  CHECK(plan("", "").notes ==
        std::vector<std::string>{"no cgroup hierarchy for: cpu, cpuacct, memory, pids, freezer"});
}

}  // namespace bourse::isolation
