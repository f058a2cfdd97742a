// The winner trees of a Forest, as functions over an order of nodes. Private to the allocator.
//
// `before(a, b)` says which of two nodes of a group comes first; it must not change for a node
// without a replay of that node.
#pragma once

#include <cstdint>

#include "master/allocator/scratch.hpp"
#include "master/allocator/share_tree.hpp"

namespace bourse::allocator {

template <typename Before>
std::uint32_t match(std::uint32_t a, std::uint32_t b, const Before& before) {
  if (a == kNone) return b;
  if (b == kNone) return a;
  return before(a, b) ? a : b;
}

// Builds the tree of a group from its children for which included(node) holds.
template <typename Included, typename Before>
void build(Forest& forest, std::uint32_t group_index, const ShareTree::Group& group,
           const Included& included, const Before& before) {
  const auto count = static_cast<std::uint32_t>(group.children.size());
  const auto start = static_cast<std::uint32_t>(forest.slots.size());
  forest.start[group_index] = start;
  forest.slots.resize(forest.slots.size() + std::size_t{2} * count + 2, kNone);
  std::uint32_t* slots = forest.slots.data() + start;
  for (std::uint32_t i = 0; i < count; ++i) {
    slots[count + i] = included(group.children[i]) ? group.children[i] : kNone;
  }
  for (std::uint32_t i = count; i-- > 1;) {
    slots[i] = match(slots[2 * i], slots[2 * i + 1], before);
  }
}

// The child's share changed, or it was put to `value` (itself or kNone): plays its matches again.
template <typename Before>
void replay(Forest& forest, std::uint32_t group_index, const ShareTree::Group& group,
            std::uint32_t position, std::uint32_t value, const Before& before) {
  const auto count = static_cast<std::uint32_t>(group.children.size());
  std::uint32_t* slots = forest.slots.data() + forest.start[group_index];
  slots[count + position] = value;
  for (std::uint32_t i = (count + position) / 2; i >= 1; i /= 2) {
    slots[i] = match(slots[2 * i], slots[2 * i + 1], before);
  }
}

}  // namespace bourse::allocator
