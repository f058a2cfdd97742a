// The three tables that a caller keeps up to date: ShareTree, RoomTable, RefusalTable.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "base/prng.hpp"
#include "master/allocator/refusal_table.hpp"
#include "master/allocator/room_table.hpp"
#include "master/allocator/share_tree.hpp"

namespace bourse::allocator {
namespace {

using Quantities = std::vector<std::int64_t>;

Sum first(std::span<const Sum> row) {
  return row[0];
}

TEST_CASE("what is charged to a claim is charged to every role above it") {
  ShareTree tree(2);
  const NodeId a = tree.add_role(kRootRole);
  const NodeId b = tree.add_role(a);
  const ClaimId in_a = tree.add_claim({a, 0, 1000, {}});
  const ClaimId in_b = tree.add_claim({b, 0, 1000, {}});
  tree.charge(in_a, Quantities{5, 1});
  tree.charge(in_b, Quantities{7, 0});
  CHECK(first(tree.charged(in_a)) == 5);
  CHECK(first(tree.charged(in_b)) == 7);
  CHECK(first(tree.charged(b)) == 7);
  CHECK(first(tree.charged(a)) == 12);
  CHECK(first(tree.charged(kRootRole)) == 12);
  tree.release(in_b, Quantities{7, 0});
  CHECK(first(tree.charged(b)) == 0);
  CHECK(first(tree.charged(a)) == 5);
  tree.release(in_a, Quantities{5, 1});
  tree.remove_claim(in_b);
  tree.remove_role(b);
  tree.remove_claim(in_a);
  tree.remove_role(a);
  CHECK(tree.classes_below(kRootRole.raw()) == 0);
}

TEST_CASE("ids of removed claims and roles are used again") {
  ShareTree tree(1);
  const NodeId a = tree.add_role(kRootRole);
  const ClaimId claim = tree.add_claim({a, 0, 1000, {}});
  tree.remove_claim(claim);
  const std::uint32_t nodes = tree.node_capacity();
  for (int i = 0; i < 100; ++i) {
    const ClaimId again = tree.add_claim({a, kGpus, 1000, {1 + i}});
    CHECK(again == claim);
    tree.remove_claim(again);
  }
  CHECK(tree.node_capacity() == nodes);
  CHECK(tree.claim_capacity() == 1);
}

TEST_CASE("a role's classes are those of its active claims only") {
  ShareTree tree(1);
  const NodeId a = tree.add_role(kRootRole);
  const NodeId b = tree.add_role(a);
  const ClaimId one = tree.add_claim({b, 0, 1000, {}});
  const ClaimId two = tree.add_claim({b, kGpus, 1000, {}});
  const ClassMask both = tree.classes_below(a.raw());
  CHECK(__builtin_popcountll(both) == 2);
  tree.set_state(one, ClaimState::suppressed);
  tree.set_state(one, ClaimState::disconnected);
  CHECK(__builtin_popcountll(tree.classes_below(kRootRole.raw())) == 1);
  tree.set_state(one, ClaimState::active);
  CHECK(tree.classes_below(a.raw()) == both);
  tree.remove_claim(two);
  CHECK(__builtin_popcountll(tree.classes_below(a.raw())) == 1);
}

TEST_CASE("more different minimums than classes share the class of their capabilities") {
  ShareTree tree(1);
  std::vector<ClaimId> claims;
  for (std::int64_t i = 0; i < 40; ++i) {
    claims.push_back(tree.add_claim({kRootRole, kGpus, 1000, {i + 1}}));
  }
  CHECK(tree.at(claims[31]).class_index >= kFirstSharedClass);
  CHECK(tree.at(claims[32]).class_index == kGpus);
  CHECK(tree.at(claims[39]).class_index == kGpus);
  // A class that falls free is given to the next newcomer.
  tree.remove_claim(claims[5]);
  CHECK(tree.at(tree.add_claim({kRootRole, 0, 1000, {77}})).class_index >= kFirstSharedClass);
}

TEST_CASE("a new dimension leaves charges, minimums, rooms and refusals as they were") {
  ShareTree tree(1);
  const ClaimId claim = tree.add_claim({kRootRole, 0, 1000, {3, 4}});
  tree.charge(claim, Quantities{9});
  tree.grow_dimensions(3);
  CHECK(first(tree.charged(claim)) == 9);
  CHECK(tree.charged(claim)[2] == 0);
  const auto minimum = tree.minimum_rows(tree.at(claim).minimum);
  CHECK(Quantities(minimum.begin(), minimum.end()) == Quantities{3, 0, 0, 4, 0, 0});
  tree.release(claim, Quantities{9, 0, 0});

  RoomTable rooms(1);
  rooms.set(RoomId{1}, 0, std::vector<Part>(2), Quantities{5, 6});
  rooms.grow_dimensions(2);
  CHECK(rooms.row(rooms.room(1).first_part + 1)[0] == 6);
  CHECK(rooms.row(rooms.room(1).first_part + 1)[1] == 0);

  RefusalTable refusals(1);
  refusals.add(RoomId{0}, ClaimId{0}, Quantities{5}, kUnreservedKind);
  refusals.grow_dimensions(2);
  const auto range = refusals.find(RoomId{0}, ClaimId{0});
  CHECK(refusals.covers(range, Quantities{5, 0}.data(), kUnreservedKind));
  CHECK_FALSE(refusals.covers(range, Quantities{5, 1}.data(), kUnreservedKind));
}

TEST_CASE("rooms keep their own parts while others grow, shrink and are cleared") {
  Prng prng(3);
  RoomTable table(2);
  std::map<std::uint32_t, std::pair<std::vector<Part>, Quantities>> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto room = static_cast<std::uint32_t>(prng.below(60));
    std::vector<Part> parts(prng.chance(1, 5) ? prng.below(40) : prng.below(4));
    Quantities quantities;
    for (Part& part : parts) {
      part.tag = static_cast<std::uint32_t>(prng.next());
      quantities.push_back(prng.between(0, 1000));
      quantities.push_back(step);
    }
    if (prng.chance(1, 10)) {
      table.clear(RoomId{room});
      model.erase(room);
    } else {
      table.set(RoomId{room}, 0, parts, quantities);
      model[room] = {parts, quantities};
    }
    if (step % 50 != 0) continue;
    for (const auto& [index, what] : model) {
      const auto stored = table.parts(RoomId{index});
      REQUIRE(std::equal(stored.begin(), stored.end(), what.first.begin(), what.first.end()));
      const std::int64_t* rows = table.row(table.room(index).first_part);
      REQUIRE(std::equal(what.second.begin(), what.second.end(), rows));
    }
  }
}

TEST_CASE(
    "a refusal covers what was refused and less, and nothing that grew or is of another kind") {
  RefusalTable table(2);
  const RowId row = table.add(RoomId{4}, ClaimId{9}, Quantities{10, 20}, kUnreservedKind);
  const auto covers = [&table](Quantities offered, Kinds kinds) {
    return table.covers(table.find(RoomId{4}, ClaimId{9}), offered.data(), kinds);
  };
  CHECK(covers({10, 20}, kUnreservedKind));
  CHECK(covers({1, 0}, kUnreservedKind));
  CHECK_FALSE(covers({11, 0}, kUnreservedKind));
  CHECK_FALSE(covers({1, 21}, kUnreservedKind));
  CHECK_FALSE(covers({1, 1}, kUnreservedKind | kReservedKind));
  CHECK_FALSE(covers({1, 1}, kUnreservedKind | kRevocable));
  CHECK(table.find(RoomId{4}, ClaimId{8}).empty());
  CHECK(table.find(RoomId{5}, ClaimId{9}).empty());
  CHECK(table.remove(RoomId{4}, ClaimId{9}, row));
  CHECK_FALSE(table.remove(RoomId{4}, ClaimId{9}, row));
  CHECK_FALSE(covers({1, 1}, kUnreservedKind));
}

TEST_CASE("a claim that revives is no longer bound by its refusals, and newer ones bind again") {
  RefusalTable table(1);
  table.add(RoomId{0}, ClaimId{1}, Quantities{5}, kUnreservedKind);
  table.add(RoomId{0}, ClaimId{2}, Quantities{5}, kUnreservedKind);
  const auto covers = [&table](std::uint32_t claim) {
    return table.covers(table.find(RoomId{0}, ClaimId{claim}), Quantities{5}.data(),
                        kUnreservedKind);
  };
  table.forget_claim(ClaimId{1});
  CHECK_FALSE(covers(1));
  CHECK(covers(2));
  table.add(RoomId{0}, ClaimId{1}, Quantities{5}, kUnreservedKind);
  CHECK(covers(1));
  table.drop_room(RoomId{0});
  CHECK_FALSE(covers(1));
  CHECK_FALSE(covers(2));
  CHECK(table.size() == 0);
}

TEST_CASE("a forgotten refusal that ends does not take an equal one with it that counts") {
  RefusalTable table(1);
  const RowId older = table.add(RoomId{0}, ClaimId{1}, Quantities{5}, kUnreservedKind);
  table.forget_claim(ClaimId{1});
  const RowId newer = table.add(RoomId{0}, ClaimId{1}, Quantities{5}, kUnreservedKind);
  const auto covers = [&table] {
    return table.covers(table.find(RoomId{0}, ClaimId{1}), Quantities{5}.data(), kUnreservedKind);
  };
  CHECK(table.remove(RoomId{0}, ClaimId{1}, older));
  CHECK(covers());
  CHECK(table.remove(RoomId{0}, ClaimId{1}, newer));
  CHECK_FALSE(covers());
  CHECK(table.size() == 0);
}

struct ModelRefusal {
  std::uint32_t room;
  std::uint32_t claim;
  RowId row;
  std::int64_t amount;
};

TEST_CASE("few and many refusals are found alike") {
  // `rooms` and `claims` decide how dense the table gets, and with it whether bits are kept.
  for (const std::uint32_t claims : {3u, 40u, 3'000u}) {
    Prng prng(claims);
    RefusalTable table(1);
    std::vector<ModelRefusal> model;
    for (int step = 0; step < 6'000; ++step) {
      const auto room = static_cast<std::uint32_t>(prng.below(5));
      const auto claim = static_cast<std::uint32_t>(prng.below(claims));
      const bool growing = step / 1'000 % 2 == 0;
      if (prng.chance(growing ? 8 : 3, 10)) {
        const std::int64_t amount = prng.between(1, 3);
        const RowId row = table.add(RoomId{room}, ClaimId{claim}, Quantities{amount}, 0xff);
        model.push_back({room, claim, row, amount});
      } else if (!model.empty() && prng.chance(9, 10)) {
        const std::size_t victim = prng.below(model.size());
        const ModelRefusal gone = model[victim];
        REQUIRE(table.remove(RoomId{gone.room}, ClaimId{gone.claim}, gone.row));
        // Equal refusals of a pair are one to the caller: which of them went is not to be told.
        auto same = std::find_if(model.begin(), model.end(), [&gone](const ModelRefusal& other) {
          return other.room == gone.room && other.claim == gone.claim && other.row == gone.row;
        });
        model.erase(same);
      } else if (prng.chance(1, 20)) {
        table.drop_room(RoomId{room});
        std::erase_if(model, [room](const ModelRefusal& one) { return one.room == room; });
      }
      REQUIRE(table.size() == model.size());
      const auto range = table.find(RoomId{room}, ClaimId{claim});
      std::int64_t most = 0;
      std::uint32_t count = 0;
      for (const ModelRefusal& one : model) {
        if (one.room != room || one.claim != claim) continue;
        most = std::max(most, one.amount);
        ++count;
      }
      REQUIRE(range.end - range.first == count);
      for (std::int64_t amount = 1; amount <= 3; ++amount) {
        REQUIRE(table.covers(range, &amount, kUnreservedKind) == (amount <= most));
      }
    }
  }
}

// Most rooms are refused for one row by all, so that each of the two ways to the answer is walked.
TEST_CASE("whether a claim is refused a room is answered alike by its list and beside it") {
  for (const std::uint32_t claims : {2u, 30u, 500u}) {
    Prng prng(claims);
    RefusalTable table(1);
    std::uint32_t refused = 0;
    for (int step = 0; step < 20'000; ++step) {
      const RoomId room{static_cast<std::uint32_t>(prng.below(5))};
      const ClaimId claim{static_cast<std::uint32_t>(prng.below(claims))};
      if (prng.chance(9, 10)) {
        const std::int64_t amount = prng.chance(19, 20) ? 5 : prng.between(1, 9);
        table.add(room, claim, Quantities{amount}, 0xff);
      } else if (prng.chance(1, 3)) {
        table.forget_claim(claim);
      } else if (prng.chance(1, 20)) {
        table.drop_room(room);
      }
      const RoomId asked{static_cast<std::uint32_t>(prng.below(5))};
      const auto range = table.find(asked, claim);
      REQUIRE(table.refused(asked, claim) == !range.empty());
      if (range.empty()) continue;
      ++refused;
      const std::int64_t offered = prng.between(1, 9);
      REQUIRE(table.covers(asked, claim, &offered, kUnreservedKind) ==
              table.covers(range, &offered, kUnreservedKind));
    }
    REQUIRE(refused > 5'000);
  }
}

}  // namespace
}  // namespace bourse::allocator
