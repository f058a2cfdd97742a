// What becomes of an order that did not bring a page at once.
#include "examples/crawler/frontier/retry.hpp"

#include <catch2/catch.hpp>

#include "examples/crawler/frontier/frontier.hpp"
#include "tests/unit/examples/crawler/frontier_world.hpp"

using namespace bourse;
using namespace bourse::crawler;
using test::ended;
using test::World;

TEST_CASE("back-off doubles with each failure, and a longer Retry-After wins") {
  const RetryRule rule = retry_rule(Outcome::server_error);
  CHECK(retry_wait(rule, 1, {}) == Duration::milliseconds(500));
  CHECK(retry_wait(rule, 2, {}) == Duration::milliseconds(1'000));
  CHECK(retry_wait(rule, 4, {}) == Duration::milliseconds(4'000));
  CHECK(retry_wait(rule, 2, Duration::seconds(9)) == Duration::seconds(9));
}

TEST_CASE("each class of error has its own retries") {
  const auto attempts_of = [](Outcome outcome) {
    World world;
    world.act(Seed{"http://a.test/"});
    world.open();
    int attempts = 0;
    for (FetchOrder order = world.next(); order.id != 0; order = world.next()) {
      ++attempts;
      world.fetched(order.id, outcome, {}, "/");
    }
    CHECK(world.frontier.finished());
    return attempts;
  };
  CHECK(attempts_of(Outcome::gone) == 1);
  CHECK(attempts_of(Outcome::refused) == 1);
  CHECK(attempts_of(Outcome::too_large) == 1);
  CHECK(attempts_of(Outcome::too_slow) == 2);
  CHECK(attempts_of(Outcome::redirect) == 1);  // to itself
  CHECK(attempts_of(Outcome::timeout) == 3);
  CHECK(attempts_of(Outcome::truncated) == 2);
  CHECK(attempts_of(Outcome::dns) == 3);
  CHECK(attempts_of(Outcome::connect) == 4);
  CHECK(attempts_of(Outcome::server_error) == 5);
  CHECK(attempts_of(Outcome::throttled) == 10);
}

TEST_CASE("lost workers and throttling do not use up the attempts of a page that then fails once") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  for (int i = 0; i < 4; ++i) {
    world.act(OrderLost{world.next().id});
    world.fetched(world.next().id, Outcome::throttled);
  }
  world.fetched(world.next().id, Outcome::truncated);
  const FetchOrder last = world.next();
  REQUIRE(last.url == "http://a.test/");
  world.page(last.id, {}, true);
  CHECK(world.frontier.finished());
  CHECK(ended(world, Outcome::ok) == 2);
}

TEST_CASE("an answer that trickles costs its host no pace once it has begun") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open("User-agent: *\nCrawl-delay: 1\n");  // one in a second
  const FetchOrder home = world.next();
  world.page(home.id, {"http://a.test/1", "http://a.test/2"});
  const FetchOrder slow = world.next();
  const Instant began = world.now;
  world.pass(Duration::milliseconds(1'500));
  CHECK(world.orders.empty());  // the request may be under way still
  world.act(AnswerSeen{{slow.id, Duration::milliseconds(800)}});
  const FetchOrder other = world.next();
  REQUIRE(other.id != 0);
  CHECK(world.now >= began + Duration::milliseconds(1'700));
  CHECK(world.now < began + Duration::milliseconds(1'800));
  world.act(AnswerSeen{{slow.id, Duration{}}});  // a second sign of life changes nothing
  world.page(slow.id, {});
  world.page(other.id, {});
  CHECK(world.frontier.finished());
}

TEST_CASE("a Retry-After holds the whole host, another host goes on") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  const FetchOrder home = world.next();
  world.page(home.id, {"http://a.test/1", "http://a.test/2"});
  const FetchOrder first = world.next();
  world.fetched(first.id, Outcome::throttled, Duration::seconds(7));
  const Instant then = world.now;
  world.orders.clear();  // the second may have been sent before
  world.act(Seed{"http://b.test/"});
  CHECK(world.next().url == "http://b.test/robots.txt");
  CHECK(world.now < then + Duration::seconds(1));
  const FetchOrder again = world.next();
  CHECK(again.url == "http://a.test/1");
  CHECK(again.attempt == 2);
  CHECK(world.now >= then + Duration::seconds(7));
}

TEST_CASE("an order whose worker is gone or whose lease ran out is given out again") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  const FetchOrder first = world.next();
  world.act(OrderLost{first.id});
  const FetchOrder second = world.next();
  CHECK(second.url == first.url);
  CHECK(second.id != first.id);
  world.pass(Duration::seconds(61));  // its lease runs out
  const FetchOrder third = world.next();
  CHECK(third.url == first.url);
  world.page(second.id, {});  // too late, and harmless
  CHECK(world.frontier.stats().late_reports > 0);
  CHECK_FALSE(world.frontier.finished());
  world.page(third.id, {});
  CHECK(world.frontier.finished());
}

TEST_CASE("a request of a lost worker keeps its place in the window for as long as it may arrive") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open("User-agent: *\nCrawl-delay: 1\n");  // one in a second
  const FetchOrder first = world.next();
  world.act(OrderLost{first.id});
  const Instant lost = world.now;
  const FetchOrder second = world.next();
  CHECK(second.url == first.url);
  CHECK(world.now >= lost + Duration::seconds(11));
  CHECK(world.now < lost + Duration::seconds(12));
}

TEST_CASE("an order given back unsent costs no attempt and no place in the window") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open("User-agent: *\nCrawl-delay: 10\n");
  const FetchOrder first = world.next();
  CHECK(world.frontier.next_deadline() == world.now + Duration::seconds(60));  // its lease only
  world.fetched(first.id, Outcome::not_sent);
  const FetchOrder again = world.next();
  CHECK(again.url == first.url);
  CHECK(again.attempt == 1);
}

TEST_CASE("a page is not given up for an outage of some seconds") {
  const RetryRule rule = retry_rule(Outcome::timeout);
  Duration waited;
  for (std::uint32_t failed = 1; failed < rule.attempts; ++failed) {
    waited = waited + retry_wait(rule, failed, {});
  }
  CHECK(waited >= Duration::seconds(15));
}
