#include "sim/shrink.hpp"

#include <algorithm>

#include "sim/world.hpp"

namespace bourse::sim {

namespace {

constexpr int kMostRuns = 400;

std::string promise_of(const std::string& violation) {
  return violation.substr(0, violation.find(':'));
}

class Shrinker {
 public:
  Shrinker(const Plan& plan, std::string promise) : plan_(plan), promise_(std::move(promise)) {
    for (std::uint64_t i = 0; i <= plan.faults.size(); ++i) kept_.push_back(i);
  }

  // Leaves out ever smaller runs of neighbours.
  void run() {
    for (std::size_t size = kept_.size(); size > 0; size /= 2) {
      for (std::size_t at = 0; at < kept_.size() && runs_ < kMostRuns;) {
        if (!drop(at, size)) at += size;
      }
    }
  }
  const std::vector<std::uint64_t>& kept() const { return kept_; }
  int runs() const { return runs_; }
  const std::string& violation() const { return violation_; }

 private:
  bool drop(std::size_t at, std::size_t size) {
    std::vector<std::uint64_t> fewer = kept_;
    const std::size_t end = std::min(at + size, fewer.size());
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                fewer.begin() + static_cast<std::ptrdiff_t>(end));
    Plan plan = plan_;
    keep_faults(plan, fewer);
    ++runs_;
    const Outcome outcome = World(plan, false).run();
    if (outcome.violation.empty() || promise_of(outcome.violation) != promise_) return false;
    kept_ = std::move(fewer);
    violation_ = outcome.violation;
    return true;
  }

  const Plan& plan_;
  std::string promise_;
  std::vector<std::uint64_t> kept_;
  std::string violation_;
  int runs_ = 0;
};

}  // namespace

void keep_faults(Plan& plan, const std::vector<std::uint64_t>& numbers) {
  const auto kept = [&](std::uint64_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  std::vector<FaultPlan> faults;
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    if (kept(i + 1)) faults.push_back(plan.faults[i]);
  }
  plan.faults = std::move(faults);
  if (kept(0)) return;
  plan.drop = plan.duplicate = 0;
  plan.reorders = false;
  plan.agent_write_rejected = plan.master_write_rejected = 0;
  plan.container_leaks = plan.container_fails = 0;
}

std::string shrink(const Plan& plan, const std::string& violation) {
  Shrinker shrinker(plan, promise_of(violation));
  shrinker.run();
  std::string numbers;
  std::string out = "  shrunk in " + std::to_string(shrinker.runs()) + " runs to:\n";
  for (const std::uint64_t number : shrinker.kept()) {
    numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
    if (number == 0) {
      out += "    what befalls messages and writes by chance\n";
      continue;
    }
    const FaultPlan& fault = plan.faults[number - 1];
    out += "    at " + std::to_string(fault.at.ms()) + " ms: " + std::string(name_of(fault.kind)) +
           "\n";
  }
  if (shrinker.kept().empty()) out += "    no fault at all\n";
  if (!shrinker.violation().empty()) out += "  which breaks " + shrinker.violation() + "\n";
  const std::string planted =
      plan.plant == Plant::none ? "" : " --plant " + std::string(name_of(plan.plant));
  return out + "  step by step: ./dev sim --seed " + std::to_string(plan.seed) + planted +
         " --keep " + (numbers.empty() ? "none" : numbers) + "\n";
}

}  // namespace bourse::sim
