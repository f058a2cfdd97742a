#include "tests/unit/master/allocator/random_cluster.hpp"

#include <algorithm>

namespace bourse::allocator {

RandomCluster::RandomCluster(std::uint64_t seed, std::uint32_t max_rooms, std::uint32_t max_claims,
                             bool draws_quotas)
    : prng(seed),
      dimensions(
          static_cast<std::uint32_t>(1 + prng.below(prng.chance(1, 8) ? kMaxDimensions : 5))),
      tree(dimensions),
      rooms(dimensions),
      refusals(dimensions),
      quotas(dimensions),
      demands(dimensions),
      with_quotas(draws_quotas),
      scale_(static_cast<Scale>(prng.below(4))),
      demand_prng_(seed ^ 0xdeed),
      many_minimums_(prng.chance(1, 4)) {
  grow_roles();
  add_claims(max_claims);
  room_count = static_cast<std::uint32_t>(prng.below(max_rooms + 1));
  totals.resize(dimensions);
  for (std::uint32_t room = 0; room < room_count; ++room) {
    fill_room(room);
    touched.push_back(room);
  }
  // Totals: all that is free (so that shares near 1 occur), more, less than is charged, or nothing.
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    for (std::uint32_t room = 0; room < room_count; ++room) {
      for (std::uint32_t part = 0; part < rooms.room(room).part_count; ++part) {
        const std::int64_t free = rooms.row(rooms.room(room).first_part + part)[d];
        totals[d] += static_cast<std::uint64_t>(free);
      }
    }
    if (prng.chance(1, 2)) totals[d] += static_cast<std::uint64_t>(quantity()) * room_count;
    if (prng.chance(1, 10)) totals[d] /= 7;
    if (prng.chance(1, 16)) totals[d] = 0;
  }
  if (prng.chance(1, 3)) policy.share_mask = static_cast<std::uint32_t>(prng.next());
  if (prng.chance(1, 2)) {
    for (const ClaimId claim : claims) {
      if (prng.chance(1, 2)) tree.charge(claim, row(3));
    }
  }
  // Sums that no 64 bits hold.
  if (scale_ == Scale::huge && !claims.empty() && prng.chance(1, 2)) {
    for (int i = 0; i < 200; ++i) tree.charge(claims[prng.below(claims.size())], row(3));
  }
  refuse(prng.chance(1, 2) ? 1 : room_count * static_cast<std::uint32_t>(claims.size()) / 3);
  if (with_quotas) draw_quotas();
  if (seed % 3 == 0) draw_constraints(seed);
  if (seed % 4 < 2) draw_demands(seed);
}

// From numbers of their own too; some want the same, and some have all they want on offer.
void RandomCluster::draw_demands(std::uint64_t seed) {
  Prng& own = demand_prng_;
  const bool alike = own.chance(1, 3);
  for (const ClaimId claim : claims) {
    if (seed % 4 == 1 && own.chance(1, 2)) continue;
    if (alike) own = Prng(seed);
    std::vector<std::int64_t> rows;
    std::vector<DemandTable::Shape> shapes(static_cast<std::size_t>(own.between(1, 3)));
    for (DemandTable::Shape& shape : shapes) {
      const std::size_t first = rows.size();
      for (std::uint32_t d = 0; d < dimensions; ++d) {
        rows.push_back(own.chance(1, 2) ? quantity(own) / own.between(1, 3) : 0);
      }
      if (rows[first] == 0) rows[first] = 1;
      shape.wanted = static_cast<std::uint32_t>(own.between(1, 3));
      if (room_count > 0 && own.chance(1, 8)) {
        shape.room = own.chance(1, 4) ? DemandTable::kNoRoom
                                      : static_cast<std::uint32_t>(own.below(room_count));
      }
    }
    const ShareTree::Claim& row = tree.at(claim);
    tree.update_claim(
        claim, {NodeId{row.role}, row.capabilities, tree.node(row.node).weight_milli, rows, true});
    demands.set(claim, rows, shapes);
    std::vector<std::uint32_t> met;
    const bool all = own.chance(1, 10);
    for (const DemandTable::Shape& shape : shapes) {
      met.push_back(all ? shape.wanted : static_cast<std::uint32_t>(own.below(shape.wanted)));
    }
    if (all || own.chance(1, 3)) demands.take(claim, met);
  }
}

