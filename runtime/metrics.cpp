#include "runtime/metrics.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace bourse::runtime {
namespace {

constexpr std::array<double, 6> kQuantiles = {0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
constexpr std::array<const char*, 6> kQuantileNames = {"/p50", "/p90",  "/p95",
                                                       "/p99", "/p999", "/p9999"};

double to_ms(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void raise_to(std::atomic<std::uint64_t>& target, std::uint64_t value) {
  std::uint64_t seen = target.load(std::memory_order_relaxed);
  while (seen < value && !target.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

void lower_to(std::atomic<std::uint64_t>& target, std::uint64_t value) {
  std::uint64_t seen = target.load(std::memory_order_relaxed);
  while (seen > value && !target.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

// The shortest text that reads back as the same number, with a ".0" as Mesos writes whole ones.
void append_number(std::string& out, double value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  static_cast<void>(error);
  const std::string_view written(text, static_cast<std::size_t>(end - text));
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// Finds or makes a metric; the caller holds the lock.
template <typename Map>
auto& get(Map& map, std::string_view name) {
  auto it = map.find(name);
  if (it == map.end()) {
    using Metric = typename Map::mapped_type::element_type;
    it = map.emplace(std::string(name), std::make_unique<Metric>()).first;
  }
  return *it->second;
}

}  // namespace

// Sixteen buckets per power of two: below 16 ns one per nanosecond.
std::size_t TimerMetric::bucket_of(std::uint64_t ns) {
  if (ns < kSubBuckets) return static_cast<std::size_t>(ns);
  const auto exponent = static_cast<std::size_t>(std::bit_width(ns)) - 1;  // >= 4
  const std::uint64_t sub = (ns >> (exponent - 4)) & (kSubBuckets - 1);
  return (exponent - 3) * kSubBuckets + static_cast<std::size_t>(sub);
}

double TimerMetric::upper_ns(std::size_t bucket) {
  if (bucket < kSubBuckets) return static_cast<double>(bucket);
  const auto exponent = static_cast<int>(bucket / kSubBuckets) + 3;
  const double sub = static_cast<double>(bucket % kSubBuckets);
  return std::ldexp(1.0 + (sub + 1) / static_cast<double>(kSubBuckets), exponent);
}

void TimerMetric::record(Duration duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.ns));
  buckets_[bucket_of(ns)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
  last_ns_.store(ns, std::memory_order_relaxed);
  lower_to(min_ns_, ns);
  raise_to(max_ns_, ns);
}

TimerMetric::Summary TimerMetric::summary() const {
  Summary s;
  std::array<std::uint64_t, kBuckets> counts{};
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts[i] = buckets_[i].load(std::memory_order_relaxed);
    s.count += counts[i];
  }
  if (s.count == 0) return s;
  const std::uint64_t max_ns = max_ns_.load(std::memory_order_relaxed);
  s.min_ms = to_ms(min_ns_.load(std::memory_order_relaxed));
  s.max_ms = to_ms(max_ns);
  s.sum_ms = to_ms(sum_ns_.load(std::memory_order_relaxed));
  s.last_ms = to_ms(last_ns_.load(std::memory_order_relaxed));
  for (std::size_t q = 0; q < kQuantiles.size(); ++q) {
    const auto rank =
        static_cast<std::uint64_t>(std::ceil(kQuantiles[q] * static_cast<double>(s.count)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts[i];
      if (seen < rank) continue;
      s.percentiles_ms[q] = std::min(upper_ns(i) / 1e6, s.max_ms);
      break;
    }
  }
  return s;
}

Counter& Metrics::counter(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return get(counters_, name);
}

Gauge& Metrics::gauge(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return get(gauges_, name);
}

TimerMetric& Metrics::timer(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return get(timers_, name);
}

void Metrics::gauge_from(std::string_view name, UniqueFunction<double()> read) {
  const std::lock_guard lock(mutex_);
  computed_[std::string(name)] = std::move(read);
}

Metrics::Snapshot Metrics::snapshot() const {
  Snapshot out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, counter] : counters_) {
      out.emplace_back(name, static_cast<double>(counter->value()));
    }
    for (const auto& [name, gauge] : gauges_) out.emplace_back(name, gauge->value());
    for (auto& [name, read] : computed_) out.emplace_back(name, read());
    for (const auto& [name, timer] : timers_) {
      const TimerMetric::Summary s = timer->summary();
      out.emplace_back(name, s.last_ms);
      out.emplace_back(name + "/count", static_cast<double>(s.count));
      out.emplace_back(name + "/min", s.min_ms);
      out.emplace_back(name + "/max", s.max_ms);
      for (std::size_t q = 0; q < kQuantiles.size(); ++q) {
        out.emplace_back(name + kQuantileNames[q], s.percentiles_ms[q]);
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string metrics_json(const Metrics::Snapshot& snapshot) {
  std::string out = "{";
  for (const auto& [name, value] : snapshot) {
    if (!std::isfinite(value)) continue;
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, name);
    out.push_back(':');
    append_number(out, value);
  }
  out.push_back('}');
  return out;
}

std::string metrics_prometheus(const Metrics::Snapshot& snapshot) {
  std::string out;
  for (const auto& [name, value] : snapshot) {
    out += "bourse_";
    for (const char c : name) {
      const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out.push_back(legal ? c : '_');
    }
    out.push_back(' ');
    if (std::isnan(value)) {
      out += "NaN";
    } else if (std::isinf(value)) {
      out += value > 0 ? "+Inf" : "-Inf";
    } else {
      append_number(out, value);
    }
    out.push_back('\n');
  }
  return out;
}

}  // namespace bourse::runtime
