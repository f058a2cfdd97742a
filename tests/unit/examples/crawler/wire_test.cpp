#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "examples/crawler/wire/bytes.hpp"
#include "examples/crawler/wire/messages.hpp"

using namespace bourse;
using namespace bourse::crawler;

namespace {

Page some_page() {
  Page page;
  page.order = 77;
  page.url = "http://a.test/x";
  page.kind = PageKind::sitemap;
  page.attempt = 3;
  page.status = 200;
  page.content_type = "text/html";
  page.headers = "HTTP/1.1 200 OK\r\n";
  page.body = std::string("a\0b", 3) + std::string(1'000, 'x');
  return page;
}

template <typename T>
T through(const T& message) {
  const auto decoded = decode_stage_message(encode(message));
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

std::vector<std::string> one_of_each() {
  Configure configure{{"tcp://127.0.0.1:1", "x"}, true, "a.test 1:2\n", 7, "/out", 3, true};
  FetchOrder order{1ULL << 62, "http://a.test/", PageKind::robots, 2, 500};
  FetchReport report;
  report.id = 5;
  report.outcome = Outcome::redirect;
  report.redirect_to = "/y";
  report.since_seen = Duration::milliseconds(3);
  PageReport page_report;
  page_report.links = {"http://a.test/1", "http://a.test/2"};
  page_report.content = {1, ~0ULL};
  StoreWork store{9, 1, Item{"a.test", "S", "N", -5, "EUR", Stock::preorder, "i", "u"},
                  some_page()};
  return {encode(configure),
          encode(order),
          encode(report),
          encode(page_report),
          encode(store),
          encode(some_page()),
          encode(StageLoad{1, 2, 3, 4, 5, "full"}),
          encode(AnswerBegan{6, Duration::milliseconds(120)})};
}

}  // namespace

TEST_CASE("every stage message survives the way") {
  const Configure configure{{"tcp://127.0.0.1:1", ""}, true, "a.test 1:2\n", 7, "/out", 3, true};
  CHECK(through(configure) == configure);
  const Page page = some_page();
  const Page got = through(page);
  CHECK(got.body == page.body);
  CHECK(got.kind == page.kind);
  CHECK(got.headers == page.headers);
  StoreWork store{9, 1, Item{"a.test", "S", "N", -5, "EUR", Stock::preorder, "i", "u"}, page};
  CHECK(through(store).item == store.item);
  CHECK(through(store).page->body == page.body);
  store.item.reset();
  store.page.reset();
  CHECK_FALSE(through(store).item.has_value());
  FetchReport report;
  report.since_seen = Duration{-1};
  report.retry_after = Duration::seconds(7);
  report.outcome = Outcome::throttled;
  CHECK(through(report).since_seen == Duration{-1});
  CHECK(through(report).retry_after == Duration::seconds(7));
  PageReport page_report;
  page_report.links = {"a", "", "b"};
  page_report.outlinks = {~0ULL, 3};
  CHECK(through(page_report).links == page_report.links);
  CHECK(through(page_report).outlinks == page_report.outlinks);
  CHECK(through(StageLoad{1, 2, 3, 4, 5, "full"}) == StageLoad{1, 2, 3, 4, 5, "full"});
  CHECK(through(AnswerBegan{6, Duration{-2}}).id == 6);
  CHECK(through(AnswerBegan{6, Duration{-2}}).since_seen == Duration{-2});
}

TEST_CASE("a stage message that is cut, grown or damaged is refused or read, never more") {
  for (const std::string& whole : one_of_each()) {
    for (std::size_t length = 0; length<whole.size(); length += whole.size()> 200 ? 7 : 1) {
      CHECK_FALSE(decode_stage_message(std::string_view(whole).substr(0, length)).ok());
    }
    CHECK_FALSE(decode_stage_message(whole + "x").ok());
    Prng prng(whole.size());
    for (int i = 0; i < 500; ++i) {
      std::string damaged = whole;
      for (int k = 0; k < 3; ++k) {
        damaged[prng.below(damaged.size())] = static_cast<char>(prng.next());
      }
      (void)decode_stage_message(damaged);
    }
  }
  // A count of things that cannot be there must not be believed.
  ByteWriter liar;
  liar.number(1);
  liar.number(1ULL << 40);
  CHECK_FALSE(decode_stage_message(liar.take()).ok());
}
