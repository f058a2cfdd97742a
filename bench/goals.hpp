// The goals of bench/goals.txt: which of them a figure has. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bourse::bench {

struct Goal {
  std::string bench;
  std::string metric;
  std::vector<std::pair<std::string, std::string>> params;  // all of them must be the figure's
  bool at_least = false;                                    // else at most
  double value = 0;
  bool of_floor = false;  // `value` times the floor
};

// Lines that are no goals are left out: tests/house/report_test.py finds them.
std::vector<Goal> parse_goals(std::string_view text);
// Of bench/goals.txt, or of the file that BOURSE_BENCH_GOALS names.
std::vector<Goal> read_goals();
// The limit for a figure, in its unit, and whether it is met; unset where there is no goal.
struct Judged {
  double limit = 0;
  bool at_least = false;
  bool met = false;
};
std::optional<Judged> judge(const std::vector<Goal>& goals, const std::string& bench,
                            const std::string& metric,
                            const std::vector<std::pair<std::string, std::string>>& params,
                            double value, std::optional<double> floor);

}  // namespace bourse::bench
