// check_items: compares what a crawl stored with what its web really sells. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

struct CheckResult {
  std::uint64_t items_expected = 0;
  std::uint64_t items_found = 0;  // rows, doubles included
  std::uint64_t items_missing = 0;
  std::uint64_t items_extra = 0;      // that no shop sells
  std::uint64_t items_duplicate = 0;  // rows beyond the first of a (shop, sku)
  std::uint64_t items_wrong = 0;      // with at least one wrong field
  std::vector<std::string> examples;  // the first few findings, a sentence each

  bool exact() const {
    return items_missing == 0 && items_extra == 0 && items_duplicate == 0 && items_wrong == 0;
  }
};

CheckResult check_items(const std::vector<Item>& expected, const std::vector<Item>& found);

// One JSON object a line, as shopweb's --truth writes them.
Result<std::vector<Item>> parse_truth(std::string_view lines);

}  // namespace bourse::crawler
