// Campaign: many seeds, one after the other, and what they amounted to. Prints what it finds; a
// failed ASSERT of a core ends the process with the seed in its last words. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/plan.hpp"
#include "sim/world.hpp"

namespace bourse::sim {

struct CampaignOptions {
  std::vector<std::uint64_t> seeds;  // run first, in this order
  std::uint64_t first_seed = 1;      // then fresh ones from here
  double seconds = 0;                // for so long,
  std::uint64_t most = 0;            // or so many until `cover` is reached
  std::set<std::string> cover;
  // Probes that a seed of their own must reach, whatever others do.
  std::map<std::string, std::uint64_t> kept_for;
  Plant plant = Plant::none;
  bool trace = false;
  bool twice = false;
  bool clocks_stay = false;  // leave the jumps of wall clocks out
  bool json = false;
  bool expect_violation = false;
  bool probes = false;
  bool shrink = false;
  std::optional<std::vector<std::uint64_t>> keep;  // of the drawn faults, by number
  Shape shape;
};

class Campaign {
 public:
  explicit Campaign(const CampaignOptions& options);

  // The exit code.
  int run();

 private:
  bool run_seed(std::uint64_t seed, bool twice);
  Outcome run_once(std::uint64_t seed, bool clocks_stay = false) const;
  bool decides_without_jumps(const Outcome& outcome);
  void run_fresh();
  void run_to_cover();
  void run_kept();
  std::vector<std::string> not_reached() const;
  void count(const Outcome& outcome);
  Plan plan_of_seed(std::uint64_t seed) const;
  void report_violation(std::uint64_t seed, const std::string& violation);
  void print_json() const;
  static void last_words(int signal);

  const CampaignOptions& options_;
  std::uint64_t seeds_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t violations_ = 0;
  double simulated_seconds_ = 0;
  double processor_seconds_ = 0;
  std::vector<std::uint64_t> events_;
  std::vector<std::uint64_t> faults_;
  std::vector<std::uint64_t> tasks_;
  struct Probe {
    std::uint64_t hits = 0;
    std::uint64_t first_seed = 0;
  };
  std::map<std::string, Probe> probes_;
  std::vector<std::string> kept_in_vain_;
};

}  // namespace bourse::sim
