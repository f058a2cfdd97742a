#include "examples/crawler/extract/extract.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "examples/crawler/extract/encoding.hpp"
#include "examples/crawler/extract/html_reader.hpp"
#include "examples/crawler/extract/item_rules.hpp"
#include "examples/crawler/extract/sitemap.hpp"
#include "examples/crawler/robots/robots.hpp"
#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {
namespace {

// Addresses that by their ending are no pages; asking for them would waste the host's budget.
bool looks_like_a_page(const Url& url) {
  static constexpr std::array<std::string_view, 14> kOthers = {
      ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg",  ".css",
      ".js",  ".pdf",  ".zip", ".mp4", ".ico",  ".woff", ".woff2"};
  return std::none_of(kOthers.begin(), kOthers.end(), [&](std::string_view ending) {
    return url.path.size() > ending.size() &&
           std::string_view(url.path).substr(url.path.size() - ending.size()) == ending;
  });
}

bool is_html(const Page& page) {
  if (page.content_type.empty() || page.content_type.find("html") != std::string::npos) return true;
  // Some shops send pages as text/plain; a page begins with a tag.
  const std::size_t first = page.body.find_first_not_of(" \t\r\n");
  return page.content_type.find("text/plain") == 0 && first != std::string::npos &&
         page.body[first] == '<';
}

void collect_links(const HtmlFacts& facts, const Url& page, PageReport& report) {
  Url base = page;
  if (!facts.base.empty()) {
    if (const Result<Url> given = resolve_url(page, facts.base); given.ok()) base = *given;
  }
  const std::string own_pattern = pattern_of(page);
  std::set<std::string> seen;
  std::string elsewhere;  // links to other kinds of pages, in order of their text
  for (const std::string& href : facts.links) {
    const Result<Url> url = resolve_url(base, href);
    if (url.ok() && looks_like_a_page(*url)) {
      std::string text = url->text();
      if (seen.insert(text).second) {
        if (pattern_of(*url) != own_pattern) elsewhere += text + "\n";
        report.links.push_back(std::move(text));
      }
    }
  }
  report.outlinks = digest_of(elsewhere);
}

Extracted extract_page(Page page, const Url& url) {
  Extracted out;
  if (!is_html(page)) {
    out.report.outcome = Outcome::bad_page;
    return out;
  }
  const std::string utf8 = to_utf8(std::move(page.body), page.content_type);
  const HtmlFacts facts = read_html(utf8);
  out.item = item_of(facts, url);
  out.report.has_item = out.item.has_value();
  out.report.content = facts.text;
  collect_links(facts, url, out.report);
  return out;
}

Extracted extract_sitemap(const Page& page, const Url& url) {
  Extracted out;
  Result<Sitemap> sitemap = read_sitemap(page.body);
  if (!sitemap.ok()) {
    out.report.outcome = Outcome::bad_page;
    return out;
  }
  const auto resolved = [&](const std::vector<std::string>& texts, std::vector<std::string>& to) {
    for (const std::string& text : texts) {
      const Result<Url> one = resolve_url(url, text);
      // A sitemap speaks for its own host only (sitemaps.org, "Sitemap file location").
      if (one.ok() && one->host == url.host) to.push_back(one->text());
    }
  };
  resolved(sitemap->pages, out.report.links);
  resolved(sitemap->sitemaps, out.report.sitemaps);
  return out;
}

}  // namespace

Extracted extract(Page page) {
  const OrderId id = page.order;
  Extracted out;
  const Result<Url> url = parse_url(page.url);
  if (!url.ok()) {
    out.report.outcome = Outcome::bad_page;
  } else if (page.kind == PageKind::robots) {
    out.report.robots = parse_robots(page.body, kProductToken).text();
  } else if (page.kind == PageKind::sitemap) {
    out = extract_sitemap(page, *url);
  } else {
    out = extract_page(std::move(page), *url);
  }
  out.report.id = id;
  return out;
}

}  // namespace bourse::crawler
