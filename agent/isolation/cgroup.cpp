#include "agent/isolation/cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

std::int64_t number_in(const std::string& path) {
  const auto text = read_file(path);
  return text ? parse_number(*text).value_or(0) : 0;
}

std::int64_t keyed_in(const std::string& path, const char* key) {
  const auto text = read_file(path);
  return text ? find_keyed_number(*text, key).value_or(0) : 0;
}

void read_processes(const std::string& dir, std::vector<pid_t>& pids) {
  const auto text = read_file(dir + "/cgroup.procs");
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    // 0 is a process of another pid namespace: not ours to name.
    if (const auto pid = parse_number(rest.substr(0, end)); pid && *pid > 0) {
      pids.push_back(static_cast<pid_t>(*pid));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
}

// A task that runs as root may have made cgroups of its own below ours. Depth is bounded: what is
// deeper is left, and shows as leaked.
constexpr int kMostDepth = 8;

void walk(const std::string& dir, int depth, std::vector<std::string>& dirs) {
  dirs.push_back(dir);
  struct stat info {};
  // Two links: no child directory. Saves reading the directory in nearly every case.
  if (depth >= kMostDepth || ::stat(dir.c_str(), &info) != 0 || info.st_nlink <= 2) return;
  DIR* open = ::opendir(dir.c_str());
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    walk(dir + "/" + entry->d_name, depth + 1, dirs);
  }
  ::closedir(open);
}

std::vector<std::string> tree_of(const std::string& dir) {
  std::vector<std::string> dirs;
  if (::access(dir.c_str(), F_OK) == 0) walk(dir, 0, dirs);
  return dirs;
}

}  // namespace

Controllers ContainerCgroup::controllers() const {
  Controllers all = 0;
  for (const CgroupParent& dir : dirs_) all |= dir.controllers;
  return all;
}

const std::string* ContainerCgroup::dir_of(Controllers controller, bool* v2) const {
  for (const CgroupParent& dir : dirs_) {
    if ((dir.controllers & controller) == 0) continue;
    *v2 = dir.v2;
    return &dir.dir;
  }
  return nullptr;
}

int ContainerCgroup::open_oom_watch() const {
  bool v2 = false;
  const std::string* dir = dir_of(kMemory, &v2);
  if (dir == nullptr) return -1;
  if (v2) {
    const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch >= 0 &&
        ::inotify_add_watch(watch, (*dir + "/memory.events").c_str(), IN_MODIFY) < 0) {
      ::close(watch);
      return -1;
    }
    return watch;
  }
  const int control = ::open((*dir + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC);
  if (control < 0) return -1;
  int watch = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (watch >= 0) {
    const std::string request = std::to_string(watch) + " " + std::to_string(control);
    if (write_value(*dir + "/cgroup.event_control", request) != 0) {
      ::close(watch);
      watch = -1;
    }
  }
  ::close(control);
  return watch;
}

bool ContainerCgroup::drain_oom_watch(int watch) const {
  bool v2 = false;
  const std::string* dir = dir_of(kMemory, &v2);
  char buffer[512];
  const ssize_t got = ::read(watch, buffer, sizeof buffer);
  if (got <= 0 || dir == nullptr) return false;
  // v1 notifies once per OOM, and when the cgroup goes away (the file is gone by then); v2's file
  // also changes for softer reasons.
  return v2 ? oom_kills() > 0 : ::access((*dir + "/memory.oom_control").c_str(), F_OK) == 0;
}

std::int64_t ContainerCgroup::oom_kills() const {
  bool v2 = false;
  const std::string* dir = dir_of(kMemory, &v2);
  if (dir == nullptr) return 0;
  return keyed_in(*dir + (v2 ? "/memory.events" : "/memory.oom_control"), "oom_kill");
}

CgroupUsage ContainerCgroup::usage() const {
  CgroupUsage usage;
  bool v2 = false;
  if (const std::string* dir = dir_of(kCpuacct, &v2)) {
    usage.cpu_ns =
        v2 ? keyed_in(*dir + "/cpu.stat", "usage_usec") * 1000 : number_in(*dir + "/cpuacct.usage");
  }
  if (const std::string* dir = dir_of(kCpu, &v2)) {
    usage.cpu_throttled_periods = keyed_in(*dir + "/cpu.stat", "nr_throttled");
  }
  if (const std::string* dir = dir_of(kMemory, &v2)) {
    usage.memory_bytes = number_in(*dir + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
    usage.memory_peak_bytes =
        number_in(*dir + (v2 ? "/memory.peak" : "/memory.max_usage_in_bytes"));
    usage.oom_kills = oom_kills();
  }
  if (const std::string* dir = dir_of(kPids, &v2)) {
    usage.pids = number_in(*dir + "/pids.current");
  }
  return usage;
}

std::vector<pid_t> ContainerCgroup::processes() const {
  std::vector<pid_t> pids;
  for (const CgroupParent& dir : dirs_) {
    for (const std::string& below : tree_of(dir.dir)) read_processes(below, pids);
  }
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

bool ContainerCgroup::destroy_pass() const {
  if (processes().empty()) return true;
  for (const CgroupParent& dir : dirs_) {
    // A fork bomb that may not fork cannot outrun the list we are about to read.
    if ((dir.controllers & kPids) != 0) write_value(dir.dir + "/pids.max", "0");
    if ((dir.controllers & kFreezer) == 0) continue;
    for (const std::string& below : tree_of(dir.dir)) {
      write_value(below + (dir.v2 ? "/cgroup.freeze" : "/freezer.state"), dir.v2 ? "0" : "THAWED");
    }
    if (dir.v2) write_value(dir.dir + "/cgroup.kill", "1");
  }
  for (const pid_t pid : processes()) ::kill(pid, SIGKILL);
  return processes().empty();
}

bool ContainerCgroup::remove() const {
  bool gone = true;
  for (const CgroupParent& dir : dirs_) {
    std::vector<std::string> dirs = tree_of(dir.dir);
    for (auto below = dirs.rbegin(); below != dirs.rend(); ++below) {
      if (::rmdir(below->c_str()) != 0 && errno != ENOENT) gone = false;
    }
  }
  return gone;
}

}  // namespace bourse::isolation
