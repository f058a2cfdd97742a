// One call of allocate(): the walk over rooms, the search for a claim, the charge of a grant.
// Private to the allocator; lives on the stack of the call.
#pragma once

#include <cstdint>
#include <optional>

#include "master/allocator/allocate.hpp"

namespace bourse::allocator {

class Round {
 public:
  Round(const Input& input, Scratch& scratch, Output& output);

  void run();

 private:
  using Row = std::array<std::int64_t, kMaxDimensions>;

  void prepare();
  void prefetch(std::size_t place) const;
  const std::int64_t* row_of(std::uint32_t part) const {
    return rows_ + std::size_t{part} * dimensions_;
  }

  // -- the room at hand (round.cpp)
  void visit(std::uint32_t room);
  bool open_room();
  void count_room(ClassMask mask);
  // The classes that could have an offer of the open parts.
  ClassMask judge();
  bool may_enter(const LiveClass& live) const;
  // The open parts that these capabilities may take: their sum, and whether there are any.
  bool sum_open(Capabilities capabilities, Row& row, Kinds& kinds) const;
  void grant(std::uint32_t claim);
  std::uint32_t serve(ClassMask mask);
  void charge(std::uint32_t node, const Row& row);
  template <typename Amount>
  void add(std::vector<Amount>& charged, std::uint32_t node, const Row& row);

  // -- the search (round_search.cpp)
  std::uint32_t search(ClassMask mask);
  std::uint32_t descend(std::uint32_t node, ClassMask mask);
  std::uint32_t nearest_reserved(std::uint32_t node, std::uint32_t best, bool& reserved);
  ClassMask enter(std::uint32_t role, ClassMask mask);
  bool accepts(std::uint32_t claim, ClassMask mask);
  bool excluded(std::uint32_t claim);
  std::uint32_t forest_of(ClassMask mask, bool with_spent);
  std::uint32_t winner(std::uint32_t forest, std::uint32_t node);
  void plant(Forest& forest, std::uint32_t node);
  void knock_out(std::uint32_t forest, std::uint32_t node);
  void restore();
  // Rule 2 for two siblings, or `none`. REQUIRES fresh keys of both.
  std::uint32_t match(std::uint32_t a, std::uint32_t b) const {
    const std::uint64_t key_a = s_.keys[a];
    const std::uint64_t key_b = s_.keys[b];
    if (!ShareScale::decided(key_a, key_b)) [[unlikely]]
      return match_exactly(a, b);
    return key_b < key_a ? b : a;
  }
  std::uint32_t match_exactly(std::uint32_t a, std::uint32_t b) const;
  template <typename Amount>
  int order_of(const Amount* a, std::uint32_t weight_a, const Amount* b,
               std::uint32_t weight_b) const;
  void refresh_key(std::uint32_t node);
  std::array<Sum, kMaxDimensions> charged(std::uint32_t node) const;

  // -- demands (round_demand.cpp)
  void prepare_demands();
  bool is_met(std::uint32_t claim) const {
    return may_leave_ && tree_.claim(claim).demanded && s_.met_stamp[claim] == s_.round;
  }
  // Whether an offer of this row reaches the claim's minimum, or holds a shape that it still wants.
  bool is_of_use(std::uint32_t claim, const Row& row) const;
  void meet_demand(std::uint32_t claim, const Row& row, Grant& granted);
  void note_met(std::uint32_t claim, std::uint32_t rooms);
  void count_met();

  // -- quotas (round_quota.cpp)
  void run_with_quotas(const QuotaTable& quotas);
  void serve_guarantees();
  void mark_lacking(const QuotaTable& quotas);
  bool inside_lacking(std::uint32_t node) const;
  void visit_for_guarantees(std::uint32_t room);
  void visit_with_quotas(std::uint32_t room, std::uint32_t place);
  void work_on_rows(const std::int64_t* rows);
  void keep_rows(std::uint32_t first_grant);
  bool has_grant_here(std::uint32_t claim) const;
  // Whether what no quota counts is open too.
  bool opens_uncounted() const;
  bool sum_capped(Capabilities capabilities, const QuotaRow& most, Row& row, Row& counted,
                  Kinds& kinds) const;
  bool accepts_capped(std::uint32_t claim);
  // Nothing that quotas count can serve it any more.
  bool is_spent(const ShareTree::Claim& claim, const QuotaRow& most) const;
  bool enters(std::uint32_t child, const Forest& forest, bool inside);
  void note_spent(std::uint32_t claim, const QuotaCaps& caps);
  void grant_capped(std::uint32_t claim_node);
  void order_grants();
  std::uint32_t counted_of(std::uint32_t claim);
  void count_spent();

  // -- the reasons (round_reasons.cpp)
  void note_class_refusals(ClassMask mask);
  void note_context_refusals(std::uint32_t role, ClassMask outside);
  std::optional<RefusalReason> class_reason(const LiveClass& live);
  void note_refusal(std::uint32_t claim, RefusalReason reason);
  ClaimRefusals& refusals_of(std::uint32_t claim);

  bool stands_above(std::uint32_t role, std::uint32_t node) const;

  const Input& in_;
  Scratch& s_;
  Output& out_;
  const ShareTree& tree_;
  const std::uint32_t dimensions_;
  const ClassMask live_;
  bool narrow_ = true;       // whatever is granted, no charge exceeds 64 bits
  std::uint32_t built_ = 0;  // stamps the trees of this pass
  std::optional<QuotaRound> quota_;
  bool for_guarantees_ = false;  // the pass before the fair one
  bool may_leave_ = false;       // somebody may be out for the rest of the pass
  bool for_good_ = false;        // whoever was asked last can have nothing for the rest of the pass
  std::uint32_t visited_ = 0;    // rooms, in the fair pass
  std::uint32_t first_grant_ = 0;  // of the room at hand, in this pass
  ServedRoom served_{};            // what the pass before did here
  ClassMask able_ = 0;             // classes that could have an offer of it as it was

  // Of the room at hand.
  std::uint32_t room_ = 0;
  RoomTable::Room place_;
  const Part* parts_ = nullptr;
  const std::int64_t* rows_ = nullptr;  // of its parts: what is left of them
  Capabilities traits_ = 0;             // of any part
  std::uint32_t left_ = 0;              // parts that hold something and are not taken
  bool has_reserved_ = false;
};

}  // namespace bourse::allocator
