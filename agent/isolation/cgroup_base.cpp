#include "agent/isolation/cgroup_base.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

constexpr const char* kShims = "/shims";
constexpr const char* kContainerPrefix = "c-";

int make_path(const std::string& dir) {
  if (::mkdir(dir.c_str(), 0755) == 0 || errno == EEXIST) return 0;
  if (errno != ENOENT) return errno;
  const std::size_t slash = dir.rfind('/');
  if (slash == 0 || slash == std::string::npos) return ENOENT;
  if (const int error = make_path(dir.substr(0, slash)); error != 0) return error;
  return ::mkdir(dir.c_str(), 0755) == 0 || errno == EEXIST ? 0 : errno;
}

std::string enable_text(Controllers controllers) {
  std::string text;
  if ((controllers & kCpu) != 0) text += "+cpu ";
  if ((controllers & kMemory) != 0) text += "+memory ";
  if ((controllers & kPids) != 0) text += "+pids ";
  return text;
}

// v2 lets a cgroup either hold processes or give controllers to its children. When our own cgroup
// holds us, step into a leaf of it first; when it also holds strangers, that is for the operator.
int enable_controllers(const std::string& dir, Controllers controllers) {
  const std::string file = dir + "/cgroup.subtree_control";
  const std::string text = enable_text(controllers);
  int error = write_value(file, text);
  if (error != EBUSY) return error;
  const std::string leaf = dir + "/bourse-agent";
  error = make_path(leaf);
  if (error == 0) error = write_value(leaf + "/cgroup.procs", "0");
  return error != 0 ? error : write_value(file, text);
}

int prepare_one(const CgroupParent& parent, const std::string& base) {
  if (const int error = make_path(parent.dir); error != 0) return error;
  if (parent.v2) {
    if (const int error = enable_controllers(parent.dir, parent.controllers); error != 0) {
      return error;
    }
  }
  if (const int error = make_path(base + kShims); error != 0) return error;
  if (parent.v2) {
    if (const int error = enable_controllers(base, parent.controllers); error != 0) return error;
  }
  // Making directories proves nothing about moving processes; opening for writing nearly does.
  return ::access((base + kShims + "/cgroup.procs").c_str(), W_OK) == 0 ? 0 : errno;
}

}  // namespace

CgroupBase CgroupBase::prepare(const CgroupPlan& plan, const std::string& instance) {
  CgroupBase base;
  base.notes_ = plan.notes;
  for (const CgroupParent& parent : plan.parents) {
    const std::string dir = parent.dir + "/bourse-" + instance;
    const int error = prepare_one(parent, dir);
    if (error == 0) {
      base.dirs_.push_back({parent.v2, parent.controllers, dir});
      continue;
    }
    ::rmdir((dir + kShims).c_str());
    ::rmdir(dir.c_str());
    std::string note = "cannot use the cgroup hierarchy of " +
                       describe_controllers(parent.controllers) + " at " + parent.dir + ": " +
                       errno_text(error);
    if (error == EBUSY) {
      note +=
          " (it holds other processes: start the agent in a cgroup of its own, or give "
          "another parent cgroup)";
    }
    base.notes_.push_back(std::move(note));
  }
  if (base.dirs_.empty()) {
    base.notes_.push_back(::geteuid() == 0 ? "no usable cgroup: process groups and rlimits only"
                                           : "no root: process groups and rlimits only");
  }
  return base;
}

CgroupBase CgroupBase::existing(std::vector<CgroupParent> dirs) {
  CgroupBase base;
  base.dirs_ = std::move(dirs);
  return base;
}

Controllers CgroupBase::controllers() const {
  Controllers all = 0;
  for (const CgroupParent& dir : dirs_) all |= dir.controllers;
  return all;
}

std::vector<std::string> CgroupBase::shim_dirs() const {
  std::vector<std::string> dirs;
  for (const CgroupParent& dir : dirs_) dirs.push_back(dir.dir + kShims);
  return dirs;
}

ContainerCgroup CgroupBase::container(const std::string& container_id) const {
  std::vector<CgroupParent> dirs;
  for (const CgroupParent& dir : dirs_) {
    dirs.push_back({dir.v2, dir.controllers, dir.dir + "/" + kContainerPrefix + container_id});
  }
  return ContainerCgroup(std::move(dirs));
}

std::vector<std::string> CgroupBase::containers() const {
  std::vector<std::string> names;
  const std::size_t prefix = std::strlen(kContainerPrefix);
  for (const CgroupParent& dir : dirs_) {
    DIR* open = ::opendir(dir.dir.c_str());
    if (open == nullptr) continue;
    while (const dirent* entry = ::readdir(open)) {
      if (std::strncmp(entry->d_name, kContainerPrefix, prefix) != 0) continue;
      names.emplace_back(entry->d_name + prefix);
    }
    ::closedir(open);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool CgroupBase::remove() const {
  bool gone = true;
  for (const CgroupParent& dir : dirs_) {
    ::rmdir((dir.dir + kShims).c_str());
    if (::rmdir(dir.dir.c_str()) != 0 && errno != ENOENT) gone = false;
  }
  return gone;
}

}  // namespace bourse::isolation
