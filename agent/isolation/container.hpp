// ContainerRuntime: the agent's containers. Launches them through a small launcher process, hears
// of them from their shims, and finds them again after a restart of the agent (docs/process-tree.md
// draws who is whose parent and what happens when any of them dies).
//
// How to drive it: watch poll_fd() for readability and arm a timer for next_deadline()
// (CLOCK_BOOTTIME); on either, call process(). Events reach the sink only from inside process();
// the sink may call any method but process(). Nothing blocks beyond small file operations.
// Ownership: the agent shell, one thread. Errors: a sentence that names container and cause.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/isolation/cgroup.hpp"
#include "agent/isolation/exit_record.hpp"
#include "agent/isolation/launch_record.hpp"
#include "agent/isolation/process_identity.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse::isolation {

// Limits of this room; reaching one is an error with a sentence.
inline constexpr std::size_t kMostContainers = 10'000;
inline constexpr std::size_t kMostContainerIdBytes = 128;
inline constexpr std::size_t kMostCommandBytes = 1 << 20;  // argv and environment together
inline constexpr std::size_t kMostCommandStringBytes = 128
                                                       << 10;  // one of them: the kernel's limit
inline constexpr std::int64_t kDefaultOutputCapBytes = 20LL << 20;

// Zero means no limit, except output_cap_bytes.
struct ResourceLimits {
  std::int64_t cpu_milli = 0;
  bool cpu_quota = true;          // a hard ceiling too, not only a share under contention
  std::int64_t cpu_shares = 0;    // under contention; 0: as many as cpu_milli comes to
  std::int64_t memory_bytes = 0;  // hard, without swap; raised to kMinMemoryBytes
  std::int64_t pids = 0;          // processes and threads
  std::int64_t fds = 0;           // RLIMIT_NOFILE; 0 inherits
  // Each of stdout and stderr, the rotated file (stdout.1) included.
  std::int64_t output_cap_bytes = kDefaultOutputCapBytes;
};

// A directory of the machine that a container sees in its sandbox.
struct VolumeMount {
  std::string host_path;
  std::string container_path;  // below the sandbox
  bool read_only = false;      // only where containers have mounts of their own
  bool shared = false;         // several containers may have it: it keeps the owner that it has
};

struct ContainerSpec {
  std::string container_id;  // [A-Za-z0-9._-], at most 128, not starting with '.'
  std::string sandbox_dir;   // absolute; made if absent (its parent must exist), given to the user
  std::vector<std::string> argv;  // either this ...
  std::string shell_command;      // ... or this, run by /bin/sh -c
  // All of it: nothing is inherited. BOURSE_CONTAINER_ID is added.
  std::vector<std::pair<std::string, std::string>> env;
  std::string user;  // empty: the agent's own
  ResourceLimits limits;
  Namespaces namespaces = kAllNamespaces;  // ignored without root
  std::vector<VolumeMount> volumes;
  CheckSpec health;  // their own argv and env; the rest is the container's
  CheckSpec check;
  Duration kill_grace;  // when its health ends it
};

struct RuntimeOptions {
  std::string runtime_dir;    // made if absent, mode 0700; one agent at a time (locked)
  std::string shim_path;      // the bourse-shim program
  std::string cgroup_parent;  // empty: below the agent's own cgroup; else "/path" in each hierarchy
  bool use_cgroups = true;
  bool use_namespaces = true;
  Duration launch_timeout = Duration::seconds(10);
  Duration destroy_limit = Duration::seconds(30);  // then LEAKED
  Duration term_grace = Duration::seconds(5);      // when somebody sends a shim SIGTERM
};

