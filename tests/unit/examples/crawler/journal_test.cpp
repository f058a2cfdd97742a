#include "examples/crawler/frontier/journal.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "examples/crawler/store/item_store.hpp"
#include "tests/unit/examples/crawler/scratch.hpp"

using namespace bourse;
using namespace bourse::crawler;

TEST_CASE("the journal gives back what was committed and nothing of what was not") {
  const Scratch scratch;
  const std::string path = scratch.path("journal.sqlite");
  const Records first = {HostAdded{0, "a.test"},
                         UrlAdded{0, 0, "http://a.test/robots.txt", PageKind::robots, 0, 0, 0},
                         HostRobots{0, "User-agent: *\n"}, UrlDone{0, Outcome::ok, true},
                         HostOrders{0, true, Pace{4, Duration::seconds(2)}, true}};
  {
    auto journal = Journal::open(path);
    REQUIRE(journal.ok());
    (*journal)->append(first);
    CHECK((*journal)->pending() == first.size());
    REQUIRE((*journal)->commit().ok());
    (*journal)->append({UrlAdded{1, 0, "http://a.test/", PageKind::page, 2, 0, 0}});
  }
  auto journal = Journal::open(path);
  REQUIRE(journal.ok());
  auto records = (*journal)->load();
  REQUIRE(records.ok());
  CHECK(*records == Records{first[0], first[2], first[4], first[1], first[3]});
  (*journal)->append({UrlAdded{1, 0, "http://a.test/", PageKind::page, 2, 1, 3}, UrlFailed{1, 2, 1},
                      ContentSeen{0, {5, 6}}});
  REQUIRE((*journal)->commit().ok());
  records = (*journal)->load();
  REQUIRE(records.ok());
  CHECK(records->size() == 8);
}

TEST_CASE("a damaged journal is an error that says so") {
  const Scratch scratch;
  const std::string garbage = scratch.path("garbage.sqlite");
  std::ofstream(garbage) << std::string(10'000, 'x');
  const auto opened = Journal::open(garbage);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == ErrorCode::corrupt);

  const std::string gap = scratch.path("gap.sqlite");
  auto journal = Journal::open(gap);
  REQUIRE(journal.ok());
  (*journal)->append({HostAdded{0, "a.test"}, UrlAdded{1, 0, "http://a.test/", PageKind::page}});
  REQUIRE((*journal)->commit().ok());
  const auto loaded = (*journal)->load();
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == ErrorCode::corrupt);
  CHECK_FALSE(Journal::open("/nonexistent-directory/journal.sqlite").ok());
}

TEST_CASE("an item stored twice is one row with the later price") {
  const Scratch scratch;
  const std::string path = scratch.path("items.sqlite");
  auto store = ItemStore::open(path);
  REQUIRE(store.ok());
  Item item{"a.test", "S1", "Jacket", 1'000, "EUR", Stock::in_stock, "http://a.test/i.jpg", "u"};
  (*store)->put(item, 1);
  item.price_cents = 900;
  (*store)->put(item, 2);
  const auto durable = (*store)->commit();
  REQUIRE(durable.ok());
  CHECK(*durable == std::vector<OrderId>{1, 2});
  (*store)->put(item, 3);
  REQUIRE((*store)->commit().ok());
  const auto items = read_items(path);
  REQUIRE(items.ok());
  CHECK(*items == std::vector<Item>{item});
}
