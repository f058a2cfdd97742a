// QuotaTable: the guarantees and limits of roles, and what each role consumes of them.
//
// What counts: everything reserved for a role, handed out or not, and what is unreserved and not
// revocable once it is offered or used. It counts for the role and for every role above it. The
// caller says what is consumed and what is spare: unreserved, not revocable and free on agents that
// may be offered.
//
// A role's need is what its guarantee still lacks, or what the roles below it need together,
// whichever is more. What the cluster needs, the sum over the topmost, is kept spare for them.
//
// Value (copyable); one owner, one thread. Breaking a REQUIRES is our bug and ASSERTs.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <tuple>
#include <vector>

#include "master/allocator/share_tree.hpp"
#include "master/allocator/types.hpp"

namespace bourse::allocator {

inline constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

class QuotaTable {
 public:
  // REQUIRES 1 <= dimensions <= kMaxDimensions.
  explicit QuotaTable(std::uint32_t dimensions);

  std::uint32_t dimensions() const { return dimensions_; }
  // REQUIRES growth. Of the new dimensions there is no limit and no guarantee.
  void grow_dimensions(std::uint32_t dimensions);

  bool empty() const { return entries_ == 0; }
  // A row of guarantees and one of limits (kNoLimit: none). REQUIRES a role that is not the root,
  // and settle() before the next call of allocate().
  void set(NodeId role, std::span<const std::int64_t> guarantees,
           std::span<const std::int64_t> limits);
  void remove(NodeId role);
  // Works out all needs again.
  void settle(const ShareTree& tree);

  // Adds to and takes from the role and all above it. REQUIRES a role of this tree, no negative
  // quantity, and never less than nothing left.
  void consume(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row);
  void release(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row);
  void add_spare(std::span<const std::int64_t> row);
  void take_spare(std::span<const std::int64_t> row);
  // Nothing is consumed and nothing spare: before everything is counted again.
  void forget_consumption();

  std::span<const Sum> spare() const { return spare_; }
  std::span<const Sum> needed() const { return needed_; }
  // Of a role in the tree, whether it has a quota or not.
  Sum consumed(NodeId role, std::uint32_t dimension) const;

  // For allocate(): entries are dense; those that were removed have no node.
  std::uint32_t entry_of(std::uint32_t node) const {
    return node < entry_of_.size() ? entry_of_[node] : kNone;
  }
  std::uint32_t entry_capacity() const { return static_cast<std::uint32_t>(nodes_.size()); }
  std::uint32_t node_of(std::uint32_t entry) const { return nodes_[entry]; }
  const std::int64_t* guarantees(std::uint32_t entry) const {
    return guarantees_.data() + std::size_t{entry} * dimensions_;
  }
  const std::int64_t* limits(std::uint32_t entry) const {
    return limits_.data() + std::size_t{entry} * dimensions_;
  }
  // What the entries right below need together.
  const Sum* needed_below(std::uint32_t entry) const {
    return below_.data() + std::size_t{entry} * dimensions_;
  }
  // Whether something of its guarantee lacks.
  bool lacks(std::uint32_t entry) const { return lacks_[entry] != 0; }
  bool settled() const { return settled_; }

  // Every field, for whoever writes it down (master/record).
  static constexpr auto members() {
    return std::tuple(&QuotaTable::dimensions_, &QuotaTable::entries_, &QuotaTable::entry_of_,
                      &QuotaTable::consumed_, &QuotaTable::nodes_, &QuotaTable::guarantees_,
                      &QuotaTable::limits_, &QuotaTable::below_, &QuotaTable::lacks_,
                      &QuotaTable::free_entries_, &QuotaTable::spare_, &QuotaTable::needed_,
                      &QuotaTable::settled_);
  }

 private:
  Sum need(std::uint32_t entry, std::uint32_t dimension) const;
  void judge(std::uint32_t entry);
  void move(const ShareTree& tree, NodeId role, std::span<const std::int64_t> row, bool arrives);

  std::uint32_t dimensions_;
  std::uint32_t entries_ = 0;
  std::vector<std::uint32_t> entry_of_;  // by node
  std::vector<Sum> consumed_;            // node x dimension
  // By entry.
  std::vector<std::uint32_t> nodes_;
  std::vector<std::int64_t> guarantees_;
  std::vector<std::int64_t> limits_;
  std::vector<Sum> below_;
  std::vector<std::uint8_t> lacks_;
  std::vector<std::uint32_t> free_entries_;
  // By dimension.
  std::vector<Sum> spare_;
  std::vector<Sum> needed_;
  bool settled_ = true;
};

}  // namespace bourse::allocator
