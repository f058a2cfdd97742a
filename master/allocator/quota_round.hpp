// QuotaRound: the quotas as one round of allocation changes them: a QuotaTable, and over it what
// the round has granted so far. Says how much more of each dimension a claim may have. What it says
// only shrinks while a round goes on, and the round relies on that. Private to the allocator; works
// in the memory of a Scratch.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "master/allocator/quota_table.hpp"

namespace bourse::allocator {

using QuotaRow = std::array<std::int64_t, kMaxDimensions>;

// The most that a claim may be given of unreserved resources that are not revocable.
struct QuotaCaps {
  QuotaRow limit{};   // by the limits of its role and those above
  QuotaRow most{};    // and by what is kept for guarantees
  QuotaRow relief{};  // of what the cluster needs, so much its grant would take away at most
  bool relieves = false;
};

// Whether quotas count this part.
bool is_counted(const Part& part);
// What of this part may be had, taken from `left` and given in `row`. False: nothing.
bool take_part(const Part& part, const std::int64_t* there, std::uint32_t dimensions,
               QuotaRow& left, std::int64_t* row);
bool any_of(const std::int64_t* row, std::uint32_t dimensions);

struct QuotaScratch {
  std::vector<std::uint32_t> stamp;  // by entry: its rows are of this round
  std::vector<Sum> consumed;         // entry x dimension
  std::vector<Sum> below;
  std::array<Sum, kMaxDimensions> spare{};
  std::array<Sum, kMaxDimensions> needed{};
  std::array<bool, kMaxDimensions> guarded{};  // something was needed when the round began
};

class QuotaRound {
 public:
  QuotaRound(const QuotaTable& table, const ShareTree& tree, QuotaScratch& scratch,
             std::uint32_t round);

  // Of a claim in this role.
  void caps_of(std::uint32_t role, QuotaCaps& caps);
  // Whether anything is needed still.
  bool is_needed() const;
  // A claim in this role was granted so much of what counts.
  void consume(std::uint32_t role, const QuotaRow& row);

 private:
  void load(std::uint32_t entry);
  Sum need(std::uint32_t entry, std::uint32_t dimension) const;

  const QuotaTable& table_;
  const ShareTree& tree_;
  QuotaScratch& s_;
  std::uint32_t round_;
  std::uint32_t dimensions_;
};

}  // namespace bourse::allocator
