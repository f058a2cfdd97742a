// How shops say what an item is: JSON-LD, microdata, and HTML that leaves it to the reader.
#include <array>
#include <cstdio>

#include "examples/crawler/shopweb/pages.hpp"

namespace bourse::crawler::shopweb {
namespace {

std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

const char* schema_stock(Stock stock) {
  switch (stock) {
    case Stock::in_stock:
      return "https://schema.org/InStock";
    case Stock::out_of_stock:
      return "http://schema.org/OutOfStock";
    default:
      return "https://schema.org/PreOrder";
  }
}

const char* spoken_stock(Stock stock) {
  switch (stock) {
    case Stock::in_stock:
      return "In stock";
    case Stock::out_of_stock:
      return "Sold out";
    default:
      return "Pre-order now";
  }
}

// "1.234,50 €" on the continent, "£1,234.50" elsewhere, "1,234円" in Japan.
std::string spoken_price(const Item& item) {
  const bool continental = item.currency == "EUR";
  std::string whole = std::to_string(item.price_cents / 100);
  for (std::size_t at = whole.size(); at > 3; at -= 3) {
    whole.insert(at - 3, continental ? "." : item.currency == "CHF" ? "'" : ",");
  }
  std::array<char, 8> cents{};
  std::snprintf(cents.data(), cents.size(), "%02d", static_cast<int>(item.price_cents % 100));
  if (item.currency == "JPY") return whole + "円";
  if (continental) return whole + "," + cents.data() + " €";
  if (item.currency == "CHF") return "CHF " + whole + "." + cents.data();
  return (item.currency == "GBP" ? "£" : "$") + whole + "." + cents.data();
}

std::string product_json(const Item& item) {
  return "{\"@type\": \"Product\", \"sku\": \"" + item.sku + "\", \"name\": \"" +
         json_escaped(item.name) + "\",\n \"image\": [\"" + item.image + "\"], \"url\": \"" +
         item.url + "\",\n \"brand\": {\"@type\": \"Brand\", \"name\": \"Own\"},\n" +
         " \"offers\": {\"@type\": \"Offer\", \"price\": \"" + plain_price(item.price_cents) +
         "\", \"priceCurrency\": \"" + item.currency + "\", \"availability\": \"" +
         schema_stock(item.stock) + "\"}";
}

}  // namespace

std::string plain_price(std::int64_t cents) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%lld.%02d", static_cast<long long>(cents / 100),
                static_cast<int>(cents % 100));
  return buffer.data();
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string item_head(const Shop& shop, const Item& item) {
  switch (shop.markup) {
    case Markup::json_ld:
      return "<script type=\"application/ld+json\">\n{\"@context\": \"https://schema.org\",\n" +
             product_json(item).substr(1) + "}\n</script>\n";
    case Markup::json_ld_graph:
      return "<script type='application/ld+json'>{\"@context\": \"https://schema.org\", "
             "\"@graph\": [{\"@type\": \"WebSite\", \"name\": \"" +
             shop.host + "\"}, {\"@type\": \"BreadcrumbList\", \"itemListElement\": []},\n" +
             product_json(item) + "}]}</script>\n";
    case Markup::broken_json_ld:
      // A comma too many: no JSON parser takes it, the reader has to fall back on the page.
      return "<script type=\"application/ld+json\">{\"@context\": \"https://schema.org\", " +
             product_json(item).substr(1) + ", }</script>\n";
    default:
      return "";
  }
}

std::string item_body(const Shop& shop, const Item& item) {
  const std::string name = html_escaped(item.name);
  const std::string image = item.image.substr(item.image.find("/img"));
  switch (shop.markup) {
    case Markup::json_ld:
    case Markup::json_ld_graph:
      return "<h1>" + name + "</h1><img src=\"" + image + "\" alt=\"\"><p>" + spoken_price(item) +
             "</p>\n";
    case Markup::microdata:
      return "<div itemscope itemtype=\"http://schema.org/Product\"><h1 itemprop=\"name\">" + name +
             "</h1>\n<img itemprop=\"image\" src=\"" + image +
             "\"><meta itemprop=\"sku\" content=\"" + item.sku +
             "\">\n<div itemprop=\"offers\" itemscope itemtype=\"http://schema.org/Offer\">"
             "<span itemprop=\"price\" content=\"" +
             plain_price(item.price_cents) + "\">" + spoken_price(item) +
             "</span><meta itemprop=\"priceCurrency\" content=\"" + item.currency +
             "\"><link itemprop=\"availability\" href=\"" + schema_stock(item.stock) +
             "\"></div>\n<div itemprop=\"brand\" itemscope itemtype=\"http://schema.org/Brand\">"
             "<span itemprop=\"name\">Own</span></div></div>\n";
    default:
      break;
  }
  // Unclosed, unquoted, upper case; an old price beside the real one.
  return "<TABLE width=100%><TR><TD><IMG class=product-image src=" + image + "><TD><H1>" + name +
         "</H1>\n<P>Article <B class=sku>" + item.sku + "</B><DEL class=price>9,999.99</DEL>" +
         "<P class=\"big price\">" + spoken_price(item) + "<P id=availability>" +
         spoken_stock(item.stock) + "</TABLE>\n";
}

}  // namespace bourse::crawler::shopweb
