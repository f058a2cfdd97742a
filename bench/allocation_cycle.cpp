// allocation-cycle: the allocator's function alone, on flat arrays that are up to date; then the
// whole master around it.
//
// Goals: the function alone, 10,000 agents x 1,000 frameworks in 5 ms, 50,000 x 6,000 in 30 ms, all
// hungry; the floor is a plain winner tree over one flat list of frameworks with none of the
// features. From event to encoded offers in the send queue, 10,000 x 1,000 in 25 ms. 1,000
// frameworks that decline everything for 0 s: under 0.05 of a core.
#include <cstdio>
#include <memory>
#include <string>

#include "bench/allocation_cluster.hpp"
#include "bench/harness.hpp"
#include "bench/offer_cycle.hpp"
#include "runtime/huge_pages.hpp"

namespace bourse::bench {
namespace {

using allocator::Output;
using allocator::Scratch;

Params size_params(std::uint32_t agents, std::uint32_t frameworks, std::uint32_t refused_percent) {
  return {{"agents", std::to_string(agents)},
          {"frameworks", std::to_string(frameworks)},
          {"refused_percent", std::to_string(refused_percent)}};
}

struct Sizes {
  std::uint32_t agents;
  std::uint32_t frameworks;
  std::uint32_t refused_percent;
  std::uint32_t repetitions;
};

// Wall and processor time of the repetitions of one thing.
struct Sample {
  std::vector<double> wall_ns;
  std::vector<double> cpu_ns;

