#include "link/master_channel.hpp"

#include <catch2/catch.hpp>

#include "model/limits.hpp"
#include "model/link_session.hpp"
#include "tests/unit/runtime/zmq_fixture.hpp"

using namespace bourse;
using runtime::Loop;
using runtime::test::ServerLog;

namespace {

// A master that notes what it was sent, and a channel to it.
struct Pair {
  Loop loop;
  ServerLog log;
  std::unique_ptr<runtime::ZmqServer> server = runtime::test::open_server(loop, log);
  std::vector<std::string> heard;
  std::vector<std::string> lost;
  bool connected = false;
  std::unique_ptr<link::MasterChannel> channel;

  Pair() {
    link::MasterChannelOptions options;
    options.masters = {"127.0.0.1:" + std::to_string(server->port())};
    options.preamble = kAgentPreamble;
    link::MasterChannelHandlers handlers;
    handlers.on_connected = [this] { connected = true; };
    handlers.on_message = [this](std::string_view bytes) { heard.emplace_back(bytes); };
    handlers.on_lost = [this](const std::string& reason) { lost.push_back(reason); };
    channel = std::make_unique<link::MasterChannel>(loop, std::move(options), std::move(handlers));
    channel->start();
    REQUIRE(runtime::test::run_until(loop, [&] { return connected && log.messages.size() == 1; }));
    REQUIRE(log.messages[0].second == kAgentPreamble);
  }

  void say(std::string_view text) {
    REQUIRE(server->send(log.opened.back(), std::string(text)).ok());
    // What follows it was said after it: once it is heard, so was that.
    const std::size_t before = heard.size();
    REQUIRE(server->send(log.opened.back(), "mark").ok());
    REQUIRE(runtime::test::run_until(loop, [&] { return heard.size() > before; }));
  }
};

}  // namespace

TEST_CASE("a peer that is told to hold keeps what it sends, and sends it in order when told to") {
  Pair pair;
  REQUIRE(pair.channel->send("before").ok());
  pair.say(kHoldMessage);
  for (int i = 0; i < 100; ++i) REQUIRE(pair.channel->send(std::to_string(i)).ok());
  REQUIRE(runtime::test::run_until(pair.loop, [&] { return pair.log.messages.size() == 2; }));
  pair.say("another message");
  REQUIRE(pair.log.messages.size() == 2);
  pair.say(kGoOnMessage);
  REQUIRE(pair.channel->send("after").ok());
  REQUIRE(runtime::test::run_until(pair.loop, [&] { return pair.log.messages.size() == 103; }));
  for (int i = 0; i < 100; ++i) {
    REQUIRE(pair.log.messages[static_cast<std::size_t>(i) + 2].second == std::to_string(i));
  }
  REQUIRE(pair.log.messages.back().second == "after");
}

TEST_CASE("what a peer keeps while it is told to hold is bounded") {
  Pair pair;
  pair.say(kHoldMessage);
  const std::string large(4u << 20, 'x');
  for (std::size_t kept = 0; kept < limits::kChannelQueueBytes; kept += large.size()) {
    REQUIRE(pair.channel->send(large).ok());
  }
  const Status over = pair.channel->send("x");
  REQUIRE(over.error().code == ErrorCode::full);
  REQUIRE(over.error().message ==
          "the master asked to hold, and 16777216 bytes wait; at most 16777216 may");
}

TEST_CASE("a peer that is closed learns the reason, and starts anew without what it kept") {
  Pair pair;
  pair.say(kHoldMessage);
  REQUIRE(pair.channel->send("kept").ok());
  pair.say(std::string(kClosingPreamble) + "too much of a good thing");
  pair.connected = false;
  pair.server->close(pair.log.opened.back());
  REQUIRE(runtime::test::run_until(pair.loop, [&] { return pair.connected; }));
  REQUIRE(pair.lost ==
          std::vector<std::string>{"the master closed the connection: too much of a good thing"});
  REQUIRE(pair.channel->send("new").ok());
  REQUIRE(runtime::test::run_until(pair.loop, [&] { return pair.log.messages.size() == 3; }));
  REQUIRE(pair.log.messages[1].second == kAgentPreamble);
  REQUIRE(pair.log.messages[2].second == "new");
}

TEST_CASE("a connection that was lost comes back once, when the finder wants it") {
  Pair pair;
  // The pause doubles, so that libzmq, left to itself, would be back long before its end.
  for (std::size_t round = 1; round <= 3; ++round) {
    pair.connected = false;
    pair.server->close(pair.log.opened.back());
    REQUIRE(runtime::test::run_until(pair.loop, [&] { return pair.connected; }));
    REQUIRE(
        runtime::test::run_until(pair.loop, [&] { return pair.log.messages.size() == round + 1; }));
    // Longer than the longest pause of this round: nothing is given up at its end.
    const Duration longest = Duration::milliseconds(200) * (std::int64_t{1} << (round - 1));
    REQUIRE_FALSE(runtime::test::run_until(
        pair.loop, [&] { return pair.lost.size() != round; }, longest));
    REQUIRE(pair.log.opened.size() == round + 1);
    REQUIRE(pair.lost.back() == "the connection to the master was lost");
  }
}
