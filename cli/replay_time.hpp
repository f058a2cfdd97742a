// Points in time as `bourse replay` shows and takes them: UTC, "2026-01-31T12:00:00.123Z", the
// fraction and the Z at will. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse::cli {

std::string utc_text(WallTime time);
Result<WallTime> parse_utc(std::string_view text);

}  // namespace bourse::cli
