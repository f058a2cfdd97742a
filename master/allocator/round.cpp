#include "master/allocator/round.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/prng.hpp"
#include "master/allocator/forest.hpp"

namespace bourse::allocator {

void allocate(const Input& input, Scratch& scratch, Output& output) {
  Round(input, scratch, output).run();
}

std::uint64_t tie_break(std::uint64_t seed, std::uint32_t node) {
  std::uint64_t state = seed ^ (std::uint64_t{node} * 0xd1342543de82ef95ULL);
  return splitmix64(state);
}

// Shuffling block by block keeps neighbours in memory near each other in time, which a third of the
// cycle of 50,000 agents with many refusals hung on. Up to 127 rooms nothing but the blocks' inside
// is shuffled.
void shuffle_rooms(std::vector<std::uint32_t>& rooms, std::uint64_t seed) {
  constexpr std::size_t kBlock = 64;
  Prng prng(seed);
  const std::size_t blocks = (rooms.size() + kBlock - 1) / kBlock;
  const auto shuffle = [&prng, &rooms](std::size_t first, std::size_t end) {
    for (std::size_t i = end; i > first + 1; --i) {
      std::swap(rooms[i - 1], rooms[first + prng.below(i - first)]);
    }
  };
  // Whole blocks change places; a last one that is not whole stays at the end.
  for (std::size_t i = rooms.size() / kBlock; i > 1; --i) {
    const std::size_t other = prng.below(i);
    if (other + 1 == i) continue;
    std::swap_ranges(rooms.begin() + static_cast<std::ptrdiff_t>((i - 1) * kBlock),
                     rooms.begin() + static_cast<std::ptrdiff_t>(i * kBlock),
                     rooms.begin() + static_cast<std::ptrdiff_t>(other * kBlock));
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    shuffle(block * kBlock, std::min(rooms.size(), (block + 1) * kBlock));
  }
}

bool reaches_minimum(const std::int64_t* row, const std::int64_t* minimum,
                     std::uint32_t minimum_rows, std::uint32_t dimensions) {
  if (minimum_rows == 0) return true;
  for (std::uint32_t i = 0; i < minimum_rows; ++i, minimum += dimensions) {
    bool reached = true;
    for (std::uint32_t d = 0; d < dimensions; ++d) reached &= row[d] >= minimum[d];
    if (reached) return true;
  }
  return false;
}

Round::Round(const Input& input, Scratch& scratch, Output& output)
    : in_(input),
      s_(scratch),
      out_(output),
      tree_(input.tree),
      dimensions_(input.tree.dimensions()),
      live_(input.tree.classes_below(kRootRole.raw())) {
  ASSERT(input.rooms.dimensions() == dimensions_ && input.totals.size() == dimensions_);
}

void Round::run() {
  prepare();
  if (in_.quotas != nullptr && !in_.quotas->empty()) return run_with_quotas(*in_.quotas);
  for (std::uint32_t i = 0; i < s_.order.size(); ++i) {
    prefetch(i);
    visited_ = i;
    visit(s_.order[i]);
  }
  count_met();
}

void Round::prepare() {
  // By two: the trees of the pass for guarantees are of the odd number before.
  if ((s_.round += 2) == 0) {
    // The stamps of two billion calls ago would look valid: forget them all.
    s_ = Scratch{};
    s_.round = 2;
  }
  built_ = s_.round;
  s_.scale.prepare(in_.totals, in_.policy.share_mask);
  s_.order.assign(in_.touched.begin(), in_.touched.end());
  shuffle_rooms(s_.order, in_.seed);
  s_.room_stamp.resize(std::max<std::size_t>(s_.room_stamp.size(), in_.rooms.capacity()));
  s_.none = tree_.node_capacity();
  const std::size_t nodes = std::max<std::size_t>(s_.keys.size(), s_.none + 1);
  s_.charged_stamp.resize(nodes);
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    narrow_ = narrow_ && (tree_.charged_row(kRootRole.raw())[d] + in_.rooms.free()[d]) >> 64 == 0;
  }
  if (narrow_) {
    s_.charged_narrow.resize(std::max(s_.charged_narrow.size(), nodes * dimensions_));
  } else {
    s_.charged.resize(std::max(s_.charged.size(), nodes * dimensions_));
  }
  s_.key_stamp.resize(nodes);
  s_.keys.resize(nodes);
  s_.keys[s_.none] = ShareScale::kAbsent;
  s_.key_stamp[s_.none] = 0;
  const std::size_t claims = std::max<std::size_t>(s_.refusal_slot.size(), tree_.claim_capacity());
  s_.refusal_stamp.resize(claims);
  s_.refusal_slot.resize(claims);
  s_.refusal_room.resize(claims);
  s_.forest_count = 0;
  s_.classes.clear();
  for (ClassMask rest = live_; rest != 0; rest &= rest - 1) {
    const auto index = static_cast<std::uint32_t>(__builtin_ctzll(rest));
    const ClaimClass& its_class = tree_.claim_class(index);
    LiveClass live{index, its_class.capabilities, nullptr, 0, its_class.demanded};
    if (index >= kFirstSharedClass) {
      const auto rows = tree_.minimum_rows(its_class.minimum);
      live.minimum = rows.data();
      live.minimum_rows = static_cast<std::uint32_t>(rows.size() / dimensions_);
    }
    s_.classes.push_back(live);
  }
  out_.grants.clear();
  out_.granted_parts.clear();
  out_.granted_rows.clear();
  out_.context_refusals.clear();
  out_.claim_refusals.clear();
  out_.class_refusals = {};
  out_.rooms = static_cast<std::uint32_t>(s_.order.size());
  prepare_demands();
}