  template <typename F>
  void take(F&& f) {
    const double cpu_before = thread_cpu_ns();
    wall_ns.push_back(measure(0, 1, [&f](std::uint32_t) { f(); }).min_ns);
    cpu_ns.push_back(thread_cpu_ns() - cpu_before);
  }
};

// One full cycle over all agents, beside the floor, interleaved so that both see the same machine.
void full_cycle(Report& report, const Sizes& sizes) {
  report.progress(std::to_string(sizes.agents) + " agents x " + std::to_string(sizes.frameworks) +
                  " frameworks, " + std::to_string(sizes.refused_percent) + " % refused");
  AllocationCluster cluster(sizes.agents, sizes.frameworks, sizes.refused_percent);
  const auto agents = agent_shares(cluster);
  Scratch scratch;
  Output output;
  Sample counting;
  Sample silent;
  Sample plain;
  for (std::uint32_t i = 0; i < sizes.repetitions + 2; ++i) {
    if (i == 2) {  // warm now, and in the pages that a master of this size lives in
      counting = silent = plain = Sample{};
      runtime::use_huge_pages();
    }
    cluster.policy.count_refusals = true;
    counting.take([&] { allocate(cluster.input(i), scratch, output); });
    cluster.policy.count_refusals = false;
    silent.take([&] { allocate(cluster.input(i), scratch, output); });
    plain.take([&] { keep(plain_winner_tree_cycle(cluster, agents)); });
  }
  const Timing cycle = timing_of(counting.wall_ns);
  const Timing cycle_cpu = timing_of(counting.cpu_ns);
  const Timing silent_cpu = timing_of(silent.cpu_ns);
  const Timing floor = timing_of(plain.wall_ns);
  const Timing floor_cpu = timing_of(plain.cpu_ns);
  Params params = size_params(sizes.agents, sizes.frameworks, sizes.refused_percent);
  params.emplace_back("grants", std::to_string(output.grants.size()));
  params.emplace_back("repetitions", std::to_string(sizes.repetitions));
  report.add({"cycle_min", cycle.min_ms(), "ms", floor.min_ms(), params});
  report.add({"cycle_p50", cycle.p50_ms(), "ms", floor.p50_ms(), params});
  report.add({"cycle_cpu_p50", cycle_cpu.p50_ms(), "ms", floor_cpu.p50_ms(), params});
  report.add({"per_grant", cycle_cpu.min_ns / static_cast<double>(output.grants.size()), "ns",
              floor_cpu.min_ns / static_cast<double>(sizes.agents), params});
  report.add({"counting_refusals", cycle_cpu.p50_ns / silent_cpu.p50_ns, "1", 1.0, params});
}

// A few touched agents, as an event leaves them: what one tick of a busy master costs.
void one_event(Report& report, std::uint32_t agents, std::uint32_t frameworks,
               std::uint32_t touched) {
  AllocationCluster cluster(agents, frameworks, 0);
  Scratch scratch;
  Output output;
  std::vector<std::uint32_t> rooms(touched);
  std::uint32_t next = 0;
  const Timing timing = measure(200, 5'000, [&](std::uint32_t i) {
    for (std::uint32_t& room : rooms) room = next++ % agents;
    allocate(cluster.input(i, rooms), scratch, output);
    keep(output.grants.size());
  });
  Params params = size_params(agents, frameworks, 0);
  params.emplace_back("touched", std::to_string(touched));
  report.add({"event_p50", timing.p50_ns / 1e3, "us", {}, params});
}

// Each framework declines at once whatever it is offered, for 0 s: the master offers it again no
// sooner than a second later, so each second every agent is offered, refused and touched twice.
void decline_storm(Report& report, std::uint32_t agents, std::uint32_t frameworks) {
  AllocationCluster cluster(agents, frameworks, 0);
  Scratch scratch;
  Output output;
  constexpr std::uint32_t kTicks = 200;  // 5 ms each
  std::vector<std::vector<std::pair<allocator::Grant, allocator::RowId>>> expiring(kTicks);
  std::vector<std::int64_t> row(AllocationCluster::kDimensions);
  std::vector<std::uint32_t> touched;
  std::uint64_t offers = 0;
  const auto second = [&](std::uint32_t i) {
    for (std::uint32_t tick = 0; tick < kTicks; ++tick) {
      touched.clear();
      for (std::uint32_t a = tick; a < agents; a += kTicks) touched.push_back(a);
      for (const auto& [grant, refusal] : expiring[tick]) {
        cluster.refusals.remove(grant.room, grant.claim, refusal);
      }
      expiring[tick].clear();
      allocate(cluster.input(std::uint64_t{i} * kTicks + tick, touched), scratch, output);
      offers += output.grants.size();
      for (const allocator::Grant& grant : output.grants) {
        std::fill(row.begin(), row.end(), 0);
        allocator::Kinds kinds = 0;
        for (const std::uint32_t part : output.parts_of(grant)) {
          kinds |= allocator::kinds_of(cluster.rooms.parts(grant.room)[part]);
          const auto* quantities =
              cluster.rooms.row(cluster.rooms.room(grant.room.raw()).first_part + part);
          for (std::size_t d = 0; d < row.size(); ++d) row[d] += quantities[d];
        }
        cluster.tree.charge(grant.claim, row);
        cluster.tree.release(grant.claim, row);
        expiring[tick].emplace_back(grant,
                                    cluster.refusals.add(grant.room, grant.claim, row, kinds));
      }
    }
  };
  second(0);
  offers = 0;
  constexpr std::uint32_t kSeconds = 5;
  const double before_ns = thread_cpu_ns();
  for (std::uint32_t i = 1; i <= kSeconds; ++i) second(i);
  const double cpu_ns = (thread_cpu_ns() - before_ns) / kSeconds;
  Params params = size_params(agents, frameworks, 0);
  params.emplace_back("offers_per_second", std::to_string(offers / kSeconds));
  report.add({"decline_storm_core_share", cpu_ns / 1e9, "1", {}, params});
}

void against_sorting(Report& report, std::uint32_t agents, std::uint32_t frameworks) {
  AllocationCluster cluster(agents, frameworks, 0);
  Scratch scratch;
  Output output;
  Sample cycle;
  Sample sorting;
  for (std::uint32_t i = 0; i < 10; ++i) {
    cycle.take([&] { allocate(cluster.input(i), scratch, output); });
    if (i % 4 == 0) sorting.take([&] { keep(sort_every_time_cycle(cluster)); });
  }
  report.add({"sort_every_time_over_cycle",
              timing_of(sorting.cpu_ns).min_ns / timing_of(cycle.cpu_ns).min_ns,
              "1",
              {},
              size_params(agents, frameworks, 0)});
}

int run(int argc, char** argv) {
  Report report("allocation-cycle", argc, argv);
  const std::uint32_t repetitions = report.quick() ? 7 : 41;
  // First: what others leave of their memory scatters this one's.
  event_to_offers(report, 10'000, 1'000, 10, repetitions);
  full_cycle(report, {10'000, 1'000, 10, repetitions});
  if (!report.quick()) full_cycle(report, {50'000, 6'000, 10, 21});
  full_cycle(report, {10'000, 1'000, 0, repetitions});
  full_cycle(report, {10'000, 1'000, 90, report.quick() ? 3u : 11u});
  report.progress("single events, declines, sorting");
  one_event(report, 10'000, 1'000, 1);
  one_event(report, 10'000, 6'000, 1);
  one_event(report, 10'000, 1'000, 50);
  decline_storm(report, 10'000, 1'000);
  against_sorting(report, 2'000, 200);
  against_sorting(report, 2'000, 1'000);
  declining_frameworks(report, 10'000, 1'000, report.quick() ? 5 : 30);
  return report.finish();
}

}  // namespace
}  // namespace bourse::bench

int main(int argc, char** argv) {
  return bourse::bench::run(argc, argv);
}
