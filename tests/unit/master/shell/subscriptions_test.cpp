// Those who follow the cluster, on real sockets.
#include "master/shell/subscriptions.hpp"

#include <catch2/catch.hpp>

#include "master/view/events.hpp"
#include "model/limits.hpp"
#include "tests/unit/master/view/cluster_words.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;
using runtime::test::request_text;
using runtime::test::run_until;

namespace {

struct Followed : runtime::test::HttpFixture {
  Told cluster;
  Subscriptions subscriptions;
  std::vector<View::SubscriberId> gone;
  std::size_t agents = 0;

  Followed() {
    router.add("events", [this](runtime::HttpRequest, runtime::HttpResponder responder) {
      subscriptions.open(cluster.view, codec::Encoding::json, {}, responder,
                         [this](View::SubscriberId id) {
                           gone.push_back(id);
                           cluster.view.unsubscribe(id);
                         });
    });
  }

  void grow(std::size_t bytes) {
    for (std::size_t before = size(); size() - before < bytes;) {
      for (int i = 0; i < 500; ++i) cluster.agent(("a" + std::to_string(++agents)).c_str());
    }
  }
  std::size_t size() const {
    return subscribed_record(cluster.view.state(), {}, false, codec::Encoding::json).size();
  }
  runtime::test::RawSocket follow(int receive_buffer = 0) {
    auto client = connect(receive_buffer);
    client.send(request_text("GET", "/events"));
    return client;
  }
  bool hears(runtime::test::RawSocket& client, const std::string& text) {
    return run_until(
        loop, [&] { return client.received().find(text) != std::string::npos; },
        Duration::seconds(60));
  }
  bool ends(runtime::test::RawSocket& client) {
    return run_until(
        loop, [&] { return client.ended(); }, Duration::seconds(60));
  }
};

}  // namespace

TEST_CASE("who follows a cluster larger than a stream's budget gets all of it, and what follows") {
  Followed f;
  f.grow(limits::kSubscriberQueueBytes + (1u << 20));
  auto client = f.follow();
  REQUIRE(f.hears(client, "\"HEARTBEAT\""));
  REQUIRE(client.received().find("host-a" + std::to_string(f.agents)) != std::string::npos);
  f.cluster.agent("late");
  REQUIRE(f.hears(client, "host-late"));
  REQUIRE(f.gone.empty());
}

TEST_CASE("who does not read is let go once the budget for what follows is used up") {
  Followed f;
  f.grow(limits::kSubscriberQueueBytes / 2);
  auto reader = f.follow();
  auto silent = f.follow(4096);
  REQUIRE(f.hears(reader, "\"HEARTBEAT\""));
  REQUIRE(run_until(f.loop, [&] { return f.cluster.view.subscribers() == 2; }));
  for (int i = 0; f.gone.empty() && i < 200'000; ++i) {
    f.cluster.agent("a1");
    if (i % 100 == 0) {
      f.loop.run_for(Duration::milliseconds(1));
      (void)reader.received();
    }
  }
  REQUIRE(run_until(f.loop, [&] { return f.gone.size() == 1; }));
  REQUIRE(f.cluster.view.subscribers() == 1);
  f.cluster.agent("late");
  REQUIRE(f.hears(reader, "host-late"));
}

TEST_CASE("whom the view lets go sees the end of the stream") {
  Followed f;
  auto client = f.follow();
  REQUIRE(f.hears(client, "\"HEARTBEAT\""));
  f.cluster.view.unsubscribe(1);
  REQUIRE(f.ends(client));
}

TEST_CASE("while too much waits for others a new follower is told to come back") {
  Followed f;
  f.grow(limits::kAllSubscribersQueueBytes / 16);
  std::vector<runtime::test::RawSocket> silent;
  for (int i = 0; i < 18; ++i) silent.push_back(f.follow(4096));
  auto late = f.follow();
  REQUIRE(f.hears(late, "HTTP/1.1 503"));
  REQUIRE(f.hears(late, "bytes wait for other subscribers, at most 536870912 may; try again"));
  silent.clear();
  REQUIRE(run_until(f.loop, [&] { return f.gone.size() >= 17; }));
  auto again = f.follow();
  REQUIRE(f.hears(again, "\"HEARTBEAT\""));
}
