#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/prng.hpp"
#include "model/peer_inboxes.hpp"

using namespace bourse;

namespace {

using Lane = PeerInboxes::Lane;

constexpr std::size_t kTurn = 1000;

InboxLimits small() {
  return {.hold_bytes = 4'000,
          .hold_messages = 20,
          .peer_bytes = 16'000,
          .peer_messages = 80,
          .total_bytes = 100'000,
          .turn_bytes = kTurn};
}

bool everybody(PeerId) {
  return true;
}

// A message that counts for `weight`.
std::string message(std::size_t weight, char first = 'x') {
  std::string out(weight - PeerInboxes::weight(""), 'x');
  if (!out.empty()) out[0] = first;
  return out;
}

std::vector<std::uint64_t> order(PeerInboxes& inboxes, std::size_t count) {
  std::vector<std::uint64_t> out;
  while (out.size() < count) {
    const auto item = inboxes.next(everybody);
    if (!item) break;
    out.push_back(item->peer.raw());
  }
  return out;
}

}  // namespace

TEST_CASE("one that sent little does not wait for one that sent much") {
  PeerInboxes inboxes(small());
  for (int i = 0; i < 10; ++i) inboxes.put(PeerId(1), Lane::frameworks, message(1000));
  inboxes.put(PeerId(2), Lane::frameworks, message(200));
  inboxes.put(PeerId(3), Lane::frameworks, message(200));
  REQUIRE(order(inboxes, 4) == std::vector<std::uint64_t>{1, 2, 3, 1});
}

TEST_CASE("turns are fair by bytes: a large message is paid for with later turns") {
  PeerInboxes inboxes(small());
  for (int i = 0; i < 4; ++i) inboxes.put(PeerId(1), Lane::frameworks, message(3000));
  for (int i = 0; i < 12; ++i) inboxes.put(PeerId(2), Lane::frameworks, message(1000));
  const auto served = order(inboxes, 8);
  REQUIRE(std::count(served.begin(), served.end(), 1) == 2);
  REQUIRE(std::count(served.begin(), served.end(), 2) == 6);
  REQUIRE(order(inboxes, 100).size() == 8);
  REQUIRE(inboxes.idle());
  REQUIRE(inboxes.bytes() == 0);
}

TEST_CASE("agents are served before frameworks, eight turns to one") {
  PeerInboxes inboxes(small());
  for (std::uint64_t peer = 1; peer <= 3; ++peer) {
    for (int i = 0; i < 4; ++i) inboxes.put(PeerId(peer), Lane::frameworks, message(1000));
  }
  for (std::uint64_t peer = 101; peer <= 120; ++peer) {
    inboxes.put(PeerId(peer), Lane::agents, message(300));
  }
  const auto served = order(inboxes, 18);
  for (std::size_t i = 0; i < 18; ++i) REQUIRE((served[i] > 100) == (i % 9 != 8));
}

TEST_CASE("what one peer sent is looked at in the order in which it was sent") {
  PeerInboxes inboxes(small());
  for (char c = 'a'; c <= 'p'; ++c) {
    inboxes.put(PeerId(1), Lane::agents, message(300, c));
    inboxes.put(PeerId(2), Lane::frameworks, message(400, c));
  }
  std::map<std::uint64_t, std::string> seen;
  while (const auto item = inboxes.next(everybody)) {
    seen[item->peer.raw()] += item->bytes[0];
  }
  REQUIRE(seen[1] == "abcdefghijklmnop");
  REQUIRE(seen[2] == "abcdefghijklmnop");
}

TEST_CASE("one that sends faster than it is served is told to hold once, and later to go on") {
  PeerInboxes inboxes(small());
  for (int i = 0; i < 4; ++i) inboxes.put(PeerId(1), Lane::frameworks, message(1000));
  REQUIRE(inboxes.take_orders().hold.empty());
  inboxes.put(PeerId(1), Lane::frameworks, message(1000));
  REQUIRE(inboxes.take_orders().hold == std::vector<PeerId>{PeerId(1)});
  inboxes.put(PeerId(1), Lane::frameworks, message(1000));
  REQUIRE(inboxes.take_orders().hold.empty());
  order(inboxes, 3);
  REQUIRE(inboxes.take_orders().go_on.empty());
  order(inboxes, 1);
  REQUIRE(inboxes.take_orders().go_on == std::vector<PeerId>{PeerId(1)});
}

TEST_CASE("many small messages hold their sender as much as a few large ones") {
  PeerInboxes inboxes(small());
  for (int i = 0; i < 20; ++i) inboxes.put(PeerId(1), Lane::agents, "");
  REQUIRE(inboxes.take_orders().hold.empty());
  inboxes.put(PeerId(1), Lane::agents, "");
  REQUIRE(inboxes.take_orders().hold.size() == 1);
}

TEST_CASE("one that was told to hold and does not is closed with the reason, and nobody else is") {
  PeerInboxes inboxes(small());
  inboxes.put(PeerId(2), Lane::frameworks, message(200));
  PeerInboxes::Orders orders;
  for (int i = 0; i < 17; ++i) inboxes.put(PeerId(1), Lane::frameworks, message(1000));
  orders = inboxes.take_orders();
  REQUIRE(orders.close.size() == 1);
  REQUIRE(orders.close[0].first == PeerId(1));
  REQUIRE(orders.close[0].second ==
          "it goes on sending although it was told to hold: 17 messages of 17000 bytes wait, "
          "at most 80 of 16000 may");
  REQUIRE(orders.hold.empty());  // nothing is told to one that is closed
  inboxes.forget(PeerId(1));
  REQUIRE(order(inboxes, 9) == std::vector<std::uint64_t>{2});
  REQUIRE(inboxes.idle());
}

