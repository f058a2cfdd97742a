#include "tests/unit/master/allocator/reference.hpp"

#include <algorithm>
#include <optional>

namespace bourse::allocator::reference {

int compare_fractions(Sum a, Sum b, Sum c, Sum d) {
  // Whole parts first; if they are equal, the smaller remainder over its denominator is the one
  // whose reciprocal is greater.
  for (int sign = 1;; sign = -sign) {
    const Sum whole_1 = a / b;
    const Sum whole_2 = c / d;
    if (whole_1 != whole_2) return whole_1 < whole_2 ? -sign : sign;
    const Sum rest_1 = a % b;
    const Sum rest_2 = c % d;
    if (rest_1 == 0 || rest_2 == 0) {
      return rest_1 == rest_2 ? 0 : (rest_1 == 0 ? -sign : sign);
    }
    a = b;
    b = rest_1;
    c = d;
    d = rest_2;
  }
}

namespace {

using Row = std::vector<std::int64_t>;

struct Fraction {
  Sum numerator = 0;
  Sum denominator = 1;
};

class Reference {
 public:
  explicit Reference(const Input& input) : in_(input), tree_(input.tree) {
    for (std::uint32_t node = 0; node < tree_.node_capacity(); ++node) {
      const auto row = tree_.charged_row(node);
      charged_.emplace_back(row.begin(), row.end());
    }
  }

  Answer run() {
    std::vector<std::uint32_t> rooms(in_.touched.begin(), in_.touched.end());
    shuffle_rooms(rooms, in_.seed);
    for (std::uint32_t claim = 0; claim < tree_.claim_capacity(); ++claim) {
      if (tree_.claim(claim).node != kNone) answer_.refusals[claim] = {};
    }
    for (const std::uint32_t room : rooms) visit(room);
    return answer_;
  }

 private:
  Fraction share(std::uint32_t node) const {
    Fraction best;
    for (std::uint32_t d = 0; d < tree_.dimensions(); ++d) {
      if (in_.totals[d] == 0 || (in_.policy.share_mask >> d & 1) == 0) continue;
      const Fraction here{charged_[node][d], in_.totals[d]};
      if (compare_fractions(best.numerator, best.denominator, here.numerator, here.denominator) < 0)
        best = here;
    }
    best.denominator *= tree_.node(node).weight_milli;
    return best;
  }

  bool before(std::uint32_t a, std::uint32_t b) const {
    const Fraction share_a = share(a);
    const Fraction share_b = share(b);
    const int order = compare_fractions(share_a.numerator, share_a.denominator, share_b.numerator,
                                        share_b.denominator);
    if (order != 0) return order < 0;
    const std::uint64_t tie_a = tie_break(in_.seed, a);
    const std::uint64_t tie_b = tie_break(in_.seed, b);
    return tie_a != tie_b ? tie_a < tie_b : a < b;
  }

  void in_order(std::uint32_t node, std::vector<std::uint32_t>& claims) const {
    if (tree_.node(node).kind == ShareTree::Kind::claim) {
      claims.push_back(tree_.node(node).claim);
      return;
    }
    auto children = tree_.group(tree_.node(node).group).children;
    std::sort(children.begin(), children.end(),
              [this](std::uint32_t a, std::uint32_t b) { return before(a, b); });
    for (const std::uint32_t child : children) in_order(child, claims);
  }

  bool for_role(const Part& part, std::uint32_t role) const {
    for (; role != part.role.raw(); role = tree_.node(role).parent) {
      if (role == kRootRole.raw()) return false;
    }
    return true;
  }

  bool is_empty(std::uint32_t room, std::uint32_t part) const {
    const std::int64_t* row = in_.rooms.row(in_.rooms.room(room).first_part + part);
    return std::all_of(row, row + tree_.dimensions(), [](auto q) { return q == 0; });
  }

  std::vector<std::uint32_t> parts_for(std::uint32_t claim, std::uint32_t room,
                                       const std::set<std::uint32_t>& left, Row& row,
                                       Kinds& kinds) const {
    std::vector<std::uint32_t> parts;
    row.assign(tree_.dimensions(), 0);
    kinds = 0;
    for (const std::uint32_t part : left) {
      const Part& what = in_.rooms.parts(RoomId{room})[part];
      if (!for_role(what, tree_.claim(claim).role)) continue;
      if ((what.traits & ~tree_.claim(claim).capabilities) != 0) continue;
      parts.push_back(part);
      kinds |= kinds_of(what);
      for (std::uint32_t d = 0; d < tree_.dimensions(); ++d) {
        row[d] += in_.rooms.row(in_.rooms.room(room).first_part + part)[d];
      }
    }
    return parts;
  }

