#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "base/deadline_queue.hpp"
#include "base/digest.hpp"
#include "base/memo.hpp"
#include "base/number_map.hpp"
#include "base/prng.hpp"
#include "base/shared_value.hpp"
#include "base/slot_map.hpp"
#include "base/touched_map.hpp"

using bourse::Blob;
using bourse::DeadlineQueue;
using bourse::digest_of;
using bourse::Duration;
using bourse::Instant;
using bourse::Prng;
using bourse::SlotMap;

namespace {
struct TestTag;
}

TEST_CASE("a stale slot finds nothing after its index is reused") {
  SlotMap<TestTag, std::string> map;
  const auto first = map.insert("a");
  map.erase(first);
  const auto second = map.insert("b");
  REQUIRE(first.index == second.index);
  REQUIRE(map.find(first) == nullptr);
  REQUIRE(*map.find(second) == "b");
  REQUIRE(map.size() == 1);
}

TEST_CASE(
    "a touched map tells each row that was handed out for change, and none that was looked at") {
  using Map = bourse::TouchedMap<int, std::string>;
  using Keys = std::vector<int>;
  Map map;
  map.emplace(3, "c");
  map[1] = "a";
  map[2] = "b";
  REQUIRE(map.take_touched() == Keys{1, 2, 3});
  REQUIRE(map.take_touched().empty());
  const Map& seen = map;
  REQUIRE(seen.at(1) == "a");
  REQUIRE(seen.find(2)->second == "b");
  REQUIRE(seen.lower_bound(3)->second == "c");
  for (const auto& [key, value] : map) REQUIRE(map.contains(key));
  REQUIRE(map.find(7) == map.end());
  REQUIRE(map.take_touched().empty());
  map.at(2) += "!";
  map.at(1) += "!";
  map.find(2)->second += "!";
  REQUIRE(map.take_touched() == Keys{1, 2});
  map.erase(3);
  map.erase(map.find(1));
  REQUIRE(map.take_touched() == Keys{1, 3});
  REQUIRE(map.size() == 1);
  // A copy is a fork of its own.
  map.at(2) = "x";
  Map copy = map;
  REQUIRE(map.take_touched() == Keys{2});
  REQUIRE(copy.take_touched() == Keys{2});
}

TEST_CASE("a default slot names nothing") {
  SlotMap<TestTag, int> map;
  map.insert(7);
  REQUIRE(map.find({}) == nullptr);
}

TEST_CASE("deadlines fire in time order, ties in key order, and re-arming moves them") {
  DeadlineQueue<std::string> queue;
  const Instant start{};
  queue.arm("late", start + Duration::seconds(3));
  queue.arm("b", start + Duration::seconds(1));
  queue.arm("a", start + Duration::seconds(1));
  queue.arm("moved", start + Duration::seconds(1));
  queue.arm("moved", start + Duration::seconds(2));
  queue.arm("gone", start + Duration::seconds(1));
  queue.disarm("gone");
  REQUIRE(queue.next() == start + Duration::seconds(1));
  REQUIRE_FALSE(queue.pop_due(start).has_value());
  const Instant later = start + Duration::seconds(2);
  REQUIRE(queue.pop_due(later) == "a");
  REQUIRE(queue.pop_due(later) == "b");
  REQUIRE(queue.pop_due(later) == "moved");
  REQUIRE_FALSE(queue.pop_due(later).has_value());
  REQUIRE(queue.size() == 1);
}

TEST_CASE("an empty deadline queue is due never") {
  REQUIRE(DeadlineQueue<int>().next() == Instant::max());
}

TEST_CASE("blobs are equal when their bytes are, and one changed byte changes the digest") {
  const std::string text(100, 'x');
  REQUIRE(Blob(text) == Blob(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 'y';
    REQUIRE_FALSE(digest_of(other) == digest_of(text));
  }
  REQUIRE_FALSE(digest_of(std::string(1, '\0')) == digest_of(""));
}

TEST_CASE("the generator repeats for a seed and stays within its bounds") {
  Prng a(42);
  Prng b(42);
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t value = a.between(-5, 5);
    REQUIRE(value == b.between(-5, 5));
    REQUIRE(value >= -5);
    REQUIRE(value <= 5);
  }
}

TEST_CASE("a shared value is copied when it is edited, and only while somebody else has it") {
  bourse::SharedValue<std::string> a(std::string("first"));
  bourse::SharedValue<std::string> b = a;
  CHECK(a.same_as(b));
  b.edit() += " changed";
  CHECK(*a == "first");
  CHECK(*b == "first changed");
  CHECK_FALSE(a.same_as(b));
  const std::string* before = &*b;
  b.edit() += " again";
  CHECK(&*b == before);  // alone: in place
  a = b;
  CHECK_FALSE(b.alone());
  a.reset();
  CHECK(a->empty());
  CHECK(b.alone());
}

TEST_CASE("a number map finds what a map finds, through random insertions and removals") {
  Prng prng(5);
  bourse::NumberMap<std::uint64_t> table;
  std::map<std::uint64_t, std::uint64_t> model;
  CHECK(table.find(1) == nullptr);
  std::uint64_t next = 1;
  for (int i = 0; i < 20'000; ++i) {
    if (prng.chance(5, 9)) {
      table.insert(next, 10 * next);
      model.emplace(next, 10 * next);
      next += prng.chance(1, 50) ? prng.below(1'000) + 1 : 1;
    } else {
      const std::uint64_t key = prng.below(next) + 1;
      CHECK(table.erase(key) == (model.erase(key) > 0));
    }
    const std::uint64_t key = prng.below(next + 10);
    const auto it = model.find(key);
    const std::uint64_t* found = table.find(key);
    REQUIRE((found != nullptr) == (it != model.end()));
    if (found != nullptr) REQUIRE(*found == it->second);
    REQUIRE(table.size() == model.size());
  }
  for (const auto& [key, value] : model) REQUIRE(*table.find(key) == value);
}

TEST_CASE("a memo stays with its value, and copies begin without") {
  bourse::Memo memo;
  CHECK_FALSE(memo.find().has_value());
  CHECK(memo.keep("first") == "first");
  CHECK(memo.keep("second") == "first");
  bourse::Memo copy = memo;
  CHECK_FALSE(copy.find().has_value());
  CHECK(copy == memo);
  memo.forget();
  CHECK_FALSE(memo.find().has_value());
  CHECK(memo.keep("") == "");
  CHECK(memo.find().has_value());
}
