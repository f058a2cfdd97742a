// Each rule of the allocator in the smallest cluster that shows it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "master/allocator/allocate.hpp"

namespace bourse::allocator {
namespace {

using Quantities = std::vector<std::int64_t>;

// Two dimensions that count (cpus, mem) and one that does not (ports).
struct Cluster {
  ShareTree tree{3};
  RoomTable rooms{3};
  RefusalTable refusals{3};
  std::vector<Sum> totals{100'000, 100'000, 100'000};
  std::vector<std::uint32_t> touched;
  Policy policy{0b011, true};
  Scratch scratch;
  Output output;

  ClaimId claim(NodeId role, Capabilities capabilities = 0, Quantities minimum = {}) {
    return tree.add_claim({role, capabilities, kDefaultWeightMilli, std::move(minimum)});
  }
  void room(std::uint32_t index, std::vector<Part> parts, Quantities rows, RoomFlags flags = 0) {
    rooms.set(RoomId{index}, flags, parts, rows);
    if (std::find(touched.begin(), touched.end(), index) == touched.end()) touched.push_back(index);
  }
  // A room with 1 cpu, 1 mem and 1 port, all unreserved.
  void plain_rooms(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) room(i, {{}}, {1000, 1000, 1000});
  }
  Input input(std::uint64_t seed = 1) const {
    return {tree, rooms, refusals, touched, totals, policy, seed};
  }
  const std::vector<Grant>& run(std::uint64_t seed = 1) {
    allocate(input(seed), scratch, output);
    return output.grants;
  }
  std::map<std::uint32_t, int> grants_by_claim() const {
    std::map<std::uint32_t, int> counts;
    for (const Grant& grant : output.grants) ++counts[grant.claim.raw()];
    return counts;
  }
  int granted_to(ClaimId claim) const {
    const auto counts = grants_by_claim();
    const auto found = counts.find(claim.raw());
    return found == counts.end() ? 0 : found->second;
  }
  std::uint64_t refused(ClaimId claim, RefusalReason reason) const {
    return count_refusals(tree, output, claim)[static_cast<std::size_t>(reason)];
  }
};

TEST_CASE("an empty cluster, one without agents and one without frameworks grant nothing") {
  Cluster cluster;
  CHECK(cluster.run().empty());
  cluster.plain_rooms(3);
  CHECK(cluster.run().empty());
  const ClaimId claim = cluster.claim(kRootRole);
  CHECK(cluster.run().size() == 3);
  cluster.touched.clear();
  CHECK(cluster.run().empty());
  CHECK(count_refusals(cluster.tree, cluster.output, claim) == RefusalCounts{});
}

TEST_CASE("a grant hands over everything free on the agent") {
  Cluster cluster;
  cluster.claim(kRootRole);
  cluster.room(0, {{}, {}}, {1000, 5, 0, 0, 0, 8000});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.output.granted_parts == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("ports alone can be offered and enter no share") {
  Cluster cluster;
  const ClaimId one = cluster.claim(kRootRole);
  const ClaimId two = cluster.claim(kRootRole);
  cluster.tree.charge(two, Quantities{1, 0, 0});
  cluster.room(0, {{}}, {0, 0, 9000});
  cluster.room(1, {{}}, {0, 0, 9000});
  CHECK(cluster.run().size() == 2);
  CHECK(cluster.granted_to(one) == 2);
}

TEST_CASE("frameworks of equal weight get equal numbers of equal agents") {
  Cluster cluster;
  std::vector<ClaimId> claims;
  for (int i = 0; i < 7; ++i) claims.push_back(cluster.claim(kRootRole));
  cluster.plain_rooms(70);
  cluster.run();
  for (const ClaimId claim : claims) CHECK(cluster.granted_to(claim) == 10);
}

TEST_CASE("a role of three times the weight gets three times the agents") {
  Cluster cluster;
  const ClaimId heavy = cluster.claim(cluster.tree.add_role(kRootRole, 3000));
  const ClaimId light = cluster.claim(cluster.tree.add_role(kRootRole, 1000));
  cluster.plain_rooms(80);
  cluster.run();
  CHECK(cluster.granted_to(heavy) == 60);
  CHECK(cluster.granted_to(light) == 20);
}

TEST_CASE("weights hold at each level of the role tree, whatever the number of frameworks") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole, 1000);
  const NodeId b = cluster.tree.add_role(kRootRole, 1000);
  const NodeId a_1 = cluster.tree.add_role(a, 3000);
  const NodeId a_2 = cluster.tree.add_role(a, 1000);
  const ClaimId in_a_1 = cluster.claim(a_1);
  const ClaimId in_a_2 = cluster.claim(a_2);
  std::vector<ClaimId> in_b;
  for (int i = 0; i < 8; ++i) in_b.push_back(cluster.claim(b));
  cluster.plain_rooms(80);
  cluster.run();
  CHECK(cluster.granted_to(in_a_1) == 30);
  CHECK(cluster.granted_to(in_a_2) == 10);
  for (const ClaimId claim : in_b) CHECK(cluster.granted_to(claim) == 5);
}

TEST_CASE("a role's own frameworks compete with its child roles as one group") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId child = cluster.tree.add_role(a);
  const ClaimId own_1 = cluster.claim(a);
  const ClaimId own_2 = cluster.claim(a);
  const ClaimId below = cluster.claim(child);
  cluster.plain_rooms(40);
  cluster.run();
  CHECK(cluster.granted_to(below) == 20);
  CHECK(cluster.granted_to(own_1) == 10);
  CHECK(cluster.granted_to(own_2) == 10);
}

