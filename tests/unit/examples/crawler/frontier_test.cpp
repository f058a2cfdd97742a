#include "examples/crawler/frontier/frontier.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "base/prng.hpp"
#include "examples/crawler/frontier/retry.hpp"
#include "tests/unit/examples/crawler/frontier_world.hpp"

using namespace bourse;
using namespace bourse::crawler;
using test::ended;
using test::World;

TEST_CASE("robots.txt is asked for first and nothing that it disallows is fetched") {
  World world;
  world.act(Seed{"http://a.test/"});
  REQUIRE(world.orders.size() == 1);
  CHECK(world.orders[0].url == "http://a.test/robots.txt");
  world.open("User-agent: *\nDisallow: /secret\nSitemap: http://a.test/map.xml\n");
  const FetchOrder map = world.next();
  CHECK(map.url == "http://a.test/map.xml");
  world.fetched(map.id, Outcome::gone);
  const FetchOrder home = world.next();
  CHECK(home.url == "http://a.test/");
  world.page(home.id, {"http://a.test/secret/x", "http://a.test/open", "http://other.test/"});
  const FetchOrder open = world.next();
  CHECK(open.url == "http://a.test/open");
  world.page(open.id, {});
  CHECK(world.next().id == 0);
  CHECK(ended(world, Outcome::disallowed) == 1);
  CHECK(world.frontier.stats().links_outside == 1);
}

TEST_CASE("a host without robots.txt is open and one that cannot answer is left alone") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.fetched(world.next().id, Outcome::gone);
  CHECK(world.next().url == "http://a.test/");

  World broken;
  broken.act(Seed{"http://b.test/"});
  for (std::uint32_t i = 0; i < retry_rule(Outcome::server_error).attempts; ++i) {
    const FetchOrder order = broken.next();
    REQUIRE(order.url == "http://b.test/robots.txt");
    CHECK(order.attempt == i + 1);
    broken.fetched(order.id, Outcome::server_error);
  }
  CHECK(broken.next().id == 0);
  CHECK(broken.frontier.finished());
  CHECK(ended(broken, Outcome::disallowed) == 1);
}

TEST_CASE("an address is fetched once however often it is linked") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  const FetchOrder home = world.next();
  world.page(home.id, {"http://a.test/x", "http://a.test/x", "http://a.test/"});
  const FetchOrder x = world.next();
  CHECK(x.url == "http://a.test/x");
  world.page(x.id, {"http://a.test/x", "http://a.test/"});
  CHECK(world.next().id == 0);
  CHECK(world.frontier.finished());
}

TEST_CASE("a page that shows what another showed is not followed") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  world.page(world.next().id, {"http://a.test/one", "http://a.test/two"});
  FetchOrder order = world.next();
  world.fetched(order.id, Outcome::ok);
  world.parsed(order.id, {"http://a.test/new1"}, false, 7);
  order = world.next();
  world.fetched(order.id, Outcome::ok);
  world.parsed(order.id, {"http://a.test/new2"}, false, 7);
  order = world.next();
  CHECK(order.url == "http://a.test/new1");
  world.page(order.id, {});
  CHECK(world.next().id == 0);
  CHECK(world.frontier.stats().duplicates == 1);
}

TEST_CASE("an item under two addresses counts once") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  world.page(world.next().id, {"http://a.test/one", "http://a.test/two"});
  for (int i = 0; i < 2; ++i) {
    const FetchOrder order = world.next();
    world.fetched(order.id, Outcome::ok);
    world.parsed(order.id, {}, true, 7);
    world.act(ItemStored{order.id});
  }
  CHECK(world.frontier.finished());
  CHECK(world.frontier.stats().items == 1);
  CHECK(world.frontier.hosts()[0].items == 1);
}