  // What is against the claim whatever its neighbours do, in the order of RefusalReason.
  std::optional<RefusalReason> general_reason(std::uint32_t claim, std::uint32_t room,
                                              const std::set<std::uint32_t>& left) const {
    const auto& who = tree_.claim(claim);
    const RoomFlags flags = in_.rooms.room(room).flags;
    if (left.empty()) return RefusalReason::nothing_free;
    if ((flags & kHasGpus) && !(who.capabilities & kGpus)) return RefusalReason::no_gpu_capability;
    if ((flags & kRemoteRegion) && !(who.capabilities & kRegionAware)) {
      return RefusalReason::remote_region;
    }
    if (std::none_of(left.begin(), left.end(), [&](std::uint32_t part) {
          return for_role(in_.rooms.parts(RoomId{room})[part], who.role);
        })) {
      return RefusalReason::reserved_for_other_role;
    }
    Row row;
    Kinds kinds = 0;
    if (parts_for(claim, room, left, row, kinds).empty()) return RefusalReason::not_capable;
    if (who.class_index >= kFirstSharedClass && !reaches(claim, row)) {
      return RefusalReason::below_minimum;
    }
    return {};
  }

  bool reaches(std::uint32_t claim, const Row& row) const {
    const auto rows = tree_.minimum_rows(tree_.claim(claim).minimum);
    if (rows.empty()) return true;
    for (std::size_t first = 0; first < rows.size(); first += row.size()) {
      bool reached = true;
      for (std::size_t d = 0; d < row.size(); ++d) reached = reached && row[d] >= rows[first + d];
      if (reached) return true;
    }
    return false;
  }

  void visit(std::uint32_t room) {
    std::set<std::uint32_t> left;
    for (std::uint32_t part = 0; part < in_.rooms.room(room).part_count; ++part) {
      if (!is_empty(room, part)) left.insert(part);
    }
    std::map<std::uint32_t, RefusalReason> reasons;
    for (const auto& [claim, counts] : answer_.refusals) {
      const ClaimState state = tree_.claim(claim).state;
      std::optional<RefusalReason> reason;
      if (state == ClaimState::suppressed) reason = RefusalReason::suppressed;
      if (state == ClaimState::disconnected) reason = RefusalReason::disconnected;
      if (!reason) reason = general_reason(claim, room, left);
      if (reason) reasons.emplace(claim, *reason);
    }
    std::set<std::uint32_t> served;
    while (grant_one(room, left, reasons, served)) {
    }
    for (auto& [claim, counts] : answer_.refusals) {
      if (served.count(claim) != 0) continue;
      const auto found = reasons.find(claim);
      const auto reason = found == reasons.end() ? RefusalReason::better_claim : found->second;
      ++counts[static_cast<std::size_t>(reason)];
    }
  }

  bool grant_one(std::uint32_t room, std::set<std::uint32_t>& left,
                 std::map<std::uint32_t, RefusalReason>& reasons, std::set<std::uint32_t>& served) {
    std::vector<std::uint32_t> order;
    in_order(kRootRole.raw(), order);
    for (const std::uint32_t claim : order) {
      if (tree_.claim(claim).state != ClaimState::active) continue;
      if (general_reason(claim, room, left)) continue;
      Row row;
      Kinds kinds = 0;
      const auto parts = parts_for(claim, room, left, row, kinds);
      if (!reaches(claim, row)) {
        reasons.emplace(claim, RefusalReason::below_minimum);
        continue;
      }
      const auto refusals = in_.refusals.find(RoomId{room}, ClaimId{claim});
      if (in_.refusals.covers(refusals, row.data(), kinds)) {
        reasons.emplace(claim, RefusalReason::filtered);
        continue;
      }
      answer_.grants.push_back({RoomId{room}, ClaimId{claim},
                                static_cast<std::uint32_t>(answer_.granted_parts.size()),
                                static_cast<std::uint32_t>(parts.size())});
      for (const std::uint32_t part : parts) {
        answer_.granted_parts.push_back(part);
        left.erase(part);
      }
      served.insert(claim);
      for (std::uint32_t node = tree_.claim(claim).node; node != kNone;
           node = tree_.node(node).parent) {
        for (std::size_t d = 0; d < row.size(); ++d) {
          charged_[node][d] += static_cast<std::uint64_t>(row[d]);
        }
      }
      return true;
    }
    return false;
  }

  const Input& in_;
  const ShareTree& tree_;
  std::vector<std::vector<Sum>> charged_;  // by node
  Answer answer_;
};

}  // namespace

Answer allocate(const Input& input) {
  return Reference(input).run();
}

}  // namespace bourse::allocator::reference
