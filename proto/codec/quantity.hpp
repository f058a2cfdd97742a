// Quantities on the wire are doubles, inside they are thousandths; seconds are doubles, inside they
// are nanoseconds. This is the one place where the two meet. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "proto/codec/field_path.hpp"

namespace bourse::codec {

// Rounds to the nearest thousandth. Refused: NaN, infinite, negative, over limits::kMaxScalarMilli.
Result<std::int64_t> milli_from_double(double value, const FieldPath& at);
double double_from_milli(std::int64_t milli);

// Seconds as the wire has them. Refused: NaN, negative. Over `most`: `most`.
Result<Duration> duration_from_seconds(double seconds, Duration most, const FieldPath& at);
double seconds_from_duration(Duration duration);
// Nanoseconds of a DurationInfo. Refused: negative. Over `most`: `most`.
Result<Duration> duration_from_ns(std::int64_t ns, Duration most, const FieldPath& at);

WallTime wall_from_seconds(double seconds);  // NaN, negative or past the year 2200: 0
double seconds_from_wall(WallTime time);     // the same double again

// A number for an error text.
std::string shown(double value);

}  // namespace bourse::codec
