#include "gateway/core/gateway_peers.hpp"

#include <catch2/catch.hpp>
#include <deque>

using namespace bourse;
using namespace bourse::gateway;

namespace {

using Kind = Envelope::Kind;

std::string joined_messages(const std::vector<Envelope>& envelopes) {
  std::string out;
  for (const Envelope& envelope : envelopes) append_envelope(envelope, out);
  return out;
}

const PeerId kGateway(7);

struct Master {
  Master() {
    REQUIRE(peers.admit(kGateway).ok());
    peers.flush();
  }
  std::vector<GatewayPeers::Arrival> hear(const std::vector<Envelope>& envelopes) {
    heard.push_back(joined_messages(envelopes));
    auto taken = peers.take(kGateway, heard.back());
    REQUIRE(taken.ok());
    return std::move(taken).value();
  }
  std::vector<Envelope> said() {
    std::vector<Envelope> out;
    for (auto& [gateway, bytes] : peers.flush()) {
      CHECK(gateway == kGateway);
      heard.push_back(std::move(bytes));
      const auto read = decode_envelopes(heard.back());
      REQUIRE(read.ok());
      out.insert(out.end(), read->begin(), read->end());
    }
    return out;
  }
  GatewayPeers peers;
  std::deque<std::string> heard;
};

}  // namespace

TEST_CASE("a gateway is welcomed and its pings are answered") {
  GatewayPeers peers;
  CHECK_FALSE(peers.is_gateway(kGateway));
  REQUIRE(peers.admit(kGateway).ok());
  CHECK(peers.is_gateway(kGateway));
  const auto first = peers.flush();
  REQUIRE(first.size() == 1);
  CHECK(first[0].second == joined_messages({{Kind::welcome}}));
  REQUIRE(peers.take(kGateway, joined_messages({{Kind::ping}})).ok());
  CHECK(peers.flush().at(0).second == joined_messages({{Kind::pong}}));
  CHECK(peers.flush().empty());
}

TEST_CASE("each channel of a gateway is a peer of its own, which no connection's number is") {
  Master master;
  const auto came = master.hear(
      {{Kind::came, 1, "hello"}, {Kind::came, 2, "hello"}, {Kind::said, 1, "from one"}});
  REQUIRE(came.size() == 3);
  CHECK(came[0].peer != came[1].peer);
  CHECK(came[2].peer == came[0].peer);
  CHECK(came[2].bytes == "from one");
  for (const auto& arrival : came) CHECK(GatewayPeers::is_behind_gateway(arrival.peer));
  CHECK_FALSE(GatewayPeers::is_behind_gateway(kGateway));

  REQUIRE(master.peers.say(came[1].peer, "to two").ok());
  REQUIRE(master.peers.say(came[0].peer, "to one").ok());
  CHECK(master.said() ==
        std::vector<Envelope>{{Kind::said, 2, "to two"}, {Kind::said, 1, "to one"}});

  const auto left = master.hear({{Kind::left, 1}, {Kind::said, 1, "late"}});
  REQUIRE(left.size() == 1);
  CHECK((left[0].left && left[0].peer == came[0].peer));
  CHECK_FALSE(master.peers.say(came[0].peer, "x").ok());
}

TEST_CASE("of a peer that the master closed nothing arrives any more") {
  Master master;
  const PeerId peer = master.hear({{Kind::came, 1, "hello"}})[0].peer;
  REQUIRE(master.peers.say(peer, "good-bye").ok());
  master.peers.close(peer);
  CHECK(master.said() == std::vector<Envelope>{{Kind::said, 1, "good-bye"}, {Kind::close, 1}});
  CHECK(master.hear({{Kind::said, 1, "but"}, {Kind::left, 1}}).empty());
  CHECK(master.peers.peers() == 0);
}

TEST_CASE("of a peer that does not read the master hears, and that it reads again") {
  Master master;
  const PeerId peer = master.hear({{Kind::came, 1, "hello"}})[0].peer;
  CHECK_FALSE(master.peers.is_slow(peer));
  CHECK(master.hear({{Kind::slow, 1}}).empty());
  CHECK(master.peers.is_slow(peer));
  master.hear({{Kind::reads, 1}});
  CHECK_FALSE(master.peers.is_slow(peer));
}

TEST_CASE("with a gateway all its peers are gone") {
  Master master;
  master.hear({{Kind::came, 3, "hello"}, {Kind::came, 5, "hello"}});
  CHECK(master.peers.drop(kGateway).size() == 2);
  CHECK(master.peers.peers() == 0);
  CHECK(master.peers.drop(kGateway).empty());
}

TEST_CASE("a gateway that uses a channel twice or speaks as a master is an error") {
  for (const auto& bad :
       {std::vector<Envelope>{{Kind::came, 1, "again"}}, std::vector<Envelope>{{Kind::welcome}},
        std::vector<Envelope>{{Kind::close, 1}}}) {
    Master master;
    master.hear({{Kind::came, 1, "hello"}, {Kind::left, 1}});
    CHECK_FALSE(master.peers.take(kGateway, joined_messages(bad)).ok());
  }
}

TEST_CASE("a gateway too many is refused, and an agent too many of one closed") {
  GatewayPeers peers;
  for (std::uint64_t i = 1; i <= limits::kMaxGateways; ++i) CHECK(peers.admit(PeerId(i)).ok());
  CHECK(peers.admit(PeerId(1000)).error().code == ErrorCode::full);
  peers.flush();
  for (std::uint64_t i = 1; i <= limits::kMaxGatewayPeers + 1; ++i) {
    REQUIRE(peers.take(PeerId(1), joined_messages({{Kind::came, i, "hello"}})).ok());
  }
  CHECK(peers.peers() == limits::kMaxGatewayPeers);
  const auto said = peers.flush();
  REQUIRE(said.size() == 1);
  CHECK(decode_envelopes(said[0].second).value().at(0).kind == Kind::close);
}