// From numbers of their own: what else a seed draws does not depend on them.
void RandomCluster::draw_constraints(std::uint64_t seed) {
  Prng own(~seed);
  for (const ClaimId claim : claims) {
    if (own.chance(1, 2)) continue;
    constraints.constrain(claim);
    for (std::uint32_t room = 0; room < room_count; ++room) {
      constraints.set(claim, RoomId{room}, own.chance(1, 3));
    }
  }
}

// Nested or not, met or not, over what is there or not.
void RandomCluster::draw_quotas() {
  const std::uint64_t size = 1 + prng.below(2 * std::uint64_t{room_count} + 1);
  const auto amount = [&] {
    return std::min(kMaxRoomQuantity / 2, quantity()) / 2 *
           static_cast<std::int64_t>(
               std::min<std::uint64_t>(size, scale_ == Scale::huge ? 1 : size));
  };
  for (const NodeId role : roles) {
    if (role == kRootRole || prng.chance(1, 3)) continue;
    std::vector<std::int64_t> guarantees(dimensions);
    std::vector<std::int64_t> limits(dimensions, kNoLimit);
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      if (prng.chance(1, 3)) guarantees[d] = amount();
      if (prng.chance(1, 3)) limits[d] = prng.chance(1, 6) ? 0 : guarantees[d] + amount();
    }
    quotas.set(role, guarantees, limits);
  }
  for (const NodeId role : roles) {
    if (role != kRootRole && prng.chance(1, 3)) quotas.consume(tree, role, row(3));
  }
  quotas.settle(tree);
  for (const NodeId role : roles) {
    if (role != kRootRole && prng.chance(1, 4)) quotas.consume(tree, role, row(3));
  }
  count_spare();
}

// All that is free in all rooms, touched or not.
void RandomCluster::count_spare() {
  std::vector<std::int64_t> before;
  for (const Sum amount : quotas.spare()) before.push_back(static_cast<std::int64_t>(amount));
  quotas.take_spare(before);
  for (std::uint32_t room = 0; room < rooms.capacity(); ++room) {
    for (std::uint32_t i = 0; i < rooms.room(room).part_count; ++i) {
      if (!is_counted(rooms.parts(RoomId{room})[i])) continue;
      quotas.add_spare({rooms.row(rooms.room(room).first_part + i), dimensions});
    }
  }
}

