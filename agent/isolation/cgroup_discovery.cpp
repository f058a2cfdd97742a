#include "agent/isolation/cgroup_discovery.hpp"

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

struct NamedController {
  std::string_view name;
  Controllers bit;
};
constexpr NamedController kNames[] = {{"cpu", kCpu},
                                      {"cpuacct", kCpuacct},
                                      {"memory", kMemory},
                                      {"pids", kPids},
                                      {"freezer", kFreezer}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

Controllers controllers_in(std::string_view text, char separator) {
  Controllers found = 0;
  for (const std::string_view name : split(text, separator)) found |= controller_named(name);
  return found;
}

bool has_option(std::string_view options, std::string_view wanted) {
  for (const std::string_view option : split(options, ',')) {
    if (option == wanted) return true;
  }
  return false;
}

// The path of the hierarchy as a directory below the mount point; nothing when the mount does not
// show it.
bool visible_dir(const CgroupMount& mount, const std::string& path, std::string& dir) {
  std::string below = path;
  if (mount.root != "/") {
    const bool inside = path.compare(0, mount.root.size(), mount.root) == 0 &&
                        (path.size() == mount.root.size() || path[mount.root.size()] == '/');
    if (!inside) return false;
    below = path.substr(mount.root.size());
  }
  // "/.." appears when a process looks from inside a cgroup namespace at one outside of it.
  if (below.compare(0, 3, "/..") == 0) return false;
  while (!below.empty() && below.back() == '/') below.pop_back();
  dir = mount.mount_point + below;
  return true;
}

}  // namespace

Controllers controller_named(std::string_view name) {
  for (const NamedController& known : kNames) {
    if (known.name == name) return known.bit;
  }
  return 0;
}

std::string describe_controllers(Controllers controllers) {
  std::string text;
  for (const NamedController& known : kNames) {
    if ((controllers & known.bit) == 0) continue;
    if (!text.empty()) text += ", ";
    text += known.name;
  }
  return text.empty() ? "none" : text;
}

std::vector<CgroupMount> parse_mountinfo(std::string_view text) {
  std::vector<CgroupMount> mounts;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    // id parent major:minor root mount_point options [optional...] - type source super_options
    std::size_t dash = 6;
    while (dash < fields.size() && fields[dash] != "-") ++dash;
    if (dash + 3 >= fields.size()) continue;
    const std::string_view type = fields[dash + 1];
    if (type != "cgroup" && type != "cgroup2") continue;
    CgroupMount mount;
    mount.v2 = type == "cgroup2";
    mount.read_only = has_option(fields[5], "ro") || has_option(fields[dash + 3], "ro");
    if (!mount.v2) mount.controllers = controllers_in(fields[dash + 3], ',');
    mount.mount_point = unescape(fields[4]);
    mount.root = unescape(fields[3]);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<std::string> parse_mount_points(std::string_view text) {
  std::vector<std::string> points;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (fields.size() > 5) points.push_back(unescape(fields[4]));
  }
  return points;
}

std::vector<CgroupMembership> parse_self_cgroup(std::string_view text) {
  std::vector<CgroupMembership> memberships;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    CgroupMembership membership;
    const std::string_view names = line.substr(first + 1, second - first - 1);
    membership.v2 = line.substr(0, first) == "0" && names.empty();
    membership.controllers = controllers_in(names, ',');
    membership.path = std::string(line.substr(second + 1));
    memberships.push_back(std::move(membership));
  }
  return memberships;
}

Controllers CgroupPlan::controllers() const {
  Controllers all = 0;
  for (const CgroupParent& parent : parents) all |= parent.controllers;
  return all;
}

CgroupPlan plan_cgroups(const std::vector<CgroupMount>& mounts,
                        const std::vector<CgroupMembership>& memberships, const std::string& parent,
                        const std::function<std::string(const std::string&)>& v2_controllers) {
  CgroupPlan plan;
  for (const CgroupMount& mount : mounts) {
    if (!mount.v2 && mount.controllers == 0) continue;  // name=systemd, devices, ...
    // The same hierarchy may be mounted twice; the first that can be used is enough.
    if (!mount.v2 && (mount.controllers & ~plan.controllers()) == 0) continue;
    const CgroupMembership* own = nullptr;
    for (const CgroupMembership& membership : memberships) {
      if (membership.v2 == mount.v2 &&
          (mount.v2 || (membership.controllers & mount.controllers) == mount.controllers)) {
        own = &membership;
        break;
      }
    }
    if (own == nullptr) continue;
    std::string dir;
    if (!visible_dir(mount, parent.empty() ? own->path : parent, dir)) {
      plan.notes.push_back("cgroup mount " + mount.mount_point + " does not show " +
                           (parent.empty() ? "our own cgroup " + own->path : parent));
      continue;
    }
    if (mount.read_only) {
      plan.notes.push_back("cgroup mount " + mount.mount_point + " is read-only");
      continue;
    }
    Controllers controllers = mount.controllers;
    if (mount.v2) {
      controllers = controllers_in(v2_controllers(dir), ' ');
      while (controllers == 0 && !parent.empty() && dir.size() > mount.mount_point.size()) {
        // The given parent need not exist yet: ask its nearest ancestor.
        const std::size_t slash = dir.rfind('/');
        const std::string above = dir.substr(0, slash);
        controllers = controllers_in(v2_controllers(above), ' ');
        if (above.size() <= mount.mount_point.size()) break;
        dir = above;
      }
      visible_dir(mount, parent.empty() ? own->path : parent, dir);
      controllers &= ~plan.controllers();
      if (controllers == 0) continue;  // hybrid: the v1 hierarchies hold everything
      controllers |= kFreezer;
      if ((controllers & kCpu) != 0) controllers |= kCpuacct;
    }
    plan.parents.push_back({mount.v2, controllers, dir});
  }
  const Controllers missing = kAllControllers & ~plan.controllers();
  if (missing != 0) {
    plan.notes.push_back("no cgroup hierarchy for: " + describe_controllers(missing));
  }
  return plan;
}

CgroupPlan discover_cgroups(const std::string& parent) {
  const std::string mountinfo = read_file("/proc/self/mountinfo").value_or("");
  const std::string own = read_file("/proc/self/cgroup").value_or("");
  return plan_cgroups(parse_mountinfo(mountinfo), parse_self_cgroup(own), parent,
                      [](const std::string& dir) {
                        std::string text = read_file(dir + "/cgroup.controllers").value_or("");
                        while (!text.empty() && text.back() == '\n') text.pop_back();
                        return text;
                      });
}

}  // namespace bourse::isolation