// The program runs (exec succeeded).
struct ContainerStarted {
  std::string container_id;
  ProcessIdentity task;
};
// What its checks say: after a change, and once before ContainerStarted.
struct ContainerChecked {
  std::string container_id;
  std::optional<bool> healthy;  // absent: no health check, or not known yet
  std::int32_t failures = 0;    // in a row
  bool unhealthy = false;       // and it is being ended for that
  CheckSpec::Kind check = CheckSpec::Kind::none;
  std::optional<std::int32_t> value;  // exit status, status code, 0 or 1
};
// The memory limit was hit; the whole container is being destroyed, ContainerExited follows.
struct ContainerOom {
  std::string container_id;
};
// It ended, or never began (!record.launched); everything of it is gone unless record.leaked.
// Terminal. Checkpoint what it says, then release().
struct ContainerExited {
  std::string container_id;
  ExitRecord record;
};
// Its shim died, so nobody knows the exit status; what was left has been killed, unless leaked.
// Terminal. Then release().
struct ContainerLost {
  std::string container_id;
  std::string reason;
  bool oom = false;
  bool leaked = false;
};
// It could not be started and left nothing behind. Terminal. Then release().
struct ContainerFailed {
  std::string container_id;
  std::string reason;
};
// After an end with leaked: now its last process is gone and its resources are free.
struct ContainerCleared {
  std::string container_id;
};
using ContainerEvent = std::variant<ContainerStarted, ContainerOom, ContainerExited, ContainerLost,
                                    ContainerFailed, ContainerCleared, ContainerChecked>;

struct RecoveredContainer {
  enum class State {
    running,  // its shim lives and will reconnect; kill() and the rest work at once
    exited,   // `exit` says how; no event follows; release() it
    ending,   // its shim is dead or was never born: ContainerLost or ContainerFailed follows
  };
  std::string container_id;
  State state = State::running;
  ProcessIdentity task;  // empty while it had not started: ContainerStarted follows
  std::optional<ExitRecord> exit;
};

// A program of an operator in a container that runs: with its cgroup, namespaces, environment,
// limits and sandbox.
struct SessionSpec {
  std::string container_id;
  std::string session_id;  // of the same letters; one of that name must not live there
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // besides that of the container's program
  std::string user;                                      // empty: the agent's own
  bool tty = false;
  std::uint32_t rows = 0;  // of the terminal; 0: as the kernel makes it
  std::uint32_t columns = 0;
};

class ContainerRuntime {
 public:
  using EventSink = std::function<void(const ContainerEvent&)>;

  // Starts the launcher and listens for shims. Call recover() next.
  static Result<std::unique_ptr<ContainerRuntime>> open(RuntimeOptions options, EventSink sink);
  // Containers go on; a later open() with the same runtime_dir finds them.
  ~ContainerRuntime();
  ContainerRuntime(const ContainerRuntime&) = delete;
  ContainerRuntime& operator=(const ContainerRuntime&) = delete;

  // What an earlier agent left, in order of id. Once, before anything else.
  std::vector<RecoveredContainer> recover();

  // invalid, not_found (user), already_exists, too_large, denied (user without root), io, full.
  // After ok, exactly one terminal event follows.
  Status launch(const ContainerSpec& spec);
  // The agent's end of the session's socket (agent/isolation/session_protocol.hpp), the caller's to
  // close: that ends the session. not_found, conflict when the container does not run, invalid.
  Result<int> open_session(const SessionSpec& spec);
  // What a session left that died itself: true when there is nothing.
  bool clear_session(const std::string& container_id, const std::string& session_id);
  // SIGTERM to the task, after the grace SIGKILL to all. The shim counts the grace, so it holds
  // even if this agent dies. Repeating may shorten it. not_found; conflict when it has ended.
  Status kill(const std::string& container_id, Duration grace);
  Status signal(const std::string& container_id, int signal);
  // SIGKILL to all now; for a leaked container, try again now.
  Status destroy(const std::string& container_id);
  // Other cpu, memory and pids limits for a running container. not_found; conflict when it has
  // ended; io. Without cgroups there is nothing to change and that is fine.
  Status resize(const std::string& container_id, const ResourceLimits& limits);
  // Forgets a container that has ended: its run directory goes, its sandbox stays. Call it once
  // what its terminal event said is stored. conflict while it lives or is leaked.
  Status release(const std::string& container_id);

  Result<CgroupUsage> usage(const std::string& container_id) const;
  Result<CgroupStatistics> statistics(const std::string& container_id) const;
  // In order; those ended but not released included.
  std::vector<std::string> container_ids() const;

  int poll_fd() const;
  Instant next_deadline() const;
  void process();

  // What this agent can and cannot enforce, for people: "no root: process groups and rlimits only".
  std::vector<std::string> notes() const;
  Controllers controllers() const;
  bool namespaces_available() const;
  ProcessIdentity launcher() const;

  // For an orderly end: stops the launcher, removes socket and empty cgroups. Containers that
  // still live go on, and conflict says how many.
  Status shut_down();

  class Impl;

 private:
  explicit ContainerRuntime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bourse::isolation
