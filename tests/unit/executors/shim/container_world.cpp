#include "tests/unit/executors/shim/container_world.hpp"

#include <dirent.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/state_file.hpp"

namespace bourse::isolation::testing {

namespace {

using Clock = std::chrono::steady_clock;

int g_worlds = 0;

std::string describe(const ContainerEvent& event) {
  if (const auto* started = std::get_if<ContainerStarted>(&event)) {
    return "started " + std::to_string(started->task.pid);
  }
  if (const auto* exited = std::get_if<ContainerExited>(&event)) {
    return "exited: " + describe_exit(exited->record);
  }
  if (const auto* lost = std::get_if<ContainerLost>(&event)) return "lost: " + lost->reason;
  if (const auto* failed = std::get_if<ContainerFailed>(&event)) {
    return "failed: " + failed->reason;
  }
  if (std::holds_alternative<ContainerChecked>(event)) return "checked";
  return std::holds_alternative<ContainerOom>(event) ? "oom" : "cleared";
}

}  // namespace

bool is_root() {
  return ::geteuid() == 0;
}

bool skip_unless(bool condition, const char* reason) {
  if (!condition) WARN("skipped: " << reason);
  return !condition;
}

bool eventually(const std::function<bool()>& condition, int timeout_ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!condition()) {
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

TempDir::TempDir(const std::string& parent) {
  const bool usable = ::access(parent.c_str(), W_OK | X_OK) == 0;
  std::string pattern = (usable ? parent : std::string("/tmp")) + "/bourse-test-XXXXXX";
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
  ::chmod(path_.c_str(), 0755);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

SmallDisk::SmallDisk(const std::string& size) : path_(dir_ / "disk") {
  REQUIRE(::mkdir(path_.c_str(), 0755) == 0);
  REQUIRE(::mount("none", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0);
}

SmallDisk::~SmallDisk() {
  // A shim holds its log files until it is gone.
  if (!eventually([&] { return ::umount(path_.c_str()) == 0; }, 2'000)) {
    ::umount2(path_.c_str(), MNT_DETACH);
  }
}

std::string contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

long long size_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = parse_number(entry.path().filename().string());
    if (!pid || *pid == ::getpid()) continue;
    const auto stat = stat_of_process(static_cast<pid_t>(*pid));
    if (!stat || stat->state == 'Z' || stat->state == 'X') continue;
    const std::string dir = "/proc/" + std::to_string(*pid);
    const std::string all =
        read_file(dir + "/cmdline").value_or("") + read_file(dir + "/environ").value_or("");
    if (all.find(text) != std::string::npos) found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

std::size_t mounts_at(const std::vector<std::string>& places) {
  const std::string text = contents_of("/proc/self/mountinfo");
  std::size_t count = 0;
  for (const std::string& place : places) {
    for (std::size_t at = text.find(place); at != std::string::npos;
         at = text.find(place, at + 1)) {
      ++count;
    }
  }
  return count;
}

ContainerWorld::ContainerWorld(RuntimeOptions options) : options_(std::move(options)) {
  // Shims whose launcher died come to us instead of to process 1, so zombies are ours to reap.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  tag_ = "w" + std::to_string(::getpid()) + "." + std::to_string(++g_worlds);
  if (options_.runtime_dir.empty()) options_.runtime_dir = dir_ / "run";
  if (options_.shim_path.empty()) options_.shim_path = BOURSE_SHIM_PATH;
  mounts_before_ = mounts_at(watched_mounts());
  open();
}

void ContainerWorld::open() {
  auto runtime = ContainerRuntime::open(
      options_, [this](const ContainerEvent& event) { events.push_back(event); });
  INFO((runtime.ok() ? "" : runtime.error().message));
  REQUIRE(runtime.ok());
  runtime_ = std::move(*runtime);
  recovered = runtime_->recover();
}

ContainerWorld::~ContainerWorld() {
  if (!finished_ && !std::uncaught_exceptions()) finish();
  if (finished_ || !runtime_) return;
  for (const std::string& id : runtime_->container_ids()) (void)runtime_->destroy(id).ok();
  turn_until([&] { return processes_with(tag_).size() <= 1; }, 3'000);
  (void)runtime_->shut_down().ok();
}

// What containers mount, and what tests mount. Not all mounts: other tests run beside this one.
std::vector<std::string> ContainerWorld::watched_mounts() const {
  return {" /proc ", " /mnt ", dir_.path()};
}

void ContainerWorld::agent_dies() {
  runtime_.reset();
}

void ContainerWorld::agent_returns() {
  events.clear();
  open();
}

void ContainerWorld::finish() {
  finished_ = true;
  if (!runtime_) open();
  for (const std::string& id : runtime_->container_ids()) {
    (void)runtime_->destroy(id).ok();
    turn_until([&] { return runtime_->release(id).ok(); });
  }
  const std::vector<std::string> dirs = cgroup_dirs();
  const auto alone = [&] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    return processes_with(tag_).empty();
  };
  CHECK(eventually(alone));
  CHECK(eventually([&] { return status_text(runtime_->shut_down()) == "ok"; }));
  for (const std::string& dir : dirs) {
    INFO(dir);
    // A shim that has just left may still be on its way out of the shims' cgroup.
    CHECK(eventually([&] {
      (void)runtime_->shut_down().ok();
      return ::access(dir.c_str(), F_OK) != 0;
    }));
  }
  CHECK(mounts_at(watched_mounts()) == mounts_before_);
  runtime_.reset();
}

std::string ContainerWorld::sandbox(const std::string& name) const {
  return dir_ / id(name);
}

std::string ContainerWorld::run_dir(const std::string& name) const {
  return options_.runtime_dir + "/containers/" + id(name);
}

ContainerSpec ContainerWorld::shell(const std::string& name, const std::string& command) const {
  ContainerSpec spec;
  spec.container_id = id(name);
  spec.sandbox_dir = sandbox(name);
  spec.shell_command = command;
  spec.env = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
              {"WORLD", tag_}};
  return spec;
}

void ContainerWorld::turn(int timeout_ms) {
  const Instant next = runtime_->next_deadline();
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  const Instant now{static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
  if (next != Instant::max()) {
    const auto left = std::max<std::int64_t>((next - now).ns / 1'000'000 + 1, 0);
    timeout_ms = static_cast<int>(std::min<std::int64_t>(left, timeout_ms));
  }
  pollfd fd{runtime_->poll_fd(), POLLIN, 0};
  ::poll(&fd, 1, timeout_ms);
  runtime_->process();
}

bool ContainerWorld::turn_until(const std::function<bool()>& condition, int timeout_ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!condition()) {
    if (Clock::now() >= until) return false;
    turn();
  }
  return true;
}

ExitRecord ContainerWorld::wait_exit(const std::string& name, int timeout_ms) {
  const ExitRecord record = wait<ContainerExited>(name, timeout_ms).record;
  release(name);
  return record;
}

void ContainerWorld::release(const std::string& name) {
  REQUIRE(status_text(runtime_->release(id(name))) == "ok");
  CHECK(::access(run_dir(name).c_str(), F_OK) != 0);
}

std::string ContainerWorld::describe_events() const {
  std::string text;
  for (const ContainerEvent& event : events) text += describe(event) + "; ";
  return text;
}

std::vector<std::string> ContainerWorld::cgroup_dirs() const {
  std::vector<std::string> dirs;
  const auto fields = decode_state(contents_of(options_.runtime_dir + "/cgroups"));
  if (!fields.ok()) return dirs;
  for (const auto& [key, value] : *fields) dirs.push_back(value.substr(value.find(' ') + 1));
  return dirs;
}

}  // namespace bourse::isolation::testing
