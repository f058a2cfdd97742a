// allocate(): who is offered the free resources of which agent. A pure function on flat arrays.
//
// The rules (written out with the naive reference in docs/decisions/0006-allocator-rules.md):
//   1. Rooms are visited in an order shuffled by the seed.
//   2. In a room, claims are ordered by hierarchical weighted dominant share: at each level of the
//      tree the child with the smallest share comes first, then what lies below it; equal shares
//      are ordered by tie_break(seed, node).
//   3. The first claim in that order that may have an offer here gets all it may have of the room:
//      what is unreserved or reserved for its role or one above it, and within its capabilities.
//   4. Its charge counts at once; then 2 and 3 again until nobody can have what is left.
//
// Cost: proportional to the rooms touched times the logarithm of the claims, plus the claims that
// refused a touched room.
//
// With quotas (docs/decisions/0029-quota.md) a pass over all rooms comes first, for the claims
// whose grants bring a role nearer to its guarantee; an offer is cut to what limits allow and to
// what need not be kept for guarantees; and whoever can have nothing any more is out for the rest
// of the call.
//
// With demands (docs/decisions/0036-declared-demand.md) an offer must hold a shape that its claim
// still wants, which takes the place of the minimum; whoever wants nothing more is out as well.
//
// No time, no randomness but the seed, no memory but Scratch. REQUIRES that the three tables agree
// in dimensions and that no room is touched twice; ASSERTs otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "master/allocator/constraint_table.hpp"
#include "master/allocator/demand_table.hpp"
#include "master/allocator/quota_table.hpp"
#include "master/allocator/refusal_table.hpp"
#include "master/allocator/room_table.hpp"
#include "master/allocator/scratch.hpp"
#include "master/allocator/share_tree.hpp"
#include "master/allocator/types.hpp"

namespace bourse::allocator {

struct Policy {
  std::uint32_t share_mask = ~std::uint32_t{0};  // dimensions that enter shares
  bool count_refusals = true;                    // off only to measure what counting costs
};

struct Input {
  const ShareTree& tree;
  const RoomTable& rooms;
  const RefusalTable& refusals;
  std::span<const std::uint32_t> touched;  // rooms in which something changed
  std::span<const Sum> totals;             // of the cluster, by dimension
  Policy policy;
  std::uint64_t seed = 0;
  const QuotaTable* quotas = nullptr;            // none: nobody has one
  const ConstraintTable* constraints = nullptr;  // none: nobody is constrained
  const DemandTable* demands = nullptr;          // none: nobody says what it wants
};

// In the context of `node` (a role with reservations in `room`) a class fared otherwise than it did
// one context further out. nullopt: it could have had an offer.
struct ContextRefusal {
  RoomId room;
  NodeId node;
  std::uint8_t class_index = 0;
  RefusalReason was = RefusalReason::nothing_free;
  std::optional<RefusalReason> now;

  bool operator==(const ContextRefusal&) const = default;
};

// Cleared and filled by each call; keep it between calls to keep its memory.
struct Output {
  std::vector<Grant> grants;                 // by room in the order of rule 1, then as made
  std::vector<std::uint32_t> granted_parts;  // places within the room's parts, ascending in a grant
  std::vector<std::int64_t> granted_rows;    // of grants that a quota cut
  std::vector<std::uint32_t> met;            // of grants to claims that say what they want

  // Refusals, counted where they were decided; count_refusals() adds them up for a claim.
  std::uint32_t rooms = 0;
  std::array<std::array<std::uint32_t, kRefusalReasons>, kClasses> class_refusals{};
  std::vector<ContextRefusal> context_refusals;
  std::vector<ClaimRefusals> claim_refusals;

  std::span<const std::uint32_t> parts_of(const Grant& grant) const {
    return {granted_parts.data() + grant.first_part, grant.part_count};
  }
  // What it has of one of its parts, if it was cut; else null.
  const std::int64_t* row_of(const Grant& grant, std::size_t part, std::uint32_t dimensions) const {
    if (grant.first_row == kNone) return nullptr;
    return granted_rows.data() + grant.first_row + part * dimensions;
  }
  // How many it holds of each of so many shapes. REQUIRES that its claim says what it wants.
  std::span<const std::uint32_t> met_of(const Grant& grant, std::size_t shapes) const {
    return {met.data() + grant.first_met, shapes};
  }
};

void allocate(const Input& input, Scratch& scratch, Output& output);

// What orders equal shares: smaller comes first, then the smaller node.
std::uint64_t tie_break(std::uint64_t seed, std::uint32_t node);

// The order of rule 1.
void shuffle_rooms(std::vector<std::uint32_t>& rooms, std::uint64_t seed);

// How often each reason kept the claim from a room in this call. Rooms it got are not counted. Not
// for the hot path: linear in the grants and context refusals of the call.
RefusalCounts count_refusals(const ShareTree& tree, const Output& output, ClaimId claim);

// Why the claim would not be offered this room just now, whoever comes first; nullopt if it could.
std::optional<RefusalReason> explain(const Input& input, ClaimId claim, RoomId room);

// Whether a row that is not empty reaches one of the minimum rows (none: any does).
bool reaches_minimum(const std::int64_t* row, const std::int64_t* minimum,
                     std::uint32_t minimum_rows, std::uint32_t dimensions);

}  // namespace bourse::allocator
