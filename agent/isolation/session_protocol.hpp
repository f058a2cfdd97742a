// The wire between agent and session process (`bourse-shim --session`): unix SOCK_SEQPACKET, one
// message per packet, its first byte the type. Both ends are of one build and one machine, for no
// session outlives its agent. The socket is the session's life: whoever finds it closed ends.
//
//   agent -> session   start    SessionStart, then a LaunchRecord; first, once
//                      input    bytes for its standard input; none: their end
//                      resize   rows, columns
//                      signal   number, for the program's process group
//   session -> agent   started  nothing: the program runs
//                      failed   step, errno: it never did; last
//                      out, err bytes that it wrote; a terminal's are all out
//                      taken    so many bytes of input were taken by the program
//                      exited   wait status; everything of it is gone; last
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bourse::isolation {

enum class SessionMessage : std::uint8_t {
  start = 1,
  input = 2,
  resize = 3,
  signal = 4,
  started = 16,
  failed = 17,
  out = 18,
  err = 19,
  taken = 20,
  exited = 21,
};

inline constexpr std::size_t kMostSessionPiece = 32u << 10;       // of input or output in a message
inline constexpr std::size_t kMostSessionMessage = 160u << 10;    // the first one is the largest
inline constexpr std::size_t kMostSessionInputHeld = 256u << 10;  // not taken; more is a bug

struct SessionStart {
  std::int64_t shim_pid = 0;
  std::int64_t shim_start_time = 0;
  std::int64_t task_pid = 0;
  std::int64_t task_start_time = 0;
  std::int32_t tty = 0;
  std::int32_t rows = 0;
  std::int32_t columns = 0;
  std::int32_t spare = 0;
};

// Numbers of the small messages: in host order, one after the other.
struct SessionNumbers {
  std::int32_t first = 0;
  std::int32_t second = 0;
};

inline std::string session_message(SessionMessage type, std::string_view bytes = {}) {
  std::string out(1, static_cast<char>(type));
  out += bytes;
  return out;
}
inline std::string session_numbers(SessionMessage type, std::int32_t first,
                                   std::int32_t second = 0) {
  const SessionNumbers numbers{first, second};
  char bytes[sizeof numbers];
  std::memcpy(bytes, &numbers, sizeof numbers);
  return session_message(type, {bytes, sizeof bytes});
}
// Zeroes for what is not there.
inline SessionNumbers numbers_of(std::string_view message) {
  SessionNumbers numbers;
  if (message.size() == 1 + sizeof numbers) {
    std::memcpy(&numbers, message.data() + 1, sizeof numbers);
  }
  return numbers;
}

}  // namespace bourse::isolation