std::int64_t RandomCluster::quantity(Prng& from) const {
  switch (scale_) {
    case Scale::equal:
      return 1000;
    case Scale::small:
      return from.between(1, 4);
    case Scale::wide:
      return from.between(1, 1'000'000'000);
    case Scale::huge:
      break;
  }
  // A room holds at most 12 parts here, so sums stay under kMaxRoomQuantity.
  return from.between(kMaxRoomQuantity / 32, kMaxRoomQuantity / 16);
}

std::uint32_t RandomCluster::weight() {
  constexpr std::uint32_t kWeights[] = {1, 500, 1000, 1000, 1000, 2000, 3333, 4'000'000'000};
  return kWeights[prng.below(8)];
}

Capabilities RandomCluster::capabilities() {
  return prng.chance(1, 3) ? static_cast<Capabilities>(prng.below(kCapabilitySets))
                           : static_cast<Capabilities>(kTraitMask | kGpus);
}

std::vector<std::int64_t> RandomCluster::row(std::uint64_t zero_in) {
  std::vector<std::int64_t> result(dimensions);
  for (auto& value : result) value = prng.chance(1, zero_in) ? 0 : quantity();
  return result;
}

void RandomCluster::grow_roles() {
  roles.push_back(kRootRole);
  const std::uint64_t count = prng.below(10);
  for (std::uint64_t i = 0; i < count; ++i) {
    const NodeId parent = roles[prng.below(roles.size())];
    roles.push_back(tree.add_role(parent, prng.chance(1, 2) ? kDefaultWeightMilli : weight()));
  }
}

void RandomCluster::add_claims(std::uint32_t max_claims) {
  const std::uint64_t count = prng.below(max_claims + 1);
  for (std::uint64_t i = 0; i < count; ++i) {
    ClaimSpec spec;
    spec.role = roles[prng.below(roles.size())];
    spec.capabilities = capabilities();
    if (prng.chance(1, 4)) spec.weight_milli = weight();
    if (many_minimums_ || prng.chance(1, 6)) {
      for (std::uint64_t rows = prng.below(3); rows > 0; --rows) {
        const auto minimum = row(2);
        spec.minimum.insert(spec.minimum.end(), minimum.begin(), minimum.end());
      }
    }
    const ClaimId claim = tree.add_claim(spec);
    claims.push_back(claim);
    if (prng.chance(1, 8)) tree.set_state(claim, ClaimState::suppressed);
    if (prng.chance(1, 16)) tree.set_state(claim, ClaimState::disconnected);
  }
  // Ids are reused, so take some out again.
  while (claims.size() > 2 && prng.chance(1, 4)) {
    const std::size_t victim = prng.below(claims.size());
    tree.remove_claim(claims[victim]);
    claims.erase(claims.begin() + static_cast<std::ptrdiff_t>(victim));
  }
}

void RandomCluster::fill_room(std::uint32_t room) {
  std::vector<Part> parts;
  std::vector<std::int64_t> quantities;
  const std::uint64_t count = prng.chance(1, 8) ? prng.below(13) : prng.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    Part part;
    if (prng.chance(1, 2)) part.role = roles[prng.below(roles.size())];
    if (prng.chance(1, 5)) part.traits = static_cast<std::uint8_t>(prng.below(8));
    if (with_quotas) part.whole = prng.chance(1, 6);
    parts.push_back(part);
    const auto its_row = prng.chance(1, 12) ? std::vector<std::int64_t>(dimensions) : row(4);
    quantities.insert(quantities.end(), its_row.begin(), its_row.end());
  }
  RoomFlags flags = 0;
  if (prng.chance(1, 5)) flags |= kHasGpus;
  if (prng.chance(1, 8)) flags |= kRemoteRegion;
  rooms.set(RoomId{room}, flags, parts, quantities);
}

void RandomCluster::refuse(std::uint32_t max_pairs) {
  if (room_count == 0 || claims.empty()) return;
  const std::uint64_t pairs = prng.below(std::uint64_t{max_pairs} + 1);
  for (std::uint64_t i = 0; i < pairs; ++i) {
    const auto room = static_cast<std::uint32_t>(prng.below(room_count));
    std::vector<std::int64_t> refused = row(8);
    if (prng.chance(2, 3)) {
      for (auto& value : refused) value = kMaxRoomQuantity;  // all that may ever be there
    }
    const auto kinds = static_cast<Kinds>(prng.chance(2, 3) ? 0xff : prng.below(256));
    refusals.add(RoomId{room}, claims[prng.below(claims.size())], refused, kinds);
  }
}

void RandomCluster::advance(const Output& output) {
  std::vector<std::int64_t> offered(dimensions);
  std::vector<RoomId> used;  // emptied at the end: a room may have several grants
  for (const Grant& grant : output.grants) {
    std::fill(offered.begin(), offered.end(), 0);
    std::vector<std::int64_t> counted(dimensions);
    Kinds kinds = 0;
    for (std::size_t i = 0; i < grant.part_count; ++i) {
      const std::uint32_t part = output.parts_of(grant)[i];
      const Part& what = rooms.parts(grant.room)[part];
      kinds |= kinds_of(what);
      const std::int64_t* row = output.row_of(grant, i, dimensions);
      if (row == nullptr) row = rooms.row(rooms.room(grant.room.raw()).first_part + part);
      for (std::uint32_t d = 0; d < dimensions; ++d) offered[d] += row[d];
      if (!is_counted(what)) continue;
      for (std::uint32_t d = 0; d < dimensions; ++d) counted[d] += row[d];
    }
    if (tree.at(grant.claim).demanded && demand_prng_.chance(1, 2)) {
      demands.take(grant.claim, output.met_of(grant, demands.shapes(grant.claim).size()));
    }
    if (prng.chance(1, 2)) {
      tree.charge(grant.claim, offered);
      if (with_quotas) quotas.consume(tree, NodeId{tree.at(grant.claim).role}, counted);
      used.push_back(grant.room);
    } else if (prng.chance(1, 2)) {
      refusals.add(grant.room, grant.claim, offered, kinds);
    }
  }
  for (const RoomId room : used) rooms.clear(room);
  for (const ClaimId claim : claims) {
    if (prng.chance(1, 6)) refusals.forget_claim(claim);
    if (prng.chance(1, 6)) tree.set_state(claim, static_cast<ClaimState>(prng.below(3)));
  }
  touched.clear();
  for (std::uint32_t room = 0; room < room_count; ++room) {
    if (prng.chance(1, 3)) fill_room(room);
    if (prng.chance(1, 2)) touched.push_back(room);
  }
  if (with_quotas) count_spare();
}

}  // namespace bourse::allocator
