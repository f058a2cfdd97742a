#include "bench/offer_cycle.hpp"

#include <string>

#include "bench/master_cluster.hpp"
#include "master/view/view.hpp"
#include "runtime/huge_pages.hpp"

namespace bourse::bench {

namespace {

constexpr Duration kNever = Duration::seconds(30 * 24 * 3600);

// Only what the figure is about shall become due while it is taken.
master::MasterConfig quiet_config() {
  master::MasterConfig config;
  config.master_id = "bench";
  config.cluster_name = "bench";
  config.seed = 7;
  config.agent_heartbeat = kNever;
  config.agent_silence = kNever;
  config.framework_heartbeat = kNever;
  config.framework_silence = kNever;
  config.offer_lifetime = kNever;
  // The bench gives offers back without leaving a filter, and is never held back for it.
  config.reoffer_min = Duration{};
  config.idle_offers_per_second = 1'000'000'000;
  return config;
}

Params params_of(std::uint32_t agents, std::uint32_t frameworks, std::uint32_t refused_percent) {
  return {{"agents", std::to_string(agents)},
          {"frameworks", std::to_string(frameworks)},
          {"refused_percent", std::to_string(refused_percent)}};
}

struct Cycle {
  double wall_ns = 0;
  double core_cpu_ns = 0;
  double encode_cpu_ns = 0;
  std::size_t offers = 0;
  std::size_t bytes = 0;
};

Cycle one_cycle(MasterCluster& cluster, std::uint32_t framework) {
  Cycle out;
  const MasterCluster::Frame revive = cluster.revive(framework);
  const auto start = std::chrono::steady_clock::now();
  const double cpu_before = thread_cpu_ns();
  cluster.receive(revive);
  cluster.tick();
  const double cpu_stepped = thread_cpu_ns();
  cluster.hand_over();
  const double cpu_after = thread_cpu_ns();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  out.wall_ns = took.count();
  out.core_cpu_ns = cpu_stepped - cpu_before;
  out.encode_cpu_ns = cpu_after - cpu_stepped;
  out.offers = cluster.core().state().offers.size();
  for (const auto& [peer, messages] : cluster.queues) {
    for (const std::string& message : messages) out.bytes += message.size();
  }
  return out;
}

// The least that putting these messages into queues could cost: their bytes, copied.
double copy_floor_ns(const MasterCluster& cluster) {
  return measure(0, 1,
                 [&](std::uint32_t) {
                   std::unordered_map<PeerId, std::vector<std::string>> queues;
                   for (const auto& [peer, messages] : cluster.queues) queues[peer] = messages;
                   keep(queues.size());
                 })
      .min_ns;
}

void give_back(MasterCluster& cluster) {
  for (const MasterCluster::Frame& frame : cluster.declines({})) cluster.receive(frame);
  cluster.hand_over();
  cluster.queues.clear();
}

void warm_up(MasterCluster& cluster) {
  one_cycle(cluster, 0);
  give_back(cluster);
}

}  // namespace

void event_to_offers(Report& report, std::uint32_t agents, std::uint32_t frameworks,
                     std::uint32_t refused_percent, std::uint32_t repetitions) {
  report.progress("from event to encoded offers: bringing up the cluster");
  const master::MasterConfig config = quiet_config();
  MasterCluster cluster({agents, frameworks, refused_percent}, config);
  for (std::uint32_t i = 0; i < 2; ++i) warm_up(cluster);
  runtime::use_huge_pages();  // as a master of this size has done
  report.progress("from event to encoded offers: measuring");
  std::vector<double> wall_ns;
  std::vector<double> cpu_ns;
  std::vector<double> core_ns;
  std::vector<double> encode_ns;
  std::vector<double> floor_ns;
  Cycle last;
  for (std::uint32_t i = 0; i < repetitions; ++i) {
    last = one_cycle(cluster, 0);
    wall_ns.push_back(last.wall_ns);
    cpu_ns.push_back(last.core_cpu_ns + last.encode_cpu_ns);
    core_ns.push_back(last.core_cpu_ns);
    encode_ns.push_back(last.encode_cpu_ns);
    floor_ns.push_back(copy_floor_ns(cluster));
    give_back(cluster);
  }
  Params params = params_of(agents, frameworks, refused_percent);
  params.emplace_back("offers", std::to_string(last.offers));
  params.emplace_back("bytes", std::to_string(last.bytes));
  const Timing wall = timing_of(wall_ns);
  const Timing cpu = timing_of(cpu_ns);
  const Timing floor = timing_of(floor_ns);
  const double tick_ms = static_cast<double>(config.offer_tick.ns) / 1e6;
  report.add({"event_to_offers_min", wall.min_ms(), "ms", floor.min_ms(), params});
  report.add({"event_to_offers_p50", wall.p50_ms(), "ms", floor.p50_ms(), params});
  report.add({"event_to_offers_cpu_min", cpu.min_ms(), "ms", floor.min_ms(), params});
  report.add({"event_to_offers_cpu_p50", cpu.p50_ms(), "ms", floor.p50_ms(), params});
  report.add({"event_to_offers_core_cpu_min", timing_of(core_ns).min_ms(), "ms", {}, params});
  report.add({"event_to_offers_encode_cpu_min", timing_of(encode_ns).min_ms(), "ms", {}, params});
  report.add({"event_to_offers_with_tick_min", wall.min_ms() + tick_ms, "ms", {}, params});
}

void declining_frameworks(Report& report, std::uint32_t agents, std::uint32_t frameworks,
                          std::uint32_t seconds) {
  report.progress("frameworks that decline everything");
  master::MasterConfig config = quiet_config();
  const master::MasterConfig as_shipped;
  config.framework_heartbeat = as_shipped.framework_heartbeat;
  config.framework_silence = as_shipped.framework_silence;
  config.offer_lifetime = as_shipped.offer_lifetime;
  config.reoffer_min = as_shipped.reoffer_min;
  config.idle_offers_per_second = as_shipped.idle_offers_per_second;
  MasterCluster cluster({agents, frameworks, 0}, config);
  master::View view;
  double cpu_ns = 0;
  std::size_t offers = 0;
  const auto timed = [&](auto&& work) {
    const double before = thread_cpu_ns();
    work();
    cluster.hand_over();
    for (const Change& change : cluster.changes) view.apply(change);
    cluster.changes.clear();
    cpu_ns += thread_cpu_ns() - before;
    cluster.queues.clear();
  };
  const auto second = [&] {
    const Instant end = cluster.now().now + Duration::seconds(1);
    while (cluster.core().next_deadline() < end) {
      timed([&] { cluster.tick(); });
      offers += cluster.core().state().offers.size();
      const auto frames = cluster.declines({});
      timed([&] {
        for (const MasterCluster::Frame& frame : frames) cluster.receive(frame);
      });
    }
    if (cluster.now().now < end) cluster.advance(end - cluster.now().now);
  };
  std::uint32_t elapsed = 0;
  const auto with_heartbeats = [&] {
    second();
    std::vector<MasterCluster::Frame> frames;
    for (std::uint32_t i = elapsed++ % 15; i < frameworks; i += 15) {
      frames.push_back(cluster.heartbeat(i));
    }
    timed([&] {
      for (const MasterCluster::Frame& frame : frames) cluster.receive(frame);
    });
  };
  for (std::uint32_t i = 0; i < 5; ++i) with_heartbeats();  // until the budget rules
  cpu_ns = 0;
  offers = 0;
  for (std::uint32_t i = 0; i < seconds; ++i) with_heartbeats();
  Params params = params_of(agents, frameworks, 0);
  params.emplace_back("seconds", std::to_string(seconds));
  params.emplace_back("offers_per_second", std::to_string(offers / seconds));
  report.add({"declining_frameworks_core_share", cpu_ns / 1e9 / seconds, "1", {}, params});
}

}  // namespace bourse::bench
