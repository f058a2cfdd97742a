// A file with a secret in it, of the operator's own. Main thread, at start.
#pragma once

#include <string>

#include "base/result.hpp"

namespace bourse::runtime {

inline constexpr std::size_t kMaxSecretFileBytes = 1u << 20;

// All of it. Refused: what is no regular file, one that everybody on the machine may read or write,
// more than kMaxSecretFileBytes.
Result<std::string> read_secret_file(const std::string& path);

}  // namespace bourse::runtime
