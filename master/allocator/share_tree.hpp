// ShareTree: roles, the claims in them, and what is charged (offered or used) to each.
//
// The caller keeps it up to date as things happen; allocate() only reads it. In a role that has
// frameworks of its own and child roles, its own frameworks compete with the children as one group
// (weight 1; in the root, the role `*`, what set_weight said), as in Mesos; that group is the
// role's `own` node:
//
//     root -- a -- own(a) -- claim 0, claim 1
//               \- a/b -- own(a/b) -- claim 2
//
// Invariants: 1. what is charged to a node is the sum over the claims below it. 2. a group's class
// counts are those of the active claims below it. Value (copyable); one owner, one thread. Breaking
// a REQUIRES is our bug and ASSERTs.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "master/allocator/types.hpp"

namespace bourse::allocator {

inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Claims with equal capabilities and minimum see every room alike, so a room is judged once for
// each class instead of once for each claim. Classes [0, 32) hold the claims of one capability set
// whose minimum got no class of its own (more than 32 different ones): theirs is judged singly.
using ClassMask = std::uint64_t;
inline constexpr std::uint32_t kClasses = 64;
inline constexpr std::uint32_t kFirstSharedClass = kCapabilitySets;

struct ClaimClass {
  Capabilities capabilities = 0;
  std::uint32_t minimum = 0;  // index for minimum_rows(); of no meaning below kFirstSharedClass
  std::uint32_t references = 0;
  bool demanded = false;  // its minimum is of demands
};

class ShareTree {
 public:
  enum class Kind : std::uint8_t { free, role, own, claim };

  struct Node {
    std::uint32_t parent = kNone;
    std::uint32_t position = 0;  // among the parent's children
    std::uint32_t weight_milli = kDefaultWeightMilli;
    std::uint32_t group = kNone;  // of its children; none for a claim
    std::uint32_t claim = kNone;
    std::uint32_t own = kNone;  // a role's own node, once it has claims
    Kind kind = Kind::free;
  };

  struct Group {
    std::vector<std::uint32_t> children;  // nodes
    ClassMask classes = 0;                // of active claims below
  };

  struct Claim {
    std::uint32_t node = kNone;  // none: this id is free
    std::uint32_t role = 0;
    std::uint32_t minimum = 0;
    std::uint8_t class_index = 0;
    Capabilities capabilities = 0;
    ClaimState state = ClaimState::active;
    bool demanded = false;  // its minimum is of its demand
  };

  // REQUIRES 1 <= dimensions <= kMaxDimensions.
  explicit ShareTree(std::uint32_t dimensions);

  std::uint32_t dimensions() const { return dimensions_; }
  // A new custom scalar appeared. Charged rows and minimums keep their values. REQUIRES growth.
  void grow_dimensions(std::uint32_t dimensions);

  // REQUIRES weight_milli >= 1 and a live parent.
  NodeId add_role(NodeId parent, std::uint32_t weight_milli = kDefaultWeightMilli);
  // REQUIRES a role without child roles and claims; not the root.
  void remove_role(NodeId role);
  void set_weight(NodeId role, std::uint32_t weight_milli);

  // REQUIRES a live role, weight >= 1, minimum.size() a multiple of dimensions().
  ClaimId add_claim(const ClaimSpec& spec);
  // A framework came back with other capabilities. REQUIRES the same role.
  void update_claim(ClaimId claim, const ClaimSpec& spec);
  // REQUIRES that nothing is charged to it any more.
  void remove_claim(ClaimId claim);
  void set_state(ClaimId claim, ClaimState state);

  // Adds to, takes from the claim and everything above it. REQUIRES row.size() == dimensions(), no
  // negative quantity, and never less than nothing left.
  void charge(ClaimId claim, std::span<const std::int64_t> row);
  void release(ClaimId claim, std::span<const std::int64_t> row);

  std::span<const Sum> charged(NodeId role) const { return charged_row(role.raw()); }
  std::span<const Sum> charged(ClaimId claim) const { return charged_row(at(claim).node); }
  const Claim& at(ClaimId claim) const;
  // One past the largest claim id ever used.
  std::uint32_t claim_capacity() const { return static_cast<std::uint32_t>(claims_.size()); }

  // For allocate() and its reference.
  std::uint32_t node_capacity() const { return static_cast<std::uint32_t>(nodes_.size()); }
  std::uint32_t group_capacity() const { return static_cast<std::uint32_t>(groups_.size()); }
  const Node& node(std::uint32_t index) const { return nodes_[index]; }
  const Group& group(std::uint32_t index) const { return groups_[index]; }
  const Claim& claim(std::uint32_t index) const { return claims_[index]; }
  const ClaimClass& claim_class(std::uint32_t index) const { return classes_[index]; }
  std::span<const std::int64_t> minimum_rows(std::uint32_t minimum) const {
    return minimums_[minimum].rows;
  }
  std::span<const Sum> charged_row(std::uint32_t node) const {
    return {charged_.data() + std::size_t{node} * dimensions_, dimensions_};
  }
  // The classes of active claims below a node that is not a claim.
  ClassMask classes_below(std::uint32_t node) const { return groups_[nodes_[node].group].classes; }

  // Active claims below a node, or whether it is one.
  std::uint32_t active_below(std::uint32_t node) const;

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&ShareTree::dimensions_, &ShareTree::nodes_, &ShareTree::charged_,
                      &ShareTree::groups_, &ShareTree::class_counts_, &ShareTree::claims_,
                      &ShareTree::minimums_, &ShareTree::minimum_of_, &ShareTree::classes_,
                      &ShareTree::free_nodes_, &ShareTree::free_groups_, &ShareTree::free_claims_,
                      &ShareTree::free_minimums_);
  }

 private:
  struct Minimum {
    std::vector<std::int64_t> rows;
    std::uint32_t references = 0;
  };

  std::uint32_t add_node(std::uint32_t parent, Kind kind, std::uint32_t weight_milli);
  void remove_node(std::uint32_t index);
  void enlist(Claim& claim, const ClaimSpec& spec);
  void delist(Claim& claim);
  void count_active(const Claim& claim, bool arrives);
  std::uint32_t take_minimum(const std::vector<std::int64_t>& rows);
  void drop_minimum(std::uint32_t minimum);
  std::uint8_t take_class(Capabilities capabilities, std::uint32_t minimum, bool demanded);

  std::uint32_t dimensions_;
  std::vector<Node> nodes_;
  std::vector<Sum> charged_;  // node x dimension
  std::vector<Group> groups_;
  std::vector<std::array<std::uint32_t, kClasses>> class_counts_;  // by group
  std::vector<Claim> claims_;
  std::vector<Minimum> minimums_;
  std::map<std::vector<std::int64_t>, std::uint32_t> minimum_of_;
  std::array<ClaimClass, kClasses> classes_{};
  std::vector<std::uint32_t> free_nodes_;
  std::vector<std::uint32_t> free_groups_;
  std::vector<std::uint32_t> free_claims_;
  std::vector<std::uint32_t> free_minimums_;
};

}  // namespace bourse::allocator
