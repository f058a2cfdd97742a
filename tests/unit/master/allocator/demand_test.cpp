// Each rule about demands in the smallest cluster that shows it.
#include <catch2/catch.hpp>
#include <set>

#include "master/allocator/allocate.hpp"

namespace bourse::allocator {
namespace {

using Quantities = std::vector<std::int64_t>;
using Shapes = std::vector<DemandTable::Shape>;

// Two dimensions: cpus and mem.
struct DemandCluster {
  ShareTree tree{2};
  RoomTable rooms{2};
  RefusalTable refusals{2};
  DemandTable demands{2};
  std::vector<Sum> totals{100, 100};
  std::vector<std::uint32_t> touched;
  Scratch scratch;
  Output output;

  ClaimId claim(NodeId role, const Quantities& rows, const Shapes& shapes) {
    const ClaimId id = tree.add_claim({role, 0, kDefaultWeightMilli, rows, true});
    demands.set(id, rows, shapes);
    return id;
  }
  void room(std::uint32_t index, std::vector<Part> parts, Quantities rows) {
    rooms.set(RoomId{index}, 0, parts, rows);
    touched.push_back(index);
  }
  Input input() const {
    return {tree, rooms, refusals, touched, totals, {}, 1, nullptr, nullptr, &demands};
  }
  std::set<std::uint32_t> granted(ClaimId claim) {
    allocate(input(), scratch, output);
    std::set<std::uint32_t> out;
    for (const Grant& grant : output.grants) {
      if (grant.claim == claim) out.insert(grant.room.raw());
    }
    return out;
  }
  std::uint64_t refused(ClaimId claim, RefusalReason reason) const {
    return count_refusals(tree, output, claim)[static_cast<std::size_t>(reason)];
  }
};

using Rooms = std::set<std::uint32_t>;

TEST_CASE("a claim that says what it wants is granted only rooms in which a shape fits") {
  DemandCluster cluster;
  const ClaimId claim = cluster.claim(kRootRole, {2, 4, 8, 0}, {{9, 9}, {9, 9}});
  cluster.room(0, {{}}, {2, 4});
  cluster.room(1, {{}}, {2, 3});
  cluster.room(2, {{}}, {7, 0});
  cluster.room(3, {{}}, {8, 0});
  CHECK(cluster.granted(claim) == Rooms{0, 3});
  CHECK(cluster.refused(claim, RefusalReason::demand) == 2);
  CHECK(cluster.refused(claim, RefusalReason::below_minimum) == 0);
  CHECK(explain(cluster.input(), claim, RoomId{1}) == RefusalReason::demand);
  CHECK_FALSE(explain(cluster.input(), claim, RoomId{0}).has_value());
}

TEST_CASE("a claim is granted no more once all it wants is met, and others get the rest") {
  DemandCluster cluster;
  const ClaimId claim = cluster.claim(kRootRole, {1, 1}, {{2, 2}});
  const ClaimId other = cluster.tree.add_claim({kRootRole, 0, kDefaultWeightMilli, {}});
  cluster.tree.charge(other, Quantities{90, 90});
  for (std::uint32_t i = 0; i < 6; ++i) cluster.room(i, {{}}, {1, 1});
  CHECK(cluster.granted(claim).size() == 2);
  CHECK(cluster.refused(claim, RefusalReason::demand) == 4);
  CHECK(cluster.refused(other, RefusalReason::better_claim) == 2);
  CHECK(cluster.output.grants.size() == 6);
}

TEST_CASE("a room meets a shape as often as it holds it, one shape after the other") {
  DemandCluster cluster;
  const ClaimId claim = cluster.claim(kRootRole, {2, 1, 1, 1}, {{2, 2}, {3, 3}});
  cluster.room(0, {{}}, {7, 7});
  cluster.granted(claim);
  REQUIRE(cluster.output.grants.size() == 1);
  const auto met = cluster.output.met_of(cluster.output.grants[0], 2);
  CHECK(std::vector<std::uint32_t>(met.begin(), met.end()) == std::vector<std::uint32_t>{2, 3});
  cluster.demands.take(claim, met);
  CHECK(cluster.demands.is_met(claim));
  CHECK(cluster.granted(claim).empty());
  CHECK(cluster.refused(claim, RefusalReason::demand) == 1);
  CHECK(explain(cluster.input(), claim, RoomId{0}) == RefusalReason::demand);
  cluster.demands.give_back(claim, met);
  CHECK(cluster.granted(claim) == Rooms{0});
}

TEST_CASE("a shape that is wanted in one room is met there and nowhere else") {
  DemandCluster cluster;
  const ClaimId claim = cluster.claim(kRootRole, {1, 1}, {{9, 9, 1}});
  const ClaimId nowhere = cluster.claim(kRootRole, {1, 1}, {{9, 9, DemandTable::kNoRoom}});
  for (std::uint32_t i = 0; i < 3; ++i) cluster.room(i, {{}}, {5, 5});
  CHECK(cluster.granted(claim) == Rooms{1});
  CHECK(cluster.refused(claim, RefusalReason::demand) == 2);
  CHECK(cluster.granted(nowhere).empty());
  CHECK(explain(cluster.input(), nowhere, RoomId{1}) == RefusalReason::demand);
}

TEST_CASE("what is reserved for its role counts towards a shape") {
  DemandCluster cluster;
  const NodeId web = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.claim(web, {3, 3}, {{1, 1}});
  const ClaimId other = cluster.claim(kRootRole, {3, 3}, {{1, 1}});
  Part reserved;
  reserved.role = web;
  cluster.room(0, {{}, reserved}, {2, 2, 1, 1});
  CHECK(cluster.granted(claim) == Rooms{0});
  CHECK(cluster.refused(other, RefusalReason::demand) == 1);
}

TEST_CASE("a thousand claims that want little leave the rest of the rooms alone") {
  DemandCluster cluster;
  for (int i = 0; i < 1'000; ++i) cluster.claim(kRootRole, {1, 1}, {{1, 1}});
  for (std::uint32_t i = 0; i < 3'000; ++i) cluster.room(i, {{}}, {1, 1});
  cluster.granted(ClaimId{0});
  CHECK(cluster.output.grants.size() == 1'000);
  CHECK(cluster.refused(ClaimId{7}, RefusalReason::demand) > 0);
}

TEST_CASE("a shape keeps what it wants when a dimension is added") {
  DemandTable demands(1);
  demands.set(ClaimId{2}, std::vector<std::int64_t>{3, 5}, Shapes{{1, 1}, {1, 1}});
  demands.grow_dimensions(2);
  CHECK(demands.is_of_use(ClaimId{2}, RoomId{0}, std::vector<std::int64_t>{3, 0}.data()));
  CHECK_FALSE(demands.is_of_use(ClaimId{2}, RoomId{0}, std::vector<std::int64_t>{2, 9}.data()));
  demands.clear(ClaimId{2});
  CHECK(demands.empty());
}

}  // namespace
}  // namespace bourse::allocator
