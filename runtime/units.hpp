// Durations and byte sizes as operators write them: "5secs", "10ms", "1.5hrs", "64MB". The Mesos
// forms, plus "s", "m", "h", "d" and "KiB"-style names. Values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse::runtime {

// ns, us, ms, secs, mins, hrs, days, weeks (and s, sec, m, min, h, hr, d, day, week, w).
Result<Duration> parse_duration(std::string_view text);
// B, KB, MB, GB, TB, each 1024 of the one before.
Result<std::uint64_t> parse_bytes(std::string_view text);
// The largest unit that needs no fraction: "90secs", "2hrs".
std::string duration_text(Duration duration);

}  // namespace bourse::runtime
