// The cluster that the allocation benches run on: agents x frameworks in a role tree of depth 3
// with weights, ports, reservations, gpus and a share of refused pairs; everybody hungry. Values
// drawn from a fixed seed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "master/allocator/allocate.hpp"

namespace bourse::bench {

struct AllocationCluster {
  // cpus, mem, disk, gpus, one custom scalar; the count of ports, which enters no share.
  static constexpr std::uint32_t kDimensions = 6;
  static constexpr std::uint32_t kPorts = 5;

  AllocationCluster(std::uint32_t agents, std::uint32_t frameworks, std::uint32_t refused_percent);

  allocator::Input input(std::uint64_t seed) const {
    return {tree, rooms, refusals, touched, totals, policy, seed};
  }
  allocator::Input input(std::uint64_t seed, std::span<const std::uint32_t> only) const {
    return {tree, rooms, refusals, only, totals, policy, seed};
  }

  allocator::ShareTree tree;
  allocator::RoomTable rooms;
  allocator::RefusalTable refusals;
  std::vector<std::uint32_t> touched;
  std::vector<allocator::Sum> totals;
  allocator::Policy policy;
  std::vector<allocator::ClaimId> claims;
};

inline constexpr std::uint32_t kShareDimensions = AllocationCluster::kPorts;
using AgentShares = std::array<double, kShareDimensions>;

// The free resources of every agent, densely, as parts of the cluster's totals.
std::vector<AgentShares> agent_shares(const AllocationCluster& cluster);

// The least a cycle could cost: dominant shares of frameworks in one flat list, a winner tree, one
// replay for each agent; no roles, filters, reservations, minimums or reasons. Returns a checksum.
std::uint64_t plain_winner_tree_cycle(const AllocationCluster& cluster,
                                      const std::vector<AgentShares>& agents);

// The same by sorting all frameworks again after every grant.
std::uint64_t sort_every_time_cycle(const AllocationCluster& cluster);

}  // namespace bourse::bench
