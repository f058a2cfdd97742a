// read_sitemap: the addresses in a sitemap or sitemap index (sitemaps.org), XML read with libxml2,
// also gzip-compressed. Entities beyond the five of XML are not expanded. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bourse::crawler {

constexpr std::size_t kMaxSitemapUrls = 50'000;       // sitemaps.org's own limits
constexpr std::size_t kMaxSitemapBytes = 50'000'000;  // uncompressed

struct Sitemap {
  std::vector<std::string> pages;
  std::vector<std::string> sitemaps;
};

// What a damaged file still says before its damage counts; an error only when it says nothing.
Result<Sitemap> read_sitemap(std::string_view body);

}  // namespace bourse::crawler
