#include "examples/crawler/extract/item_rules.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "examples/crawler/extract/encoding.hpp"
#include "examples/crawler/extract/price.hpp"

namespace bourse::crawler {
namespace {

using Json = nlohmann::json;

// One source's idea of the item, as text.
struct Sketch {
  std::string sku;
  std::string name;
  std::string price;
  std::string currency;
  std::string availability;
  std::string image;
  std::string url;
};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_product_type(std::string_view type) {
  return type == "Product" || ends_with(type, "/Product");
}

bool is_product(const Json& object) {
  const auto type = object.find("@type");
  if (type == object.end()) return false;
  if (type->is_string()) return is_product_type(type->get_ref<const std::string&>());
  if (!type->is_array()) return false;
  return std::any_of(type->begin(), type->end(), [](const Json& one) {
    return one.is_string() && is_product_type(one.get_ref<const std::string&>());
  });
}

// Products at the places where pages put them: the root, a list, @graph, mainEntity.
void collect_products(const Json& value, int depth, std::vector<const Json*>& out) {
  if (depth > 4 || out.size() > 8) return;
  if (value.is_array()) {
    for (const Json& one : value) collect_products(one, depth + 1, out);
  } else if (value.is_object()) {
    if (is_product(value)) out.push_back(&value);
    for (const char* place : {"@graph", "mainEntity"}) {
      if (const auto it = value.find(place); it != value.end()) {
        collect_products(*it, depth + 1, out);
      }
    }
  }
}

// A price given as a JSON number; nothing for one that no price is.
std::string number_text(double number) {
  constexpr double kLargest = 1e10;
  if (!(number >= 0.0) || number > kLargest) return "";
  const std::int64_t cents = std::llround(number * 100.0);
  const std::string fraction = std::to_string(100 + cents % 100).substr(1);
  return std::to_string(cents / 100) + "." + fraction;
}

// A property as text: strings as they are, numbers as written, the first of a list, an object's
// url.
std::string text_of(const Json& object, const char* property) {
  const auto it = object.find(property);
  if (it == object.end()) return "";
  const Json* value = &*it;
  if (value->is_array()) {
    if (value->empty()) return "";
    value = &value->front();
  }
  if (value->is_object()) return text_of(*value, "url");
  if (value->is_string()) return value->get<std::string>();
  return value->is_number() ? number_text(value->get<double>()) : "";
}

Sketch sketch_of(const Json& product) {
  Sketch sketch;
  sketch.sku = text_of(product, "sku");
  if (sketch.sku.empty()) sketch.sku = text_of(product, "productID");
  sketch.name = text_of(product, "name");
  sketch.image = text_of(product, "image");
  sketch.url = text_of(product, "url");
  const auto offers = product.find("offers");
  if (offers == product.end()) return sketch;
  const Json* offer = &*offers;
  if (offer->is_array() && !offer->empty()) offer = &offer->front();
  if (!offer->is_object()) return sketch;
  sketch.price = text_of(*offer, "price");
  if (sketch.price.empty()) sketch.price = text_of(*offer, "lowPrice");
  sketch.currency = text_of(*offer, "priceCurrency");
  sketch.availability = text_of(*offer, "availability");
  return sketch;
}

Sketch sketch_of(const MicroItem& product) {
  Sketch sketch;
  sketch.sku = product.value("sku");
  sketch.name = product.value("name");
  sketch.image = product.value("image");
  sketch.url = product.value("url");
  const MicroItem* offer = product.child("offers");
  const MicroItem& source = offer != nullptr ? *offer : product;
  sketch.price = source.value("price");
  sketch.currency = source.value("priceCurrency");
  sketch.availability = source.value("availability");
  return sketch;
}

Sketch sketch_of(const PlainFacts& plain) {
  Sketch sketch;
  sketch.sku = plain.sku;
  sketch.name = plain.heading;
  sketch.price = plain.price;
  sketch.availability = plain.availability;
  sketch.image = plain.image;
  return sketch;
}

std::vector<Sketch> json_ld_sketches(const HtmlFacts& facts) {
  std::vector<Sketch> sketches;
  for (const std::string& text : facts.json_ld) {
    const Json root = Json::parse(text, nullptr, false);
    if (root.is_discarded()) continue;
    std::vector<const Json*> products;
    collect_products(root, 0, products);
    for (const Json* product : products) sketches.push_back(sketch_of(*product));
  }
  return sketches;
}

std::vector<Sketch> microdata_sketches(const HtmlFacts& facts) {
  std::vector<Sketch> sketches;
  for (const MicroItem& item : facts.items) {
    if (is_product_type(item.type)) sketches.push_back(sketch_of(item));
  }
  return sketches;
}

// The one product that is this page's own: the only one without an address, or with this page's.
const Sketch* own_sketch(const std::vector<Sketch>& sketches, const Url& page,
                         const Url& canonical) {
  const Sketch* own = nullptr;
  for (const Sketch& sketch : sketches) {
    if (!sketch.url.empty()) {
      const Result<Url> url = resolve_url(page, sketch.url);
      if (!url.ok() || (*url != canonical && *url != page)) continue;
    }
    if (own != nullptr) return nullptr;
    own = &sketch;
  }
  return own;
}

void fill(std::string& field, const std::string& from) {
  if (field.empty()) field = from;
}

void fill_from(Sketch& sketch, const Sketch& other) {
  fill(sketch.sku, other.sku);
  fill(sketch.name, other.name);
  if (sketch.price.empty()) {
    sketch.price = other.price;
    fill(sketch.currency, other.currency);
  }
  fill(sketch.availability, other.availability);
  fill(sketch.image, other.image);
}

Stock stock_said(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::erase_if(lower, [](char c) { return c == ' ' || c == '-' || c == '_'; });
  const auto says = [&](const char* word) { return lower.find(word) != std::string::npos; };
  if (says("outofstock") || says("soldout") || says("unavailable")) return Stock::out_of_stock;
  if (says("preorder")) return Stock::preorder;
  if (says("instock") || says("available")) return Stock::in_stock;
  return Stock::unknown;
}

std::string clean(std::string text) {
  return without_double_encoding(std::move(text));
}

}  // namespace

Url canonical_of(const HtmlFacts& facts, const Url& page) {
  if (facts.canonical.empty()) return page;
  const Result<Url> url = resolve_url(page, facts.canonical);
  // A canonical address on another host would let one shop speak for another.
  return url.ok() && url->host == page.host ? *url : page;
}

std::optional<Item> item_of(const HtmlFacts& facts, const Url& page) {
  const Url canonical = canonical_of(facts, page);
  const std::vector<Sketch> from_json = json_ld_sketches(facts);
  const std::vector<Sketch> from_micro = microdata_sketches(facts);
  Sketch sketch;
  if (const Sketch* own = own_sketch(from_json, page, canonical)) fill_from(sketch, *own);
  if (const Sketch* own = own_sketch(from_micro, page, canonical)) fill_from(sketch, *own);
  // Markup about other products only: the page is a list, whatever its class names suggest.
  const bool marked = !from_json.empty() || !from_micro.empty();
  if (marked && sketch.sku.empty()) return std::nullopt;
  fill_from(sketch, sketch_of(facts.plain));
  if (sketch.sku.empty() || sketch.name.empty()) return std::nullopt;
  const std::optional<Price> price = parse_price(clean(sketch.price));
  if (!price) return std::nullopt;
  Item item;
  item.shop = page.host;
  item.sku = clean(sketch.sku);
  item.name = clean(sketch.name);
  item.price_cents = price->cents;
  item.currency = sketch.currency.empty() ? price->currency : sketch.currency;
  item.stock = stock_said(sketch.availability);
  item.url = canonical.text();
  if (!sketch.image.empty()) {
    const Result<Url> image = resolve_url(page, sketch.image);
    if (image.ok()) item.image = image->text();
  }
  return item;
}

}  // namespace bourse::crawler
