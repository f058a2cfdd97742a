// The wire between agent, launcher and shim: unix SOCK_SEQPACKET, one fixed frame per message, no
// protobuf in the shim. Both ends run on one machine, so numbers are in host order.
//
//   shim -> agent   hello      first on every connection: token, pid, start_time of the shim
//                   started    pid, start_time of the task; sent again after each reconnect
//                   oom        the memory limit was hit, the container is being destroyed
//                   checked    what its checks say: flags, wait_status (the check's value), signal
//                              (failures in a row), launch_step (the check's kind); whenever it
//                              changes, and before started
//                   exited     the ExitFields below; flag_durable says whether the file has it too
//   agent -> shim   kill       grace_ms
//                   signal     signal
//                   acknowledge  the agent answers for the exit status; the shim may leave
//   agent -> launcher  launch  request; ancillary data: one memfd with the LaunchRecord
//                     launch_session  likewise; the descriptor is the session's end of its socket
//   launcher -> agent  launched  request, pid of the shim, or error (errno) and no process
//
// An agent may meet shims of older and newer builds. So: fields are only ever added at the end, a
// receiver takes min(size received, own size) and zeroes the rest, and a type it does not know is
// ignored. Anything shorter than the magic, version and type is not ours: close.
#pragma once

#include <cstdint>
#include <cstring>

namespace bourse::isolation {

inline constexpr std::uint32_t kFrameMagic = 0x31525342;  // "BSR1"
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::size_t kTokenBytes = 32;  // hex text of 16 random bytes

enum class FrameType : std::uint16_t {
  hello = 1,
  started = 2,
  oom = 3,
  exited = 4,
  checked = 5,
  kill = 16,
  signal = 17,
  acknowledge = 18,
  launch = 32,
  launched = 33,
  launch_session = 34,
};

// What the shim was doing when a launch failed.
enum class LaunchStep : std::int32_t {
  none = 0,
  read_record = 1,
  claim = 2,  // the run directory belongs to somebody else already
  cgroup = 3,
  output = 4,
  init = 5,
  namespaces = 6,
  mounts = 7,
  attach = 8,
  limits = 9,
  user = 10,
  sandbox = 11,
  exec = 12,
  fork = 13,
};

inline constexpr std::uint32_t kFlagLaunched = 1;
inline constexpr std::uint32_t kFlagOom = 2;
inline constexpr std::uint32_t kFlagKilled = 4;
inline constexpr std::uint32_t kFlagLeaked = 8;
inline constexpr std::uint32_t kFlagDurable = 16;
inline constexpr std::uint32_t kFlagUnhealthy = 32;  // it is, or was, ended for its health
// Of `checked`:
inline constexpr std::uint32_t kFlagHealthKnown = 64;
inline constexpr std::uint32_t kFlagHealthy = 128;
inline constexpr std::uint32_t kFlagCheckKnown = 256;

struct Frame {
  std::uint32_t magic = kFrameMagic;
  std::uint16_t version = kFrameVersion;
  std::uint16_t type = 0;
  char token[kTokenBytes] = {};
  std::int64_t request = 0;
  std::int64_t pid = 0;
  std::int64_t start_time = 0;
  std::int64_t grace_ms = 0;
  std::int32_t signal = 0;
  std::int32_t error = 0;
  // Of `exited`:
  std::uint32_t flags = 0;
  std::int32_t wait_status = 0;
  std::int32_t launch_step = 0;
  std::int32_t launch_errno = 0;
  std::int64_t cpu_ns = 0;
  std::int64_t memory_peak_bytes = 0;
  std::int64_t oom_kills = 0;
  std::int64_t output_dropped_bytes = 0;
};
inline constexpr std::size_t kFrameBytes = sizeof(Frame);
inline constexpr std::size_t kFrameLeastBytes = 8;
static_assert(kFrameBytes == 128, "the frame is a wire format");

inline Frame make_frame(FrameType type) {
  Frame frame;
  frame.type = static_cast<std::uint16_t>(type);
  return frame;
}

// False when the bytes are not a frame.
inline bool decode_frame(const void* bytes, std::size_t size, Frame& frame) {
  frame = Frame{};
  if (size < kFrameLeastBytes) return false;
  std::memcpy(static_cast<void*>(&frame), bytes, size < kFrameBytes ? size : kFrameBytes);
  return frame.magic == kFrameMagic;
}

}  // namespace bourse::isolation
