// The inside of ContainerRuntime: the table of containers and the sockets to launcher and shims.
// Private to the container_*.cpp files. One thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/isolation/cgroup_base.hpp"
#include "agent/isolation/container.hpp"
#include "agent/isolation/launcher_client.hpp"

namespace bourse::isolation {

// A file descriptor with one owner.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() { reset(); }
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

class ContainerRuntime::Impl {
 public:
  enum class Phase {
    launching,   // a shim was asked for, or found; the task has not been reported started
    running,     // the task was reported started
    destroying,  // the shim is dead: we kill what it left
    leaked,      // ended for the world, but processes are left; tried again now and then
    ended,       // terminal event delivered, waits for release()
  };

  struct Container {
    std::string id;
    std::string token;
    std::string sandbox_dir;
    ContainerCgroup cgroup;
    Phase phase = Phase::launching;
    ProcessIdentity shim;  // empty until the launcher, its hello or its file tells
    ProcessIdentity task;
    int link = -1;         // the shim's connection, key into links_
    bool asked = false;    // an unanswered request lies with the launcher
    bool claimed = false;  // the shim is known to have claimed the run directory
    std::optional<Duration> pending_kill;
    Instant deadline = Instant::max();
    Instant launch_until{};  // a shim that has not spoken by then is fenced off
    Instant destroy_until = Instant::max();
    Duration destroy_retry;
    std::string lost_reason;
    bool failed_not_lost = false;  // the task cannot have run
    bool oom = false;
    bool acknowledge = false;  // the shim holds the status until release()
  };

  Impl(RuntimeOptions options, EventSink sink)
      : options_(std::move(options)), sink_(std::move(sink)) {}
  ~Impl();

  // container_runtime.cpp: sockets and dispatch.
  Status open();
  void process();
  Instant next_deadline() const;
  Status shut_down();
  std::vector<std::string> notes() const;

  // container_launch.cpp
  Status launch(const ContainerSpec& spec);

  // container_session.cpp
  Result<int> open_session(const SessionSpec& spec);
  bool clear_session(const std::string& container_id, const std::string& session_id);

  // container_recovery.cpp
  std::vector<RecoveredContainer> recover();

  // container_lifecycle.cpp
  Status kill(const std::string& id, Duration grace);
  Status signal(const std::string& id, int signal);
  Status destroy(const std::string& id);
  Status release(const std::string& id);

  Container* find(const std::string& id);

  RuntimeOptions options_;
  EventSink sink_;
  OwnedFd epoll_;
  OwnedFd runtime_dir_;
  OwnedFd lock_;
  OwnedFd containers_dir_;
  OwnedFd listener_;
  std::string boot_id_;
  CgroupBase base_;
  std::vector<CgroupBase> old_bases_;
  std::vector<std::string> notes_;
  bool namespaces_ = false;
  std::unique_ptr<LauncherClient> launcher_;
  Instant launcher_retry_ = Instant::max();
  Instant launcher_flush_ = Instant::max();
  std::int64_t next_request_ = 1;
  std::map<std::int64_t, std::string> requests_;  // asked of the launcher, unanswered
  std::map<std::string, Container> containers_;
  struct Link {
    OwnedFd fd;
    std::string container_id;  // empty until hello
  };
  std::map<int, Link> links_;
  struct Stray {
    ContainerCgroup cgroup;
    Instant until;
  };
  std::vector<Stray> strays_;  // cgroups of ours that no run directory knows
  Instant strays_deadline_ = Instant::max();
  std::deque<ContainerEvent> events_;

 private:
  // container_runtime.cpp
  Status open_directories();
  Status open_listener();
  Status start_launcher();
  void on_launcher();
  void on_launcher_dead();
  void restart_launcher();
  void accept_links();
  void on_link(int fd);
  void on_hello(int fd, const Frame& frame);
  void close_link(int fd);
  void deliver();
  void watch(int fd) const;

  // container_launch.cpp
  Status validate(const ContainerSpec& spec) const;
  Result<LaunchRecord> resolve(const ContainerSpec& spec) const;
  Status make_run_dir(const LaunchRecord& record) const;
  Status make_sandbox(const LaunchRecord& record) const;
  Status place_volumes(const ContainerSpec& spec, const LaunchRecord& record) const;

  // container_recovery.cpp
  std::optional<RecoveredContainer> recover_one(const std::string& id);
  void recover_shim(Container& container, int run_dir, RecoveredContainer& one);
  RecoveredContainer recover_damaged(const std::string& id, int run_dir, const Error& damage);
  void note_damage(const std::string& id, const Error& error);
  void recover_strays();
  void remove_run_dir(const std::string& id) const;

  // container_lifecycle.cpp
  void on_shim_frame(Container& container, const Frame& frame);
  void on_started(Container& container, const Frame& frame);
  void on_exited(Container& container, const ExitRecord& record);
  void on_deadline(Container& container, Instant now);
  void check_shim(Container& container);
  void begin_destroying(Container& container, std::string reason);
  void destroy_pass(Container& container, Instant now);
  void fail(Container& container, std::string reason);
  bool kill_leftovers(const Container& container) const;
  void end(Container& container, bool leaked);
  void destroy_strays(Instant now);
  OwnedFd open_run_dir(const std::string& id) const;
  bool send(Container& container, const Frame& frame);
};

// The one variable that every container has besides its own.
inline std::string environment_mark(const std::string& container_id) {
  return "BOURSE_CONTAINER_ID=" + container_id;
}

// CLOCK_BOOTTIME.
Instant boot_now();

}  // namespace bourse::isolation
