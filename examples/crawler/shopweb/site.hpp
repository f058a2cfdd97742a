// Site: request in, reply out, for all shops of a ShopWeb, with the state a web has: per-shop
// meters and how often a troubled page was asked for. Safe from any thread (one lock per shop).
//
// Addresses under the host name "control.shopweb" are not part of the web: /stats answers what the
// shops saw, /truth the items there are (one JSON object a line), /hosts the address map.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "examples/crawler/shopweb/meter.hpp"
#include "examples/crawler/shopweb/pages.hpp"

namespace bourse::crawler::shopweb {

// What the connection does with the body besides sending it.
enum class Manner : std::uint8_t {
  plain,
  cut,       // closes in the middle of the body
  longer,    // states a longer body than it sends, then closes
  shorter,   // states a shorter body than it sends
  drip,      // a few bytes every now and then, for ever
  firehose,  // as fast as it can, for ever
};

struct Request {
  std::string host;
  std::string target;
  bool accepts_gzip = false;
};

struct Reply {
  std::uint32_t status = 200;
  std::string content_type;
  std::string extra_headers;  // complete lines
  std::string body;
  bool gzip = false;  // `body` is already compressed
  Manner manner = Manner::plain;
  std::uint32_t delay_ms = 0;
};

struct SiteTotals {
  MeterCounts counts;  // summed; peak is the largest
  std::uint64_t violations() const { return counts.rate_violations + counts.disallowed_fetches; }
};

class Site {
 public:
  // `hosts_address` ("127.0.0.1:4711") is what /hosts names; set once the port is known.
  explicit Site(WebConfig config);

  const ShopWeb& web() const { return web_; }
  void set_address(std::string address) { address_ = std::move(address); }

  Reply answer(const Request& request, Instant now);

  SiteTotals totals() const;
  std::string stats_json() const;  // one object on one line
  std::string truth_lines() const;
  std::string hosts_lines() const;

 private:
  struct ShopState {
    explicit ShopState(std::uint32_t rate) : meter(rate) {}
    std::mutex lock;
    Meter meter;
    std::map<std::string, std::uint32_t> asked;  // of troubled addresses
  };

  Reply answer_control(const Request& request) const;
  Reply answer_shop(const Shop& shop, ShopState& state, std::string_view target,
                    std::uint64_t visit);
  Reply answer_item(const Shop& shop, ShopState& state, const PageContext& context,
                    std::uint32_t index);

  ShopWeb web_;
  Filler filler_;
  std::string address_;
  std::string bomb_;  // 16 MB of zeros, compressed
  std::vector<std::unique_ptr<ShopState>> states_;
};

}  // namespace bourse::crawler::shopweb
