// Quantities on the wire are doubles, inside they are thousandths. This is the one place where the
// two meet. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bourse::codec {

// Rounds to the nearest thousandth. Refused: NaN, infinite, negative, over limits::kMaxScalarMilli;
// the sentence names `field` and the value.
Result<std::int64_t> milli_from_double(double value, const std::string& field);
double double_from_milli(std::int64_t milli);

// Seconds as the wire has them. Refused: NaN, negative. Over `most`: `most`.
Result<Duration> duration_from_seconds(double seconds, Duration most, const std::string& field);
double seconds_from_duration(Duration duration);

WallTime wall_from_seconds(double seconds);  // not a number or out of range: 0
double seconds_from_wall(WallTime time);     // exact to a microsecond

}  // namespace bourse::codec
