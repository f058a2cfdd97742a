// Url: one http(s) address in parts, resolved and normalised per RFC 3986, so that two spellings of
// a page are one string in the seen set.
//
// Beyond RFC 3986 section 6.2 the crawler drops what names a visit and not a page: fragments,
// session ids (`;jsessionid=`, `?sid=`) and tracking parameters (`utm_*`, `gclid`), and it sorts
// the query's parameters. Values; any thread; errors say what in the text is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::crawler {

constexpr std::size_t kMaxUrlBytes = 2'048;

struct Url {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case, no brackets stripped
  std::uint16_t port = 0;  // 0: the scheme's own
  std::string path;        // begins with '/'
  std::string query;       // without '?'

  bool operator==(const Url&) const = default;

  std::string text() const;
  // What goes into the request line and what robots.txt rules are matched against.
  std::string path_and_query() const;
};

// Parses an absolute http(s) address. The result is normalised.
Result<Url> parse_url(std::string_view text);

// Resolves a reference found on the page `base` (RFC 3986 section 5.2). The result is normalised.
Result<Url> resolve_url(const Url& base, std::string_view reference);

// The kind of page an address stands for: path segments that contain a digit become '#', query
// parameters keep their names only. "/calendar/2026/11/3?x=1" -> "/calendar/#/#/#?x".
std::string pattern_of(const Url& url);

}  // namespace bourse::crawler
