// Limits of sessions: programs that operators run beside a task, in its container. Apart from
// limits.hpp, which everybody includes. Constants only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bourse::limits {

// Living ones: each is two processes and three descriptors of the agent's.
inline constexpr std::size_t kMaxSessionsPerContainer = 16;
inline constexpr std::size_t kMaxSessionsPerAgent = 256;
// Ended ones that still answer WAIT_NESTED_CONTAINER; the oldest is forgotten first.
inline constexpr std::size_t kMaxEndedSessions = 1024;
// Connections that read one session's output, and calls that wait for its end.
inline constexpr std::size_t kMaxReadersPerSession = 16;
inline constexpr std::size_t kMaxWaitersPerSession = 64;
inline constexpr std::size_t kMaxSessionIdBytes = 128;
// Words and environment of its command: they travel in one message of a unix socket.
inline constexpr std::size_t kMaxSessionCommandBytes = 64u << 10;
// Output that waits for one reader; above half of it the program is not read any more.
inline constexpr std::size_t kSessionOutputBytes = 1u << 20;
// Input that the program has not read; then its connection is not read any more.
inline constexpr std::size_t kSessionInputBytes = 128u << 10;
// One record of ATTACH_CONTAINER_INPUT.
inline constexpr std::size_t kMaxSessionRecordBytes = 1u << 20;
inline constexpr std::uint32_t kMaxTtySide = 10'000;  // rows or columns

}  // namespace bourse::limits
