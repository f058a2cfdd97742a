// bourse-sim: runs seeds and says which broke a promise. docs/simulator.md says how to read it.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/probe.hpp"
#include "model/version.hpp"
#include "sim/campaign.hpp"
#include "sim/promises.hpp"

namespace bourse::sim {
namespace {

struct Words {
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> first_seed;
  std::vector<std::string> ranges;
  std::string seeds_file;
  std::string plant;
  std::string cover_file;
  std::string keep;
  double simulated_seconds = 0;
  bool plants = false;
  bool invariants = false;
  bool quiet = false;
};

int refuse(const std::string& sentence) {
  std::fprintf(stderr, "bourse-sim: %s\n", sentence.c_str());
  return 2;
}

std::string plant_names() {
  std::string out;
  for (int i = 1; i < kPlants; ++i) {
    out += (i > 1 ? " " : "") + std::string(name_of(static_cast<Plant>(i)));
  }
  return out;
}

std::optional<Plant> plant_named(const std::string& name) {
  for (int i = 1; i < kPlants; ++i) {
    if (name_of(static_cast<Plant>(i)) == name) return static_cast<Plant>(i);
  }
  return std::nullopt;
}

// "A-B", or one number.
bool read_range(const std::string& range, std::vector<std::uint64_t>& seeds) {
  char* end = nullptr;
  const std::uint64_t first = std::strtoull(range.c_str(), &end, 10);
  std::uint64_t last = first;
  if (*end == '-') last = std::strtoull(end + 1, &end, 10);
  if (first == 0 || last < first || *end != '\0') return false;
  for (std::uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  return true;
}

// The first word of each line that is no comment: "seed what it found".
bool read_seeds(const std::string& path, std::vector<std::uint64_t>& seeds) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (const std::uint64_t seed = std::strtoull(line.c_str(), nullptr, 10)) seeds.push_back(seed);
  }
  return file.eof();
}

// The probes that some seed must reach: lines of one word. What stands behind a name is the reason
// why no seed can reach it, or "seed" and the number of the one that does.
bool read_cover(const std::string& path, CampaignOptions& options) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string reason;
    std::uint64_t seed = 0;
    words >> name >> reason;
    if (name.empty() || name[0] == '#') continue;
    if (reason.empty()) options.cover.insert(name);
    if (reason == "seed" && words >> seed) options.kept_for[name] = seed;
  }
  return file.eof() && !options.cover.empty();
}

// "none", or numbers of faults with commas between.
bool read_keep(const std::string& text, std::vector<std::uint64_t>& numbers) {
  if (text == "none") return true;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    char* end = nullptr;
    numbers.push_back(std::strtoull(word.c_str(), &end, 10));
    if (end == word.c_str() || *end != '\0') return false;
  }
  return !numbers.empty();
}

int read_words(const Words& words, CampaignOptions& options) {
  options.shape.simulated =
      Duration::milliseconds(static_cast<std::int64_t>(words.simulated_seconds * 1000));
  if (!words.keep.empty() && !read_keep(words.keep, options.keep.emplace())) {
    return refuse("--keep: '" + words.keep + "' is no list of faults: say 0,3,17 or none");
  }
  if (!words.plant.empty()) {
    const std::optional<Plant> plant = plant_named(words.plant);
    if (!plant) return refuse("--plant: '" + words.plant + "' is none of " + plant_names());
    options.plant = *plant;
  }
  if (words.seed) {
    options.seeds.push_back(*words.seed);
    options.trace = !words.quiet && !options.json;
  }
  for (const std::string& range : words.ranges) {
    if (read_range(range, options.seeds)) continue;
    return refuse("--seeds: '" + range + "' is no range of seeds: say 1-100");
  }
  if (!words.seeds_file.empty() && !read_seeds(words.seeds_file, options.seeds)) {
    return refuse("--seeds-file: cannot read " + words.seeds_file);
  }
  if (!words.cover_file.empty() && !read_cover(words.cover_file, options)) {
    return refuse("--cover: cannot read " + words.cover_file + ", or it lists no probe");
  }
  if (options.seeds.empty() && options.cover.empty() && options.seconds <= 0) options.seconds = 20;
  if (words.first_seed) {
    options.first_seed = *words.first_seed;
  } else if (options.seconds > 0) {
    options.first_seed = 1'000'000 + std::random_device{}() % 999'000'000;
  }
  return 0;
}

void print_promises() {
  for (const Promise& promise : promises()) {
    std::string line(promise.name);
    line.resize(4, ' ');
    line += promise.what;
    line += promise.judged_by.empty() ? ": not judged" : ": " + std::string(promise.judged_by);
    if (!promise.reason.empty()) line += " (" + std::string(promise.reason) + ")";
    std::printf("%s\n", line.c_str());
  }
}

int main_of(int argc, char** argv) {
  Words words;
  CampaignOptions options;
  CLI::App app{"The cores of Bourse in one seeded world of faults"};
  app.set_version_flag("--version", kVersion);
  app.add_option("--seed", words.seed, "run this seed and tell every step");
  app.add_option("--seeds", words.ranges, "run the seeds A-B, or several ranges");
  app.add_option("--seeds-file", words.seeds_file, "run the seeds that begin the file's lines");
  app.add_option("--seconds", options.seconds, "run fresh seeds for so long (20 unless said)");
  app.add_option("--first-seed", words.first_seed, "the first fresh seed; drawn unless said");
  app.add_option("--cover", words.cover_file, "run seeds until each probe in the file is reached");
  app.add_option("--most", options.most, "give --cover up after so many seeds")->default_val(2'000);
  app.add_option("--plant", words.plant, "plant a bug that the judge must find");
  app.add_flag("--plants", words.plants, "print the bugs that can be planted");
  app.add_flag("--invariants", words.invariants, "print the promises and where each is judged");
  app.add_flag("--quiet", words.quiet, "with --seed: only how it went");
  app.add_flag("--twice", options.twice, "run each seed twice and compare");
  app.add_flag("--clocks-stay", options.clocks_stay,
               "leave the jumps of wall clocks out: where S29 breaks, compare the traces");
  app.add_flag("--json", options.json, "print violations and one JSON object only");
  app.add_flag("--expect-violation", options.expect_violation,
               "stop at the first violation and fail when there is none");
  app.add_flag("--shrink", options.shrink, "leave out the faults without which it breaks as well");
  app.add_option("--keep", words.keep, "run with these of the drawn faults only, as --shrink says");
  app.add_option("--masters", options.shape.masters, "so many, at an ensemble, in every world")
      ->check(CLI::Range(1, 5));
  app.add_option("--agents", options.shape.agents, "so many in every world")
      ->check(CLI::Range(1, 100));
  app.add_option("--frameworks", options.shape.frameworks, "so many in every world")
      ->check(CLI::Range(1, 20));
  app.add_option("--simulated-seconds", words.simulated_seconds, "how long faults happen")
      ->check(CLI::Range(10, 100'000));
  app.add_flag("--probes", options.probes, "print which probes were reached, and how often");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "bourse-sim: %s; bourse-sim --help lists the flags\n", error.what());
    return 2;
  }
  if (words.plants) {
    std::printf("%s\n", plant_names().c_str());
    return 0;
  }
  if (words.invariants) {
    print_promises();
    return 0;
  }
  if (const int wrong = read_words(words, options)) return wrong;
  probes_counted = true;
  return Campaign(options).run();
}

}  // namespace
}  // namespace bourse::sim

int main(int argc, char** argv) {
  return bourse::sim::main_of(argc, argv);
}
