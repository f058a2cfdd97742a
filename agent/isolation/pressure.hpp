// Pressure: how long processes of this machine waited for something, as the kernel counts it (PSI).
// The parser is pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bourse::isolation {

// Of a file in /proc/pressure: thousandths of the last ten seconds in which some process waited.
std::optional<std::int64_t> waited_permille(std::string_view text);

// "cpu", "memory" or "io". Nothing: this kernel does not count it.
std::optional<std::int64_t> machine_pressure(std::string_view what);

}  // namespace bourse::isolation
