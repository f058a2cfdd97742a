#include "sim/campaign.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/probe.hpp"
#include "sim/shrink.hpp"

namespace bourse::sim {

namespace {

// What a seed must contain to count as one (docs/decisions/0011-simulator.md).
constexpr std::uint64_t kCountedEvents = 5'000;
constexpr std::uint64_t kCountedFaults = 20;
constexpr std::uint64_t kCountedTasks = 50;
// One fresh seed of so many runs twice.
constexpr std::uint64_t kTwiceEvery = 20;
constexpr std::uint64_t kPlansShown = 3;

// For the last words of a process whose core failed an ASSERT.
std::uint64_t current_seed = 0;
Campaign* current_campaign = nullptr;

using ull = unsigned long long;

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

ull median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool counts(const Outcome& outcome) {
  return outcome.events >= kCountedEvents && outcome.faults >= kCountedFaults &&
         outcome.tasks_ended >= kCountedTasks;
}

}  // namespace

Campaign::Campaign(const CampaignOptions& options) : options_(options) {}

int Campaign::run() {
  current_campaign = this;
  std::signal(SIGABRT, last_words);
  const bool twice = options_.twice || shows_when_run_twice(options_.plant);
  for (const std::uint64_t seed : options_.seeds) {
    if (!run_seed(seed, twice) && options_.expect_violation) break;
  }
  if (options_.seconds > 0) run_fresh();
  run_kept();
  if (!options_.cover.empty()) run_to_cover();
  if (options_.probes) {
    for (const auto& [name, probe] : probes_) {
      std::printf("probe %-40s %llu, first by seed %llu\n", name.c_str(),
                  static_cast<ull>(probe.hits), static_cast<ull>(probe.first_seed));
    }
  }
  const std::vector<std::string> left = not_reached();
  for (const std::string& name : left) {
    std::printf("no seed reached the probe %s\n", name.c_str());
  }
  for (const std::string& name : kept_in_vain_) {
    std::printf("its seed does not reach the probe %s any more\n", name.c_str());
  }
  print_json();
  const bool reached = left.empty() && kept_in_vain_.empty();
  return (violations_ > 0) == options_.expect_violation && reached ? 0 : 1;
}

void Campaign::run_fresh() {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(static_cast<std::int64_t>(options_.seconds * 1000));
  if (!options_.json) std::printf("fresh seeds from %llu\n", static_cast<ull>(options_.first_seed));
  for (std::uint64_t seed = options_.first_seed; std::chrono::steady_clock::now() < until; ++seed) {
    const bool kept = run_seed(seed, options_.twice || seed % kTwiceEvery == 0);
    if (!kept && options_.expect_violation) return;
  }
}

void Campaign::run_to_cover() {
  for (std::uint64_t i = 0; i < options_.most && !not_reached().empty(); ++i) {
    run_seed(options_.first_seed + i, options_.twice);
  }
}

void Campaign::run_kept() {
  for (const auto& [name, seed] : options_.kept_for) {
    run_seed(seed, options_.twice);
    if (!probe_counts().contains(name)) kept_in_vain_.push_back(name);
  }
}

std::vector<std::string> Campaign::not_reached() const {
  std::vector<std::string> out;
  for (const std::string& name : options_.cover) {
    if (!probes_.contains(name)) out.push_back(name);
  }
  return out;
}

Plan Campaign::plan_of_seed(std::uint64_t seed) const {
  Plan plan = draw_plan(seed, options_.plant, options_.shape);
  if (options_.keep) keep_faults(plan, *options_.keep);
  return plan;
}

Outcome Campaign::run_once(std::uint64_t seed, bool clocks_stay) const {
  current_seed = seed;
  Plan plan = plan_of_seed(seed);
  plan.clocks_stay = clocks_stay || options_.clocks_stay;
  if (options_.trace) std::printf("%s", plan.to_text().c_str());
  World world(plan, options_.trace);
  return world.run();
}

bool Campaign::run_seed(std::uint64_t seed, bool twice) {
  probe_counts().clear();
  const double began = processor_seconds();
  Outcome outcome = run_once(seed);
  if (twice && outcome.violation.empty()) {
    const Outcome again = run_once(seed);
    if (again.fingerprint != outcome.fingerprint) {
      outcome.violation = "S30: the same seed gave another run";
    }
    ++repeated_;
  }
  if (twice && outcome.violation.empty() && !decides_without_jumps(outcome)) {
    outcome.violation = "S29: without jumps of wall clocks the same seed decides otherwise";
  }
  processor_seconds_ += processor_seconds() - began;
  count(outcome);
  if (!outcome.violation.empty()) {
    report_violation(seed, outcome.violation);
    return false;
  }
  if (!options_.json && options_.seconds == 0 && options_.cover.empty()) {
    std::printf(
        "seed %llu: kept  events=%llu faults=%llu tasks=%llu simulated=%llds fingerprint=%016llx\n",
        static_cast<ull>(seed), static_cast<ull>(outcome.events), static_cast<ull>(outcome.faults),
        static_cast<ull>(outcome.tasks_ended),
        static_cast<long long>(outcome.simulated.ms() / 1000),
        static_cast<ull>(outcome.fingerprint));
  }
  return true;
}

// One thing a time of day decides: which life of an agent is the newest. Where a disk did not keep
// the last one and the clock was set back, that one or an older is named again: its first words are
// taken for late ones, or refused so that it takes the next (agent/core/registration.cpp).
bool Campaign::decides_without_jumps(const Outcome& outcome) {
  if (outcome.life_named_again || plan_of_seed(outcome.seed).forgets_by_clock) return true;
  const auto probes = probe_counts();
  const Outcome still = run_once(outcome.seed, true);
  probe_counts() = probes;
  return still.decisions == outcome.decisions;
}

void Campaign::count(const Outcome& outcome) {
  ++seeds_;
  if (counts(outcome)) ++counted_;
  simulated_seconds_ += static_cast<double>(outcome.simulated.ms()) / 1000;
  events_.push_back(outcome.events);
  faults_.push_back(outcome.faults);
  tasks_.push_back(outcome.tasks_ended);
  for (const auto& [name, hits] : probe_counts()) {
    Probe& probe = probes_[name];
    if (probe.hits == 0) probe.first_seed = outcome.seed;
    probe.hits += hits;
  }
}

void Campaign::report_violation(std::uint64_t seed, const std::string& violation) {
  ++violations_;
  std::printf("seed %llu: %s\n", static_cast<ull>(seed), violation.c_str());
  if (!options_.trace && !options_.expect_violation && violations_ <= kPlansShown) {
    std::printf(
        "%s  again, step by step: ./dev sim --seed %llu\n"
        "  with as few faults as break it: ./dev sim --seed %llu --shrink\n",
        plan_of_seed(seed).to_text().c_str(), static_cast<ull>(seed), static_cast<ull>(seed));
  }
  if (options_.shrink) std::printf("%s", shrink(plan_of_seed(seed), violation).c_str());
  std::fflush(stdout);
}

void Campaign::print_json() const {
  const double minutes = processor_seconds_ / 60;
  std::string names;
  for (const auto& [name, probe] : probes_) names += (names.empty() ? "\"" : ",\"") + name + "\"";
  std::printf(
      "{\"seeds\":%llu,\"seeds_per_minute_per_core\":%.1f,\"counted_per_minute_per_core\":%.1f,"
      "\"simulated_seconds\":%.0f,"
      "\"violations\":%llu,\"seeds_counted\":%llu,\"seeds_run_twice\":%llu,\"first_seed\":%llu,"
      "\"median_events\":%llu,\"median_faults\":%llu,\"median_tasks_ended\":%llu,"
      "\"probes_reached\":%zu,\"processor_seconds\":%.1f,\"probes\":[%s]}\n",
      static_cast<ull>(seeds_), minutes > 0 ? static_cast<double>(seeds_) / minutes : 0,
      minutes > 0 ? static_cast<double>(counted_) / minutes : 0, simulated_seconds_,
      static_cast<ull>(violations_), static_cast<ull>(counted_), static_cast<ull>(repeated_),
      static_cast<ull>(options_.first_seed), median(events_), median(faults_), median(tasks_),
      probes_.size(), processor_seconds_, names.c_str());
}

void Campaign::last_words(int) {
  std::printf(
      "seed %llu: S26: an ASSERT failed (above)\n  again, step by step: ./dev sim --seed %llu\n",
      static_cast<ull>(current_seed), static_cast<ull>(current_seed));
  ++current_campaign->seeds_;
  ++current_campaign->violations_;
  current_campaign->print_json();
  std::fflush(stdout);
  std::_Exit(current_campaign->options_.expect_violation ? 0 : 1);
}

}  // namespace bourse::sim
