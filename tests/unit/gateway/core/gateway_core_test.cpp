#include <catch2/catch.hpp>

#include "tests/unit/gateway/core/gateway_box.hpp"

using namespace bourse;
using namespace bourse::gateway;

TEST_CASE("what agents say arrives as it is, each on its own channel, and the answers go back") {
  Box box;
  box.join();
  CHECK(box.take<MasterFound>().size() == 1);
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kTwo, kAgentPreamble});
  box.tell(PeerSaid{kOne, "register one"});
  box.tell(PeerSaid{kTwo, "register two"});
  const auto sent = box.to_master();
  REQUIRE(sent.size() == 4);
  CHECK(sent[0] == std::pair{Envelope{Kind::came, 1}, kPreamble});
  CHECK(sent[1] == std::pair{Envelope{Kind::came, 2}, kPreamble});
  CHECK(sent[2] == std::pair{Envelope{Kind::said, 1}, std::string("register one")});
  CHECK(sent[3] == std::pair{Envelope{Kind::said, 2}, std::string("register two")});

  box.tell(MasterSaid{message({{Kind::said, 2, "registered two"}, {Kind::said, 1, "one"}})});
  const auto back = box.take<ToPeer>();
  REQUIRE(back.size() == 2);
  CHECK((back[0].peer == kTwo && back[0].bytes == "registered two"));
  CHECK((back[1].peer == kOne && back[1].bytes == "one"));

  box.tell(PeerLeft{kOne});
  const auto left = box.to_master();
  REQUIRE(left.size() == 1);
  CHECK(left[0].first == Envelope{Kind::left, 1});
  // What was under way to it reaches nobody.
  box.effects.list.clear();
  box.tell(MasterSaid{message({{Kind::said, 1, "late"}, {Kind::close, 1}})});
  CHECK(box.effects.list.empty());
}

TEST_CASE("without a master agents are told so, wait, and begin anew where they are") {
  Box box;
  box.tell(PeerSaid{kOne, kAgentPreamble});
  CHECK(box.to_peer(kOne) == std::vector{kNobody});
  box.tell(PeerSaid{kOne, "register"});  // sent before it heard
  CHECK(box.to_master().empty());
  box.join();
  CHECK(box.to_peer(kOne) == std::vector{std::string(kHereMessage)});
  box.tell(PeerSaid{kOne, "a late heartbeat"});
  CHECK(box.to_master().empty());
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kOne, "register"});
  const auto sent = box.to_master();
  REQUIRE(sent.size() == 2);
  CHECK(sent[1] == std::pair{Envelope{Kind::said, 1}, std::string("register")});
}

TEST_CASE("a lost master's channels are void for the next one") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kOne, "never sent"});
  box.tell(MasterLost{"it died"});
  CHECK(box.to_peer(kOne) == std::vector{kNobody});
  CHECK(box.to_master().empty());
  box.effects.list.clear();
  box.tell(MasterSaid{message({{Kind::said, 1, "of a dead one"}})});
  CHECK(box.effects.list.empty());
  box.join();
  box.take<ToPeer>();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  const auto sent = box.to_master();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].first == Envelope{Kind::came, 2});
}

TEST_CASE("whom the master closes hears what was said before, and nothing of it arrives after") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.to_master();
  box.tell(MasterSaid{message({{Kind::said, 1, "refused"}, {Kind::close, 1, "why"}})});
  REQUIRE(box.effects.list.size() >= 2);
  const auto& last = box.effects.list;
  CHECK(std::get<ToPeer>(last[last.size() - 2]).bytes == "refused");
  CHECK(std::get<ClosePeer>(last.back()).reason == "why");
  box.tell(PeerSaid{kOne, "more"});
  box.tell(PeerLeft{kOne});
  CHECK(box.to_master().empty());
  CHECK(box.core.holds().agents == 0);
}

TEST_CASE("who is no agent is closed, and so is one agent too many") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kFrameworkPreamble});
  CHECK(box.take<ClosePeer>().size() == 1);
  box.tell(PeerLeft{kOne});
  for (std::uint64_t i = 1; i <= limits::kMaxGatewayPeers; ++i) {
    box.tell(PeerSaid{PeerId(i), kAgentPreamble});
  }
  CHECK(box.take<ClosePeer>().empty());
  box.tell(PeerSaid{PeerId(limits::kMaxGatewayPeers + 1), kAgentPreamble});
  CHECK(box.take<ClosePeer>().size() == 1);
  CHECK(box.core.holds().agents_carried == limits::kMaxGatewayPeers);
}

