// ShopWeb: the synthetic web as a pure function of (seed, shops, items, day): which shops there
// are, how each behaves, what each sells. The server renders it and the truth file lists it, so
// both come from the same lines. Values; any thread; nothing here fails.
//
// Traits whose combination matters to a small test web follow the shop's number (twelve shops show
// every markup and encoding); the rest are drawn from the seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/crawler/work/work.hpp"

namespace bourse::crawler::shopweb {

enum class RateNotice : std::uint8_t { crawl_delay, request_rate, none };
enum class SitemapKind : std::uint8_t { full, partial, compressed_index, none };
enum class Markup : std::uint8_t { json_ld, microdata, sloppy, json_ld_graph, broken_json_ld };
enum class Encoding : std::uint8_t {
  utf8,
  latin1_in_header,    // declared in Content-Type
  latin1_undeclared,   // says UTF-8, is not
  latin1_in_meta,      // declared in <meta> only
  shift_jis,           // declared in <meta> only
  twice_encoded_utf8,  // UTF-8 taken for windows-1252 and encoded again
};
enum class UrlStyle : std::uint8_t { path, query, html };

struct WebConfig {
  std::uint64_t seed = 1;
  std::uint32_t shops = 300;
  std::uint32_t items = 100;  // per shop
  std::uint32_t day = 0;
  bool unthrottled = false;
};

struct Shop {
  std::uint32_t number = 0;
  std::string host;              // "shop-017.test"
  std::uint32_t rate_per_s = 3;  // requests it takes in any one second
  RateNotice notice = RateNotice::crawl_delay;
  SitemapKind sitemap = SitemapKind::full;
  Markup markup = Markup::json_ld;
  Encoding encoding = Encoding::utf8;
  UrlStyle url_style = UrlStyle::path;
  std::string currency;
  bool session_ids = false;  // every link carries a fresh visit id
  bool calendar = false;     // has an endless calendar
  bool gzip = false;
  bool no_robots = false;  // robots.txt answers 404
  bool hostile = false;    // lies about lengths, never ends, redirects for ever
};

// Seeded trouble at an item's page. It heals: the next request after `times` gets the page.
enum class Trouble : std::uint8_t { none, server_error, throttled, slow, cut };

class ShopWeb {
 public:
  explicit ShopWeb(WebConfig config);

  const WebConfig& config() const { return config_; }
  const std::vector<Shop>& shops() const { return shops_; }
  // Null when no shop has this host name.
  const Shop* find(std::string_view host) const;

  // The exact truth about item `index` of a shop on this web's day.
  Item item(const Shop& shop, std::uint32_t index) const;
  std::string item_path(const Shop& shop, std::uint32_t index) const;

  std::uint32_t categories() const { return 3; }
  std::string category_name(std::uint32_t category) const;
  // Item indexes of a category are category, category + 3, category + 6, ...
  std::uint32_t items_in(std::uint32_t category) const;

  Trouble trouble_at(const Shop& shop, std::uint32_t index) const;
  std::uint32_t trouble_times(const Shop& shop, std::uint32_t index) const;
  bool listed_in_sitemap(const Shop& shop, std::uint32_t index) const;
  // How a category links an item: some through a redirect, some under a second address too.
  bool linked_by_redirect(const Shop& shop, std::uint32_t index) const;
  bool has_variant(const Shop& shop, std::uint32_t index) const;

  // A number that depends on the seed and the arguments only.
  std::uint64_t draw(std::uint64_t a, std::uint64_t b, std::uint64_t c) const;

 private:
  WebConfig config_;
  std::vector<Shop> shops_;
};

}  // namespace bourse::crawler::shopweb
