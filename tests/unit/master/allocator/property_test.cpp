// The allocator against its naive reference and against laws that hold for every answer.
#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/master/allocator/random_cluster.hpp"
#include "tests/unit/master/allocator/reference.hpp"

namespace bourse::allocator {
namespace {

// Every part at most once, every grant within what its claim may have.
bool conserves(const Input& input, const Output& output) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> given;
  const std::set<std::uint32_t> touched(input.touched.begin(), input.touched.end());
  for (const Grant& grant : output.grants) {
    if (touched.count(grant.room.raw()) == 0 || grant.part_count == 0) return false;
    for (const std::uint32_t part : output.parts_of(grant)) {
      if (part >= input.rooms.parts(grant.room).size()) return false;
      if (!given.emplace(grant.room.raw(), part).second) return false;
    }
  }
  return true;
}

// Two rounds on a cluster; the second after grants were used, declined and rooms changed, with the
// same scratch. Returns the number of grants, or -1 where the two disagree.
int rounds_agree(RandomCluster& cluster, Scratch& scratch, std::uint64_t seed) {
  Output output;
  int grants = 0;
  for (std::uint64_t round = 0; round < 2; ++round) {
    const Input input = cluster.input(seed * 2 + round);
    allocate(input, scratch, output);
    const reference::Answer expected = reference::allocate(input);
    if (output.grants != expected.grants) return -1;
    if (output.granted_parts != expected.granted_parts) return -1;
    for (const auto& [claim, counts] : expected.refusals) {
      if (count_refusals(input.tree, output, ClaimId{claim}) != counts) return -1;
    }
    if (!conserves(input, output)) return -1;
    grants += static_cast<int>(output.grants.size());
    cluster.advance(output);
  }
  return grants;
}

TEST_CASE("the allocator grants the same as its naive reference on 10,000 random clusters") {
  Scratch scratch;
  long grants = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    RandomCluster cluster(seed);
    const int agreed = rounds_agree(cluster, scratch, seed);
    if (agreed < 0) FAIL("the allocator and its reference disagree for cluster seed " << seed);
    grants += agreed;
  }
  // The clusters are worth comparing only if much is granted in them.
  CHECK(grants > 40'000);
}

TEST_CASE("the allocator grants the same as its naive reference on larger clusters") {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    RandomCluster cluster(1'000'000 + seed, 80, 120);
    if (rounds_agree(cluster, scratch, seed) < 0) {
      FAIL("the allocator and its reference disagree for cluster seed " << 1'000'000 + seed);
    }
  }
}

TEST_CASE("the same input and seed give the same answer whatever the scratch held before") {
  Scratch used;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RandomCluster cluster(seed, 20, 30);
    Scratch fresh;
    Output first;
    Output second;
    allocate(cluster.input(seed), used, first);
    allocate(cluster.input(seed), fresh, second);
    REQUIRE(first.grants == second.grants);
    REQUIRE(first.granted_parts == second.granted_parts);
    REQUIRE(first.class_refusals == second.class_refusals);
    REQUIRE(first.context_refusals == second.context_refusals);
    REQUIRE(first.claim_refusals == second.claim_refusals);
  }
}

TEST_CASE("counting refusals changes no grant") {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomCluster cluster(seed);
    Output counted;
    Output silent;
    allocate(cluster.input(seed), scratch, counted);
    cluster.policy.count_refusals = false;
    allocate(cluster.input(seed), scratch, silent);
    REQUIRE(counted.grants == silent.grants);
    REQUIRE(silent.claim_refusals.empty());
    REQUIRE(silent.context_refusals.empty());
  }
}

TEST_CASE("what explain says of a room agrees with who could be granted it alone") {
  Scratch scratch;
  Output output;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    RandomCluster cluster(seed, 4, 6);
    for (const ClaimId claim : cluster.claims) {
      // Alone: everybody else is silent.
      RandomCluster alone = cluster;
      for (const ClaimId other : alone.claims) {
        if (other != claim) alone.tree.set_state(other, ClaimState::suppressed);
      }
      const Input input = alone.input(seed);
      allocate(input, scratch, output);
      std::set<std::uint32_t> granted;
      for (const Grant& grant : output.grants) granted.insert(grant.room.raw());
      for (const std::uint32_t room : alone.touched) {
        REQUIRE(explain(input, claim, RoomId{room}).has_value() == (granted.count(room) == 0));
      }
    }
  }
}

}  // namespace
}  // namespace bourse::allocator
