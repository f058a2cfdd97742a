// What the offer round keeps between rounds: the allocator's tables, kept up to date as things
// happen, and which agents were touched since the last round. Part of MasterState. Value.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/slot_map.hpp"
#include "base/time.hpp"
#include "master/allocator/allocate.hpp"
#include "model/resources.hpp"

namespace bourse::master {

struct Framework;

// The dimensions that every cluster has; custom scalars come after them, first come first served
// up to limits::kMaxScalarDimensions. What gets no dimension is offered all the same, but enters no
// share and no filter.
inline constexpr std::uint32_t kCpus = 0;
inline constexpr std::uint32_t kMem = 1;
inline constexpr std::uint32_t kDisk = 2;
inline constexpr std::uint32_t kGpus = 3;
inline constexpr std::uint32_t kPorts = 4;  // counted, in thousandths, but never part of a share
inline constexpr std::uint32_t kFirstCustom = 5;

using QuantityRow = std::array<std::int64_t, allocator::kMaxDimensions>;

// Of one agent: what stands in RoomTable for it.
struct AllocationRoom {
  bool entered = false;           // the table has `available`
  std::uint32_t offer_bytes = 0;  // about, of an offer of it all
  Resources available;
  std::vector<allocator::Part> parts;
  std::vector<Resources> contents;  // of each part, where there are several
  QuantityRow counted{};            // its total as added to Allocation::totals
  // With quotas: what is spare on it as added to Allocation::quotas, and the total whose
  // reservations are consumed there.
  QuantityRow spare{};
  Resources reserving;
};

// Of one framework in one role.
struct AllocationClaim {
  allocator::ClaimId id;
  bool entered = false;                 // has an id
  std::uint32_t declined_in_a_row = 0;  // offers given back whole since it last used one
  bool held_back = false;               // over the budget for claims that use nothing
  // Why it was refused rooms, for people who ask: what its class was refused since `since`, and
  // what it was refused for itself.
  allocator::RefusalCounts since{};
  allocator::RefusalCounts own{};
};

// Not a list in braces where it is used: g++ 12 fails on one in a type that is looked at field by
// field (master/record).
inline std::vector<std::string> first_dimensions() {
  return {"cpus", "mem", "disk", "gpus", "ports"};
}

struct Allocation {
  std::vector<std::string> dimensions = first_dimensions();
  std::uint32_t share_mask = 0b01111;
  allocator::ShareTree tree{kFirstCustom};
  allocator::RoomTable rooms{kFirstCustom};
  allocator::RefusalTable refusals{kFirstCustom};
  allocator::ConstraintTable constraints;
  allocator::DemandTable demands{kFirstCustom};
  bool demands_name_agents = false;  // some shape is wanted on one agent
  bool demands_stale = false;        // what a shape names came or left
  bool minimums_stale = false;       // a minimum may name what nobody had and somebody has now
  std::vector<allocator::Sum> totals = std::vector<allocator::Sum>(kFirstCustom);

  struct RoleNode {
    allocator::NodeId node;
    std::uint32_t references = 0;  // claims and child roles that need it, and reservations: once
    bool reserved = false;         // something is or was reserved for it
  };
  std::map<std::string, RoleNode, std::less<>> roles;
  allocator::QuotaTable quotas{kFirstCustom};
  bool counts_quotas = false;  // what quotas count is counted, since there was a first one

  struct ClaimOwner {
    Slot<Framework> framework;
    std::uint32_t role = 0;
  };
  std::vector<ClaimOwner> owners;  // by claim id

  std::vector<std::uint32_t> touched;  // agent indices, each once
  std::vector<bool> is_touched;        // by agent index
  bool all_touched = false;            // every agent that can offer something is
  Instant round_due = Instant::max();
  std::uint64_t rounds = 0;

  // Budget of offers for claims that use nothing, in thousandths of an offer; may be in debt.
  std::int64_t idle_budget_milli = 0;
  Instant idle_budget_at;
  std::deque<std::uint32_t> held_back;  // claim ids, longest held first
  Instant idle_due = Instant::max();
  std::uint32_t idle_room = 0;  // where the next of them look: rooms in turn

  // Refusals by class of claims, since this master leads.
  std::array<allocator::RefusalCounts, allocator::kClasses> class_refusals{};
};

}  // namespace bourse::master