TEST_CASE("who holds much already waits until the others have caught up") {
  Cluster cluster;
  const ClaimId rich = cluster.claim(kRootRole);
  const ClaimId poor = cluster.claim(kRootRole);
  cluster.tree.charge(rich, Quantities{0, 10'000, 0});
  cluster.plain_rooms(10);
  cluster.run();
  CHECK(cluster.granted_to(poor) == 10);
}

TEST_CASE("nobody starves: over many rounds every hungry framework is served its part") {
  Cluster cluster;
  constexpr int kClaims = 50;
  std::vector<ClaimId> claims;
  for (int i = 0; i < kClaims; ++i) claims.push_back(cluster.claim(kRootRole));
  // One agent falls free per round, and what was granted stays in use.
  cluster.plain_rooms(1);
  std::map<std::uint32_t, int> served;
  for (std::uint64_t round = 0; round < 5 * kClaims; ++round) {
    REQUIRE(cluster.run(round).size() == 1);
    const ClaimId winner = cluster.output.grants[0].claim;
    cluster.tree.charge(winner, Quantities{1000, 1000, 1000});
    ++served[winner.raw()];
  }
  for (const ClaimId claim : claims) CHECK(served[claim.raw()] == 5);
}

TEST_CASE("frameworks that give everything back take turns, one round by one") {
  Cluster cluster;
  for (int i = 0; i < 20; ++i) cluster.claim(kRootRole);
  cluster.plain_rooms(1);
  std::map<std::uint32_t, int> served;
  for (std::uint64_t round = 0; round < 2'000; ++round) {
    ++served[cluster.run(round)[0].claim.raw()];
  }
  REQUIRE(served.size() == 20);
  for (const auto& [claim, count] : served) CHECK(count > 50);
}

TEST_CASE("equal shares are ordered by the seed and by nothing else") {
  Cluster cluster;
  for (int i = 0; i < 5; ++i) cluster.claim(kRootRole);
  cluster.plain_rooms(23);
  const auto once = cluster.run(17);
  CHECK(cluster.run(17) == once);
  CHECK_FALSE(cluster.run(18) == once);
}

TEST_CASE("reserved resources go to frameworks in their role and below it only") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId a_b = cluster.tree.add_role(a);
  const NodeId other = cluster.tree.add_role(kRootRole);
  const ClaimId above = cluster.claim(a);
  const ClaimId stranger = cluster.claim(other);
  cluster.room(0, {{a_b, 0, 0}}, {1000, 0, 0});
  CHECK(cluster.run().empty());
  CHECK(cluster.refused(above, RefusalReason::reserved_for_other_role) == 1);
  CHECK(cluster.refused(stranger, RefusalReason::reserved_for_other_role) == 1);
  cluster.room(0, {{a, 0, 0}}, {1000, 0, 0});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.output.grants[0].claim == above);
  const ClaimId below = cluster.claim(a_b);
  cluster.tree.charge(above, Quantities{1, 0, 0});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.output.grants[0].claim == below);
}

TEST_CASE("one agent can be shared out: unreserved to the poorest, reservations to their roles") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId in_a = cluster.claim(a);
  const ClaimId in_b = cluster.claim(b);
  cluster.tree.charge(in_b, Quantities{5, 0, 0});
  cluster.room(0, {{}, {a, 0, 0}, {b, 0, 0}}, {10, 0, 0, 20, 0, 0, 30, 0, 0});
  REQUIRE(cluster.run().size() == 2);
  CHECK(cluster.output.grants[0].claim == in_a);
  CHECK(cluster.output.grants[1].claim == in_b);
  const auto first = cluster.output.parts_of(cluster.output.grants[0]);
  const auto second = cluster.output.parts_of(cluster.output.grants[1]);
  CHECK(std::vector<std::uint32_t>(first.begin(), first.end()) == std::vector<std::uint32_t>{0, 1});
  CHECK(std::vector<std::uint32_t>(second.begin(), second.end()) == std::vector<std::uint32_t>{2});
}

