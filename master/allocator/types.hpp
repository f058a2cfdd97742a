// The allocator's vocabulary: who may want what (claims in a tree of roles), what there is (rooms
// made of parts) and why somebody got nothing. Plain values, indices and no ownership; any thread.
//
// A quantity is an int64 in thousandths (`milli`), one per dimension; a row is one quantity for
// each dimension, in the caller's order. A dimension is any scalar (cpus, mem, disk, gpus, custom)
// or the count of a ranges or set resource (ports): Policy says which of them enter a share.
// A caller keeps the sum of one room's parts under kMaxRoomQuantity; sums over rooms are 128 bits
// wide, so no cluster that is made of such rooms overflows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/id.hpp"

namespace bourse::allocator {

using NodeId = Id<struct NodeTag, std::uint32_t>;    // of a role in ShareTree; 0 is the root
using ClaimId = Id<struct ClaimTag, std::uint32_t>;  // one framework in one role; dense, reused
using RoomId = Id<struct RoomTag, std::uint32_t>;    // one agent; the caller's dense index
using RowId = Id<struct RowTag, std::uint32_t>;      // a refused row, see RefusalTable

// A quantity summed over the cluster. Kept under 2^96 by kMaxRoomQuantity and any number of rooms.
using Sum = unsigned __int128;

inline constexpr std::uint32_t kMaxDimensions = 16;
inline constexpr std::int64_t kMaxRoomQuantity = std::int64_t{1} << 62;
inline constexpr std::uint32_t kDefaultWeightMilli = 1000;
inline constexpr NodeId kRootRole{};

// What a framework said it can handle. A resource with a trait goes only to claims with the
// capability of the same bit.
using Capabilities = std::uint8_t;
inline constexpr Capabilities kRevocable = 1;
inline constexpr Capabilities kShared = 2;
inline constexpr Capabilities kRefined = 4;  // reservation refinement
inline constexpr Capabilities kGpus = 8;
inline constexpr Capabilities kRegionAware = 16;
inline constexpr std::uint32_t kCapabilitySets = 32;
inline constexpr Capabilities kTraitMask = kRevocable | kShared | kRefined;

// A piece of a room's free resources, granted as a whole unless a quota cuts it. What is reserved
// for the root role is unreserved; what is reserved for role `a` may go to frameworks in `a` and
// below it.
struct Part {
  NodeId role = kRootRole;
  std::uint8_t traits = 0;  // of kRevocable, kShared, kRefined
  std::uint32_t tag = 0;    // the caller's, never read here
  bool whole = false;       // where a quota leaves room for some of it only, nothing is granted

  bool operator==(const Part&) const = default;
};

// What an agent is, whatever of it is free just now.
using RoomFlags = std::uint8_t;
inline constexpr RoomFlags kHasGpus = 1;       // only for claims with kGpus
inline constexpr RoomFlags kRemoteRegion = 2;  // only for claims with kRegionAware

enum class ClaimState : std::uint8_t {
  active = 0,
  suppressed = 1,    // asked for no offers until it revives
  disconnected = 2,  // keeps its shares, cannot be sent anything
};

// One (framework, role) pair that wants offers. `minimum` is a list of rows, one after another: an
// offer must reach every quantity of at least one of them. Empty: any offer that is not empty.
struct ClaimSpec {
  NodeId role;
  Capabilities capabilities = 0;
  std::uint32_t weight_milli = kDefaultWeightMilli;  // among the frameworks of its role
  std::vector<std::int64_t> minimum;
  // The rows are the shapes of its demand, and DemandTable has the rest.
  bool demanded = false;
};

// Why a claim did not get a room. The first that applies, in this order.
enum class RefusalReason : std::uint8_t {
  disconnected = 0,
  suppressed,
  nothing_free,             // the room had nothing at all
  no_gpu_capability,        // the agent has gpus, the framework did not say it handles them
  remote_region,            // the agent is in another region, the framework is not region-aware
  reserved_for_other_role,  // all that is free is reserved for roles that are not above the claim
  not_capable,              // what is left is revocable, shared or refined, the framework is not
  below_minimum,            // less than the framework's least useful offer
  filtered,                 // the framework refused this much of this room not long ago
  better_claim,             // could have had it; another with a smaller share came first
  // Appended: these come between below_minimum and filtered.
  over_quota,           // the limits of its role leave no offer that reaches its minimum
  kept_for_guarantees,  // what is left is kept for roles that are below their guarantees
  constraint,           // the agent is not what the framework's offer constraints ask for
  demand,  // in place of below_minimum: nothing that the framework still wants fits there
};
inline constexpr std::size_t kRefusalReasons = 14;
const char* name_of(RefusalReason reason);
using RefusalCounts = std::array<std::uint64_t, kRefusalReasons>;

struct Grant {
  RoomId room;
  ClaimId claim;
  std::uint32_t first_part = 0;  // into Output::granted_parts
  std::uint32_t part_count = 0;
  // Into Output::granted_rows, a row for each of its parts; none: all that is in them.
  std::uint32_t first_row = ~std::uint32_t{0};
  // Into Output::met, how many it holds of each shape of its claim's demand; none: no demand.
  std::uint32_t first_met = ~std::uint32_t{0};

  bool operator==(const Grant&) const = default;
};

}  // namespace bourse::allocator
