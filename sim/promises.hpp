// The promises of the house by number, and what becomes of each in a simulated world: where it is
// judged, or why it is not yet. Printed by `bourse-sim --invariants`. Values.
#pragma once

#include <array>
#include <string_view>

namespace bourse::sim {

struct Promise {
  std::string_view name;
  std::string_view what;
  std::string_view judged_by;    // empty: not judged,
  std::string_view reason = {};  // because; or what is judged of it
};

inline constexpr int kPromises = 51;
const std::array<Promise, kPromises>& promises();

}  // namespace bourse::sim
