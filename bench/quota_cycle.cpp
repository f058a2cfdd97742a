// quota-cycle: what quotas cost an allocation. 3,000 agents, roles and frameworks, each role with a
// guarantee and a limit.
//
// Goals: a cycle that allocates every agent in 20 ms; an idle one, in which nothing happened, in
// 100 us. Floor: the same cluster and the same call without quotas. Beside them: all agents free
// and touched and every role at its limit, and one agent touched, as an event leaves it; what it
// costs to count why somebody is refused; and the same where every framework says what it wants and
// each third one is kept by its constraints from each second agent.
#include <cstdio>
#include <string>

#include "bench/harness.hpp"
#include "master/allocator/allocate.hpp"

namespace bourse::bench {
namespace {

using namespace allocator;

constexpr std::uint32_t kDimensions = 5;
constexpr std::int64_t kAgent[kDimensions] = {8'000, 16'000'000, 100'000'000, 0, 100'000};

struct Cluster {
  ShareTree tree{kDimensions};
  RoomTable rooms{kDimensions};
  RefusalTable refusals{kDimensions};
  QuotaTable quotas{kDimensions};
  ConstraintTable constraints;
  DemandTable demands{kDimensions};
  std::vector<Sum> totals = std::vector<Sum>(kDimensions);
  std::vector<std::uint32_t> touched;
  std::vector<NodeId> roles;
  std::vector<ClaimId> claims;

  // Ten departments; each role is guaranteed `guaranteed` agents and may have `most`.
  Cluster(std::uint32_t agents, std::uint32_t count, std::int64_t guaranteed, std::int64_t most) {
    std::vector<NodeId> departments;
    for (int i = 0; i < 10; ++i) departments.push_back(tree.add_role(kRootRole));
    const auto times = [](std::int64_t agents_each, bool limit) {
      std::vector<std::int64_t> row(kDimensions, limit ? kNoLimit : 0);
      for (const std::uint32_t d : {0u, 1u}) row[d] = kAgent[d] * agents_each;
      return row;
    };
    for (std::uint32_t i = 0; i < count; ++i) {
      roles.push_back(tree.add_role(departments[i % departments.size()]));
      claims.push_back(tree.add_claim(
          {roles.back(), 0, kDefaultWeightMilli, {10, 0, 0, 0, 0, 0, 32'000, 0, 0, 0}}));
      quotas.set(roles.back(), times(guaranteed, false), times(most, true));
    }
    quotas.settle(tree);
    for (std::uint32_t agent = 0; agent < agents; ++agent) {
      rooms.set(RoomId{agent}, 0, std::vector<Part>{{}}, kAgent);
      quotas.add_spare(kAgent);
      touched.push_back(agent);
      for (std::uint32_t d = 0; d < kDimensions; ++d) totals[d] += static_cast<Sum>(kAgent[d]);
    }
  }

  // Every claim wants two shapes that an agent holds, in whole agents more than its limit lets it
  // have, so that nobody is content; each third one may not have each second agent.
  void want_and_constrain() {
    const std::vector<std::int64_t> rows = {1'000, 1'000'000, 0, 0, 0, 4'000, 2'000'000, 0, 0, 0};
    const std::vector<DemandTable::Shape> shapes = {{100, 100}, {50, 50}};
    for (std::size_t i = 0; i < claims.size(); ++i) {
      tree.update_claim(claims[i], {roles[i], 0, kDefaultWeightMilli, rows, true});
      demands.set(claims[i], rows, shapes);
      if (i % 3 != 0) continue;
      constraints.constrain(claims[i]);
      for (std::uint32_t room = 0; room < touched.size(); room += 2) {
        constraints.set(claims[i], RoomId{room}, true);
      }
    }
    demanded = true;
  }

  Input input(std::uint64_t seed, std::span<const std::uint32_t> some, bool with_quotas,
              bool counting = true) const {
    return {tree,
            rooms,
            refusals,
            some,
            totals,
            {0b01111, counting},
            seed,
            with_quotas ? &quotas : nullptr,
            demanded ? &constraints : nullptr,
            demanded ? &demands : nullptr};
  }

  bool demanded = false;
};

// The processor time of a cycle that counts refusals over that of one that does not, in turn.
double counting_ratio(const Cluster& cluster, std::uint32_t repetitions, Scratch& scratch,
                      Output& output) {
  std::vector<double> counting, silent;
  for (std::uint32_t i = 0; i < repetitions + 2; ++i) {
    for (const bool counts : {true, false}) {
      const double before = thread_cpu_ns();
      allocate(cluster.input(i, cluster.touched, true, counts), scratch, output);
      const double spent = thread_cpu_ns() - before;
      keep(output.grants.size());
      if (i >= 2) (counts ? counting : silent).push_back(spent);  // warm by then
    }
  }
  return timing_of(counting).p50_ns / timing_of(silent).p50_ns;
}

int run(int argc, char** argv) {
  Report report("quota-cycle", argc, argv);
  const std::uint32_t repetitions = report.quick() ? 7 : 41;
  constexpr std::uint32_t kCount = 3'000;
  Scratch scratch;
  Output output;
  Params params{{"agents", "3000"}, {"roles", "3000"}, {"frameworks", "3000"}};

  Cluster free(kCount, kCount, 1, 2);
  const auto cycle = [&](Cluster& cluster, bool with_quotas) {
    return measure(2, repetitions, [&](std::uint32_t i) {
      allocate(cluster.input(i, cluster.touched, with_quotas), scratch, output);
      keep(output.grants.size());
    });
  };
  const Timing plain = cycle(free, false);
  const Timing allocating = cycle(free, true);
  Params allocated = params;
  allocated.emplace_back("grants", std::to_string(output.grants.size()));
  report.add({"allocating", allocating.p50_ms(), "ms", plain.p50_ms(), allocated});
  report.add({"allocating_min", allocating.min_ms(), "ms", plain.min_ms(), allocated});

  const Timing idle = measure(10, 1'000, [&](std::uint32_t i) {
    allocate(free.input(i, {}, true), scratch, output);
    keep(output.grants.size());
  });
  report.add({"idle", idle.p50_ns / 1e3, "us", {}, params});

  Cluster full(kCount, kCount, 0, 1);
  for (const NodeId role : full.roles) full.quotas.consume(full.tree, role, kAgent);
  const Timing nothing = cycle(full, true);
  Params refused = params;
  refused.emplace_back("grants", std::to_string(output.grants.size()));
  report.add({"all_touched_none_granted", nothing.p50_ms(), "ms", {}, refused});
  const Timing event = measure(10, 1'000, [&](std::uint32_t i) {
    const std::uint32_t agent = i % kCount;
    allocate(full.input(i, {&agent, 1}, true), scratch, output);
    keep(output.grants.size());
  });
  report.add({"one_agent_none_granted", event.p50_ns / 1e3, "us", {}, refused});

  report.add({"counting_refusals", counting_ratio(free, repetitions, scratch, output), "1", 1.0,
              allocated});
  Cluster wanting(kCount, kCount, 1, 2);
  wanting.want_and_constrain();
  const Timing wanted = cycle(wanting, true);
  Params with_both = params;
  with_both.emplace_back("grants", std::to_string(output.grants.size()));
  report.add(
      {"allocating_demands_constraints", wanted.p50_ms(), "ms", allocating.p50_ms(), with_both});
  report.add({"counting_refusals_demands_constraints",
              counting_ratio(wanting, repetitions, scratch, output), "1", 1.0, with_both});
  return report.finish();
}

}  // namespace
}  // namespace bourse::bench

int main(int argc, char** argv) {
  return bourse::bench::run(argc, argv);
}
