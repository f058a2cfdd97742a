#include "master/allocator/quota_round.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse::allocator {

namespace {

std::int64_t bounded(Sum amount) {
  constexpr auto kMost = static_cast<Sum>(kMaxRoomQuantity);
  return static_cast<std::int64_t>(std::min(amount, kMost));
}

Sum above(Sum a, Sum b) {
  return a > b ? a - b : 0;
}

}  // namespace

bool any_of(const std::int64_t* row, std::uint32_t dimensions) {
  return std::any_of(row, row + dimensions, [](std::int64_t quantity) { return quantity > 0; });
}

QuotaRound::QuotaRound(const QuotaTable& table, const ShareTree& tree, QuotaScratch& scratch,
                       std::uint32_t round)
    : table_(table), tree_(tree), s_(scratch), round_(round), dimensions_(table.dimensions()) {
  ASSERT(table.settled() && dimensions_ == tree.dimensions());
  const std::size_t entries = std::max<std::size_t>(s_.stamp.size(), table.entry_capacity());
  s_.stamp.resize(entries);
  s_.consumed.resize(std::max(s_.consumed.size(), entries * dimensions_));
  s_.below.resize(std::max(s_.below.size(), entries * dimensions_));
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    s_.spare[d] = table.spare()[d];
    s_.needed[d] = table.needed()[d];
    s_.guarded[d] = s_.needed[d] > 0;
  }
}

void QuotaRound::load(std::uint32_t entry) {
  if (s_.stamp[entry] == round_) return;
  s_.stamp[entry] = round_;
  const std::size_t first = std::size_t{entry} * dimensions_;
  const NodeId role{table_.node_of(entry)};
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    s_.consumed[first + d] = table_.consumed(role, d);
    s_.below[first + d] = table_.needed_below(entry)[d];
  }
}

Sum QuotaRound::need(std::uint32_t entry, std::uint32_t d) const {
  const std::size_t at = std::size_t{entry} * dimensions_ + d;
  return std::max(above(static_cast<Sum>(table_.guarantees(entry)[d]), s_.consumed[at]),
                  s_.below[at]);
}

// What the topmost entry needs now, less what it would need had the claim taken all it ever could:
// on its way up, each guarantee is then met, and only what others below it need remains.
void QuotaRound::caps_of(std::uint32_t role, QuotaCaps& caps) {
  std::array<Sum, kMaxDimensions> needed{};
  std::array<Sum, kMaxDimensions> by_others{};
  std::fill_n(caps.limit.begin(), dimensions_, kMaxRoomQuantity);
  for (std::uint32_t node = role; node != kRootRole.raw(); node = tree_.node(node).parent) {
    const std::uint32_t entry = table_.entry_of(node);
    if (entry == kNone) continue;
    load(entry);
    const std::size_t first = std::size_t{entry} * dimensions_;
    const std::int64_t* limits = table_.limits(entry);
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      if (limits[d] != kNoLimit) {
        const Sum left = above(static_cast<Sum>(limits[d]), s_.consumed[first + d]);
        caps.limit[d] = std::min(caps.limit[d], bounded(left));
      }
      by_others[d] += s_.below[first + d] - needed[d];
      needed[d] = need(entry, d);
    }
  }
  caps.relieves = false;
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    caps.relief[d] = bounded(needed[d] - by_others[d]);
    caps.relieves = caps.relieves || caps.relief[d] > 0;
    caps.most[d] = caps.limit[d];
    if (!s_.guarded[d]) continue;
    const Sum headroom = above(s_.spare[d], s_.needed[d]) + static_cast<Sum>(caps.relief[d]);
    caps.most[d] = std::min(caps.limit[d], bounded(headroom));
  }
}

bool QuotaRound::is_needed() const {
  return std::any_of(s_.needed.begin(), s_.needed.begin() + dimensions_,
                     [](Sum needed) { return needed > 0; });
}

void QuotaRound::consume(std::uint32_t role, const QuotaRow& row) {
  std::array<Sum, kMaxDimensions> change{};  // modulo 2^128
  for (std::uint32_t node = role; node != kRootRole.raw(); node = tree_.node(node).parent) {
    const std::uint32_t entry = table_.entry_of(node);
    if (entry == kNone) continue;
    load(entry);
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      const std::size_t at = std::size_t{entry} * dimensions_ + d;
      const Sum before = need(entry, d);
      s_.consumed[at] += static_cast<Sum>(row[d]);
      s_.below[at] += change[d];
      change[d] = need(entry, d) - before;
    }
  }
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    s_.needed[d] += change[d];
    s_.spare[d] = above(s_.spare[d], static_cast<Sum>(row[d]));
  }
}

bool is_counted(const Part& part) {
  return part.role == kRootRole && (part.traits & kRevocable) == 0;
}

bool take_part(const Part& part, const std::int64_t* there, std::uint32_t dimensions,
               QuotaRow& left, std::int64_t* row) {
  if (!is_counted(part)) {
    std::copy_n(there, dimensions, row);
    return true;
  }
  bool cut = false;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    row[d] = std::min(there[d], left[d]);
    cut = cut || row[d] < there[d];
  }
  if ((cut && part.whole) || !any_of(row, dimensions)) return false;
  for (std::uint32_t d = 0; d < dimensions; ++d) left[d] -= row[d];
  return true;
}

}  // namespace bourse::allocator