TEST_CASE("a master that does not read stops agents' sockets, and nothing is lost or reordered") {
  Box box;
  box.join();
  box.take<ToPeer>();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.to_master();
  box.tell(PeerSaid{kOne, "1"});
  box.end_turn();
  box.tell(MasterFull{{box.take<ToMaster>().at(0).bytes}});
  CHECK_FALSE(box.take<SetReading>().at(0).wanted);
  box.tell(PeerSaid{kOne, "2"});  // was read already
  box.end_turn();
  CHECK(box.take<ToMaster>().empty());
  box.now = box.core.next_deadline();
  box.tell(Tick{});
  auto again = box.take<ToMaster>();
  REQUIRE(again.size() == 2);
  box.tell(MasterFull{{again[1].bytes}});  // takes only one
  CHECK(box.take<SetReading>().empty());
  box.now = box.core.next_deadline();
  box.tell(Tick{});
  again = box.take<ToMaster>();
  REQUIRE(again.size() == 1);
  CHECK(decode_envelopes(again[0].bytes).value().at(0).bytes == "2");
  box.now = box.core.next_deadline();
  box.tell(Tick{});
  CHECK(box.take<SetReading>().at(0).wanted);
}

TEST_CASE("many small messages travel together, and no message is over the limit") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.to_master();
  const std::string large(limits::kMaxFrameBytes, 'x');
  box.tell(PeerSaid{kOne, "small"});
  box.tell(PeerSaid{kOne, large});
  for (int i = 0; i < 1000; ++i) box.tell(PeerSaid{kOne, "small"});
  box.end_turn();
  const auto sent = box.take<ToMaster>();
  CHECK(sent.size() == 2);
  for (const ToMaster& one : sent) CHECK(one.bytes.size() <= limits::kMaxEnvelopesBytes);
}

TEST_CASE("of an agent that does not read the master hears, and nobody else waits for it") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kTwo, kAgentPreamble});
  box.to_master();
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes});
  CHECK(box.to_master().empty());
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes + 1});
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes + 9});
  const auto slow = box.to_master();
  REQUIRE(slow.size() == 1);
  CHECK(slow[0].first == Envelope{Kind::slow, 1});
  box.tell(MasterSaid{message({{Kind::said, 2, "goes on"}})});
  CHECK(box.to_peer(kTwo) == std::vector{std::string("goes on")});

  box.now = box.core.next_deadline();
  box.tell(Tick{});
  CHECK(box.take<AskUnread>().at(0).peer == kOne);
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes / 2 + 1});
  CHECK(box.to_master().empty());
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes / 2});
  CHECK(box.to_master().at(0).first == Envelope{Kind::reads, 1});
}

TEST_CASE("the next master hears too of an agent that does not read") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes + 1});
  box.tell(MasterLost{"it died"});
  box.join();
  box.to_master();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  const auto sent = box.to_master();
  REQUIRE(sent.size() == 2);
  CHECK(sent[1].first == Envelope{Kind::slow, 2});
}

TEST_CASE("when all agents together leave too much unread, the one that reads least is closed") {
  Box box;
  box.join();
  const std::size_t each = limits::kGatewayUnreadBytes / 20;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    box.tell(PeerSaid{PeerId(i), kAgentPreamble});
    box.tell(PeerUnread{PeerId(i), each});
  }
  box.to_master();
  CHECK(box.take<ClosePeer>().empty());
  box.tell(PeerUnread{PeerId(7), each + 21});
  const auto closed = box.take<ClosePeer>();
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].peer == PeerId(7));
  CHECK(box.to_master().at(0).first == Envelope{Kind::left, 7});
  CHECK(box.core.holds().agents_carried == 19);
}

TEST_CASE("a master that says nothing is asked, and then given up") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.to_master();
  box.take<ToPeer>();
  const Instant begun = box.now;
  box.now = box.core.next_deadline();
  CHECK(box.now == begun + kGatewayPing);
  box.tell(Tick{});
  CHECK(box.to_master().at(0).first == Envelope{Kind::ping});
  box.tell(MasterSaid{message({{Kind::pong}})});
  const Instant heard = box.now;
  while (box.take<GiveUpMaster>().empty()) {
    REQUIRE(box.core.next_deadline() <= heard + kGatewaySilence);
    box.now = box.core.next_deadline();
    box.tell(Tick{});
  }
  CHECK(box.now == heard + kGatewaySilence);
  CHECK(box.to_peer(kOne) == std::vector{kNobody});
  CHECK_FALSE(box.core.joined());
}

TEST_CASE("a master that breaks the protocol is given up") {
  for (const std::string& bad :
       {std::string("\x9"), message({{Kind::came, 1, kAgentPreamble}}), message({{Kind::ping}})}) {
    Box box;
    box.join();
    box.tell(MasterSaid{bad});
    CHECK(box.take<GiveUpMaster>().size() == 1);
    CHECK_FALSE(box.core.joined());
  }
}
