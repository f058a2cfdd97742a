// Scratch: the memory a round of allocation works in. Owned by the caller and passed to each call,
// so that a warm call allocates nothing. It holds no state: a call with a fresh Scratch gives the
// same answer. Not copyable into results; one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "master/allocator/quota_round.hpp"
#include "master/allocator/share.hpp"
#include "master/allocator/share_tree.hpp"

namespace bourse::allocator {

// Winner trees over the children of each group of a ShareTree, restricted to children with an
// active claim of some class in `mask`. A group's tree is built when it is first asked for.
// Slots [1, n) of a group of n children are matches, [n, 2n) the children; slot 1 is the winner.
struct Forest {
  struct Tree {
    std::uint32_t built = 0;  // the round that built it
    std::uint32_t start = 0;  // into slots
    std::uint32_t count = 0;  // of children
    std::uint32_t left = 0;   // of those that stand in it, not knocked out for good
  };
  ClassMask mask = 0;
  bool with_spent = false;           // also claims that only what no quota counts can serve
  std::vector<Tree> trees;           // by the node above the group
  std::vector<std::uint32_t> slots;  // nodes, or Scratch::none
};

// A child taken out of its tree until the room at hand is done.
struct KnockOut {
  std::uint32_t forest = 0;
  std::uint32_t node = 0;
};

// What one claim was refused for itself, not for its class.
struct ClaimRefusals {
  ClaimId claim;
  std::uint32_t below_minimum = 0;
  std::uint32_t filtered = 0;
  std::uint32_t over_quota = 0;
  std::uint32_t kept_for_guarantees = 0;
  std::uint32_t constraint = 0;
  std::uint32_t demand = 0;

  bool operator==(const ClaimRefusals&) const = default;
};

// A class of claims as this round sees it.
struct LiveClass {
  std::uint32_t index = 0;
  Capabilities capabilities = 0;
  const std::int64_t* minimum = nullptr;
  std::uint32_t minimum_rows = 0;
  bool demanded = false;
};

// A room in which the pass for guarantees made grants, and what it left there.
struct ServedRoom {
  std::uint32_t first_row = 0;  // into served_rows
  std::uint32_t first_grant = 0;
  std::uint32_t grant_count = 0;
};

// A claim that no quota leaves anything for, from some room on: whatever comes is counted at once.
struct SpentClaim {
  std::uint32_t claim = 0;
  std::uint32_t rooms = 0;     // visited by then
  std::uint32_t refusals = 0;  // of its class and of its own by then
  bool over_limit = false;
};

// A claim that wants nothing more, from some room on: whatever comes is counted at once.
struct MetClaim {
  std::uint32_t claim = 0;
  std::uint32_t rooms = 0;     // visited by then
  std::uint32_t refusals = 0;  // of its class by then
  std::uint32_t contexts = 0;  // and of roles with reservations
};

class Scratch {
 public:
  static constexpr std::uint32_t kMaxForests = 9;

 private:
  friend class Round;

  std::uint32_t round = 0;  // stamps what is valid in this call
  ShareScale scale;
  std::vector<std::uint32_t> order;
  std::vector<std::uint32_t> room_stamp;
  // By node: what is charged, once this round charged it (in 64 bits where no sum can need more,
  // which is half the memory to walk through), and the key of its share, once asked for.
  std::vector<std::uint32_t> charged_stamp;
  std::vector<Sum> charged;
  std::vector<std::uint64_t> charged_narrow;
  std::vector<std::uint32_t> key_stamp;
  std::vector<std::uint64_t> keys;
  std::uint32_t none = 0;  // one past the nodes; its key is beyond all
  // By claim: its place in Output::claim_refusals, and the room it was last refused.
  std::vector<std::uint32_t> refusal_stamp;
  std::vector<std::uint32_t> refusal_slot;
  std::vector<std::uint32_t> refusal_room;

  std::array<Forest, kMaxForests> forests;
  std::uint32_t forest_count = 0;
  std::vector<LiveClass> classes;

  // Of the room at hand.
  std::vector<std::uint8_t> taken;     // by part
  std::vector<std::uint32_t> open;     // parts that the place in the tree may take
  std::vector<std::uint32_t> context;  // parts of a context, while its refusals are noted
  std::vector<std::uint32_t> dead;     // nodes under which nobody can take what is left
  std::vector<KnockOut> knocked;

  // With demands. By claim: where what it still wants stands, once it had a grant, and whether it
  // wants nothing more.
  std::vector<std::uint32_t> unmet_stamp;
  std::vector<std::uint32_t> unmet_slot;
  std::vector<std::uint32_t> unmet;
  std::vector<std::uint32_t> met_stamp;
  std::vector<MetClaim> met;

  // With quotas.
  QuotaScratch quota;
  std::vector<std::int64_t> rows;           // of the parts of the room at hand: what is left
  std::vector<std::uint32_t> served_stamp;  // by room
  std::vector<std::uint32_t> served_slot;   // by room
  std::vector<ServedRoom> served;
  std::vector<std::int64_t> served_rows;
  std::vector<std::uint32_t> lacking_stamp;  // by node: leads to a role below its guarantee
  std::vector<std::uint32_t> spent_stamp;    // by claim
  std::vector<SpentClaim> spent;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> by_room;  // to put grants in order
};

}  // namespace bourse::allocator