TEST_CASE(
    "an item's address is done only when the item is stored, in whatever order answers come") {
  for (int order_of_answers = 0; order_of_answers < 3; ++order_of_answers) {
    World world;
    world.act(Seed{"http://a.test/"});
    world.open();
    const FetchOrder home = world.next();
    const auto done = [&] { return world.frontier.finished(); };
    if (order_of_answers == 0) {
      world.fetched(home.id, Outcome::ok);
      world.parsed(home.id, {}, true);
      CHECK_FALSE(done());
      world.act(ItemStored{home.id});
    } else if (order_of_answers == 1) {
      world.act(ItemStored{home.id});
      world.parsed(home.id, {}, true);
      CHECK_FALSE(done());
      world.fetched(home.id, Outcome::ok);
    } else {
      world.parsed(home.id, {}, true);
      world.fetched(home.id, Outcome::ok);
      CHECK_FALSE(done());
      world.act(ItemStored{home.id});
    }
    CHECK(done());
    CHECK(world.frontier.stats().items == 1);
  }
}

TEST_CASE("redirects are paced addresses of their own and loops end") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.open();
  world.fetched(world.next().id, Outcome::redirect, {}, "/a");
  FetchOrder order = world.next();
  CHECK(order.url == "http://a.test/a");
  world.fetched(order.id, Outcome::redirect, {}, "/b");
  order = world.next();
  world.fetched(order.id, Outcome::redirect, {}, "/a");  // seen before
  CHECK(world.next().id == 0);
  CHECK(world.frontier.finished());

  World endless;
  endless.act(Seed{"http://a.test/hop/0"});
  endless.open();
  int hops = 0;
  for (order = endless.next(); order.id != 0; order = endless.next()) {
    endless.fetched(order.id, Outcome::redirect, {}, "/hop/" + std::to_string(++hops));
  }
  CHECK(hops == 6);
  CHECK(ended(endless, Outcome::redirect_loop) == 1);
}

TEST_CASE("an endless calendar is closed after a few barren pages, a long catalogue is not") {
  World world;
  world.act(Seed{"http://a.test/calendar/1"});
  world.open();
  int pages = 0;
  for (FetchOrder order = world.next(); order.id != 0; order = world.next()) {
    ++pages;
    world.fetched(order.id, Outcome::ok);
    world.parsed(order.id, {"http://a.test/calendar/" + std::to_string(pages + 1)}, false, 0, 5);
  }
  CHECK(pages == 9);
  CHECK(world.frontier.finished());

  World catalogue;
  catalogue.act(Seed{"http://a.test/c?page=1"});
  catalogue.open();
  pages = 0;
  for (FetchOrder order = catalogue.next(); order.id != 0; order = catalogue.next()) {
    catalogue.fetched(order.id, Outcome::ok);
    if (order.url.find("/c?") == std::string::npos) {
      catalogue.parsed(order.id, {}, true);
      catalogue.act(ItemStored{order.id});
      continue;
    }
    ++pages;
    std::vector<std::string> links = {"http://a.test/item/" + std::to_string(pages)};
    if (pages < 50) links.push_back("http://a.test/c?page=" + std::to_string(pages + 1));
    catalogue.parsed(order.id, links);
  }
  CHECK(pages == 50);
  CHECK(catalogue.frontier.stats().items == 50);
}

TEST_CASE("a host's budget ends its crawl") {
  FrontierLimits limits;
  limits.pages_per_host = 10;
  World world(limits);
  world.act(Seed{"http://a.test/"});
  world.open();
  int page = 0;
  for (FetchOrder order = world.next(); order.id != 0; order = world.next()) {
    ++page;
    world.page(order.id, {"http://a.test/p" + std::to_string(page) + "x",
                          "http://a.test/q" + std::to_string(page) + "x"});
  }
  CHECK(world.frontier.stats().orders == 10);
  CHECK(world.frontier.finished());
  CHECK(ended(world, Outcome::budget) > 0);
}

TEST_CASE("capacity bounds what is out and a pause stops new orders") {
  World world;
  world.act(SetCapacity{2});
  for (int i = 0; i < 5; ++i) world.act(Seed{"http://h" + std::to_string(i) + ".test/"});
  CHECK(world.orders.size() == 2);
  world.act(SetPaused{true});
  world.fetched(world.orders[0].id, Outcome::gone);
  world.pass(Duration::seconds(10));
  CHECK(world.orders.size() == 2);
  world.act(SetPaused{false});
  CHECK(world.orders.size() == 3);
}

