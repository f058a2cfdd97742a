// What every program in bench/ shares: timing of repetitions and one way to print figures.
//
// A program measures the thing and its floor (the least that the machine could need, in the same
// run), adds figures and lets the report print them: a table, or with --json one object for each
// figure and line with bench, metric, value, unit, floor, ratio, goal (the limit of
// bench/goals.txt; null: none), met, params, machine. Other work on the machine only ever adds
// time, so both the least and the median of the repetitions are given. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/goals.hpp"

namespace bourse::bench {

// A parameter's value is written as it stands when it is a number, quoted otherwise.
using Params = std::vector<std::pair<std::string, std::string>>;

struct Figure {
  std::string metric;
  double value = 0;
  std::string unit;  // ns, us, ms, s, MB, 1/s, 1
  std::optional<double> floor;
  Params params;
};

class Report {
 public:
  // Reads the flags: --json, --quick (fewer repetitions, smaller sizes). Others are refused with a
  // sentence and exit code 2.
  Report(std::string bench, int argc, char** argv);

  bool quick() const { return quick_; }
  // Says on stderr what is being measured, so that a long bench is not silent.
  void progress(const std::string& what) const;
  void add(Figure figure);
  // Prints everything. Returns the exit code of the program: 1 when a goal is missed and
  // `./dev bench --check` asks for them (BOURSE_BENCH_CHECK).
  int finish() const;

 private:
  std::optional<Judged> judged(const Figure& figure) const;
  bool all_met() const;
  void print_table() const;
  void print_json() const;

  std::string bench_;
  bool json_ = false;
  bool quick_ = false;
  std::vector<Figure> figures_;
  std::vector<Goal> goals_;
};

struct Timing {
  double min_ns = 0;
  double p50_ns = 0;
  double p99_ns = 0;

  double min_ms() const { return min_ns / 1e6; }
  double p50_ms() const { return p50_ns / 1e6; }
};

// Of durations in nanoseconds; sorts them.
Timing timing_of(std::vector<double>& durations_ns);

// Runs f(repetition) `warm` times unmeasured, then `repetitions` times measured.
template <typename F>
Timing measure(std::uint32_t warm, std::uint32_t repetitions, F&& f) {
  std::vector<double> durations_ns;
  durations_ns.reserve(repetitions);
  for (std::uint32_t i = 0; i < warm + repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f(i);
    const auto end = std::chrono::steady_clock::now();
    if (i < warm) continue;
    durations_ns.push_back(static_cast<double>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count()));
  }
  return timing_of(durations_ns);
}

// Processor time of this thread so far: what waiting for a busy machine does not add to. (Sharing
// its caches and memory still does.)
double thread_cpu_ns();

// Keeps the optimiser from dropping what produced the value.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace bourse::bench
