#include <catch2/catch.hpp>

#include "tests/unit/gateway/core/gateway_box.hpp"

using namespace bourse;
using namespace bourse::gateway;

TEST_CASE("a gateway counts what it carries each way, in messages and bytes") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  CHECK(box.core.counts().messages_from_agents == 0);  // it says who comes, not what
  box.tell(PeerSaid{kOne, "four"});
  box.tell(PeerSaid{kOne, "seven.."});
  box.tell(MasterSaid{message({{Kind::said, 1, "three"}, {Kind::pong}})});
  const GatewayCounts& counts = box.core.counts();
  CHECK(counts.messages_from_agents == 2);
  CHECK(counts.bytes_from_agents == 11);
  CHECK(counts.messages_to_agents == 1);
  CHECK(counts.bytes_to_agents == 5);
}

TEST_CASE("a gateway counts what reaches nobody, by its reason") {
  Box box;
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kOne, "before it heard that nobody leads"});
  CHECK(box.core.counts().dropped_without_master == 1);
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kTwo, kAgentPreamble});
  box.to_master();
  box.tell(PeerLeft{kOne});
  box.tell(MasterSaid{message({{Kind::said, 1, "late"}, {Kind::close, 2, "why"}})});
  CHECK(box.core.counts().dropped_for_gone == 1);
  box.tell(PeerSaid{kTwo, "of one that is being closed"});
  CHECK(box.core.counts().dropped_of_closing == 1);

  const PeerId three(3);
  box.tell(PeerSaid{three, kAgentPreamble});
  box.tell(PeerSaid{three, "given back"});
  box.end_turn();
  box.tell(MasterFull{{box.take<ToMaster>().back().bytes}});
  box.tell(PeerSaid{three, "in the next message"});
  box.tell(MasterLost{"it died"});
  CHECK(box.core.counts().dropped_with_master == 2);
  CHECK(box.core.holds().waiting_bytes == 0);
}

TEST_CASE("a gateway counts whom it turns away and closes, by the reason") {
  Box box;
  box.join();
  box.tell(PeerSaid{kOne, kFrameworkPreamble});
  CHECK(box.core.counts().refused_strangers == 1);
  box.tell(PeerLeft{kOne});
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerSaid{kTwo, kAgentPreamble});
  box.tell(MasterSaid{message({{Kind::close, 1, "why"}})});
  CHECK(box.core.counts().closed_by_master == 1);
  box.tell(PeerLeft{kTwo, true});
  CHECK(box.core.counts().closed_unread == 1);
  const PeerId three(3);
  box.tell(PeerSaid{three, kAgentPreamble});
  box.tell(PeerUnread{three, limits::kGatewayUnreadBytes + 1});
  CHECK(box.core.counts().closed_unread == 2);
  box.tell(PeerLeft{three, true});  // once each, whoever notices
  CHECK(box.core.counts().closed_unread == 2);
  for (std::uint64_t i = 10; box.core.counts().refused_for_room == 0; ++i) {
    REQUIRE(box.core.holds().agents <= limits::kMaxGatewayPeers);
    box.tell(PeerSaid{PeerId(i), kAgentPreamble});
  }
  CHECK(box.core.holds().agents == limits::kMaxGatewayPeers + 1);
}

TEST_CASE("a gateway counts the masters that took it in and that it lost") {
  Box box;
  box.tell(MasterThere{});
  box.tell(MasterLost{"it did not lead"});
  CHECK(box.core.counts().masters_lost == 0);
  for (std::uint64_t times = 1; times <= 2; ++times) {
    box.join();
    box.tell(MasterSaid{message({{Kind::welcome}})});  // said twice
    CHECK(box.core.counts().masters_joined == times);
    box.tell(MasterLost{"it died"});
    CHECK(box.core.counts().masters_lost == times);
  }
}

TEST_CASE("a gateway says whom it holds, what is unread and what waits for the master") {
  Box box;
  box.tell(PeerSaid{kOne, kAgentPreamble});
  CHECK(box.core.holds().agents == 1);
  CHECK(box.core.holds().agents_carried == 0);
  box.join();
  box.tell(PeerSaid{kOne, kAgentPreamble});
  box.tell(PeerUnread{kOne, limits::kPeerUnreadBytes + 1});
  CHECK(box.core.holds().agents_carried == 1);
  CHECK(box.core.holds().agents_unread == 1);
  CHECK(box.core.holds().unread_bytes == limits::kPeerUnreadBytes + 1);
  const std::size_t batch = box.core.holds().waiting_bytes;
  box.end_turn();
  const std::string sent = box.take<ToMaster>().at(0).bytes;
  CHECK(batch == sent.size());
  CHECK(box.core.holds().waiting_bytes == 0);
  box.tell(MasterFull{{sent}});
  CHECK(box.core.holds().waiting_bytes == sent.size());
  CHECK(box.core.holds().paused);
  CHECK(box.core.counts().times_paused == 1);
  while (box.core.holds().paused) {
    box.now = box.core.next_deadline();
    box.tell(Tick{});
  }
  CHECK(box.core.holds().waiting_bytes == 0);
}
