// Each rule of quotas in the smallest cluster that shows it.
#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "master/allocator/allocate.hpp"

namespace bourse::allocator {
namespace {

using Row = std::vector<std::int64_t>;

constexpr std::int64_t kAny = kNoLimit;

// cpus, mem, ports; ports enter no share and have no quota.
struct QuotaCluster {
  ShareTree tree{3};
  RoomTable rooms{3};
  RefusalTable refusals{3};
  QuotaTable quotas{3};
  std::vector<Sum> totals{100'000, 100'000, 100'000};
  std::vector<std::uint32_t> touched;
  Scratch scratch;
  Output output;

  ClaimId claim(NodeId role) {
    return tree.add_claim({role, 0, kDefaultWeightMilli, {10, 0, 0, 0, 32, 0}});
  }
  void quota(NodeId role, Row guarantees, Row limits) {
    quotas.set(role, guarantees, limits);
    quotas.settle(tree);
  }
  void room(std::uint32_t index, std::vector<Part> parts, const Row& rows) {
    rooms.set(RoomId{index}, 0, parts, rows);
    touched.push_back(index);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (is_counted(parts[i])) quotas.add_spare({rows.data() + i * 3, 3});
    }
  }
  Input input(std::uint64_t seed) const {
    return {tree, rooms, refusals, touched, totals, {0b011, true}, seed, &quotas};
  }
  const std::vector<Grant>& run(std::uint64_t seed = 1) {
    allocate(input(seed), scratch, output);
    return output.grants;
  }
  Row granted_to(ClaimId claim) const {
    Row sum(3);
    for (const Grant& grant : output.grants) {
      if (grant.claim != claim) continue;
      for (std::size_t i = 0; i < grant.part_count; ++i) {
        const std::int64_t* row = output.row_of(grant, i, 3);
        const std::uint32_t first = rooms.room(grant.room.raw()).first_part;
        if (row == nullptr) row = rooms.row(first + output.parts_of(grant)[i]);
        for (std::size_t d = 0; d < 3; ++d) sum[d] += row[d];
      }
    }
    return sum;
  }
  std::uint64_t refused(ClaimId claim, RefusalReason reason) const {
    return count_refusals(tree, output, claim)[static_cast<std::size_t>(reason)];
  }
};

TEST_CASE("an offer is cut where it would pass a limit, and the rest of the agent goes to others") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId limited = cluster.claim(a);
  cluster.quota(a, {0, 0, 0}, {2'000, kAny, kAny});
  cluster.room(0, {{}}, {8'000, 8'000, 8'000});
  cluster.run();
  CHECK(cluster.granted_to(limited) == Row{2'000, 8'000, 8'000});
  const ClaimId other = cluster.claim(b);
  cluster.run(3);
  const Row first = cluster.granted_to(limited);
  CHECK(first[0] <= 2'000);
  CHECK(first[0] + cluster.granted_to(other)[0] == 8'000);
}

TEST_CASE("a limit holds over all agents of one allocation and over what is consumed already") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.claim(a);
  cluster.quota(a, {0, 0, 0}, {2'500, 2'500, kAny});
  cluster.quotas.consume(cluster.tree, a, Row{1'000, 0, 0});
  for (std::uint32_t i = 0; i < 4; ++i) cluster.room(i, {{}}, {1'000, 1'000, 1'000});
  cluster.run();
  CHECK(cluster.granted_to(claim)[0] == 1'500);
  CHECK(cluster.granted_to(claim)[1] == 2'500);
  CHECK(cluster.refused(claim, RefusalReason::over_quota) == 1);
}

TEST_CASE("what a role consumes counts for every role above it") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(a);
  const NodeId c = cluster.tree.add_role(a);
  const ClaimId in_b = cluster.claim(b);
  const ClaimId in_c = cluster.claim(c);
  cluster.quota(a, {0, 0, 0}, {3'000, 3'000, kAny});
  cluster.quota(b, {0, 0, 0}, {1'000, 1'000, kAny});
  for (std::uint32_t i = 0; i < 5; ++i) cluster.room(i, {{}}, {1'000, 1'000, 0});
  cluster.run();
  CHECK(cluster.granted_to(in_b)[0] == 1'000);
  CHECK(cluster.granted_to(in_c)[0] == 2'000);
}

TEST_CASE("a role below its guarantee comes first, whatever its share") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId rich = cluster.claim(a);
  const ClaimId poor = cluster.claim(b);
  cluster.tree.charge(rich, Row{50'000, 50'000, 0});
  cluster.quotas.consume(cluster.tree, a, Row{50'000, 50'000, 0});
  cluster.quota(a, {52'000, 0, 0}, {kAny, kAny, kAny});
  for (std::uint32_t i = 0; i < 3; ++i) cluster.room(i, {{}}, {1'000, 1'000, 0});
  cluster.run();
  CHECK(cluster.granted_to(rich)[0] == 2'000);
  CHECK(cluster.granted_to(poor)[0] == 1'000);
}

TEST_CASE("what guarantees still need is kept from all others, who are told so") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId other = cluster.claim(b);
  cluster.quota(a, {2'500, 4'000, 0}, {kAny, kAny, kAny});  // nobody is in it yet
  for (std::uint32_t i = 0; i < 4; ++i) cluster.room(i, {{}}, {1'000, 1'000, 0});
  cluster.run();
  CHECK(cluster.granted_to(other) == Row{1'500, 0, 0});
  CHECK(cluster.refused(other, RefusalReason::kept_for_guarantees) == 2);
  CHECK(explain(cluster.input(1), other, RoomId{0}) == std::nullopt);
  const ClaimId newcomer = cluster.claim(a);
  cluster.run();
  CHECK(cluster.granted_to(newcomer)[1] == 4'000);
}

TEST_CASE("ports and disks that cannot be cut are granted whole or not at all") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.claim(a);
  cluster.quota(a, {0, 0, 0}, {1'000, 1'500, kAny});
  const Part disk{kRootRole, 0, 1, true};
  cluster.room(0, {{}, disk}, {4'000, 1'000, 7'000, 0, 1'000, 0});
  cluster.run();
  CHECK(cluster.granted_to(claim) == Row{1'000, 1'000, 7'000});
}

TEST_CASE(
    "what is reserved for a role is offered to it whatever its limit, for it counts already") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.claim(a);
  cluster.quota(a, {0, 0, 0}, {1'000, 1'000, kAny});
  cluster.quotas.consume(cluster.tree, a, Row{1'000, 1'000, 0});
  cluster.room(0, {{}, {a, 0, 0}}, {1'000, 1'000, 0, 1'000, 1'000, 0});
  cluster.room(1, {{}}, {1'000, 1'000, 0});
  cluster.run();
  REQUIRE(cluster.output.grants.size() == 1);
  CHECK(cluster.granted_to(claim) == Row{1'000, 1'000, 0});
  CHECK(cluster.refused(claim, RefusalReason::over_quota) == 1);
}

TEST_CASE("revocable resources are outside of every quota") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const ClaimId claim = cluster.tree.add_claim({a, kRevocable, kDefaultWeightMilli, {}});
  cluster.quota(a, {0, 0, 0}, {0, 0, kAny});
  cluster.room(0, {{kRootRole, kRevocable, 0}}, {1'000, 1'000, 0});
  cluster.run();
  CHECK(cluster.granted_to(claim) == Row{1'000, 1'000, 0});
}

TEST_CASE("explain says that a limit or another's guarantee is in the way") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(kRootRole);
  const ClaimId limited = cluster.claim(a);
  const ClaimId other = cluster.claim(b);
  cluster.room(0, {{}}, {1'000, 1'000, 0});
  cluster.quota(a, {1'000, 1'000, 0}, {1'000, 1'000, kAny});
  CHECK(explain(cluster.input(1), limited, RoomId{0}) == std::nullopt);
  CHECK(explain(cluster.input(1), other, RoomId{0}) == RefusalReason::kept_for_guarantees);
  cluster.quotas.consume(cluster.tree, a, Row{1'000, 1'000, 0});
  CHECK(explain(cluster.input(1), limited, RoomId{0}) == RefusalReason::over_quota);
  CHECK(explain(cluster.input(1), other, RoomId{0}) == std::nullopt);
}

TEST_CASE("a parent needs no more than its own guarantee or its children's together") {
  QuotaCluster cluster;
  const NodeId a = cluster.tree.add_role(kRootRole);
  const NodeId b = cluster.tree.add_role(a);
  cluster.quotas.set(a, Row{5'000, 0, 0}, Row{kAny, kAny, kAny});
  cluster.quotas.set(b, Row{3'000, 0, 0}, Row{kAny, kAny, kAny});
  cluster.quotas.settle(cluster.tree);
  CHECK(cluster.quotas.needed()[0] == 5'000);
  cluster.quotas.consume(cluster.tree, a, Row{4'000, 0, 0});
  CHECK(cluster.quotas.needed()[0] == 3'000);
  cluster.quotas.consume(cluster.tree, b, Row{2'000, 0, 0});
  CHECK(cluster.quotas.needed()[0] == 1'000);
  cluster.quotas.release(cluster.tree, a, Row{4'000, 0, 0});
  CHECK(cluster.quotas.needed()[0] == 3'000);
  cluster.quotas.remove(a);
  cluster.quotas.settle(cluster.tree);
  CHECK(cluster.quotas.needed()[0] == 1'000);
}

}  // namespace
}  // namespace bourse::allocator
