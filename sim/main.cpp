// bourse-sim: runs seeds and says which broke a promise. A failed ASSERT in a core ends the process
// with the seed in its last line.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/probe.hpp"
#include "sim/world.hpp"

namespace bourse::sim {
namespace {

struct Options {
  std::uint64_t seed = 0;
  double seconds = 0;
  std::uint64_t first_seed = 1;
  std::string range;
  std::string seeds_file;
  std::string plant;
  bool trace = false;
  bool twice = false;
  bool json = false;
  bool expect_violation = false;
  bool probes = false;
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t counted = 0;
  std::uint64_t repeated = 0;
  std::uint64_t violations = 0;
  double simulated_seconds = 0;
  double wall_seconds = 0;
  std::vector<std::uint64_t> events;
  std::vector<std::uint64_t> faults;
  std::vector<std::uint64_t> tasks;
  std::map<std::string, std::uint64_t> probes;
};

// For the last words of a process whose core failed an ASSERT.
std::uint64_t current_seed = 0;
bool violation_is_expected = false;
Totals* current_totals = nullptr;

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

std::uint64_t median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void print_json(const Totals& totals) {
  const double minutes = totals.wall_seconds / 60;
  std::printf(
      "{\"seeds\":%llu,\"seeds_per_minute_per_core\":%.1f,\"simulated_seconds\":%.0f,"
      "\"violations\":%llu,\"seeds_counted\":%llu,\"seeds_run_twice\":%llu,"
      "\"median_events\":%llu,\"median_faults\":%llu,\"median_tasks_ended\":%llu,"
      "\"probes_reached\":%zu,\"processor_seconds\":%.1f}\n",
      static_cast<unsigned long long>(totals.seeds),
      minutes > 0 ? static_cast<double>(totals.seeds) / minutes : 0, totals.simulated_seconds,
      static_cast<unsigned long long>(totals.violations),
      static_cast<unsigned long long>(totals.counted),
      static_cast<unsigned long long>(totals.repeated),
      static_cast<unsigned long long>(median(totals.events)),
      static_cast<unsigned long long>(median(totals.faults)),
      static_cast<unsigned long long>(median(totals.tasks)), totals.probes.size(),
      totals.wall_seconds);
}

void last_words(int) {
  std::printf("seed %llu: S26: an ASSERT failed (above)\n",
              static_cast<unsigned long long>(current_seed));
  if (current_totals != nullptr) {
    ++current_totals->seeds;
    ++current_totals->violations;
    print_json(*current_totals);
  }
  std::fflush(stdout);
  std::_Exit(violation_is_expected ? 0 : 1);
}

Plant plant_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Plant::ignore_kill); ++i) {
    if (name_of(static_cast<Plant>(i)) == name) return static_cast<Plant>(i);
  }
  return Plant::none;
}

Outcome run_once(std::uint64_t seed, const Options& options) {
  current_seed = seed;
  const Plan plan = draw_plan(seed, plant_named(options.plant));
  if (options.trace) std::printf("%s", plan.to_text().c_str());
  World world(plan, options.trace);
  return world.run();
}

// Returns whether every promise was kept.
bool run_seed(std::uint64_t seed, const Options& options, bool twice, Totals& totals) {
  probe_counts().clear();
  const double began = processor_seconds();
  Outcome outcome = run_once(seed, options);
  if (twice && outcome.violation.empty()) {
    const Outcome again = run_once(seed, options);
    if (again.fingerprint != outcome.fingerprint) {
      outcome.violation = "S30: the same seed gave another run";
    }
    ++totals.repeated;
  }
  totals.wall_seconds += processor_seconds() - began;
  ++totals.seeds;
  totals.simulated_seconds += static_cast<double>(outcome.simulated.ms()) / 1000;
  const bool counts = outcome.events >= 5'000 && outcome.faults >= 20 && outcome.tasks_ended >= 50;
  if (counts) ++totals.counted;
  totals.events.push_back(outcome.events);
  totals.faults.push_back(outcome.faults);
  totals.tasks.push_back(outcome.tasks_ended);
  for (const auto& [name, count] : probe_counts()) totals.probes[name] += count;
  if (outcome.violation.empty()) {
    if (!options.json && options.seconds == 0) {
      std::printf(
          "seed %llu: kept  events=%llu faults=%llu tasks=%llu simulated=%llds "
          "fingerprint=%016llx\n",
          static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.events),
          static_cast<unsigned long long>(outcome.faults),
          static_cast<unsigned long long>(outcome.tasks_ended),
          static_cast<long long>(outcome.simulated.ms() / 1000),
          static_cast<unsigned long long>(outcome.fingerprint));
    }
    return true;
  }
  ++totals.violations;
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), outcome.violation.c_str());
  if (!options.trace && !options.expect_violation && totals.violations <= 3) {
    std::printf("%s  ./dev sim --seed %llu --trace shows it step by step\n",
                draw_plan(seed, plant_named(options.plant)).to_text().c_str(),
                static_cast<unsigned long long>(seed));
  }
  return false;
}

