#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "base/prng.hpp"
#include "examples/crawler/check/check.hpp"
#include "examples/crawler/shopweb/filler.hpp"
#include "examples/crawler/shopweb/meter.hpp"
#include "examples/crawler/shopweb/site.hpp"

using namespace bourse;
using namespace bourse::crawler;
using namespace bourse::crawler::shopweb;

TEST_CASE("the same seed gives the same web and another day other prices only") {
  WebConfig config;
  config.shops = 10;
  config.items = 50;
  const std::string first = Site(config).truth_lines();
  CHECK(first == Site(config).truth_lines());
  WebConfig later = config;
  later.day = 1;
  const auto today = parse_truth(first);
  const auto tomorrow = parse_truth(Site(later).truth_lines());
  REQUIRE(today.ok());
  REQUIRE(tomorrow.ok());
  REQUIRE(today->size() == 500);
  int moved = 0;
  for (std::size_t i = 0; i < today->size(); ++i) {
    CHECK((*today)[i].name == (*tomorrow)[i].name);
    moved += (*today)[i].price_cents != (*tomorrow)[i].price_cents ? 1 : 0;
  }
  CHECK(moved > 100);
  CHECK(moved < 400);
  config.seed = 2;
  CHECK(Site(config).truth_lines() != first);
}

