// DisruptionBudget: how many of a framework's tasks must run on while operators empty agents. It
// declares one by a label of its FrameworkInfo, in one of two forms:
//
//   bourse.disruption_budget = "min_running=8"        8 must run
//   bourse.disruption_budget = "max_away=2,of=10"     of 10, 2 may be away: 8 must run
//
// Values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/facets.hpp"

namespace bourse {

inline constexpr std::string_view kDisruptionBudgetLabel = "bourse.disruption_budget";

struct DisruptionBudget {
  std::uint64_t min_running = 0;
  std::optional<std::uint64_t> of;  // as declared with max_away

  bool operator==(const DisruptionBudget&) const = default;
};

// None declared: nothing. An error names the label, what stands there and what would be right; so
// does one about a key that looks like this one.
Result<std::optional<DisruptionBudget>> disruption_budget_of(const std::vector<Label>& labels);
// "2 of 2 away" or "8 of at least 8 run".
std::string words_of(const DisruptionBudget& budget, std::uint64_t running);

}  // namespace bourse
