// Metrics: counters, gauges and timers under Mesos-style names ("master/tasks_running"), written
// lock-free from any thread, read as one flat list, as the JSON object of /metrics/snapshot or as
// Prometheus text. A Metrics object owns its metrics: references it hands out live as long as it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "runtime/unique_function.hpp"

namespace bourse::runtime {

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts durations in buckets 1/16 apart on a logarithmic scale: percentiles are within 7 %.
class TimerMetric {
 public:
  void record(Duration duration);

  struct Summary {
    std::uint64_t count = 0;
    double min_ms = 0;
    double max_ms = 0;
    double sum_ms = 0;
    double last_ms = 0;
    std::array<double, 6> percentiles_ms{};  // p50 p90 p95 p99 p999 p9999
  };
  Summary summary() const;

 private:
  static constexpr std::size_t kSubBuckets = 16;
  static constexpr std::size_t kBuckets = 64 * kSubBuckets;
  static std::size_t bucket_of(std::uint64_t ns);
  static double upper_ns(std::size_t bucket);

  std::atomic<std::uint64_t> sum_ns_{0};
  std::atomic<std::uint64_t> min_ns_{UINT64_MAX};
  std::atomic<std::uint64_t> max_ns_{0};
  std::atomic<std::uint64_t> last_ns_{0};
  std::array<std::atomic<std::uint32_t>, kBuckets> buckets_{};
};

class Metrics {
 public:
  using Snapshot = std::vector<std::pair<std::string, double>>;  // sorted by name

  // The same name gives the same object. Any thread.
  Counter& counter(std::string_view name);
  Gauge& gauge(std::string_view name);
  // `name` should end in its unit ("..._ms"); values are milliseconds.
  TimerMetric& timer(std::string_view name);
  // Computed when read, on the reader's thread; it must be safe there and must not call Metrics.
  void gauge_from(std::string_view name, UniqueFunction<double()> read);

  Snapshot snapshot() const;

 private:
  mutable std::mutex mutex_;  // guards the maps, never an increment
  std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters_;
  std::map<std::string, std::unique_ptr<Gauge>, std::less<>> gauges_;
  std::map<std::string, std::unique_ptr<TimerMetric>, std::less<>> timers_;
  mutable std::map<std::string, UniqueFunction<double()>, std::less<>> computed_;
};

// {"a/b":1.0,...} on one line; NaN and infinities are left out, for JSON has none.
std::string metrics_json(const Metrics::Snapshot& snapshot);
// One sample per line, names made legal ("master/x" -> "bourse_master_x").
std::string metrics_prometheus(const Metrics::Snapshot& snapshot);

}  // namespace bourse::runtime
