// The winner trees of a Forest, as functions over a `match` that picks one of two nodes (or
// `none`). Private to the allocator. Matches are played again only along the path of a child that
// changed, so the match of two nodes must not turn out otherwise without a replay of one of them.
#pragma once

#include <cstdint>

#include "master/allocator/scratch.hpp"
#include "master/allocator/share_tree.hpp"

namespace bourse::allocator {

// Builds a group's tree; entrant(node) is the child itself or `none`.
template <typename Entrant, typename Match>
void build(Forest& forest, Forest::Tree& tree, const ShareTree::Group& group, std::uint32_t none,
           const Entrant& entrant, const Match& match) {
  const auto count = static_cast<std::uint32_t>(group.children.size());
  tree.start = static_cast<std::uint32_t>(forest.slots.size());
  tree.count = count;
  forest.slots.resize(forest.slots.size() + std::size_t{2} * count + 2, none);
  std::uint32_t* slots = forest.slots.data() + tree.start;
  for (std::uint32_t i = 0; i < count; ++i) slots[count + i] = entrant(group.children[i]);
  for (std::uint32_t i = count; i-- > 1;) slots[i] = match(slots[2 * i], slots[2 * i + 1]);
}

// The child's share changed, or it is put to `value` (itself or `none`): plays its matches again.
// The winner so far stays in a register, so that a level waits for nothing but its own comparison.
template <typename Match>
void replay(Forest& forest, const Forest::Tree& tree, std::uint32_t position, std::uint32_t value,
            const Match& match) {
  std::uint32_t* slots = forest.slots.data() + tree.start;
  std::uint32_t i = tree.count + position;
  slots[i] = value;
  for (; i > 1; i /= 2) {
    value = match(value, slots[i ^ 1]);
    slots[i / 2] = value;
  }
}

}  // namespace bourse::allocator
