#include "examples/crawler/check/check.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace bourse::crawler {
namespace {

constexpr std::size_t kExamples = 20;

// "" when the two agree.
std::string difference(const Item& expected, const Item& found) {
  const auto differ = [](const char* field, const std::string& want, const std::string& got) {
    return std::string(field) + " is \"" + got + "\" and should be \"" + want + "\"";
  };
  if (found.name != expected.name) return differ("name", expected.name, found.name);
  if (found.price_cents != expected.price_cents) {
    return differ("price_cents", std::to_string(expected.price_cents),
                  std::to_string(found.price_cents));
  }
  if (found.currency != expected.currency) {
    return differ("currency", expected.currency, found.currency);
  }
  if (found.stock != expected.stock) {
    return differ("stock", name_of(expected.stock), name_of(found.stock));
  }
  if (found.image != expected.image) return differ("image", expected.image, found.image);
  if (found.url != expected.url) return differ("url", expected.url, found.url);
  return "";
}

}  // namespace

CheckResult check_items(const std::vector<Item>& expected, const std::vector<Item>& found) {
  CheckResult result;
  result.items_expected = expected.size();
  result.items_found = found.size();
  const auto example = [&](const Item& item, const std::string& what) {
    if (result.examples.size() < kExamples) {
      result.examples.push_back(item.shop + " " + item.sku + ": " + what);
    }
  };
  std::map<std::pair<std::string, std::string>, std::pair<const Item*, std::uint64_t>> wanted;
  for (const Item& item : expected) wanted[{item.shop, item.sku}] = {&item, 0};
  std::map<std::pair<std::string, std::string>, std::uint64_t> extra;
  for (const Item& item : found) {
    const auto it = wanted.find({item.shop, item.sku});
    if (it == wanted.end()) {
      const bool first = extra[{item.shop, item.sku}]++ == 0;
      ++(first ? result.items_extra : result.items_duplicate);
      example(item, first ? "no shop sells it" : "stored more than once");
      continue;
    }
    if (it->second.second++ > 0) {
      ++result.items_duplicate;
      example(item, "stored more than once");
      continue;
    }
    const std::string what = difference(*it->second.first, item);
    if (what.empty()) continue;
    ++result.items_wrong;
    example(item, what);
  }
  for (const auto& [key, entry] : wanted) {
    if (entry.second > 0) continue;
    ++result.items_missing;
    example(*entry.first, "missing");
  }
  return result;
}

Result<std::vector<Item>> parse_truth(std::string_view lines) {
  std::vector<Item> items;
  std::size_t number = 0;
  while (!lines.empty()) {
    ++number;
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) continue;
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    const auto text = [&](const char* field) {
      const auto it = object.find(field);
      return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    if (!object.is_object() || !object.contains("price_cents") ||
        !object["price_cents"].is_number_integer() || text("sku").empty()) {
      return invalid("truth line " + std::to_string(number) +
                     " is not an item object with sku and price_cents");
    }
    items.push_back({text("shop"), text("sku"), text("name"),
                     object["price_cents"].get<std::int64_t>(), text("currency"),
                     stock_of(text("stock")), text("image"), text("url")});
  }
  return items;
}

}  // namespace bourse::crawler
