// The two versions that daemons tell: of Mesos' public API, which clients compare, and our own.
#pragma once

namespace bourse {

// Digits and dots only: clients take its parts for numbers.
inline constexpr char kApiVersion[] = "1.11.0";
inline constexpr char kVersion[] = "0.1.0";

}  // namespace bourse
