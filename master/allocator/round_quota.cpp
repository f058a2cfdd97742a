// What quotas add to a round: the pass for guarantees, offers that are cut, and claims that are out
// for good.
#include <algorithm>
#include <numeric>

#include "base/assert.hpp"
#include "master/allocator/round.hpp"

namespace bourse::allocator {

namespace {

bool reachable(const std::int64_t* minimum, const QuotaRow& most, std::uint32_t dimensions) {
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    if (minimum[d] > most[d]) return false;
  }
  return true;
}

}  // namespace

void Round::run_with_quotas(const QuotaTable& quotas) {
  quota_.emplace(quotas, tree_, s_.quota, s_.round);
  may_leave_ = true;
  s_.served_stamp.resize(s_.room_stamp.size());
  s_.served_slot.resize(s_.room_stamp.size());
  s_.served.clear();
  s_.served_rows.clear();
  s_.spent.clear();
  s_.spent_stamp.resize(s_.refusal_stamp.size());
  if (quota_->is_needed()) {
    mark_lacking(quotas);
    for_guarantees_ = true;
    built_ = s_.round - 1;
    for (std::size_t i = 0; i < s_.order.size() && quota_->is_needed(); ++i) {
      prefetch(i);
      visit_for_guarantees(s_.order[i]);
    }
    for_guarantees_ = false;
    built_ = s_.round;
    s_.forest_count = 0;
  }
  const bool served = !out_.grants.empty();
  for (std::uint32_t i = 0; i < s_.order.size(); ++i) {
    prefetch(i);
    visit_with_quotas(s_.order[i], i);
  }
  count_spent();
  count_met();
  if (served) order_grants();
}

// The roles that lack something, and those above them.
void Round::mark_lacking(const QuotaTable& quotas) {
  s_.lacking_stamp.resize(std::max<std::size_t>(s_.lacking_stamp.size(), tree_.node_capacity()));
  for (std::uint32_t entry = 0; entry < quotas.entry_capacity(); ++entry) {
    std::uint32_t node = quotas.node_of(entry);
    if (node == kNone || !quotas.lacks(entry) || tree_.classes_below(node) == 0) continue;
    while (node != kNone && s_.lacking_stamp[node] != s_.round) {
      s_.lacking_stamp[node] = s_.round;
      node = tree_.node(node).parent;
    }
  }
}

// Whether a role that lacks something is the node or above it: then so do all below.
bool Round::inside_lacking(std::uint32_t node) const {
  for (; node != kNone; node = tree_.node(node).parent) {
    const std::uint32_t entry = in_.quotas->entry_of(node);
    if (entry != kNone && in_.quotas->lacks(entry)) return true;
  }
  return false;
}

bool Round::enters(std::uint32_t child, const Forest& forest, bool inside) {
  if (tree_.node(child).kind != ShareTree::Kind::claim) {
    return inside || s_.lacking_stamp[child] == s_.round;
  }
  if (!inside) return false;
  if (forest.with_spent) return true;
  const std::uint32_t index = tree_.node(child).claim;
  QuotaCaps caps;
  quota_->caps_of(tree_.claim(index).role, caps);
  if (for_guarantees_) return caps.relieves;
  if (!is_spent(tree_.claim(index), caps.most)) return true;
  note_spent(index, caps);
  return false;
}

void Round::work_on_rows(const std::int64_t* rows) {
  s_.rows.assign(rows, rows + std::size_t{place_.part_count} * dimensions_);
  rows_ = s_.rows.data();
}

void Round::visit_for_guarantees(std::uint32_t room) {
  ASSERT(room < in_.rooms.capacity());
  room_ = room;
  place_ = in_.rooms.room(room_);
  work_on_rows(in_.rooms.row(place_.first_part));
  served_ = {};
  first_grant_ = static_cast<std::uint32_t>(out_.grants.size());
  const ClassMask mask = open_room() ? judge() : 0;
  if (serve(mask) > 0) keep_rows(first_grant_);
}

void Round::keep_rows(std::uint32_t first_grant) {
  s_.served_stamp[room_] = s_.round;
  s_.served_slot[room_] = static_cast<std::uint32_t>(s_.served.size());
  s_.served.push_back({static_cast<std::uint32_t>(s_.served_rows.size()), first_grant,
                       static_cast<std::uint32_t>(out_.grants.size()) - first_grant});
  s_.served_rows.insert(s_.served_rows.end(), s_.rows.begin(), s_.rows.end());
}