TEST_CASE("an operator changes a host's rate and drains a host while the crawl runs") {
  World world;
  world.act(Seed{"http://a.test/"});
  world.act(SetHostPace{"a.test", Pace{1, Duration::seconds(5)}});
  world.open("User-agent: *\nRequest-rate: 100/1\n");  // weaker than the operator
  const FetchOrder home = world.next();
  world.page(home.id, {"http://a.test/1"});
  const Instant then = world.now;
  const FetchOrder next = world.next();
  CHECK(world.now - then >= Duration::milliseconds(4'900));
  world.page(next.id, {"http://a.test/2"});
  world.act(SetHostDrained{"a.test", true});
  CHECK(world.next().id == 0);
  CHECK(world.frontier.finished());
  world.act(SetHostDrained{"a.test", false});
  CHECK_FALSE(world.frontier.finished());
  CHECK(world.next().url == "http://a.test/2");
}

TEST_CASE("a frontier rebuilt from its records at any point misses nothing") {
  // A web of 40 linked pages, every second one an item. The frontier is thrown away at a seeded
  // step and rebuilt from the records of the steps before; what was out is answered by nobody.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Prng prng(seed);
    auto world = std::make_unique<World>();
    Records kept;
    std::set<std::string> stored;
    const std::uint64_t crash_at = prng.below(120);
    std::uint64_t steps = 0;
    bool crashed = false;
    world->act(Seed{"http://a.test/p0"});
    while (!world->frontier.finished()) {
      const FetchOrder order = world->next();
      REQUIRE(order.id != 0);
      if (!crashed && ++steps > crash_at) {
        crashed = true;
        kept = world->records;
        const Instant now = world->now;
        world = std::make_unique<World>();
        world->now = now;
        world->frontier = Frontier(FrontierLimits{});
        world->frontier.restore(kept, now);
        world->records = kept;
        world->act(SetCapacity{100});
        world->act(Seed{"http://a.test/p0"});
        continue;
      }
      if (order.kind == PageKind::robots) {
        world->fetched(order.id, Outcome::gone);
        continue;
      }
      const int page = std::stoi(order.url.substr(order.url.find("/p") + 2));
      if (prng.chance(1, 10)) {
        world->fetched(order.id, Outcome::server_error);
        continue;
      }
      std::vector<std::string> links;
      for (int next : {page * 2 + 1, page * 2 + 2}) {
        if (next < 40) links.push_back("http://a.test/p" + std::to_string(next));
      }
      world->fetched(order.id, Outcome::ok);
      world->parsed(order.id, links, page % 2 == 1, 1'000 + static_cast<std::uint64_t>(page));
      if (page % 2 == 1) {
        stored.insert(order.url);
        world->act(ItemStored{order.id});
      }
    }
    INFO("seed " << seed);
    CHECK(stored.size() == 20);
    CHECK(world->frontier.stats().items == 20);  // those of the life before among them
  }
}

TEST_CASE("after a restart no host is asked while orders of the process before may be under way") {
  World before;
  before.act(Seed{"http://a.test/"});
  before.open("User-agent: *\nRequest-rate: 8/1\n");
  Frontier after{FrontierLimits{}};
  after.restore(before.records, before.now);
  FrontierEffects effects;
  after.step({before.now, SetCapacity{10}}, effects);
  CHECK(effects.orders.empty());
  CHECK(after.next_deadline() >= before.now + Duration::seconds(3));
}

TEST_CASE("the same events give the same orders and records") {
  const auto run = [] {
    World world;
    for (int i = 0; i < 5; ++i) world.act(Seed{"http://h" + std::to_string(i) + ".test/"});
    std::string trace;
    for (FetchOrder order = world.next(); order.id != 0; order = world.next()) {
      trace += order.url + "\n";
      if (order.kind == PageKind::robots) {
        world.fetched(order.id, Outcome::gone);
      } else {
        world.page(order.id, {order.url + "a", order.url.substr(0, 15) + "b"});
      }
      if (trace.size() > 4'000) break;
    }
    return std::pair(trace, world.records);
  };
  CHECK(run() == run());
}