TEST_CASE("a reservation lifts its role over a minimum that others stay below") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId in_a = cluster.claim(a, 0, {1000, 0, 0});
  const ClaimId in_b = cluster.claim(b, 0, {1000, 0, 0});
  cluster.tree.charge(in_a, Quantities{50'000, 0, 0});
  cluster.room(0, {{}, {a, 0, 0}}, {600, 0, 0, 400, 0, 0});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.output.grants[0].claim == in_a);
  CHECK(cluster.refused(in_b, RefusalReason::below_minimum) == 1);
  CHECK(cluster.refused(in_a, RefusalReason::below_minimum) == 0);
}

TEST_CASE("an offer reaches every quantity of one of the framework's minimums") {
  Cluster cluster;
  const ClaimId claim = cluster.claim(kRootRole, 0, {10, 10, 0, 0, 0, 5});
  cluster.room(0, {{}}, {1000, 9, 4});
  CHECK(cluster.run().empty());
  CHECK(cluster.refused(claim, RefusalReason::below_minimum) == 1);
  cluster.room(0, {{}}, {10, 10, 0});
  CHECK(cluster.run().size() == 1);
  cluster.room(0, {{}}, {0, 0, 5});
  CHECK(cluster.run().size() == 1);
}

TEST_CASE("agents with gpus go only to frameworks that handle gpus") {
  Cluster cluster;
  const ClaimId plain = cluster.claim(kRootRole);
  const ClaimId gpu_aware = cluster.claim(kRootRole, kGpus);
  cluster.tree.charge(gpu_aware, Quantities{90'000, 0, 0});
  cluster.room(0, {{}}, {1000, 0, 0}, kHasGpus);
  cluster.room(1, {{}}, {1000, 0, 0});
  REQUIRE(cluster.run().size() == 2);
  CHECK(cluster.granted_to(gpu_aware) == 1);
  CHECK(cluster.refused(plain, RefusalReason::no_gpu_capability) == 1);
  CHECK(cluster.refused(gpu_aware, RefusalReason::better_claim) == 1);
}

TEST_CASE("agents of a remote region go only to region-aware frameworks") {
  Cluster cluster;
  const ClaimId local = cluster.claim(kRootRole);
  cluster.room(0, {{}}, {1000, 0, 0}, kRemoteRegion);
  CHECK(cluster.run().empty());
  CHECK(cluster.refused(local, RefusalReason::remote_region) == 1);
  cluster.claim(kRootRole, kRegionAware);
  CHECK(cluster.run().size() == 1);
}

TEST_CASE("revocable, shared and refined resources go only to frameworks that handle them") {
  for (const Capabilities trait : {kRevocable, kShared, kRefined}) {
    Cluster cluster;
    const ClaimId plain = cluster.claim(kRootRole);
    cluster.room(0, {{}, {kRootRole, trait, 0}}, {10, 0, 0, 20, 0, 0});
    REQUIRE(cluster.run().size() == 1);
    CHECK(cluster.output.granted_parts == std::vector<std::uint32_t>{0});
    cluster.room(0, {{kRootRole, trait, 0}}, {20, 0, 0});
    CHECK(cluster.run().empty());
    CHECK(cluster.refused(plain, RefusalReason::not_capable) == 1);
    const ClaimId capable = cluster.claim(kRootRole, trait);
    REQUIRE(cluster.run().size() == 1);
    CHECK(cluster.granted_to(capable) == 1);
  }
}

TEST_CASE("suppressed and disconnected frameworks are passed over and told so") {
  Cluster cluster;
  const ClaimId quiet = cluster.claim(kRootRole);
  const ClaimId away = cluster.claim(kRootRole);
  cluster.tree.set_state(quiet, ClaimState::suppressed);
  cluster.tree.set_state(away, ClaimState::disconnected);
  cluster.plain_rooms(3);
  CHECK(cluster.run().empty());
  CHECK(cluster.refused(quiet, RefusalReason::suppressed) == 3);
  CHECK(cluster.refused(away, RefusalReason::disconnected) == 3);
  cluster.tree.set_state(quiet, ClaimState::active);
  CHECK(cluster.run().size() == 3);
}

TEST_CASE("a refused agent goes to the next claim until it offers more than was refused") {
  Cluster cluster;
  const ClaimId picky = cluster.claim(kRootRole);
  const ClaimId other = cluster.claim(kRootRole);
  cluster.tree.charge(other, Quantities{50'000, 0, 0});
  cluster.plain_rooms(1);
  cluster.refusals.add(RoomId{0}, picky, Quantities{1000, 1000, 1000}, kUnreservedKind);
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.granted_to(other) == 1);
  CHECK(cluster.refused(picky, RefusalReason::filtered) == 1);
  cluster.room(0, {{}}, {1000, 1001, 1000});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.granted_to(picky) == 1);
}

TEST_CASE("an agent with nothing free is refused to all for that reason") {
  Cluster cluster;
  const ClaimId claim = cluster.claim(kRootRole);
  cluster.room(0, {{}, {}}, {0, 0, 0, 0, 0, 0});
  cluster.room(1, {}, {});
  CHECK(cluster.run().empty());
  CHECK(cluster.refused(claim, RefusalReason::nothing_free) == 2);
}

TEST_CASE("the largest quantities a room may hold overflow nothing and are shared fairly") {
  Cluster cluster;
  std::vector<ClaimId> claims;
  for (int i = 0; i < 4; ++i) claims.push_back(cluster.claim(kRootRole));
  for (std::uint32_t i = 0; i < 400; ++i) {
    cluster.room(i, {{}}, {kMaxRoomQuantity, kMaxRoomQuantity, kMaxRoomQuantity});
  }
  const Sum total = Sum{static_cast<std::uint64_t>(kMaxRoomQuantity)} * 400;
  cluster.totals = {total, total, total};
  cluster.run();
  for (const ClaimId claim : claims) CHECK(cluster.granted_to(claim) == 100);
}

TEST_CASE("a cluster that lost agents and is charged more than it has still allocates in order") {
  Cluster cluster;
  const ClaimId more = cluster.claim(kRootRole);
  const ClaimId less = cluster.claim(kRootRole);
  cluster.tree.charge(more, Quantities{300'000, 0, 0});
  cluster.tree.charge(less, Quantities{299'999, 0, 0});
  cluster.room(0, {{}}, {5, 0, 0});
  REQUIRE(cluster.run().size() == 1);
  CHECK(cluster.granted_to(less) == 1);
}

TEST_CASE("explain names the first thing that keeps a framework from an agent") {
  Cluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.claim(kRootRole, 0, {10, 0, 0});
  const auto why = [&cluster, claim] { return explain(cluster.input(), claim, RoomId{0}); };
  CHECK(why() == RefusalReason::nothing_free);
  cluster.room(0, {{}}, {100, 0, 0}, kHasGpus);
  CHECK(why() == RefusalReason::no_gpu_capability);
  cluster.room(0, {{}}, {100, 0, 0}, kRemoteRegion);
  CHECK(why() == RefusalReason::remote_region);
  cluster.room(0, {{a, 0, 0}}, {100, 0, 0});
  CHECK(why() == RefusalReason::reserved_for_other_role);
  cluster.room(0, {{kRootRole, kRevocable, 0}}, {100, 0, 0});
  CHECK(why() == RefusalReason::not_capable);
  cluster.room(0, {{}}, {9, 0, 0});
  CHECK(why() == RefusalReason::below_minimum);
  cluster.room(0, {{}}, {10, 0, 0});
  CHECK_FALSE(why().has_value());
  cluster.refusals.add(RoomId{0}, claim, Quantities{10, 0, 0}, kUnreservedKind);
  CHECK(why() == RefusalReason::filtered);
  cluster.tree.set_state(claim, ClaimState::suppressed);
  CHECK(why() == RefusalReason::suppressed);
  cluster.tree.set_state(claim, ClaimState::disconnected);
  CHECK(why() == RefusalReason::disconnected);
}

TEST_CASE("many kinds of claims on many kinds of agents are still served in order") {
  // More sets of able classes than there are forests: the search falls back to weeding out.
  Cluster cluster;
  std::vector<ClaimId> claims;
  for (std::int64_t i = 0; i < 24; ++i) claims.push_back(cluster.claim(kRootRole, 0, {i, 0, 0}));
  for (std::uint32_t i = 0; i < 24; ++i) cluster.room(i, {{}}, {i, 1, 0});
  REQUIRE(cluster.run().size() == 24);
  for (const Grant& grant : cluster.output.grants) {
    const auto minimum = cluster.tree.minimum_rows(cluster.tree.at(grant.claim).minimum);
    CHECK(static_cast<std::int64_t>(grant.room.raw()) >= minimum[0]);
  }
}

}  // namespace
}  // namespace bourse::allocator
