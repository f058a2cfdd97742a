#include "examples/crawler/shopweb/truth.hpp"

#include <nlohmann/json.hpp>

#include "examples/crawler/shopweb/site.hpp"

namespace bourse::crawler::shopweb {
namespace {

using Json = nlohmann::ordered_json;

Json counts_object(const MeterCounts& counts) {
  return Json{{"requests", counts.requests},
              {"pages", counts.pages},
              {"page_bytes", counts.page_bytes},
              {"pacing_violations", counts.rate_violations},
              {"disallowed_fetches", counts.disallowed_fetches},
              {"peak_per_s", counts.peak_per_s}};
}

}  // namespace

std::string item_object(const Item& item) {
  return Json{{"shop", item.shop},         {"sku", item.sku},
              {"name", item.name},         {"price_cents", item.price_cents},
              {"currency", item.currency}, {"stock", name_of(item.stock)},
              {"image", item.image},       {"url", item.url}}
      .dump();
}

std::string stats_object(const SiteTotals& totals, const std::vector<ShopCounts>& shops) {
  Json out = counts_object(totals.counts);
  out["violations"] = totals.violations();
  out["shops"] = Json::array();
  for (const ShopCounts& shop : shops) {
    Json row{{"shop", shop.host}, {"rate_per_s", shop.rate_per_s}};
    row.update(counts_object(shop.counts));
    out["shops"].push_back(std::move(row));
  }
  return out.dump();
}

}  // namespace bourse::crawler::shopweb
