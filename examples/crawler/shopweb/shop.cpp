#include "examples/crawler/shopweb/shop.hpp"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/prng.hpp"

namespace bourse::crawler::shopweb {
namespace {

constexpr std::array<const char*, 12> kColours = {"Crème", "Noir", "Weiß",  "Bleu",
                                                  "Grün",  "Rosé", "Café",  "Marrón",
                                                  "Olive", "Écru", "Ivory", "Azul"};
constexpr std::array<const char*, 10> kMaterials = {
    "Wool", "Cotton", "Linen", "Denim", "Silk", "Suède", "Tweed", "Jersey", "Corduroy", "Flanell"};
constexpr std::array<const char*, 10> kNouns = {"Jacket", "Shirt",   "Trousers", "Skirt",   "Coat",
                                                "Scarf",  "Blouson", "Dress",    "Sweater", "Vest"};
constexpr std::array<const char*, 6> kJapaneseColours = {"黒", "白", "紺", "赤", "青", "緑"};
constexpr std::array<const char*, 6> kJapaneseNouns = {"ジャケット", "シャツ", "スカート",
                                                       "コート",     "帽子",   "靴下"};
constexpr std::array<const char*, 3> kCategories = {"jackets", "knitwear", "accessories"};

enum ShopField : std::uint64_t {
  kRate = 1,
  kNotice,
  kStyle,
  kName,
  kPrice,
  kStock,
  kTrouble,
  kLink
};

std::string number_text(const char* format, unsigned long long a, unsigned long long b = 0) {
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, a, b);
  return buffer.data();
}

}  // namespace

std::uint64_t ShopWeb::draw(std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
  std::uint64_t state = config_.seed * 0x9e3779b97f4a7c15ULL + a;
  state = splitmix64(state) + b;
  state = splitmix64(state) + c;
  return splitmix64(state);
}

ShopWeb::ShopWeb(WebConfig config) : config_(config) {
  shops_.reserve(config_.shops);
  for (std::uint32_t number = 0; number < config_.shops; ++number) {
    Shop shop;
    shop.number = number;
    shop.host = number_text("shop-%03llu.test", number);
    shop.hostile = number % 12 == 7;
    // Hostile shops cost time-outs; a high rate leaves them time for their items.
    shop.rate_per_s = shop.hostile ? 8 : 3 + static_cast<std::uint32_t>(draw(number, kRate, 0) % 6);
    const std::uint64_t notice = draw(number, kNotice, 0) % 10;
    shop.notice = notice < 6   ? RateNotice::crawl_delay
                  : notice < 9 ? RateNotice::request_rate
                               : RateNotice::none;
    shop.sitemap = static_cast<SitemapKind>(number % 4);
    shop.markup = static_cast<Markup>(number % 5);
    shop.encoding = static_cast<Encoding>(number % 6);
    shop.url_style = static_cast<UrlStyle>(draw(number, kStyle, 0) % 3);
    static constexpr std::array<const char*, 4> kCurrencies = {"EUR", "USD", "GBP", "CHF"};
    shop.currency = shop.encoding == Encoding::shift_jis ? "JPY" : kCurrencies[number / 2 % 4];
    shop.session_ids = number % 3 == 2;
    shop.calendar = number % 3 == 1;
    shop.gzip = number % 20 == 6;
    shop.no_robots = number % 20 == 11;
    if (shop.no_robots) shop.notice = RateNotice::none;
    shops_.push_back(std::move(shop));
  }
}

const Shop* ShopWeb::find(std::string_view host) const {
  constexpr std::string_view kPrefix = "shop-";
  if (host.substr(0, kPrefix.size()) != kPrefix) return nullptr;
  const std::string_view digits = host.substr(kPrefix.size());
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || number >= shops_.size()) return nullptr;
  return shops_[number].host == host ? &shops_[number] : nullptr;
}

Item ShopWeb::item(const Shop& shop, std::uint32_t index) const {
  Item item;
  item.shop = shop.host;
  item.sku = number_text("S%03llu-%06llu", shop.number, 100'000 + index * 7ULL);
  const std::uint64_t name = draw(shop.number, kName, index);
  const std::uint64_t model = 100 + name / 1'000 % 900;
  if (shop.encoding == Encoding::shift_jis) {
    item.name = std::string(kJapaneseColours[name % 6]) + "の" + kJapaneseNouns[name / 6 % 6] +
                " " + std::to_string(model);
  } else {
    item.name = std::string(kColours[name % 12]) + " " + kMaterials[name / 12 % 10] + " " +
                kNouns[name / 120 % 10] + (name / 1'200 % 7 == 0 ? " & Co. \"" : " ") +
                std::to_string(model) + (name / 1'200 % 7 == 0 ? "\"" : "");
  }
  // A third of the prices moves on any day.
  const std::uint64_t base = draw(shop.number, kPrice, index);
  const std::uint64_t today = draw(shop.number, kPrice + 100 + config_.day, index);
  std::int64_t cents = 500 + static_cast<std::int64_t>(base % 200'000);
  if (today % 3 == 0) cents += static_cast<std::int64_t>(today / 3 % 400);
  item.currency = shop.currency;
  item.price_cents = shop.currency == "JPY" ? cents * 100 : cents;
  const std::uint64_t stock = draw(shop.number, kStock + 100 + config_.day, index) % 10;
  item.stock = stock < 7 ? Stock::in_stock : stock < 9 ? Stock::out_of_stock : Stock::preorder;
  item.image = number_text("http://shop-%03llu.test/img/%llu.jpg", shop.number, 1'000 + index);
  item.url = "http://" + shop.host + item_path(shop, index);
  return item;
}

std::string ShopWeb::item_path(const Shop& shop, std::uint32_t index) const {
  const std::string id = std::to_string(1'000 + index);
  switch (shop.url_style) {
    case UrlStyle::path:
      return "/products/" + id + "-" + kCategories[index % 3];
    case UrlStyle::query:
      return "/item?id=" + id;
    case UrlStyle::html:
      break;
  }
  return std::string("/shop/") + kCategories[index % 3] + "/article-" + id + ".html";
}

std::string ShopWeb::category_name(std::uint32_t category) const {
  return kCategories[category % 3];
}

std::uint32_t ShopWeb::items_in(std::uint32_t category) const {
  return category >= config_.items ? 0 : (config_.items - 1 - category) / categories() + 1;
}

Trouble ShopWeb::trouble_at(const Shop& shop, std::uint32_t index) const {
  switch (draw(shop.number, kTrouble, index) % 100) {
    case 0:
    case 1:
      return Trouble::server_error;
    case 2:
      return config_.unthrottled ? Trouble::none : Trouble::throttled;
    case 3:
      return Trouble::slow;
    case 4:
      return Trouble::cut;
    default:
      return Trouble::none;
  }
}

std::uint32_t ShopWeb::trouble_times(const Shop& shop, std::uint32_t index) const {
  if (trouble_at(shop, index) != Trouble::server_error) return 1;
  return 1 + static_cast<std::uint32_t>(draw(shop.number, kTrouble, index) / 100 % 2);
}

bool ShopWeb::listed_in_sitemap(const Shop& shop, std::uint32_t index) const {
  return shop.sitemap != SitemapKind::partial || draw(shop.number, kLink, index) % 5 != 0;
}

bool ShopWeb::linked_by_redirect(const Shop& shop, std::uint32_t index) const {
  return draw(shop.number, kLink, index) % 25 == 1;
}

bool ShopWeb::has_variant(const Shop& shop, std::uint32_t index) const {
  return draw(shop.number, kLink, index) % 25 == 2;
}

}  // namespace bourse::crawler::shopweb
