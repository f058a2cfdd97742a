#include "bench/goals.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace bourse::bench {

namespace {

std::optional<Goal> parse_line(const std::string& line) {
  std::istringstream words(line.substr(0, line.find('#')));
  Goal goal;
  std::string word, rest;
  if (!(words >> goal.bench >> goal.metric)) return std::nullopt;
  while (words >> word && word != "<=" && word != ">=") {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) return std::nullopt;
    goal.params.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  goal.at_least = word == ">=";
  if (!(words >> goal.value)) return std::nullopt;
  goal.of_floor = words >> rest && rest == "floor";
  return goal;
}

}  // namespace

std::vector<Goal> parse_goals(std::string_view text) {
  std::vector<Goal> out;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (auto goal = parse_line(line)) out.push_back(std::move(*goal));
  }
  return out;
}

std::vector<Goal> read_goals() {
  const char* other = std::getenv("BOURSE_BENCH_GOALS");
  std::ifstream file(other != nullptr ? other : BOURSE_GOALS_FILE);
  return parse_goals(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::optional<Judged> judge(const std::vector<Goal>& goals, const std::string& bench,
                            const std::string& metric,
                            const std::vector<std::pair<std::string, std::string>>& params,
                            double value, std::optional<double> floor) {
  for (const Goal& goal : goals) {
    const bool fits = std::all_of(goal.params.begin(), goal.params.end(), [&](const auto& one) {
      return std::find(params.begin(), params.end(), one) != params.end();
    });
    if (goal.bench != bench || goal.metric != metric || !fits || (goal.of_floor && !floor)) {
      continue;
    }
    const double limit = goal.of_floor ? goal.value * *floor : goal.value;
    return Judged{limit, goal.at_least, goal.at_least ? value >= limit : value <= limit};
  }
  return std::nullopt;
}

}  // namespace bourse::bench