// Rooms come in random order, so each would start with a chain of cache misses; they are asked for
// a few rooms ahead, each link of the chain once the one before it has arrived.
void Round::prefetch(std::size_t at) const {
  constexpr std::size_t kFar = 12;
  constexpr std::size_t kNear = 4;
  const std::uint32_t bound = in_.rooms.capacity();
  if (at + kFar >= s_.order.size()) return;
  const std::uint32_t far_room = s_.order[at + kFar];
  const std::uint32_t near_room = s_.order[at + kNear];
  if (far_room >= bound || near_room >= bound) return;
  __builtin_prefetch(&in_.rooms.room(far_room));
  in_.refusals.prefetch(RoomId{far_room});
  const std::uint32_t first_part = in_.rooms.room(near_room).first_part;
  __builtin_prefetch(in_.rooms.part_data() + first_part);
  __builtin_prefetch(in_.rooms.row(first_part));
  __builtin_prefetch(in_.rooms.row(first_part) + 7);
  in_.refusals.prefetch_contents(RoomId{near_room});
}

void Round::visit(std::uint32_t room) {
  ASSERT(room < in_.rooms.capacity());
  ASSERT(s_.room_stamp[room] != s_.round);
  s_.room_stamp[room] = s_.round;
  room_ = room;
  place_ = in_.rooms.room(room_);
  rows_ = in_.rooms.row(place_.first_part);
  const ClassMask mask = open_room() ? judge() : 0;
  count_room(mask);
  serve(mask);
}

void Round::count_room(ClassMask mask) {
  if (in_.policy.count_refusals && mask != live_) note_class_refusals(mask);
}

// Grants what is open as long as somebody can have some of it. Returns how many there were.
std::uint32_t Round::serve(ClassMask mask) {
  if (left_ == 0) return 0;
  const std::size_t before = out_.grants.size();
  ClassMask now = mask;
  for (;;) {
    const std::uint32_t claim = search(now);
    if (claim == kNone) break;
    if (quota_) [[unlikely]] {
      grant_capped(claim);
    } else {
      grant(claim);
    }
    if (left_ == 0) break;
    s_.open.clear();
    for (std::uint32_t part = 0; part < place_.part_count; ++part) {
      if (s_.taken[part] == 0 && parts_[part].role == kRootRole) s_.open.push_back(part);
    }
    now = judge();
  }
  restore();
  return static_cast<std::uint32_t>(out_.grants.size() - before);
}

// Marks empty parts as taken and opens what is unreserved. False if nothing is free at all.
bool Round::open_room() {
  parts_ = in_.rooms.part_data() + place_.first_part;
  traits_ = 0;
  left_ = 0;
  has_reserved_ = false;
  s_.open.clear();
  s_.dead.clear();
  if (s_.taken.size() < place_.part_count) s_.taken.resize(place_.part_count);
  for (std::uint32_t part = 0; part < place_.part_count; ++part) {
    const std::int64_t* row = row_of(part);
    std::int64_t any = 0;
    for (std::uint32_t d = 0; d < dimensions_; ++d) any |= row[d];
    s_.taken[part] = any == 0 ? 1 : 0;
    if (any == 0) continue;
    ++left_;
    traits_ |= parts_[part].traits;
    const std::uint32_t role = parts_[part].role.raw();
    ASSERT(role < tree_.node_capacity() && tree_.node(role).kind == ShareTree::Kind::role);
    if (role == kRootRole.raw()) {
      s_.open.push_back(part);
    } else {
      has_reserved_ = true;
    }
  }
  return left_ > 0;
}

