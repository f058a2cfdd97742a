// What every fuzz target shares: the entry point's declaration, and a check that survives NDEBUG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the run: what was decoded does not come back from its own encoding.
inline void must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace fuzz
