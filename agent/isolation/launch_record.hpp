// LaunchRecord: everything a shim needs to run its container, resolved by the agent (ids instead of
// user names, directories instead of policies), handed over in a sealed memfd. It carries the
// environment, which may hold secrets: it is never written to a file. Value, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/isolation/cgroup.hpp"
#include "base/result.hpp"

namespace bourse::isolation {

// Wanted namespaces; a set of bits.
using Namespaces = std::uint32_t;
inline constexpr Namespaces kNamespacePid = 1;
inline constexpr Namespaces kNamespaceMount = 2;
inline constexpr Namespaces kNamespaceIpc = 4;
inline constexpr Namespaces kNamespaceUts = 8;
inline constexpr Namespaces kAllNamespaces = 15;

struct BindMount {
  std::string source;
  std::string target;
  bool read_only = false;

  bool operator==(const BindMount&) const = default;
};

// How to look whether a task is well.
struct CheckSpec {
  enum class Kind : std::uint8_t { none, command, http, tcp };
  Kind kind = Kind::none;
  std::vector<std::string> argv;  // of command
  std::vector<std::string> env;
  std::uint16_t port = 0;  // of http and tcp: of this machine, on loopback
  bool ipv6 = false;
  std::string path;  // of http
  std::int64_t delay_ms = 0;
  std::int64_t interval_ms = 0;
  std::int64_t timeout_ms = 0;  // 0: none
  std::int64_t grace_ms = 0;
  std::uint32_t failures_most = 0;

  bool operator==(const CheckSpec&) const = default;
};

struct LaunchRecord {
  std::string container_id;
  std::string token;
  std::string run_dir;      // private to agent and shim
  std::string socket_dir;   // where the agent listens, as kAgentSocket
  std::string sandbox_dir;  // working directory; stdout and stderr are here
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"; nothing is inherited

  bool switch_user = false;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;

  Namespaces namespaces = 0;
  std::vector<CgroupParent> cgroup_dirs;
  CgroupLimits limits;
  std::int64_t max_fds = 0;           // RLIMIT_NOFILE; 0 leaves the agent's
  std::int64_t data_bytes = 0;        // RLIMIT_DATA where no memory cgroup holds; 0 none
  std::int64_t output_cap_bytes = 0;  // each of stdout and stderr, rotated file included
  std::int64_t term_grace_ms = 0;     // when the shim itself gets SIGTERM
  std::int64_t destroy_limit_ms = 0;  // then LEAKED

  std::vector<BindMount> mounts;  // made where there is a mount namespace

  CheckSpec health;                // ends the task when it fails too often
  CheckSpec check;                 // is told and ends nothing
  std::int64_t kill_grace_ms = 0;  // when the task is ended for its health

  bool operator==(const LaunchRecord&) const = default;
};

inline constexpr char kAgentSocket[] = "shims.sock";
inline constexpr std::size_t kMostLaunchRecordBytes = 4 << 20;

std::string encode_launch_record(const LaunchRecord& record);
Result<LaunchRecord> decode_launch_record(std::string_view bytes);

}  // namespace bourse::isolation
