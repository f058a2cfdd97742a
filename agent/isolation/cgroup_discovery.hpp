// Where this process may make cgroups: v1, v2 or a mixture, found through /proc/self/mountinfo and
// /proc/self/cgroup. The own cgroup is never assumed to be the root, and a mount need not show the
// root of its hierarchy (containers). The parsers and the plan are pure functions; discover_cgroups
// reads the files. Values, any thread. What cannot be used leaves a sentence in `notes`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bourse::isolation {

// What a hierarchy can do for a container; a set of bits.
using Controllers = std::uint32_t;
inline constexpr Controllers kCpu = 1;       // shares or weight, and quota
inline constexpr Controllers kCpuacct = 2;   // usage
inline constexpr Controllers kMemory = 4;    // limit, usage, OOM events
inline constexpr Controllers kPids = 8;      // limit on processes and threads
inline constexpr Controllers kFreezer = 16;  // v1 freezer, or v2 core files
inline constexpr Controllers kAllControllers = kCpu | kCpuacct | kMemory | kPids | kFreezer;

// "memory" -> kMemory; 0 for what we do not use.
Controllers controller_named(std::string_view name);
// "cpu, memory"; "none" when empty.
std::string describe_controllers(Controllers controllers);

struct CgroupMount {
  bool v2 = false;
  bool read_only = false;
  Controllers controllers = 0;  // v1 only; v2 says it in cgroup.controllers
  std::string mount_point;
  std::string root;  // which directory of the hierarchy is visible at mount_point

  bool operator==(const CgroupMount&) const = default;
};

struct CgroupMembership {
  bool v2 = false;
  Controllers controllers = 0;
  std::string path;  // relative to the root of the hierarchy (or of the cgroup namespace)

  bool operator==(const CgroupMembership&) const = default;
};

// Lines that do not parse are skipped: the kernel may add fields and file systems.
std::vector<CgroupMount> parse_mountinfo(std::string_view text);
// Where anything is mounted, parents before what is mounted on them.
std::vector<std::string> parse_mount_points(std::string_view text);
std::vector<CgroupMembership> parse_self_cgroup(std::string_view text);

// A directory of a hierarchy under which ours may be made.
struct CgroupParent {
  bool v2 = false;
  Controllers controllers = 0;
  std::string dir;

  bool operator==(const CgroupParent&) const = default;
};

struct CgroupPlan {
  std::vector<CgroupParent> parents;
  std::vector<std::string> notes;

  Controllers controllers() const;
};

// `parent` empty: below the own cgroup of each hierarchy; else that path below each hierarchy's
// root ("/bourse.slice"). `v2_controllers` answers the text of <dir>/cgroup.controllers.
CgroupPlan plan_cgroups(const std::vector<CgroupMount>& mounts,
                        const std::vector<CgroupMembership>& memberships, const std::string& parent,
                        const std::function<std::string(const std::string&)>& v2_controllers);

CgroupPlan discover_cgroups(const std::string& parent);

}  // namespace bourse::isolation
