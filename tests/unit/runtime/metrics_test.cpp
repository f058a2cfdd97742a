#include "runtime/metrics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <thread>

namespace bourse::runtime {
namespace {

std::map<std::string, double> as_map(const Metrics::Snapshot& snapshot) {
  return {snapshot.begin(), snapshot.end()};
}

TEST_CASE("counters, gauges and computed gauges appear under their names, sorted") {
  Metrics metrics;
  metrics.counter("master/tasks_finished").add(3);
  metrics.counter("master/tasks_finished").add();
  metrics.gauge("master/cpus_total").set(2.5);
  metrics.gauge_from("master/uptime_secs", [] { return 7.0; });
  const Metrics::Snapshot snapshot = metrics.snapshot();
  REQUIRE(std::is_sorted(snapshot.begin(), snapshot.end()));
  REQUIRE(as_map(snapshot) == std::map<std::string, double>{{"master/tasks_finished", 4},
                                                            {"master/cpus_total", 2.5},
                                                            {"master/uptime_secs", 7}});
  REQUIRE(metrics_json(snapshot) ==
          "{\"master/cpus_total\":2.5,\"master/tasks_finished\":4.0,\"master/uptime_secs\":7.0}");
  REQUIRE(metrics_prometheus(snapshot) ==
          "bourse_master_cpus_total 2.5\nbourse_master_tasks_finished 4.0\n"
          "bourse_master_uptime_secs 7.0\n");
}

TEST_CASE("metrics without a JSON number are left out of JSON and named in Prometheus text") {
  Metrics metrics;
  metrics.gauge("a").set(std::nan(""));
  metrics.gauge("b").set(std::numeric_limits<double>::infinity());
  metrics.gauge("quo\"te").set(1e300);
  REQUIRE(metrics_json(metrics.snapshot()) == "{\"quo\\\"te\":1e+300}");
  REQUIRE(metrics_prometheus(metrics.snapshot()) ==
          "bourse_a NaN\nbourse_b +Inf\nbourse_quo_te 1e+300\n");
}

TEST_CASE("a timer gives count, extremes and percentiles within seven percent") {
  Metrics metrics;
  TimerMetric& timer = metrics.timer("registrar/state_store_ms");
  for (int i = 1; i <= 10000; ++i) timer.record(Duration::microseconds(i));
  auto values = as_map(metrics.snapshot());
  REQUIRE(values.size() == 10);
  REQUIRE(values["registrar/state_store_ms"] == Approx(10.0));
  REQUIRE(values["registrar/state_store_ms/count"] == 10000);
  REQUIRE(values["registrar/state_store_ms/min"] == Approx(0.001));
  REQUIRE(values["registrar/state_store_ms/max"] == Approx(10.0));
  REQUIRE(values["registrar/state_store_ms/p50"] == Approx(5.0).epsilon(0.07));
  REQUIRE(values["registrar/state_store_ms/p99"] == Approx(9.9).epsilon(0.07));
  REQUIRE(values["registrar/state_store_ms/p9999"] <= 10.0);
  timer.record(Duration{-5});
  timer.record(Duration::max());
  timer.record(Duration{});
  REQUIRE(timer.summary().count == 10003);
}

TEST_CASE("increments from many threads are all counted") {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Counter& counter = metrics.counter("c");
      TimerMetric& timer = metrics.timer("t_ms");
      for (int i = 0; i < 20000; ++i) {
        counter.add();
        timer.record(Duration::microseconds(1));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(metrics.counter("c").value() == 80000);
  REQUIRE(metrics.timer("t_ms").summary().count == 80000);
}

}  // namespace
}  // namespace bourse::runtime