void Round::visit_with_quotas(std::uint32_t room, std::uint32_t place) {
  ASSERT(room < in_.rooms.capacity());
  ASSERT(s_.room_stamp[room] != s_.round);
  s_.room_stamp[room] = s_.round;
  room_ = room;
  visited_ = place;
  place_ = in_.rooms.room(room_);
  work_on_rows(in_.rooms.row(place_.first_part));
  first_grant_ = static_cast<std::uint32_t>(out_.grants.size());
  served_ = {};
  ClassMask mask = open_room() ? judge() : 0;
  able_ = mask;
  count_room(mask);
  if (s_.served_stamp[room] == s_.round) {
    served_ = s_.served[s_.served_slot[room]];
    work_on_rows(s_.served_rows.data() + served_.first_row);
    mask = open_room() ? judge() : 0;
  }
  serve(mask);
}

// A claim has at most one grant of a room: what it did not get it could not have.
bool Round::has_grant_here(std::uint32_t claim) const {
  const auto is = [claim](const Grant& grant) { return grant.claim.raw() == claim; };
  const auto before = out_.grants.begin() + served_.first_grant;
  return std::any_of(before, before + served_.grant_count, is) ||
         std::any_of(out_.grants.begin() + first_grant_, out_.grants.end(), is);
}

bool Round::opens_uncounted() const {
  if (!quota_ || for_guarantees_) return false;
  return std::any_of(s_.open.begin(), s_.open.end(),
                     [this](std::uint32_t part) { return !is_counted(parts_[part]); });
}

// What of the open parts these capabilities may take within the caps: all of it, and what counts.
bool Round::sum_capped(Capabilities capabilities, const QuotaRow& most, Row& row, Row& counted,
                       Kinds& kinds) const {
  std::fill_n(row.begin(), dimensions_, 0);
  std::fill_n(counted.begin(), dimensions_, 0);
  kinds = 0;
  QuotaRow left = most;
  Row taken;
  for (const std::uint32_t part : s_.open) {
    if ((parts_[part].traits & ~capabilities) != 0) continue;
    if (!take_part(parts_[part], row_of(part), dimensions_, left, taken.data())) continue;
    kinds |= kinds_of(parts_[part]);
    const bool counts = is_counted(parts_[part]);
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      row[d] += taken[d];
      if (counts) counted[d] += taken[d];
    }
  }
  return kinds != 0;
}

bool Round::is_spent(const ShareTree::Claim& claim, const QuotaRow& most) const {
  if (!any_of(most.data(), dimensions_)) return true;
  const auto rows = tree_.minimum_rows(claim.minimum);
  for (std::size_t first = 0; first < rows.size(); first += dimensions_) {
    if (reachable(rows.data() + first, most, dimensions_)) return false;
  }
  return !rows.empty();
}

// As accepts(), for a claim whose class may have an offer.
bool Round::accepts_capped(std::uint32_t index) {
  const ShareTree::Claim& claim = tree_.claim(index);
  if (has_grant_here(index)) return false;
  const auto reaches = [&](const Row& offer) { return is_of_use(index, offer); };
  Row row;
  Row counted;
  Kinds kinds = 0;
  if (claim.class_index < kFirstSharedClass || claim.demanded) {
    sum_open(claim.capabilities, row, kinds);
    if (!reaches(row)) {
      note_refusal(index, claim.demanded ? RefusalReason::demand : RefusalReason::below_minimum);
      return false;
    }
  }
  QuotaCaps caps;
  quota_->caps_of(claim.role, caps);
  if (for_guarantees_ && !caps.relieves) {
    for_good_ = true;
    return false;
  }
  if (!sum_capped(claim.capabilities, caps.most, row, counted, kinds) || !reaches(row)) {
    for_good_ = !for_guarantees_ && !opens_uncounted() && is_spent(claim, caps.most);
    if (for_good_) {
      note_spent(index, caps);
    } else {
      const bool by_limit =
          !sum_capped(claim.capabilities, caps.limit, row, counted, kinds) || !reaches(row);
      note_refusal(index,
                   by_limit ? RefusalReason::over_quota : RefusalReason::kept_for_guarantees);
    }
    return false;
  }
  if (for_guarantees_) {
    bool helps = false;
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      helps = helps || (caps.relief[d] > 0 && counted[d] > 0);
    }
    if (!helps) return false;
  }
  if (excluded(index)) return false;
  const RoomId room{room_};
  const ClaimId asked{index};
  if (!in_.refusals.refused(room, asked)) return true;
  if (!in_.refusals.covers(room, asked, row.data(), kinds)) return true;
  note_refusal(index, RefusalReason::filtered);
  return false;
}

