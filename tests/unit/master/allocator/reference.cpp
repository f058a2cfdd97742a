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
      consumed_.emplace_back(row.size());
      if (!with_quotas() || tree_.node(node).kind != ShareTree::Kind::role) continue;
      for (std::uint32_t d = 0; d < row.size(); ++d) {
        consumed_[node][d] = in_.quotas->consumed(NodeId{node}, d);
      }
    }
    for (std::uint32_t claim = 0; claim < tree_.claim_capacity(); ++claim) {
      if (!tree_.claim(claim).demanded) continue;
      for (const auto& shape : in_.demands->shapes(ClaimId{claim})) {
        unmet_[claim].push_back(shape.unmet);
      }
    }
    if (!with_quotas()) return;
    spare_.assign(in_.quotas->spare().begin(), in_.quotas->spare().end());
    for (std::uint32_t d = 0; d < tree_.dimensions(); ++d) {
      guarded_.push_back(need_below(kRootRole.raw(), d, kNone) > 0);
    }
  }

  Answer run() {
    std::vector<std::uint32_t> rooms(in_.touched.begin(), in_.touched.end());
    shuffle_rooms(rooms, in_.seed);
    for (std::uint32_t claim = 0; claim < tree_.claim_capacity(); ++claim) {
      if (tree_.claim(claim).node != kNone) answer_.refusals[claim] = {};
    }
    for (const std::uint32_t room : rooms) {
      left_[room] = {};
      for (std::uint32_t part = 0; part < in_.rooms.room(room).part_count; ++part) {
        const std::int64_t* row = in_.rooms.row(in_.rooms.room(room).first_part + part);
        left_[room][part] = Row(row, row + tree_.dimensions());
      }
    }
    for (const std::uint32_t room : rooms) {
      std::map<std::uint32_t, RefusalReason> unused;
      while (with_quotas() && grant_one(room, unused, true)) {
      }
    }
    for (const std::uint32_t room : rooms) visit(room);
    for (const std::uint32_t room : rooms) {
      for (Made& made : made_[room]) {
        made.grant.first_part = static_cast<std::uint32_t>(answer_.granted_parts.size());
        answer_.grants.push_back(made.grant);
        answer_.met.push_back(made.met);
        for (auto& [part, row] : made.rows) {
          answer_.granted_parts.push_back(part);
          answer_.rows.push_back(row);
        }
      }
    }
    return answer_;
  }

 private:
  struct Made {
    Grant grant;
    std::map<std::uint32_t, Row> rows;  // by part
    std::vector<std::uint32_t> met;     // by shape of its claim's demand
  };

  bool with_quotas() const { return in_.quotas != nullptr; }

  // -- what a role needs: what lacks of its guarantee, or what the roles below it need together.
  // `sated` took all it ever could: it and all above it lack nothing.
  Sum need(std::uint32_t node, std::uint32_t d, std::uint32_t sated) const {
    const Sum below = need_below(node, d, sated);
    const std::uint32_t entry = in_.quotas->entry_of(node);
    if (entry == kNone || (sated != kNone && for_role(NodeId{node}, sated))) return below;
    const auto guarantee = static_cast<Sum>(in_.quotas->guarantees(entry)[d]);
    const Sum consumed = consumed_[node][d];
    return std::max(below, guarantee > consumed ? guarantee - consumed : 0);
  }
  Sum need_below(std::uint32_t node, std::uint32_t d, std::uint32_t sated) const {
    Sum sum = 0;
    for (const std::uint32_t child : tree_.group(tree_.node(node).group).children) {
      if (tree_.node(child).kind == ShareTree::Kind::role) sum += need(child, d, sated);
    }
    return sum;
  }
  Sum relief(std::uint32_t claim, std::uint32_t d) const {
    const std::uint32_t root = kRootRole.raw();
    return need_below(root, d, kNone) - need_below(root, d, tree_.claim(claim).role);
  }

  // The most that the claim may have of what quotas count.
  Row most(std::uint32_t claim) const {
    Row most(tree_.dimensions(), kMaxRoomQuantity);
    if (!with_quotas()) return most;
    const auto lower = [&most](std::uint32_t d, Sum to) {
      if (to < static_cast<Sum>(most[d])) most[d] = static_cast<std::int64_t>(to);
    };
    for (std::uint32_t d = 0; d < tree_.dimensions(); ++d) {
      for (std::uint32_t node = tree_.claim(claim).role; node != kNone;
           node = tree_.node(node).parent) {
        const std::uint32_t entry = in_.quotas->entry_of(node);
        if (entry == kNone || in_.quotas->limits(entry)[d] == kNoLimit) continue;
        const auto limit = static_cast<Sum>(in_.quotas->limits(entry)[d]);
        lower(d, limit > consumed_[node][d] ? limit - consumed_[node][d] : 0);
      }
      if (!guarded_[d]) continue;
      const Sum needed = need_below(kRootRole.raw(), d, kNone);
      lower(d, (spare_[d] > needed ? spare_[d] - needed : 0) + relief(claim, d));
    }
    return most;
  }

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

  bool for_role(NodeId owner, std::uint32_t role) const {
    for (; role != owner.raw(); role = tree_.node(role).parent) {
      if (role == kRootRole.raw()) return false;
    }
    return true;
  }

  static bool is_empty(const Row& row) {
    return std::all_of(row.begin(), row.end(), [](auto q) { return q == 0; });
  }

  // What of the room the claim may have: by part, within its quotas if `capped`.
  std::map<std::uint32_t, Row> offer(std::uint32_t claim, std::uint32_t room, bool capped, Row& sum,
                                     Row& counted, Kinds& kinds) const {
    std::map<std::uint32_t, Row> rows;
    sum.assign(tree_.dimensions(), 0);
    counted.assign(tree_.dimensions(), 0);
    kinds = 0;
    Row left = capped ? most(claim) : Row(tree_.dimensions(), kMaxRoomQuantity);
    for (const auto& [part, there] : left_.at(room)) {
      const Part& what = in_.rooms.parts(RoomId{room})[part];
      if (is_empty(there) || !for_role(what.role, tree_.claim(claim).role)) continue;
      if ((what.traits & ~tree_.claim(claim).capabilities) != 0) continue;
      Row row = there;
      if (what.role == kRootRole && (what.traits & kRevocable) == 0) {
        for (std::uint32_t d = 0; d < row.size(); ++d) row[d] = std::min(row[d], left[d]);
        if ((what.whole && row != there) || is_empty(row)) continue;
        for (std::uint32_t d = 0; d < row.size(); ++d) left[d] -= row[d];
        for (std::uint32_t d = 0; d < row.size(); ++d) counted[d] += row[d];
      }
      kinds |= kinds_of(what);
      for (std::uint32_t d = 0; d < row.size(); ++d) sum[d] += row[d];
      rows.emplace(part, row);
    }
    return rows;
  }

  // What is against the claim whatever its neighbours do, in the order of RefusalReason.
  std::optional<RefusalReason> general_reason(std::uint32_t claim, std::uint32_t room) const {
    const auto& who = tree_.claim(claim);
    const RoomFlags flags = in_.rooms.room(room).flags;
    const auto& left = left_.at(room);
    if (std::all_of(left.begin(), left.end(), [](const auto& p) { return is_empty(p.second); })) {
      return RefusalReason::nothing_free;
    }
    if ((flags & kHasGpus) && !(who.capabilities & kGpus)) return RefusalReason::no_gpu_capability;
    if ((flags & kRemoteRegion) && !(who.capabilities & kRegionAware)) {
      return RefusalReason::remote_region;
    }
    if (std::none_of(left.begin(), left.end(), [&](const auto& part) {
          return !is_empty(part.second) &&
                 for_role(in_.rooms.parts(RoomId{room})[part.first].role, who.role);
        })) {
      return RefusalReason::reserved_for_other_role;
    }
    Row row;
    Row counted;
    Kinds kinds = 0;
    if (offer(claim, room, false, row, counted, kinds).empty()) return RefusalReason::not_capable;
    if (who.class_index >= kFirstSharedClass && !reaches(claim, row)) return too_little(claim);
    return {};
  }

  RefusalReason too_little(std::uint32_t claim) const {
    return tree_.claim(claim).demanded ? RefusalReason::demand : RefusalReason::below_minimum;
  }

  // Says what it wants, and nothing of that is missing any more.
  bool wants_nothing(std::uint32_t claim) const {
    const auto found = unmet_.find(claim);
    return found != unmet_.end() && std::all_of(found->second.begin(), found->second.end(),
                                                [](std::uint32_t count) { return count == 0; });
  }

  // Whether this much of the room holds one of the shapes that are still wanted there.
  bool is_of_use(std::uint32_t claim, std::uint32_t room, const Row& row) const {
    const auto found = unmet_.find(claim);
    if (found == unmet_.end()) return reaches(claim, row);
    for (std::size_t shape = 0; shape < found->second.size(); ++shape) {
      if (found->second[shape] > 0 && holds(claim, shape, room, row)) return true;
    }
    return false;
  }

  bool holds(std::uint32_t claim, std::size_t shape, std::uint32_t room, const Row& row) const {
    const std::uint32_t only = in_.demands->shapes(ClaimId{claim})[shape].room;
    if (only != DemandTable::kAnyRoom && only != room) return false;
    const std::int64_t* wanted = in_.demands->row(ClaimId{claim}, shape);
    for (std::size_t d = 0; d < row.size(); ++d) {
      if (row[d] < wanted[d]) return false;
    }
    return true;
  }

  // One after the other, as long as there is one more in what is left of the offer.
  std::vector<std::uint32_t> meet(std::uint32_t claim, std::uint32_t room, Row row) {
    const auto found = unmet_.find(claim);
    if (found == unmet_.end()) return {};
    std::vector<std::uint32_t> met(found->second.size());
    for (std::size_t shape = 0; shape < met.size(); ++shape) {
      while (found->second[shape] > 0 && holds(claim, shape, room, row)) {
        for (std::size_t d = 0; d < row.size(); ++d) {
          row[d] -= in_.demands->row(ClaimId{claim}, shape)[d];
        }
        --found->second[shape];
        ++met[shape];
      }
    }
    return met;
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
    // Reasons of general kind are of the room as it was before any grant.
    const auto now = left_[room];
    for (auto& [part, row] : left_[room]) {
      const std::int64_t* whole = in_.rooms.row(in_.rooms.room(room).first_part + part);
      row.assign(whole, whole + tree_.dimensions());
    }
    std::map<std::uint32_t, RefusalReason> reasons;
    for (const auto& [claim, counts] : answer_.refusals) {
      const ClaimState state = tree_.claim(claim).state;
      std::optional<RefusalReason> reason;
      if (state == ClaimState::suppressed) reason = RefusalReason::suppressed;
      if (state == ClaimState::disconnected) reason = RefusalReason::disconnected;
      if (!reason) reason = general_reason(claim, room);
      if (!reason && wants_nothing(claim)) reason = RefusalReason::demand;
      if (reason) reasons.emplace(claim, *reason);
    }
    left_[room] = now;
    while (grant_one(room, reasons, false)) {
    }
    for (auto& [claim, counts] : answer_.refusals) {
      if (is_served(claim, room)) continue;
      const auto found = reasons.find(claim);
      const auto reason = found == reasons.end() ? RefusalReason::better_claim : found->second;
      ++counts[static_cast<std::size_t>(reason)];
    }
  }

  bool is_served(std::uint32_t claim, std::uint32_t room) {
    const auto& made = made_[room];
    return std::any_of(made.begin(), made.end(),
                       [claim](const Made& one) { return one.grant.claim.raw() == claim; });
  }

  bool grant_one(std::uint32_t room, std::map<std::uint32_t, RefusalReason>& reasons,
                 bool for_guarantees) {
    std::vector<std::uint32_t> order;
    in_order(kRootRole.raw(), order);
    for (const std::uint32_t claim : order) {
      if (tree_.claim(claim).state != ClaimState::active || is_served(claim, room)) continue;
      if (general_reason(claim, room)) continue;
      Row row;
      Row counted;
      Kinds kinds = 0;
      offer(claim, room, false, row, counted, kinds);
      if (!is_of_use(claim, room, row)) {
        reasons.emplace(claim, too_little(claim));
        continue;
      }
      const auto rows = offer(claim, room, true, row, counted, kinds);
      if (rows.empty() || !is_of_use(claim, room, row)) {
        reasons.emplace(claim, RefusalReason::over_quota);
        continue;
      }
      if (for_guarantees && !helps(claim, counted)) continue;
      if (in_.constraints->excludes(ClaimId{claim}, RoomId{room})) {
        reasons.emplace(claim, RefusalReason::constraint);
        continue;
      }
      const auto refusals = in_.refusals.find(RoomId{room}, ClaimId{claim});
      if (in_.refusals.covers(refusals, row.data(), kinds)) {
        reasons.emplace(claim, RefusalReason::filtered);
        continue;
      }
      take(claim, room, rows, row, counted);
      return true;
    }
    return false;
  }

  bool helps(std::uint32_t claim, const Row& counted) const {
    for (std::uint32_t d = 0; d < counted.size(); ++d) {
      if (counted[d] > 0 && relief(claim, d) > 0) return true;
    }
    return false;
  }

  void take(std::uint32_t claim, std::uint32_t room, const std::map<std::uint32_t, Row>& rows,
            const Row& row, const Row& counted) {
    const auto count = static_cast<std::uint32_t>(rows.size());
    made_[room].push_back({{RoomId{room}, ClaimId{claim}, 0, count}, rows, meet(claim, room, row)});
    for (const auto& [part, taken] : rows) {
      for (std::uint32_t d = 0; d < taken.size(); ++d) left_[room][part][d] -= taken[d];
    }
    auto& sum = answer_.counted[claim];
    sum.resize(row.size());
    for (std::uint32_t node = tree_.claim(claim).node; node != kNone;
         node = tree_.node(node).parent) {
      for (std::size_t d = 0; d < row.size(); ++d) {
        charged_[node][d] += static_cast<std::uint64_t>(row[d]);
        consumed_[node][d] += static_cast<std::uint64_t>(counted[d]);
      }
    }
    for (std::size_t d = 0; d < row.size(); ++d) {
      const auto amount = static_cast<Sum>(counted[d]);
      sum[d] += amount;
      if (with_quotas()) spare_[d] = spare_[d] > amount ? spare_[d] - amount : 0;
    }
  }

  const Input& in_;
  const ShareTree& tree_;
  std::vector<std::vector<Sum>> charged_;   // by node
  std::vector<std::vector<Sum>> consumed_;  // by role's node
  std::vector<Sum> spare_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> unmet_;   // by claim, of each shape
  std::vector<bool> guarded_;                                   // something was needed at first
  std::map<std::uint32_t, std::map<std::uint32_t, Row>> left_;  // by room and part
  std::map<std::uint32_t, std::vector<Made>> made_;             // by room
  Answer answer_;
};

}  // namespace

Answer allocate(const Input& input) {
  return Reference(input).run();
}

}  // namespace bourse::allocator::reference
