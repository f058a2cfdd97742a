// extract: one fetched page to what the frontier needs to know and, if it sells something, the
// item. Pure; any thread (extract workers call it from theirs). What a page does wrong is an
// Outcome in the report, never an error here.
#pragma once

#include <optional>
#include <string>

#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

constexpr const char* kProductToken = "bourse-crawler";  // our name in robots.txt

struct Extracted {
  PageReport report;
  std::optional<Item> item;
};

Extracted extract(Page page);

}  // namespace bourse::crawler
