// The nouns that travel between the crawler's stages: what the frontier orders, what a fetch, an
// extraction and a store answer, and the item all of it is for. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/time.hpp"

namespace bourse::crawler {

// Names one attempt at one address; a later attempt has a new one.
using OrderId = std::uint64_t;

enum class PageKind : std::uint8_t { robots = 0, sitemap = 1, page = 2 };

// What became of a request. Each class has its own line in the retry table (frontier/retry.hpp).
enum class Outcome : std::uint8_t {
  ok = 0,
  redirect,       // 3xx with a usable Location
  gone,           // 404, 410
  refused,        // another 4xx
  throttled,      // 429, or 503 with Retry-After
  server_error,   // 5xx
  timeout,        // no answer within the limits
  dns,            // the host has no address
  connect,        // no connection, or it broke before an answer
  truncated,      // the body ended before its stated length
  too_large,      // more bytes (after decompression) than a page may have
  bad_encoding,   // compressed data that does not decompress
  redirect_loop,  // too many hops, or a redirect to itself
  disallowed,     // robots.txt forbids it
  trap,           // one of an endless family of pages that bring nothing
  budget,         // the host has used up its budget
  not_sent,       // the worker gave the order back without sending a request
  lost,           // the worker vanished, or its lease ran out
  bad_page,       // arrived, but could not be read as what it should be
  too_slow,       // an answer that began and then trickled: a tarpit, or a stream without end
};
constexpr std::size_t kOutcomes = 20;
const char* name_of(Outcome outcome);

struct FetchOrder {
  OrderId id = 0;
  std::string url;
  PageKind kind = PageKind::page;
  std::uint32_t attempt = 1;
  // A worker that cannot send within this time gives the order back: a request sent later would
  // fall outside the window that pacing has counted it in.
  std::uint32_t start_within_ms = 2'000;
};

struct FetchReport {
  OrderId id = 0;
  Outcome outcome = Outcome::lost;
  std::uint32_t status = 0;
  // How long before this report the server had certainly seen the request: the time since the
  // answer's first byte. A duration, so that no two machines' clocks are compared.
  Duration since_seen;
  Duration retry_after;     // zero when the server named none
  std::string redirect_to;  // as the server wrote it
  std::uint64_t body_bytes = 0;
  std::uint32_t elapsed_ms = 0;
};

// An answer has begun but not ended for a while: the request has been seen, which is all that
// pacing waits for. Without it a page that trickles would slow its whole host down.
struct AnswerBegan {
  OrderId id = 0;
  Duration since_seen;  // as in FetchReport
};

// A fetched page on its way from a fetch worker to an extract worker.
struct Page {
  OrderId order = 0;
  std::string url;
  PageKind kind = PageKind::page;
  std::uint32_t attempt = 1;
  std::uint32_t status = 0;
  std::string content_type;
  std::string headers;  // the answer's header lines, for WARC
  std::string body;
};

enum class Stock : std::uint8_t { unknown = 0, in_stock, out_of_stock, preorder };
const char* name_of(Stock stock);
Stock stock_of(std::string_view name);

struct Item {
  std::string shop;  // the host that sells it
  std::string sku;
  std::string name;
  std::int64_t price_cents = 0;  // hundredths of the currency, also for those without hundredths
  std::string currency;          // ISO 4217
  Stock stock = Stock::unknown;
  std::string image;
  std::string url;

  bool operator==(const Item&) const = default;
};

// What the extraction of one page tells the frontier. The item itself goes to the store.
struct PageReport {
  OrderId id = 0;
  Outcome outcome = Outcome::ok;  // ok or bad_page
  bool has_item = false;
  std::vector<std::string> links;     // absolute and normalised, in page order, no repeats
  std::vector<std::string> sitemaps;  // further sitemaps named by a sitemap index
  std::string robots;                 // for PageKind::robots: RobotsRules::text()
  Digest content;                     // of what a reader sees: equal on copies of a page
  Digest outlinks;                    // of the links to pages of another kind than this one
};

}  // namespace bourse::crawler
