// What any site on the web may answer: pages, sitemaps, robots.txt, addresses, prices, headers.
#include "examples/crawler/extract/encoding.hpp"
#include "examples/crawler/extract/extract.hpp"
#include "examples/crawler/extract/html_reader.hpp"
#include "examples/crawler/extract/price.hpp"
#include "examples/crawler/extract/sitemap.hpp"
#include "examples/crawler/fetch/answer.hpp"
#include "examples/crawler/robots/robots.hpp"
#include "examples/crawler/url/url.hpp"
#include "fuzz.hpp"

using namespace bourse::crawler;

namespace {

// An address that was accepted is in its normal form: reading it again changes nothing.
void normal(const Url& url) {
  const auto again = parse_url(url.text());
  fuzz::must(again.ok() && *again == url);
}

void read_address(std::string_view text) {
  if (const auto url = parse_url(text)) normal(*url);
  const auto base = parse_url("http://shop.test/a/b?c=d");
  if (const auto url = resolve_url(*base, text)) normal(*url);
}

void read_rules(std::string_view text) {
  const RobotsRules rules = parse_robots(text, kProductToken);
  (void)rules.allowed("/a?b");
  fuzz::must(parse_robots(rules.text(), kProductToken) == rules);
}

void read_page(std::string_view text) {
  const HtmlFacts facts = read_html(text);
  fuzz::must(facts.links.size() <= kMaxLinksPerPage);
  for (const std::string& link : facts.links) read_address(link);
  Page page;
  page.url = "http://shop.test/p/1";
  page.content_type = "text/html";
  page.body = std::string(text);
  const Extracted extracted = extract(std::move(page));
  fuzz::must(!extracted.item || is_valid_utf8(extracted.item->name));
}

}  // namespace

// The first byte says what the rest is.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto input = fuzz::text(data, size).substr(1);
  switch (data[0] % 6) {
    case 0:
      read_page(input);
      break;
    case 1:
      if (const auto sitemap = read_sitemap(input)) {
        fuzz::must(sitemap->pages.size() + sitemap->sitemaps.size() <= kMaxSitemapUrls);
      }
      break;
    case 2:
      read_rules(input);
      break;
    case 3:
      read_address(input);
      break;
    case 4:
      (void)parse_price(input);
      fuzz::must(parse_retry_after(input, 1'800'000'000) <= bourse::Duration::seconds(3600));
      break;
    default:
      fuzz::must(is_valid_utf8(to_utf8(std::string(input), "text/html; charset=latin1")));
  }
  return 0;
}
