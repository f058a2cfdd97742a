// A principal and the secret that proves it. Value.
#pragma once

#include <cstddef>
#include <string>

namespace bourse {

struct Credential {
  std::string principal;
  std::string secret;  // itself, or the hash that crypt(3) made of it

  bool operator==(const Credential&) const = default;
};

namespace limits {

inline constexpr std::size_t kMaxCredentials = 4096;  // principals that a daemon knows
inline constexpr std::size_t kMaxPrincipalBytes = 256;
inline constexpr std::size_t kMaxSecretBytes = 512;  // as much as crypt(3) takes
// Failures of so many principals from so many addresses are remembered.
inline constexpr std::size_t kMaxAttemptRows = 4096;
// Requests that wait for a hash, and hashes that wait to be made.
inline constexpr std::size_t kMaxWaitingLogins = 256;
inline constexpr std::size_t kMaxWaitingHashes = 32;

}  // namespace limits

}  // namespace bourse
