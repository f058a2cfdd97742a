// The JSON that shopweb hands out: one item per line of the truth file, the counters object.
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "examples/crawler/shopweb/meter.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler::shopweb {

struct SiteTotals;

struct ShopCounts {
  std::string host;
  std::uint32_t rate_per_s = 0;
  MeterCounts counts;
};

// {"shop":..,"sku":..,"name":..,"price_cents":..,"currency":..,"stock":..,"image":..,"url":..}
std::string item_object(const Item& item);

// {"requests":..,"pages":..,"page_bytes":..,"pacing_violations":..,"disallowed_fetches":..,
//  "violations":..,"peak_per_s":..,"shops":[{"shop":..,"rate_per_s":..,...}]}
std::string stats_object(const SiteTotals& totals, const std::vector<ShopCounts>& shops);

}  // namespace bourse::crawler::shopweb
