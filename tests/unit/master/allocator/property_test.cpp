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
      if (!given.emplace(grant.room.raw(), part).second && input.quotas == nullptr) return false;
    }
  }
  return true;
}

// What of a claim's refusals quotas may count otherwise: whoever is out for good is not asked in
// each room, so its rooms are told apart from those of a better claim on the whole only.
RefusalCounts with_quotas_together(const ShareTree::Claim& claim, RefusalCounts counts) {
  const auto add_to_better = [&counts](RefusalReason reason) {
    auto& count = counts[static_cast<std::size_t>(reason)];
    counts[static_cast<std::size_t>(RefusalReason::better_claim)] += count;
    count = 0;
  };
  add_to_better(RefusalReason::over_quota);
  add_to_better(RefusalReason::kept_for_guarantees);
  // Whose minimum is judged singly is asked for it only while it is not out.
  if (claim.class_index < kFirstSharedClass) add_to_better(RefusalReason::below_minimum);
  if (claim.demanded) add_to_better(RefusalReason::demand);
  return counts;
}

std::vector<std::vector<std::int64_t>> rows_of(const Input& input, const Output& output) {
  const std::uint32_t dimensions = input.tree.dimensions();
  std::vector<std::vector<std::int64_t>> rows;
  for (const Grant& grant : output.grants) {
    for (std::size_t i = 0; i < grant.part_count; ++i) {
      const std::int64_t* row = output.row_of(grant, i, dimensions);
      const std::uint32_t first = input.rooms.room(grant.room.raw()).first_part;
      if (row == nullptr) row = input.rooms.row(first + output.parts_of(grant)[i]);
      rows.emplace_back(row, row + dimensions);
    }
  }
  return rows;
}

// The grants but for where their rows are, and what they meet.
std::vector<Grant> plain(std::vector<Grant> grants) {
  for (Grant& grant : grants) grant.first_row = kNone;
  for (Grant& grant : grants) grant.first_met = kNone;
  return grants;
}

// What each grant meets of its claim's demand.
std::vector<std::vector<std::uint32_t>> met_of(const Input& input, const Output& output) {
  std::vector<std::vector<std::uint32_t>> out;
  for (const Grant& grant : output.grants) {
    auto& its = out.emplace_back();
    if (grant.first_met == kNone) continue;
    const auto met = output.met_of(grant, input.demands->shapes(grant.claim).size());
    its.assign(met.begin(), met.end());
  }
  return out;
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
    if (plain(output.grants) != expected.grants) return -1;
    if (rows_of(input, output) != expected.rows) return -1;
    if (met_of(input, output) != expected.met) return -1;
    if (output.granted_parts != expected.granted_parts) return -1;
    for (const auto& [claim, counts] : expected.refusals) {
      const ShareTree::Claim& who = input.tree.at(ClaimId{claim});
      const RefusalCounts counted = count_refusals(input.tree, output, ClaimId{claim});
      const bool equal = input.quotas == nullptr ? counted == counts
                                                 : with_quotas_together(who, counted) ==
                                                       with_quotas_together(who, counts);
      if (!equal) return -1;
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

TEST_CASE("the allocator grants the same as its naive reference on 10,000 clusters with quotas") {
  Scratch scratch;
  long grants = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    RandomCluster cluster(seed, 10, 14, true);
    const int agreed = rounds_agree(cluster, scratch, seed);
    if (agreed < 0) FAIL("the allocator and its reference disagree for cluster seed " << seed);
    grants += agreed;
  }
  CHECK(grants > 20'000);
}

TEST_CASE("the allocator grants the same as its naive reference on larger clusters with quotas") {
  Scratch scratch;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    RandomCluster cluster(1'000'000 + seed, 60, 60, true);
    if (rounds_agree(cluster, scratch, seed) < 0) {
      FAIL("the allocator and its reference disagree for cluster seed " << 1'000'000 + seed);
    }
  }
}

TEST_CASE("no allocation takes a role over its limit or what guarantees still need") {
  Scratch scratch;
  Output output;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    RandomCluster cluster(seed, 10, 14, true);
    QuotaTable before = cluster.quotas;
    QuotaTable after = cluster.quotas;
    allocate(cluster.input(seed), scratch, output);
    for (const auto& [claim, counted] : reference::allocate(cluster.input(seed)).counted) {
      const NodeId role{cluster.tree.at(ClaimId{claim}).role};
      const std::vector<std::int64_t> row(counted.begin(), counted.end());
      after.consume(cluster.tree, role, row);
      after.take_spare(row);
    }
    for (std::uint32_t entry = 0; entry < after.entry_capacity(); ++entry) {
      const NodeId role{after.node_of(entry)};
      for (std::uint32_t d = 0; d < cluster.dimensions; ++d) {
        const Sum limit = static_cast<Sum>(after.limits(entry)[d]);
        const Sum most = std::max(limit, before.consumed(role, d));
        REQUIRE((after.limits(entry)[d] == kNoLimit || after.consumed(role, d) <= most));
      }
    }
    for (std::uint32_t d = 0; d < cluster.dimensions; ++d) {
      const auto short_of = [d](const QuotaTable& table) {
        return table.needed()[d] - std::min(table.needed()[d], table.spare()[d]);
      };
      REQUIRE(short_of(after) <= short_of(before));
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
      for (const std::uint32_t room : cluster.touched) {
        alone.touched = {room};
        const Input input = alone.input(seed);
        allocate(input, scratch, output);
        REQUIRE(explain(input, claim, RoomId{room}).has_value() == output.grants.empty());
      }
    }
  }
}

}  // namespace
}  // namespace bourse::allocator
