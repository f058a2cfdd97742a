#include "bench/allocation_cluster.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/prng.hpp"

namespace bourse::bench {

using namespace allocator;

namespace {

// A tree a/b/c with about five frameworks in each role at the bottom; some frameworks sit higher.
std::vector<NodeId> grow_roles(ShareTree& tree, std::uint32_t frameworks, Prng& prng) {
  const std::uint32_t wanted = std::max(8u, frameworks / 5);
  std::uint32_t fanout = 2;
  while (fanout * fanout * fanout < wanted) ++fanout;
  std::vector<NodeId> roles;
  const auto weight = [&prng] { return static_cast<std::uint32_t>(1000 * prng.between(1, 4)); };
  for (std::uint32_t a = 0; a < fanout; ++a) {
    const NodeId role_a = tree.add_role(kRootRole, weight());
    roles.push_back(role_a);
    for (std::uint32_t b = 0; b < fanout; ++b) {
      const NodeId role_b = tree.add_role(role_a, weight());
      roles.push_back(role_b);
      for (std::uint32_t c = 0; c < fanout; ++c) roles.push_back(tree.add_role(role_b, weight()));
    }
  }
  return roles;
}

std::vector<std::int64_t> agent_row(Prng& prng, bool has_gpus) {
  const std::int64_t size = std::int64_t{1} << prng.below(4);  // 8 to 64 cpus
  return {size * 8'000,
          size * 32'000'000 + prng.between(0, 1'000'000),
          size * 500'000'000 + prng.between(0, 1'000'000),
          has_gpus ? 4'000 : 0,
          size * 1'000,
          1'000'000};
}

}  // namespace

AllocationCluster::AllocationCluster(std::uint32_t agents, std::uint32_t frameworks,
                                     std::uint32_t refused_percent)
    : tree(kDimensions), rooms(kDimensions), refusals(kDimensions), totals(kDimensions) {
  Prng prng(20'000 + agents + frameworks);
  policy.share_mask = (1u << kDimensions) - 1 - (1u << kPorts);
  const auto roles = grow_roles(tree, frameworks, prng);
  for (std::uint32_t i = 0; i < frameworks; ++i) {
    ClaimSpec spec;
    spec.role = roles[prng.below(roles.size())];
    spec.capabilities = kTraitMask;
    if (prng.chance(3, 10)) spec.capabilities |= kGpus;
    spec.minimum = {10, 0, 0, 0, 0, 0, 0, 32'000, 0, 0, 0, 0};  // cpus:0.01 or mem:32
    if (prng.chance(1, 5)) spec.minimum = {1'000, 1'000'000, 0, 0, 0, 0};
    claims.push_back(tree.add_claim(spec));
  }
  for (std::uint32_t agent = 0; agent < agents; ++agent) {
    const bool has_gpus = prng.chance(2, 100);
    std::vector<Part> parts{{}};
    std::vector<std::int64_t> rows = agent_row(prng, has_gpus);
    const std::vector<std::int64_t> whole = rows;
    for (std::size_t d = 0; d < kDimensions; ++d) totals[d] += static_cast<std::uint64_t>(rows[d]);
    if (prng.chance(2, 10)) {
      // A quarter of the agent is reserved for a role.
      parts.push_back({roles[prng.below(roles.size())], 0, 1});
      rows.resize(std::size_t{2} * kDimensions);
      for (std::size_t d = 0; d < kDimensions; ++d) {
        rows[kDimensions + d] = rows[d] / 4;
        rows[d] -= rows[kDimensions + d];
      }
    }
    rooms.set(RoomId{agent}, has_gpus ? kHasGpus : RoomFlags{0}, parts, rows);
    touched.push_back(agent);
    for (const ClaimId claim : claims) {
      if (!prng.chance(refused_percent, 100)) continue;
      refusals.add(RoomId{agent}, claim, whole, kUnreservedKind | kReservedKind);
    }
  }
}

namespace {

double dominant(const AgentShares& shares) {
  return *std::max_element(shares.begin(), shares.end());
}

}  // namespace

std::vector<AgentShares> agent_shares(const AllocationCluster& cluster) {
  std::vector<AgentShares> shares;
  for (const std::uint32_t agent : cluster.touched) {
    auto& share = shares.emplace_back();
    for (std::uint32_t part = 0; part < cluster.rooms.room(agent).part_count; ++part) {
      const std::int64_t* row = cluster.rooms.row(cluster.rooms.room(agent).first_part + part);
      for (std::uint32_t d = 0; d < kShareDimensions; ++d) {
        const auto total = static_cast<double>(cluster.totals[d]);
        if (total > 0) share[d] += static_cast<double>(row[d]) / total;
      }
    }
  }
  return shares;
}

std::uint64_t plain_winner_tree_cycle(const AllocationCluster& cluster,
                                      const std::vector<AgentShares>& agents) {
  const std::size_t count = cluster.claims.size();
  std::vector<AgentShares> charged(count);
  std::vector<double> share(count, 0.0);
  std::vector<std::uint32_t> slots(2 * count);
  const auto match = [&share](std::uint32_t a, std::uint32_t b) {
    return share[b] < share[a] ? b : a;
  };
  for (std::size_t i = 0; i < count; ++i) slots[count + i] = static_cast<std::uint32_t>(i);
  for (std::size_t i = count - 1; i >= 1; --i) slots[i] = match(slots[2 * i], slots[2 * i + 1]);
  std::uint64_t checksum = 0;
  for (const auto& agent : agents) {
    const std::uint32_t winner = slots[1];
    for (std::uint32_t d = 0; d < kShareDimensions; ++d) charged[winner][d] += agent[d];
    share[winner] = dominant(charged[winner]);
    for (std::size_t i = (count + winner) / 2; i >= 1; i /= 2) {
      slots[i] = match(slots[2 * i], slots[2 * i + 1]);
    }
    checksum = checksum * 31 + winner;
  }
  return checksum;
}

std::uint64_t sort_every_time_cycle(const AllocationCluster& cluster) {
  const auto agents = agent_shares(cluster);
  const std::size_t count = cluster.claims.size();
  std::vector<AgentShares> charged(count);
  std::vector<double> share(count, 0.0);
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::uint64_t checksum = 0;
  for (const auto& agent : agents) {
    std::sort(order.begin(), order.end(), [&share](std::uint32_t a, std::uint32_t b) {
      return share[a] != share[b] ? share[a] < share[b] : a < b;
    });
    const std::uint32_t winner = order[0];
    for (std::uint32_t d = 0; d < kShareDimensions; ++d) charged[winner][d] += agent[d];
    share[winner] = dominant(charged[winner]);
    checksum = checksum * 31 + winner;
  }
  return checksum;
}

}  // namespace bourse::bench
