#include "model/disruption_budget.hpp"

#include <algorithm>
#include <map>

#include "model/limits.hpp"

namespace bourse {

namespace {

constexpr std::string_view kFamily = "bourse.disruption";

std::optional<std::uint64_t> number_of(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::uint64_t out = 0;
  for (const char ch : text) {
    if (ch < '0' || ch > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint64_t>(ch - '0');
  }
  return out;
}

// "a=1,b=2"; nothing where it is not that.
std::optional<std::map<std::string_view, std::uint64_t>> parts_of(std::string_view text) {
  std::map<std::string_view, std::uint64_t> out;
  while (true) {
    const std::string_view one = text.substr(0, text.find(','));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto number = number_of(one.substr(equals + 1));
    if (!number || !out.emplace(one.substr(0, equals), *number).second) return std::nullopt;
    if (one.size() == text.size()) return out;
    text.remove_prefix(one.size() + 1);
  }
}

std::optional<DisruptionBudget> parse(std::string_view text) {
  const auto parts = parts_of(text);
  if (!parts) return std::nullopt;
  const auto named = [&](std::string_view name) -> const std::uint64_t* {
    const auto it = parts->find(name);
    return it == parts->end() ? nullptr : &it->second;
  };
  const std::uint64_t* min_running = named("min_running");
  const std::uint64_t* max_away = named("max_away");
  const std::uint64_t* of = named("of");
  constexpr std::uint64_t kMost = limits::kMaxTasksPerFramework;
  if (parts->size() == 1 && min_running != nullptr && *min_running <= kMost) {
    return DisruptionBudget{*min_running, std::nullopt};
  }
  if (parts->size() == 2 && max_away != nullptr && of != nullptr && *of <= kMost &&
      *max_away <= *of) {
    return DisruptionBudget{*of - *max_away, *of};
  }
  return std::nullopt;
}

Error wrong(const std::string& key, const std::string& what) {
  return invalid("'FrameworkInfo.labels' has '" + key + "' " + what + ": give '" +
                 std::string(kDisruptionBudgetLabel) +
                 "' once, as min_running=8 (so many must run) or max_away=2,of=10 (so many of so "
                 "many may be away), up to " +
                 std::to_string(limits::kMaxTasksPerFramework));
}

}  // namespace

Result<std::optional<DisruptionBudget>> disruption_budget_of(const std::vector<Label>& labels) {
  std::optional<DisruptionBudget> found;
  for (const Label& label : labels) {
    if (!label.key.starts_with(kFamily)) continue;
    if (label.key != kDisruptionBudgetLabel) return wrong(label.key, "which is no label of ours");
    if (found) return wrong(label.key, "twice");
    const std::string value = label.value.value_or("");
    found = parse(value);
    if (!found) return wrong(label.key, "= '" + value.substr(0, 100) + "'");
  }
  return found;
}

std::string words_of(const DisruptionBudget& budget, std::uint64_t running) {
  if (!budget.of) {
    return std::to_string(running) + " of its tasks run on, at least " +
           std::to_string(budget.min_running) + " must";
  }
  const std::uint64_t away = *budget.of - std::min(running, *budget.of);
  return std::to_string(away) + " of " + std::to_string(*budget.of - budget.min_running) + " away";
}

}  // namespace bourse