// The search left the open parts of the claim's place in s_.open.
void Round::grant_capped(std::uint32_t claim_node) {
  const std::uint32_t claim = tree_.node(claim_node).claim;
  const Capabilities capabilities = tree_.claim(claim).capabilities;
  QuotaCaps caps;
  quota_->caps_of(tree_.claim(claim).role, caps);
  Grant granted{RoomId{room_}, ClaimId{claim},
                static_cast<std::uint32_t>(out_.granted_parts.size()), 0};
  const auto first_row = static_cast<std::uint32_t>(out_.granted_rows.size());
  std::sort(s_.open.begin(), s_.open.end());
  Row row{};
  QuotaRow counted{};
  Row taken;
  bool cut = false;
  for (const std::uint32_t part : s_.open) {
    if ((parts_[part].traits & ~capabilities) != 0) continue;
    std::int64_t* there = s_.rows.data() + std::size_t{part} * dimensions_;
    if (!take_part(parts_[part], there, dimensions_, caps.most, taken.data())) continue;
    const bool counts = is_counted(parts_[part]);
    for (std::uint32_t d = 0; d < dimensions_; ++d) {
      row[d] += taken[d];
      there[d] -= taken[d];
      if (counts) counted[d] += taken[d];
    }
    cut = cut || !std::equal(taken.begin(), taken.begin() + dimensions_,
                             in_.rooms.row(place_.first_part + part));
    out_.granted_parts.push_back(part);
    out_.granted_rows.insert(out_.granted_rows.end(), taken.begin(), taken.begin() + dimensions_);
    ++granted.part_count;
    if (any_of(there, dimensions_)) continue;
    s_.taken[part] = 1;
    --left_;
  }
  ASSERT(granted.part_count > 0);
  if (cut) {
    granted.first_row = first_row;
  } else {
    out_.granted_rows.resize(first_row);
  }
  if (tree_.claim(claim).demanded) meet_demand(claim, row, granted);
  out_.grants.push_back(granted);
  charge(claim_node, row);
  quota_->consume(tree_.claim(claim).role, counted);
}

// The grants of the two passes, room by room.
void Round::order_grants() {
  auto& order = s_.by_room;
  for (std::uint32_t i = 0; i < s_.order.size(); ++i) s_.served_slot[s_.order[i]] = i;
  order.clear();
  for (std::uint32_t i = 0; i < out_.grants.size(); ++i) {
    order.emplace_back(s_.served_slot[out_.grants[i].room.raw()], i);
  }
  std::sort(order.begin(), order.end());
  std::vector<Grant> grants;
  std::vector<std::uint32_t> parts;
  grants.reserve(out_.grants.size());
  parts.reserve(out_.granted_parts.size());
  for (const auto& [place, index] : order) {
    Grant grant = out_.grants[index];
    const auto its_parts = out_.parts_of(grant);
    grant.first_part = static_cast<std::uint32_t>(parts.size());
    parts.insert(parts.end(), its_parts.begin(), its_parts.end());
    grants.push_back(grant);
  }
  out_.grants = std::move(grants);
  out_.granted_parts = std::move(parts);
}

// -- reasons

void Round::note_spent(std::uint32_t index, const QuotaCaps& caps) {
  if (!in_.policy.count_refusals || s_.spent_stamp[index] == s_.round) return;
  s_.spent_stamp[index] = s_.round;
  const std::uint8_t its_class = tree_.claim(index).class_index;
  const auto& refused = out_.class_refusals[its_class];
  const std::uint32_t so_far = std::accumulate(refused.begin(), refused.end(), 0u);
  const std::uint32_t here = (able_ >> its_class & 1) == 0 ? 1 : 0;
  s_.spent.push_back({index, visited_, so_far - std::min(so_far, here) + counted_of(index),
                      is_spent(tree_.claim(index), caps.limit)});
}

// What it was refused for itself.
std::uint32_t Round::counted_of(std::uint32_t claim) {
  const ClaimRefusals& own = refusals_of(claim);
  return own.below_minimum + own.filtered + own.over_quota + own.kept_for_guarantees +
         own.constraint + own.demand;
}

// Of the rooms since a claim was spent, those that neither its class nor it was refused yet.
void Round::count_spent() {
  for (const SpentClaim& spent : s_.spent) {
    const auto& refused = out_.class_refusals[tree_.claim(spent.claim).class_index];
    const std::uint32_t later = std::accumulate(refused.begin(), refused.end(), 0u) +
                                counted_of(spent.claim) - spent.refusals;
    const std::uint32_t rooms = out_.rooms - spent.rooms;
    ClaimRefusals& own = refusals_of(spent.claim);
    (spent.over_limit ? own.over_quota : own.kept_for_guarantees) += rooms - std::min(rooms, later);
  }
}

}  // namespace bourse::allocator
