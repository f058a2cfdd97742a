#include "examples/crawler/extract/extract.hpp"

#include <catch2/catch.hpp>

#include "examples/crawler/extract/encoding.hpp"
#include "examples/crawler/extract/html_reader.hpp"
#include "examples/crawler/extract/price.hpp"
#include "examples/crawler/extract/sitemap.hpp"
#include "examples/crawler/gzip/gzip.hpp"
#include "examples/crawler/shopweb/encode.hpp"
#include "examples/crawler/shopweb/pages.hpp"

using namespace bourse;
using namespace bourse::crawler;

namespace {

Page page_of(std::string body, std::string url = "http://a.test/x") {
  Page page;
  page.url = std::move(url);
  page.content_type = "text/html";
  page.body = std::move(body);
  return page;
}

std::string json_page(const std::string& json) {
  return "<html><head><script type='application/ld+json'>" + json + "</script></head><body>x";
}

constexpr const char* kProduct =
    R"({"@type":"Product","sku":"S1","name":"Jacket","offers":{"price":"12.50","priceCurrency":"EUR"}})";

}  // namespace

TEST_CASE("the item of every page of every kind of shop is read exactly") {
  shopweb::WebConfig config;
  config.shops = 60;
  config.items = 4;
  const shopweb::ShopWeb web(config);
  const shopweb::Filler filler;
  for (const shopweb::Shop& shop : web.shops()) {
    for (std::uint32_t index = 0; index < config.items; ++index) {
      const shopweb::PageContext context{web, shop, filler, 77};
      Page page = page_of(shopweb::in_shop_encoding(shop.encoding, item_page(context, index)),
                          web.item(shop, index).url);
      page.content_type = shopweb::html_content_type(shop.encoding);
      INFO("shop " << shop.number << " item " << index);
      const Extracted extracted = extract(page);
      REQUIRE(extracted.item.has_value());
      CHECK(*extracted.item == web.item(shop, index));
    }
  }
}

TEST_CASE("no category page, not even one with a single teaser, is taken for an item") {
  shopweb::WebConfig config;
  config.shops = 60;
  config.items = 3;
  const shopweb::ShopWeb web(config);
  const shopweb::Filler filler;
  for (const shopweb::Shop& shop : web.shops()) {
    const shopweb::PageContext context{web, shop, filler, 77};
    for (std::uint32_t category = 0; category < 3; ++category) {
      const Extracted extracted =
          extract(page_of(category_page(context, category, 1), "http://" + shop.host + "/c/x"));
      INFO("shop " << shop.number << " category " << category);
      CHECK_FALSE(extracted.item.has_value());
      CHECK_FALSE(extracted.report.links.empty());
    }
  }
}

