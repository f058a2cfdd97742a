// The two versions that daemons tell: of Mesos' public API, which clients compare, and our own.
// Constants; any thread.
#pragma once

namespace bourse {

// Digits and dots only: clients take its parts for numbers.
inline constexpr char kApiVersion[] = "1.11.0";
// Defined apart from its uses, so that it stands in a program once: a test makes programs of
// another version of it.
extern const char kVersion[];

}  // namespace bourse