TEST_CASE("pages have a median of 30 KB, a mean of 50 KB and a tail to 500 KB") {
  Prng prng(5);
  std::vector<std::size_t> sizes;
  double sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    sizes.push_back(page_bytes(prng.next()));
    sum += static_cast<double>(sizes.back());
  }
  std::sort(sizes.begin(), sizes.end());
  CHECK(sizes[sizes.size() / 2] > 28'500);
  CHECK(sizes[sizes.size() / 2] < 31'500);
  CHECK(sum / 20'000 > 46'000);
  CHECK(sum / 20'000 < 54'000);
  CHECK(sizes.back() == 500'000);
  // And the pages themselves are as large as that says.
  WebConfig config;
  config.shops = 20;
  const ShopWeb web(config);
  const Filler filler;
  double total = 0;
  for (const Shop& shop : web.shops()) {
    for (std::uint32_t index = 0; index < 25; ++index) {
      total += static_cast<double>(item_page({web, shop, filler, 1}, index).size());
    }
  }
  CHECK(total / 500 > 42'000);
  CHECK(total / 500 < 60'000);
}

TEST_CASE("the meter counts every request beyond the rate of any one second and no other") {
  const auto at = [](std::int64_t ms) { return Instant{} + Duration::milliseconds(ms); };
  Meter meter(3);
  CHECK(meter.admit(at(0)));
  CHECK(meter.admit(at(400)));
  CHECK(meter.admit(at(900)));
  CHECK_FALSE(meter.admit(at(999)));
  CHECK_FALSE(meter.admit(at(1'000)));  // 400, 900, 999 and this one
  CHECK(meter.admit(at(1'999)));        // 1000 and this one; 999 has just left
  CHECK(meter.counts.rate_violations == 2);
  CHECK(meter.counts.peak_per_s == 4);
  CHECK(meter.counts.requests == 6);
}

TEST_CASE("a shop over its rate answers 429 and a disallowed fetch is counted") {
  WebConfig config;
  config.shops = 1;
  Site site(config);
  const std::uint32_t rate = site.web().shops()[0].rate_per_s;
  CHECK(rate >= 3);
  CHECK(rate <= 8);
  for (std::uint32_t i = 0; i < rate; ++i) {
    CHECK(site.answer({"shop-000.test", "/c/jackets", false}, Instant{}).status == 200);
  }
  const Reply refused = site.answer({"shop-000.test", "/c/jackets", false}, Instant{});
  CHECK(refused.status == 429);
  CHECK(refused.extra_headers.find("Retry-After") != std::string::npos);
  const Instant later = Instant{} + Duration::seconds(2);
  CHECK(site.answer({"shop-000.test", "/cart", false}, later).status == 403);
  CHECK(site.answer({"shop-000.test", "/c/jackets?sort=price", false}, later).status == 403);
  CHECK(site.totals().counts.rate_violations == 1);
  CHECK(site.totals().counts.disallowed_fetches == 2);
  CHECK(site.totals().violations() == 3);
  CHECK(site.answer({"control.shopweb", "/stats", false}, later)
            .body.find("\"pacing_violations\":1") != std::string::npos);
  CHECK(site.answer({"no-such-shop.test", "/", false}, later).status == 404);
}

TEST_CASE("seeded trouble is at the same place in every run and heals") {
  WebConfig config;
  config.shops = 3;
  config.items = 200;
  const auto statuses = [&] {
    Site site(config);
    std::vector<std::uint32_t> out;
    Instant now{};
    for (const Shop& shop : site.web().shops()) {
      for (std::uint32_t index = 0; index < config.items; ++index) {
        for (int attempt = 0; attempt < 3; ++attempt) {
          now = now + Duration::seconds(1);
          out.push_back(
              site.answer({shop.host, site.web().item_path(shop, index), false}, now).status);
        }
        CHECK(out.back() == 200);
      }
    }
    return out;
  };
  const auto first = statuses();
  CHECK(first == statuses());
  CHECK(std::count(first.begin(), first.end(), 500U) > 0);
  CHECK(std::count(first.begin(), first.end(), 429U) > 0);
}

TEST_CASE("hostile shops redirect for ever, never end, lie about length and unpack to a bomb") {
  WebConfig config;
  config.shops = 12;
  config.items = 10;
  Site site(config);
  Instant now{};
  const auto get = [&](const std::string& target) {
    now = now + Duration::seconds(1);
    return site.answer({"shop-007.test", target, false}, now);
  };
  CHECK(get("/loop/a").extra_headers == "Location: /loop/b\r\n");
  CHECK(get("/loop/b").extra_headers == "Location: /loop/a\r\n");
  CHECK(get("/hop/999").extra_headers == "Location: /hop/1000\r\n");
  CHECK(get("/firehose").manner == Manner::firehose);
  CHECK(get("/drip").manner == Manner::drip);
  CHECK(get("/longer").manner == Manner::longer);
  CHECK(get("/shorter").manner == Manner::shorter);
  CHECK(get("/cut").manner == Manner::cut);
  CHECK(get("/lookbook").body.size() == 6'000'000);
  const Reply bomb = get("/bomb");
  CHECK(bomb.gzip);
  CHECK(bomb.body.size() < 100'000);
  // Every one of them is linked from the shop's front page, and nobody else has them.
  const std::string home = get("/").body;
  for (const char* path : {"/loop/a", "/hop/1", "/firehose", "/drip", "/longer", "/shorter", "/cut",
                           "/lookbook", "/bomb"}) {
    INFO(path);
    CHECK(home.find(std::string("\"") + path + "\"") != std::string::npos);
    CHECK(site.answer({"shop-006.test", path, false}, now).status == 404);
    now = now + Duration::seconds(1);
  }
}

TEST_CASE("a slow page takes its time once, and a calendar has a tomorrow for ever") {
  WebConfig config;
  config.shops = 3;
  config.items = 200;
  Site site(config);
  const Shop& shop = site.web().shops()[1];
  REQUIRE(shop.calendar);
  Instant now{};
  const auto get = [&](const std::string& target) {
    now = now + Duration::seconds(1);
    return site.answer({shop.host, target, false}, now);
  };
  int slow = 0;
  for (std::uint32_t index = 0; index < config.items; ++index) {
    if (site.web().trouble_at(shop, index) != Trouble::slow) continue;
    ++slow;
    CHECK(get(site.web().item_path(shop, index)).delay_ms > 1'000);
    CHECK(get(site.web().item_path(shop, index)).delay_ms == 0);
  }
  CHECK(slow > 0);
  CHECK(get("/calendar/2026/12/28").body.find("\"/calendar/2026/1/1\"") != std::string::npos);
  CHECK(get("/calendar/9999/1/1").body.find("\"/calendar/10000/1/1\"") != std::string::npos);
}

TEST_CASE("a shop with session ids writes other links on every visit and serves them all") {
  WebConfig config;
  config.shops = 6;
  config.items = 10;
  Site site(config);
  for (const std::uint32_t number : {2U, 5U}) {
    const Shop& shop = site.web().shops()[number];
    REQUIRE(shop.session_ids);
    const Instant later = Instant{} + Duration::seconds(5);
    const std::string first = site.answer({shop.host, "/", false}, Instant{}).body;
    const std::string second = site.answer({shop.host, "/", false}, later).body;
    CHECK(first != second);
    const std::string mark = number == 2 ? "?sid=" : ";jsessionid=";
    const std::size_t at = second.find("/c/jackets" + mark);
    REQUIRE(at != std::string::npos);
    const std::string link = second.substr(at, second.find('"', at) - at);
    CHECK(site.answer({shop.host, link, false}, later).status == 200);
  }
}

TEST_CASE("twelve shops show every markup, encoding and sitemap, and 3 to 8 requests a second") {
  WebConfig config;
  config.shops = 300;
  const ShopWeb web(config);
  std::set<Markup> markups;
  std::set<Encoding> encodings;
  std::set<SitemapKind> sitemaps;
  std::set<std::uint32_t> rates;
  for (const Shop& shop : web.shops()) {
    rates.insert(shop.rate_per_s);
    if (shop.number >= 12) continue;
    markups.insert(shop.markup);
    encodings.insert(shop.encoding);
    sitemaps.insert(shop.sitemap);
  }
  CHECK(markups.size() == 5);
  CHECK(encodings.size() == 6);
  CHECK(sitemaps.size() == 4);
  CHECK(rates == std::set<std::uint32_t>{3, 4, 5, 6, 7, 8});
}

TEST_CASE("the check finds a lost, a doubled, a foreign and a wrong item") {
  WebConfig config;
  config.shops = 2;
  config.items = 5;
  const auto truth = parse_truth(Site(config).truth_lines());
  REQUIRE(truth.ok());
  CHECK(check_items(*truth, *truth).exact());
  std::vector<Item> lost(truth->begin() + 1, truth->end());
  CHECK(check_items(*truth, lost).items_missing == 1);
  CHECK_FALSE(check_items(*truth, lost).exact());
  std::vector<Item> doubled = *truth;
  doubled.push_back(doubled.front());
  CHECK(check_items(*truth, doubled).items_duplicate == 1);
  CHECK_FALSE(check_items(*truth, doubled).exact());
  std::vector<Item> foreign = *truth;
  foreign.push_back(foreign.front());
  foreign.back().sku = "X";
  CHECK(check_items(*truth, foreign).items_extra == 1);
  for (int field = 0; field < 6; ++field) {
    std::vector<Item> wrong = *truth;
    Item& item = wrong[3];
    if (field == 0) item.name += "x";
    if (field == 1) item.price_cents += 1;
    if (field == 2) item.currency = "ZZZ";
    if (field == 3) item.stock = Stock::unknown;
    if (field == 4) item.image += "x";
    if (field == 5) item.url += "x";
    CHECK(check_items(*truth, wrong).items_wrong == 1);
  }
  CHECK_FALSE(parse_truth("{\"sku\":1}\n").ok());
}