bool Round::may_enter(const LiveClass& live) const {
  if ((place_.flags & kHasGpus) != 0 && (live.capabilities & kGpus) == 0) return false;
  return (place_.flags & kRemoteRegion) == 0 || (live.capabilities & kRegionAware) != 0;
}

bool Round::sum_open(Capabilities capabilities, Row& row, Kinds& kinds) const {
  std::fill_n(row.begin(), dimensions_, 0);
  kinds = 0;
  for (const std::uint32_t part : s_.open) {
    if ((parts_[part].traits & ~capabilities) != 0) continue;
    kinds |= kinds_of(parts_[part]);
    const std::int64_t* quantities = row_of(part);
    for (std::uint32_t d = 0; d < dimensions_; ++d) row[d] += quantities[d];
  }
  return kinds != 0;
}

ClassMask Round::judge() {
  if (s_.open.empty()) return 0;
  ClassMask mask = 0;
  Row row;
  Kinds kinds = 0;
  bool any = false;
  Capabilities summed = 0xff;  // no set of traits: nothing is summed yet
  for (const LiveClass& live : s_.classes) {
    if (!may_enter(live)) continue;
    const auto relevant = static_cast<Capabilities>(live.capabilities & traits_);
    if (relevant != summed) {
      any = sum_open(relevant, row, kinds);
      summed = relevant;
    }
    if (any && reaches_minimum(row.data(), live.minimum, live.minimum_rows, dimensions_)) {
      mask |= ClassMask{1} << live.index;
    }
  }
  return mask;
}

// Rule 3: all that is open to this claim. The search left the open parts of its place in s_.open.
void Round::grant(std::uint32_t claim_node) {
  const std::uint32_t claim = tree_.node(claim_node).claim;
  const Capabilities capabilities = tree_.claim(claim).capabilities;
  Grant granted{RoomId{room_}, ClaimId{claim},
                static_cast<std::uint32_t>(out_.granted_parts.size()), 0};
  Row row;
  std::fill_n(row.begin(), dimensions_, 0);
  for (const std::uint32_t part : s_.open) {
    if ((parts_[part].traits & ~capabilities) != 0) continue;
    const std::int64_t* quantities = row_of(part);
    for (std::uint32_t d = 0; d < dimensions_; ++d) row[d] += quantities[d];
    s_.taken[part] = 1;
    --left_;
    out_.granted_parts.push_back(part);
    ++granted.part_count;
  }
  ASSERT(granted.part_count > 0);
  if (has_reserved_) {
    std::sort(out_.granted_parts.begin() + granted.first_part, out_.granted_parts.end());
  }
  if (tree_.claim(claim).demanded) [[unlikely]]
    meet_demand(claim, row, granted);
  out_.grants.push_back(granted);
  charge(claim_node, row);
}

template <typename Amount>
void Round::add(std::vector<Amount>& charged, std::uint32_t node, const Row& row) {
  Amount* sums = charged.data() + std::size_t{node} * dimensions_;
  if (s_.charged_stamp[node] == s_.round) {
    for (std::uint32_t d = 0; d < dimensions_; ++d) sums[d] += static_cast<std::uint64_t>(row[d]);
    return;
  }
  const Sum* before_round = tree_.charged_row(node).data();
  for (std::uint32_t d = 0; d < dimensions_; ++d) {
    sums[d] = static_cast<Amount>(before_round[d]) + static_cast<std::uint64_t>(row[d]);
  }
}

// Rule 4. The root competes with nobody, so its own charge is of no interest.
void Round::charge(std::uint32_t node, const Row& row) {
  const auto by_share = [this](std::uint32_t a, std::uint32_t b) { return match(a, b); };
  for (std::uint32_t parent = 0; node != kRootRole.raw(); node = parent) {
    const ShareTree::Node& charged_node = tree_.node(node);
    parent = charged_node.parent;
    // An only child competes with nobody either.
    if (tree_.group(tree_.node(parent).group).children.size() == 1) continue;
    if (narrow_) {
      add(s_.charged_narrow, node, row);
    } else {
      add(s_.charged, node, row);
    }
    s_.charged_stamp[node] = s_.round;
    s_.key_stamp[node] = 0;
    for (std::uint32_t f = 0; f < s_.forest_count; ++f) {
      Forest& forest = s_.forests[f];
      const Forest::Tree& tree = forest.trees[parent];
      if (tree.built != built_) continue;
      refresh_key(node);
      if (forest.slots[tree.start + tree.count + charged_node.position] != node) continue;
      replay(forest, tree, charged_node.position, node, by_share);
    }
  }
}

}  // namespace bourse::allocator
