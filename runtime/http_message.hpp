// What HTTP carries, as plain values: no parser and no socket. Used by server, router and client.
// Values, any thread. Header names compare without case; percent-decoding never fails hard: it
// returns an error for a bad escape.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace bourse::runtime {

// The status that says it: 404 for not_found, 409 for a conflict, ..., 400 for what the caller got
// wrong, 500 for what we did.
int http_status_of(const Error& error);

// True if equal without regard to ASCII case.
bool same_header_name(std::string_view a, std::string_view b);

class HttpHeaders {
 public:
  void add(std::string name, std::string value) {
    entries_.emplace_back(std::move(name), std::move(value));
  }
  // The first value of that name; null if there is none.
  const std::string* find(std::string_view name) const;
  // "" if there is none.
  std::string_view get(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // True if a comma-separated list header holds this token (without case).
  bool has_token(std::string_view name, std::string_view token) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as sent: "/master/state?x=1"
  std::string path;    // percent-decoded, without the query: "/slave(1)/state"
  std::map<std::string, std::string> query;  // decoded; the last of equal names wins
  HttpHeaders headers;
  std::string body;
  std::string remote_address;  // "127.0.0.1"
  // Who asks, where that was asked for and proven (api/authenticator.hpp); else empty.
  std::string principal;
  // Set by the router: what follows the matched route ("a/b" of /files/a/b for route "files").
  std::string rest;

  // "" if there is none.
  std::string_view query_value(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers = {};
  std::string body = {};
  // Instead of `body`: bytes that many answers share, not copied.
  std::shared_ptr<const std::string> shared_body = {};

  std::string_view bytes() const { return shared_body ? std::string_view(*shared_body) : body; }

  static HttpResponse text(int status, std::string body);
  static HttpResponse json(std::string body, int status = 200);
};

// "OK"; "Unknown" for a code without a name.
std::string_view reason_phrase(int status);

// "%41+b" -> "A b" (plus becomes a space only in a query). Error: a '%' without two hex digits, or
// a zero byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);
// Splits a request target. Error: bad escapes, no leading '/', control characters.
struct HttpTarget {
  std::string path;
  std::map<std::string, std::string> query;
};
Result<HttpTarget> parse_target(std::string_view target);

// One RecordIO record: decimal length, LF, the bytes.
std::string recordio_frame(std::string_view bytes);

// Which encodings a client takes, from Accept-Encoding (q=0 refuses).
bool accepts_gzip(const HttpHeaders& headers);
// Empty if compression is not possible.
std::string gzip(std::string_view bytes);

}  // namespace bourse::runtime
