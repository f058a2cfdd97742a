#include <catch2/catch.hpp>
#include <string>

#include "base/deadline_queue.hpp"
#include "base/digest.hpp"
#include "base/prng.hpp"
#include "base/slot_map.hpp"

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