TEST_CASE("JSON-LD is found in lists, graphs and mainEntity, and several products are none") {
  for (const std::string& json :
       {std::string(kProduct), "[" + std::string(kProduct) + "]",
        R"({"@graph":[{"@type":"WebSite"},)" + std::string(kProduct) + "]}",
        R"({"@type":"WebPage","mainEntity":)" + std::string(kProduct) + "}"}) {
    INFO(json);
    const Extracted extracted = extract(page_of(json_page(json)));
    REQUIRE(extracted.item.has_value());
    CHECK(extracted.item->sku == "S1");
    CHECK(extracted.item->price_cents == 1'250);
    CHECK(extracted.item->shop == "a.test");
  }
  const std::string two = "[" + std::string(kProduct) + "," + kProduct + "]";
  CHECK_FALSE(extract(page_of(json_page(two))).item.has_value());
}

TEST_CASE("hostile JSON-LD does no harm") {
  for (const std::string& json :
       {std::string(100'000, '['), std::string("{\"@type\":\"Product\",\"sku\":{\"x\":1}}"),
        std::string("{\"@type\":[1,2],\"offers\":[]}"), std::string("{\"@type\":\"Product\","),
        std::string("\"\\ud800\""), std::string(""),
        std::string(R"({"@type":"Product","sku":"S","name":"N","offers":{"price":-3}})"),
        std::string(R"({"@type":"Product","sku":"S","name":"N","offers":{"price":1e300}})")}) {
    INFO(json.substr(0, 80));
    CHECK_FALSE(extract(page_of(json_page(json))).item.has_value());
  }
}

TEST_CASE("tag soup without end, depth or sense is read without harm") {
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<div itemscope itemprop=a>";
  CHECK_FALSE(extract(page_of(deep)).item.has_value());
  std::string links;
  for (int i = 0; i < 10'000; ++i) links += "<a href=/p" + std::to_string(i) + ">";
  CHECK(extract(page_of(links)).report.links.size() == kMaxLinksPerPage);
  CHECK(extract(page_of(std::string("<a href=/x\0y><\xff\xfe", 16))).report.outcome == Outcome::ok);
  CHECK(extract(page_of("")).report.outcome == Outcome::ok);
}

TEST_CASE("text of scripts and style sheets is left out, whatever it looks like") {
  const auto links = [](const std::string& body) { return extract(page_of(body)).report.links; };
  const std::vector<std::string> a_and_b = {"http://a.test/a", "http://a.test/b"};
  CHECK(links("<a href=/a>1</a><script>if (x</b><a href=/no>) y</script><a href=/b>2</a>") ==
        a_and_b);
  CHECK(links("<a href=/a>1</a><STYLE>a{}<a href=/no></STYLE ><a href=/b>2</a>") == a_and_b);
  CHECK(links("<script src='x>y'><a href=/no></SCRIPT><a href=/a>1</a><a href=/b>2</a>") ==
        a_and_b);
  CHECK(links("<!-- <script> --><a href=/a>1</a><i title='<style>'>x</i><a href=/b>2</a>") ==
        a_and_b);
  CHECK(links("<a href=/a>1</a><a href=/b>2</a><script>for ever <a href=/no>") == a_and_b);
  CHECK(links("<a href=/a>1</a><a href=/b>2</a><script") == a_and_b);
  const Extracted marked = extract(
      page_of("<script>var a;</script><script type='application/ld+json'>{\"@type\":\"Product\","
              "\"sku\":\"S1\",\"name\":\"N\",\"offers\":{\"price\":\"1.50\","
              "\"priceCurrency\":\"EUR\"}}</script><style>b{}</style>"));
  REQUIRE(marked.item.has_value());
  CHECK(marked.item->sku == "S1");
  // What nobody sees is no part of the content.
  CHECK(extract(page_of("<p>x<script>1</script>y")).report.content ==
        extract(page_of("<p>x<script>2</script>y")).report.content);
}

TEST_CASE("links resolve against base, lose their sessions and leave out what is no page") {
  const Extracted extracted = extract(page_of(
      "<base href='http://a.test/dir/'><a href='p?sid=1&amp;id=2'>x</a><A HREF=/q;jsessionid=9>y"
      "<a href='p?id=2'>again</a><a href='mailto:x@y'>m</a><a href='/i.jpg'>i</a>"
      "<a href='javascript:go()'>j</a><a href='http://b.test/#top'>b</a><link rel=next href=n>"));
  CHECK(extracted.report.links == std::vector<std::string>{"http://a.test/dir/p?id=2",
                                                           "http://a.test/q", "http://b.test/",
                                                           "http://a.test/dir/n"});
}

TEST_CASE("copies of a page have one content digest and pages of a calendar one set of outlinks") {
  const auto report = [](const char* body, const char* url) {
    return extract(page_of(body, url)).report;
  };
  const auto one = report("<p>Same  text<a href=/c?sid=1>c", "http://a.test/d/1");
  const auto two = report("<p>Same text<a href=/c?sid=2>c<a href=/d/3>", "http://a.test/d/2");
  CHECK(one.content == two.content);
  CHECK(one.outlinks == two.outlinks);
  CHECK_FALSE(one.content == report("<p>Other text", "http://a.test/d/1").content);
  CHECK_FALSE(one.outlinks == report("<a href=/e>", "http://a.test/d/1").outlinks);
}

TEST_CASE("a canonical address on another host is not believed") {
  const Extracted extracted =
      extract(page_of("<link rel=canonical href='http://evil.test/x'>" + json_page(kProduct)));
  REQUIRE(extracted.item.has_value());
  CHECK(extracted.item->url == "http://a.test/x");
}

TEST_CASE("prices are read as shops write them") {
  const auto cents = [](const char* text) {
    const auto price = parse_price(text);
    return price ? price->cents : -1;
  };
  CHECK(cents("1.234,50 €") == 123'450);
  CHECK(cents("£1,234.50") == 123'450);
  CHECK(cents("CHF 1'234.50") == 123'450);
  CHECK(cents("1,234円") == 123'400);
  CHECK(cents("1,234,567") == 123'456'700);
  CHECK(cents("12.9") == 1'290);
  CHECK(cents("7") == 700);
  CHECK(cents("from $ 3.999 only") == 399'900);
  CHECK(cents("-5.00") == -1);
  CHECK(cents("free") == -1);
  CHECK(cents("99999999999999999999") == -1);
  CHECK(parse_price("US$ 5")->currency == "USD");
  CHECK(parse_price("5 €")->currency == "EUR");
}

TEST_CASE("every encoding ends as valid UTF-8 and the broken ones are repaired") {
  CHECK(to_utf8("caf\xC3\xA9", "text/html; charset=iso-8859-1") == "caf\xC3\xA9");
  CHECK(to_utf8("caf\xE9", "text/html; charset=utf-8") == "caf\xC3\xA9");
  CHECK(to_utf8("caf\xE9 \x80", "") == "caf\xC3\xA9 \xE2\x82\xAC");
  CHECK(to_utf8("<meta charset=shift_jis>\x83\x56\x83\x83\x83\x63", "text/html") ==
        "<meta charset=shift_jis>シャツ");
  CHECK(to_utf8("\xEF\xBB\xBFx\xC3", "") == "x\xEF\xBF\xBD");
  CHECK(is_valid_utf8(to_utf8("\xff\xfe\x81 \xed\xa0\x80", "text/html; charset=no-such-thing")));
  CHECK(is_valid_utf8(to_utf8("\x83\xff\x80", "text/html; charset=shift_jis")));
  CHECK(without_double_encoding("Cr\xC3\x83\xC2\xA8me") == "Cr\xC3\xA8me");
  CHECK(without_double_encoding("Cr\xC3\xA8me") == "Cr\xC3\xA8me");
  CHECK(without_double_encoding("plain") == "plain");
  CHECK_FALSE(is_valid_utf8("\xC0\xAF"));
  CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));
}

TEST_CASE("sitemaps, sitemap indexes and compressed ones are read") {
  const std::string urls =
      "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
      "<url><loc> http://a.test/1?a=1&amp;b=2 </loc><lastmod>x</lastmod></url>"
      "<url><loc><![CDATA[http://a.test/2]]></loc></url></urlset>";
  auto map = read_sitemap(urls);
  REQUIRE(map.ok());
  CHECK(map->pages == std::vector<std::string>{" http://a.test/1?a=1&b=2 ", "http://a.test/2"});
  map = read_sitemap(gzip_compressed(urls));
  REQUIRE(map.ok());
  CHECK(map->pages.size() == 2);
  map = read_sitemap(
      "<sitemapindex><sitemap><loc>http://a.test/s.xml</loc></sitemap></sitemapindex>");
  REQUIRE(map.ok());
  CHECK(map->sitemaps.size() == 1);
  CHECK(map->pages.empty());
}

TEST_CASE("a sitemap that is a bomb, cut off or no XML does no harm") {
  const auto bomb = read_sitemap(gzip_compressed(std::string(60'000'000, ' ')));
  REQUIRE_FALSE(bomb.ok());
  CHECK(bomb.error().code == ErrorCode::too_large);
  CHECK_FALSE(read_sitemap("no xml at all").ok());
  CHECK_FALSE(read_sitemap("\x1F\x8B\x08garbage").ok());
  const auto cut = read_sitemap("<urlset><url><loc>http://a.test/1</loc></url><url><lo");
  REQUIRE(cut.ok());
  CHECK(cut->pages.size() == 1);
  // Entities that refer to each other must not be expanded.
  std::string laughs = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>";
  for (char c = 'b'; c < 'n'; ++c) {
    laughs += std::string("<!ENTITY ") + c + " '";
    for (int i = 0; i < 10; ++i) laughs += std::string("&") + static_cast<char>(c - 1) + ";";
    laughs += "'>";
  }
  laughs += "]><urlset><url><loc>&m;</loc></url></urlset>";
  const auto result = read_sitemap(laughs);
  CHECK((!result.ok() || result->pages.empty() || result->pages[0].size() < 5'000));
}

TEST_CASE("robots.txt and what is no page are answered as what they are") {
  Page robots = page_of("User-agent: *\nDisallow: /x\n", "http://a.test/robots.txt");
  robots.kind = PageKind::robots;
  CHECK(extract(robots).report.robots == "User-agent: *\nDisallow: /x\n");
  Page pdf = page_of("%PDF-1.4");
  pdf.content_type = "application/pdf";
  CHECK(extract(pdf).report.outcome == Outcome::bad_page);
}