TEST_CASE("one that does not read its answers is not served until it has") {
  PeerInboxes inboxes(small());
  bool reads = false;
  const auto answer = [&](PeerId peer) { return peer != PeerId(1) || reads; };
  for (int i = 0; i < 3; ++i) inboxes.put(PeerId(1), Lane::frameworks, message(500));
  inboxes.put(PeerId(2), Lane::frameworks, message(500));
  REQUIRE(inboxes.next(answer)->peer == PeerId(2));
  REQUIRE_FALSE(inboxes.next(answer));
  REQUIRE_FALSE(inboxes.ready());
  REQUIRE_FALSE(inboxes.idle());
  REQUIRE(inboxes.set_aside() == std::vector<PeerId>{PeerId(1)});
  inboxes.put(PeerId(1), Lane::frameworks, message(500));
  REQUIRE_FALSE(inboxes.next(answer));
  reads = true;
  inboxes.hears(PeerId(1));
  for (int i = 0; i < 4; ++i) REQUIRE(inboxes.next(answer)->peer == PeerId(1));
  REQUIRE(inboxes.idle());
}

TEST_CASE("one that goes away is at its end once all it sent was looked at") {
  PeerInboxes inboxes(small());
  REQUIRE(inboxes.end(PeerId(1)));  // nothing waits
  inboxes.put(PeerId(2), Lane::agents, "leaving");
  inboxes.put(PeerId(3), Lane::frameworks, "call");
  REQUIRE_FALSE(inboxes.next([](PeerId peer) { return peer == PeerId(9); }));
  REQUIRE_FALSE(inboxes.end(PeerId(2)));  // though it read nothing
  REQUIRE(inboxes.next(everybody)->bytes == "leaving");
  const auto end = inboxes.next(everybody);
  REQUIRE(end->end);
  REQUIRE(end->peer == PeerId(2));
  inboxes.forget(PeerId(3));
  REQUIRE(inboxes.idle());
  REQUIRE_FALSE(inboxes.any_set_aside());
}

TEST_CASE("when all inboxes are full, the fullest of those that were told to hold goes") {
  PeerInboxes inboxes(small());
  for (std::uint64_t peer = 1; peer <= 8; ++peer) {
    for (int i = 0; i < 10; ++i) inboxes.put(PeerId(peer), Lane::frameworks, message(1000));
  }
  for (int i = 0; i < 15; ++i) inboxes.put(PeerId(9), Lane::frameworks, message(1000));
  REQUIRE(inboxes.take_orders().close.empty());
  for (int i = 0; i < 6; ++i) inboxes.put(PeerId(10), Lane::frameworks, message(1000));
  const auto orders = inboxes.take_orders();
  REQUIRE(orders.close.size() == 1);
  REQUIRE(orders.close[0].first == PeerId(9));
  REQUIRE_FALSE(inboxes.crowded());
}

TEST_CASE("when all inboxes are full of little each, no socket is read until half is worked off") {
  PeerInboxes inboxes(small());
  for (std::uint64_t peer = 1; peer <= 51; ++peer) {
    REQUIRE_FALSE(inboxes.crowded());
    inboxes.put(PeerId(peer), Lane::agents, message(2000));
  }
  REQUIRE(inboxes.crowded());
  REQUIRE(inboxes.take_orders().close.empty());
  order(inboxes, 25);
  REQUIRE(inboxes.crowded());
  order(inboxes, 1);
  REQUIRE_FALSE(inboxes.crowded());
}

TEST_CASE("inboxes lose, double and reorder nothing of peers that come, flood, rest and go") {
  Prng prng(7);
  PeerInboxes inboxes(small());
  std::map<std::uint64_t, std::pair<int, int>> sent_and_seen;
  std::map<std::uint64_t, bool> gone;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t peer = 1 + prng.below(30) + 30 * (static_cast<std::uint64_t>(step) / 2000);
    switch (prng.below(8)) {
      case 0:
        inboxes.hears(PeerId(peer));
        break;
      case 1:
        if (!gone[peer] && prng.below(20) == 0) gone[peer] = true, (void)inboxes.end(PeerId(peer));
        break;
      case 2:
      case 3:
      case 4:
        if (const auto item = inboxes.next([&](PeerId) { return prng.below(5) != 0; });
            item && !item->end) {
          auto& counts = sent_and_seen[item->peer.raw()];
          REQUIRE(item->bytes.substr(0, item->bytes.find(' ')) == std::to_string(counts.second));
          ++counts.second;
        }
        break;
      default:
        if (gone[peer]) break;
        inboxes.put(
            PeerId(peer), peer % 2 == 0 ? Lane::agents : Lane::frameworks,
            std::to_string(sent_and_seen[peer].first++) + " " + std::string(prng.below(700), 'x'));
    }
    for (const auto& [closed, reason] : inboxes.take_orders().close) gone[closed.raw()] = true;
  }
  for (const PeerId peer : inboxes.set_aside()) inboxes.hears(peer);
  while (const auto item = inboxes.next(everybody)) {
    if (!item->end) ++sent_and_seen[item->peer.raw()].second;
  }
  for (const auto& [peer, counts] : sent_and_seen) {
    if (!gone[peer]) REQUIRE(counts.first == counts.second);
  }
  REQUIRE(inboxes.idle());
  REQUIRE(inboxes.bytes() == 0);
}
