// Those who follow the cluster, on real sockets.
#include "master/shell/subscriptions.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "master/view/events.hpp"
#include "tests/unit/master/view/cluster_words.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using bourse::master::test::Told;
using runtime::test::request_text;
using runtime::test::run_until;

namespace {

constexpr std::size_t kEach = 256u << 10;
constexpr std::size_t kAll = 32u << 20;

struct Followed : runtime::test::HttpFixture {
  Told cluster;
  Subscriptions subscriptions{Subscriptions::Budgets{kEach, kAll}};
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

  // Until the state is larger than this.
  void grow(std::size_t bytes) {
    while (subscribed_record(cluster.view.state(), {}, false, codec::Encoding::json).size() <
           bytes) {
      const std::size_t more = std::max<std::size_t>(agents, 100);
      for (std::size_t i = 0; i < more; ++i) {
        cluster.agent(("a" + std::to_string(++agents)).c_str());
      }
    }
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
};

}  // namespace

TEST_CASE("who follows a cluster larger than a stream's budget gets all of it, and what follows") {
  Followed f;
  f.grow(9u << 20);  // more than a stream may hold that nobody told otherwise
  auto client = f.follow();
  REQUIRE(f.hears(client, "\"HEARTBEAT\""));
  REQUIRE(client.received().find("host-a" + std::to_string(f.agents)) != std::string::npos);
  f.cluster.agent("late");
  REQUIRE(f.hears(client, "host-late"));
  REQUIRE(f.gone.empty());
}

TEST_CASE("who does not read is let go once the budget for what follows is used up") {
  Followed f;
  f.grow(1u << 20);
  auto reader = f.follow();
  auto silent = f.follow(4096);
  REQUIRE(f.hears(reader, "\"HEARTBEAT\""));
  REQUIRE(run_until(f.loop, [&] { return f.cluster.view.subscribers() == 2; }));
  // The reader keeps up; the other one's sockets hold some megabytes before anything waits here.
  for (int i = 0; f.gone.empty() && i < 2'000; ++i) {
    for (int added = 0; added < 100; ++added) {
      f.cluster.agent(("a" + std::to_string(++f.agents)).c_str());
    }
    reader.forget_received();
    REQUIRE(f.hears(reader, "host-a" + std::to_string(f.agents)));
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
  REQUIRE(f.hears(client, "\r\n0\r\n\r\n"));
}

TEST_CASE("while too much waits for others a new follower is told to come back") {
  Followed f;
  f.grow(kAll / 8);
  std::vector<runtime::test::RawSocket> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(f.follow(4096));
  auto late = f.follow();
  REQUIRE(f.hears(late, "HTTP/1.1 503"));
  REQUIRE(f.hears(late, "bytes wait for other subscribers, at most 33554432 may; try again"));
  silent.clear();
  REQUIRE(run_until(f.loop, [&] { return f.cluster.view.subscribers() == 0; }));
  auto again = f.follow();
  REQUIRE(f.hears(again, "\"HEARTBEAT\""));
}