// "A-B", and the first word of each line of a file ("seed what it found").
std::vector<std::uint64_t> listed_seeds(const Options& options) {
  std::vector<std::uint64_t> out;
  if (options.seed != 0) out.push_back(options.seed);
  if (!options.range.empty()) {
    const std::size_t dash = options.range.find('-');
    const std::uint64_t first = std::strtoull(options.range.c_str(), nullptr, 10);
    const std::uint64_t last = dash == std::string::npos
                                   ? first
                                   : std::strtoull(options.range.c_str() + dash + 1, nullptr, 10);
    for (std::uint64_t seed = first; seed <= last; ++seed) out.push_back(seed);
  }
  if (!options.seeds_file.empty()) {
    std::ifstream file(options.seeds_file);
    for (std::string line; std::getline(file, line);) {
      if (const std::uint64_t seed = std::strtoull(line.c_str(), nullptr, 10)) out.push_back(seed);
    }
  }
  return out;
}

void run_all(const Options& options, Totals& totals) {
  const bool stop_at_first = options.expect_violation;
  for (const std::uint64_t seed : listed_seeds(options)) {
    const bool twice = options.twice || !options.seeds_file.empty();
    if (!run_seed(seed, options, twice, totals) && stop_at_first) return;
  }
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
  for (std::uint64_t seed = options.first_seed;
       options.seconds > 0 && std::chrono::steady_clock::now() < until; ++seed) {
    // One fresh seed of twenty runs twice.
    const bool kept = run_seed(seed, options, options.twice || seed % 20 == 0, totals);
    if (!kept && stop_at_first) return;
  }
}

int main_of(int argc, char** argv) {
  Options options;
  CLI::App app{"The cores of Bourse in one seeded world of faults"};
  app.add_option("--seed", options.seed, "run this seed");
  app.add_option("--seeds", options.range, "run the seeds A-B");
  app.add_option("--seeds-file", options.seeds_file, "run the seeds that begin the file's lines");
  app.add_option("--seconds", options.seconds, "run fresh seeds for so long");
  app.add_option("--first-seed", options.first_seed, "the first of the fresh seeds");
  app.add_option("--plant", options.plant, "plant a bug that the checkers must find");
  app.add_flag("--trace", options.trace, "print the drawn plan and every step");
  app.add_flag("--twice", options.twice, "run each seed twice and compare");
  app.add_flag("--json", options.json, "print one JSON object at the end only");
  app.add_flag("--expect-violation", options.expect_violation, "fail when nothing is found");
  app.add_flag("--probes", options.probes, "print which probes were reached, and how often");
  CLI11_PARSE(app, argc, argv);
  if (!options.plant.empty() && plant_named(options.plant) == Plant::none) {
    std::fprintf(stderr,
                 "--plant: '%s' is none of amnesia, early_promise, leak_ledger, "
                 "swallow_terminal, ignore_kill\n",
                 options.plant.c_str());
    return 2;
  }
  if (listed_seeds(options).empty() && options.seconds <= 0) options.seconds = 20;
  Totals totals;
  current_totals = &totals;
  violation_is_expected = options.expect_violation;
  std::signal(SIGABRT, last_words);
  run_all(options, totals);
  if (options.probes) {
    for (const auto& [name, count] : totals.probes) {
      std::printf("probe %-40s %llu\n", name.c_str(), static_cast<unsigned long long>(count));
    }
  }
  print_json(totals);
  return (totals.violations > 0) == options.expect_violation ? 0 : 1;
}

}  // namespace
}  // namespace bourse::sim

int main(int argc, char** argv) {
  return bourse::sim::main_of(argc, argv);
}
