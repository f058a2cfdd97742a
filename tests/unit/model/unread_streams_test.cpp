#include "model/unread_streams.hpp"

#include <catch2/catch.hpp>

using namespace bourse;

TEST_CASE("while all streams leave no more unread than they may together, none is closed") {
  const UnreadStreams streams(1000);
  CHECK(streams.to_close({}).empty());
  CHECK(streams.to_close({{PeerId(1), 600}, {PeerId(2), 400}}).empty());
}

TEST_CASE("over it those with the most unread go, until the others are within it") {
  const UnreadStreams streams(1000);
  const auto closed = streams.to_close(
      {{PeerId(1), 100}, {PeerId(2), 700}, {PeerId(3), 500}, {PeerId(4), 700}, {PeerId(5), 300}});
  REQUIRE(closed.size() == 2);
  CHECK(closed[0].peer == PeerId(4));  // of equal ones the younger: it lost less
  CHECK(closed[1].peer == PeerId(2));
  CHECK(closed[0].reason ==
        "all streams together leave 2300 bytes unread, at most 1000 may be, and this one 700 of "
        "them, the most");
}

TEST_CASE("the sum is looked at once a 64th of it was sent, in many pieces or in one") {
  UnreadStreams streams(6400);
  for (int i = 0; i < 99; ++i) CHECK_FALSE(streams.sent(1));
  CHECK(streams.sent(1));
  CHECK_FALSE(streams.sent(99));
  CHECK(streams.sent(5000));
}
