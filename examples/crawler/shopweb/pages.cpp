#include "examples/crawler/shopweb/pages.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace bourse::crawler::shopweb {
namespace {

enum PageField : std::uint64_t { kSize = 40, kPad, kRelated };

std::uint64_t name_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// A link as this shop writes it: with a fresh visit id where the shop does that.
std::string link(const PageContext& context, const std::string& path) {
  if (!context.shop.session_ids) return html_escaped(path);
  const std::string visit = std::to_string(context.visit);
  const std::size_t question = path.find('?');
  if (context.shop.number % 2 == 0) {
    return html_escaped(path + (question == std::string::npos ? "?" : "&") + "sid=" + visit);
  }
  const std::string session = ";jsessionid=" + visit;
  return html_escaped(question == std::string::npos
                          ? path + session
                          : path.substr(0, question) + session + path.substr(question));
}

std::string anchor(const PageContext& context, const std::string& path, std::string_view text) {
  return "<a href=\"" + link(context, path) + "\">" + html_escaped(text) + "</a>\n";
}

const char* declared_charset(const Shop& shop) {
  switch (shop.encoding) {
    case Encoding::latin1_in_meta:
      return "iso-8859-1";
    case Encoding::shift_jis:
      return "Shift_JIS";
    default:
      return "utf-8";
  }
}

std::string top(const PageContext& context, std::string_view title, std::string_view head) {
  const Shop& shop = context.shop;
  std::string out = "<!DOCTYPE html>\n<html><head>";
  // A page in Latin-1 that says so in its header has no <meta>; the others have one.
  if (shop.encoding != Encoding::latin1_in_header) {
    out += std::string("<meta charset=\"") + declared_charset(shop) + "\">";
  }
  out += "<title>" + html_escaped(title) + " - " + shop.host + "</title>\n";
  out += head;
  out += "</head><body>\n<nav>";
  out += anchor(context, "/", "Home");
  for (std::uint32_t category = 0; category < context.web.categories(); ++category) {
    const std::string name = context.web.category_name(category);
    out += anchor(context, "/c/" + name, name);
  }
  out += anchor(context, "/cart", "Cart") + anchor(context, "/account/login", "Account");
  return out + "</nav>\n";
}

std::string finished(const PageContext& context, std::string page, std::string_view identity) {
  const std::uint64_t id = name_hash(identity);
  context.filler.pad(page, context.web.draw(context.shop.number, kPad, id),
                     page_bytes(context.web.draw(context.shop.number, kSize, id)));
  page += "<footer>" + context.shop.host + "</footer></body></html>\n";
  return page;
}

// The address a category uses for an item: plain, with tracking, or through a redirect.
std::string listed_path(const PageContext& context, std::uint32_t index) {
  if (context.web.linked_by_redirect(context.shop, index)) {
    return "/p/" + std::to_string(1'000 + index);
  }
  std::string path = context.web.item_path(context.shop, index);
  if (index % 5 == 2) {
    path += (path.find('?') == std::string::npos ? "?" : "&");
    path += "utm_source=category&utm_medium=tile";
  }
  return path;
}

std::string card(const PageContext& context, std::uint32_t index) {
  const Item item = context.web.item(context.shop, index);
  const std::string path = listed_path(context, index);
  std::string out;
  if (context.shop.markup == Markup::microdata) {
    // A teaser in full markup: a crawler that takes it for the item gets the wrong address.
    out = "<div itemscope itemtype=\"http://schema.org/Product\"><a itemprop=\"url\" href=\"" +
          link(context, path) + "\"><span itemprop=\"name\">" + html_escaped(item.name) +
          "</span></a><meta itemprop=\"sku\" content=\"" + item.sku + "\"></div>\n";
  } else {
    out = "<div class=tile>" + anchor(context, path, item.name) + "</div>\n";
  }
  if (context.web.has_variant(context.shop, index)) {
    const std::string base = context.web.item_path(context.shop, index);
    out += anchor(context, base + (base.find('?') == std::string::npos ? "?" : "&") + "color=red",
                  "in red");
  }
  return out;
}

std::string url_entry(const std::string& address) {
  return "<url><loc>" + html_escaped(address) + "</loc></url>\n";
}

}  // namespace

std::string robots_page(const ShopWeb& web, const Shop& shop) {
  std::string out =
      "User-agent: greedybot\nDisallow: /\n\nUser-agent: *\nDisallow: /cart\n"
      "Disallow: /account\nDisallow: /*?sort=\nDisallow: /*&sort=\nDisallow: /outlet/\n"
      "Allow: /outlet/open\n";
  if (!web.config().unthrottled) {
    std::array<char, 64> line{};
    if (shop.notice == RateNotice::crawl_delay) {
      std::snprintf(line.data(), line.size(), "Crawl-delay: %.4f\n", 1.0 / shop.rate_per_s);
    } else if (shop.notice == RateNotice::request_rate) {
      std::snprintf(line.data(), line.size(), "Request-rate: %u/1\n", shop.rate_per_s);
    }
    out += line.data();
  } else {
    out += "Request-rate: 10000/1\n";
  }
  if (shop.sitemap != SitemapKind::none) {
    out += "\nSitemap: http://" + shop.host + "/sitemap.xml\n";
  }
  return out;
}

std::string sitemap_page(const ShopWeb& web, const Shop& shop, std::string_view path) {
  const bool index = shop.sitemap == SitemapKind::compressed_index;
  const std::string head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const std::string space = " xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";
  if (shop.sitemap == SitemapKind::none) return "";
  if (index && path == "/sitemap.xml") {
    return head + "<sitemapindex" + space + "<sitemap><loc>http://" + shop.host +
           "/sitemap-items.xml.gz</loc></sitemap>\n</sitemapindex>\n";
  }
  if (path != (index ? "/sitemap-items.xml.gz" : "/sitemap.xml")) return "";
  std::string out = head + "<urlset" + space;
  for (std::uint32_t i = 0; i < web.config().items; ++i) {
    if (!web.listed_in_sitemap(shop, i)) continue;
    out += url_entry("http://" + shop.host + web.item_path(shop, i));
  }
  return out + "</urlset>\n";
}

std::string home_page(const PageContext& context) {
  std::string page = top(context, "Welcome", "");
  page += anchor(context, "/gone/1", "Last year's sale") + anchor(context, "/gone/2", "Jobs");
  page += anchor(context, "/outlet/closed", "Outlet") + anchor(context, "/outlet/open", "Outlet");
  if (context.shop.calendar) page += anchor(context, "/calendar/2026/1/1", "Events");
  if (context.shop.hostile) {
    for (const char* path : {"/loop/a", "/hop/1", "/lookbook", "/firehose", "/drip", "/longer",
                             "/shorter", "/cut", "/bomb"}) {
      // A web without limits is there to measure speed, which a tarpit only hides.
      if (context.web.config().unthrottled && std::string_view(path) == "/drip") continue;
      page += anchor(context, path, path);
    }
  }
  return finished(context, std::move(page), "/");
}

std::string category_page(const PageContext& context, std::uint32_t category, std::uint32_t page) {
  const std::string name = context.web.category_name(category);
  const std::string path = "/c/" + name;
  const std::uint32_t count = context.web.items_in(category);
  const std::uint32_t pages =
      std::max<std::uint32_t>(1, (count + kItemsPerCategoryPage - 1) / kItemsPerCategoryPage);
  std::string out = top(context, name + " " + std::to_string(page), "");
  out += anchor(context, path + "?sort=price", "by price");
  for (std::uint32_t i = (page - 1) * kItemsPerCategoryPage;
       i < std::min(count, page * kItemsPerCategoryPage); ++i) {
    out += card(context, category + i * context.web.categories());
  }
  if (page > 1) out += anchor(context, path + "?page=" + std::to_string(page - 1), "back");
  if (page < pages) out += anchor(context, path + "?page=" + std::to_string(page + 1), "next");
  return finished(context, std::move(out), path + "?page=" + std::to_string(page));
}

std::string item_page(const PageContext& context, std::uint32_t index) {
  const Item item = context.web.item(context.shop, index);
  std::string head;
  if (context.shop.number % 7 != 3) {
    head = "<link rel=\"canonical\" href=\"" + html_escaped(item.url) + "\">\n";
  } else {
    head = "<meta property=\"og:url\" content=\"" + html_escaped(item.url) + "\">\n";
  }
  head += item_head(context.shop, item);
  std::string page = top(context, item.name, head) + item_body(context.shop, item);
  page += "<aside>";
  for (std::uint64_t i = 0; i < 6; ++i) {
    const auto other = static_cast<std::uint32_t>(
        context.web.draw(context.shop.number, kRelated + i, index) % context.web.config().items);
    page += anchor(context, context.web.item_path(context.shop, other), "see also");
  }
  page += "</aside>\n";
  return finished(context, std::move(page), context.web.item_path(context.shop, index));
}

std::string calendar_page(const PageContext& context, std::uint32_t year, std::uint32_t month,
                          std::uint32_t day) {
  const auto path = [](std::uint32_t y, std::uint32_t m, std::uint32_t d) {
    return "/calendar/" + std::to_string(y) + "/" + std::to_string(m) + "/" + std::to_string(d);
  };
  std::string page = top(context, path(year, month, day), "");
  page += "<p>Nothing happens on this day.</p>\n";
  page += anchor(context, day < 28 ? path(year, month, day + 1) : path(year, month % 12 + 1, 1),
                 "tomorrow");
  page += anchor(context, path(year, month % 12 + 1, 1), "next month");
  page += anchor(context, path(year + 1, month, day), "next year");
  return finished(context, std::move(page), path(year, month, day));
}

std::string plain_page(const PageContext& context, std::string_view title) {
  return finished(context, top(context, title, "") + "<p>Soon more here.</p>\n", title);
}

}  // namespace bourse::crawler::shopweb
