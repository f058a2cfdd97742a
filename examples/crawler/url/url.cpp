#include "examples/crawler/url/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace bourse::crawler {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// Percent-encoding in its one normal form: unreserved characters bare, the rest in upper-case hex;
// bytes that may not stand in an address (spaces, quotes, non-ASCII) become escapes.
std::string normal_escapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
        hex_value(text[i + 2]) >= 0) {
      const char decoded = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      if (is_unreserved(decoded)) {
        out += decoded;
      } else {
        append_escaped(out, decoded);
      }
      i += 2;
    } else if (c == '%' || c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\' ||
               c == '^' || c == '`' || c == '{' || c == '|' || c == '}') {
      append_escaped(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

// RFC 3986 section 5.2.4, on a path that begins with '/'.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_open = false;  // the last segment was "." or "..": the path ends in '/'
  std::size_t at = 1;
  while (at <= path.size()) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, slash - at);
    ends_open = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    at = slash + 1;
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out += '/';
    out += segment;
  }
  if (ends_open || out.empty()) out += '/';
  return out;
}

bool names_a_visit(std::string_view parameter) {
  static constexpr std::array<std::string_view, 22> kNames = {
      "jsessionid", "phpsessid",  "sessionid", "session_id",  "sessid", "sid",
      "oscsid",     "zenid",      "cfid",      "cftoken",     "gclid",  "fbclid",
      "msclkid",    "yclid",      "dclid",     "igshid",      "mc_cid", "mc_eid",
      "_ga",        "aspsession", "visitid",   "sessiontoken"};
  const std::string name = lowered(parameter.substr(0, parameter.find('=')));
  if (name.rfind("utm_", 0) == 0) return true;
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// "/a;jsessionid=1/b;v=2" -> "/a/b;v=2"
std::string without_session_segments(const std::string& path) {
  if (path.find(';') == std::string::npos) return path;
  std::string out;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find_first_of(";/", at + 1), path.size());
    const std::string_view piece = std::string_view(path).substr(at, end - at);
    if (piece.front() != ';' || !names_a_visit(piece.substr(1))) out += piece;
    at = end;
  }
  return out;
}

std::string normal_query(std::string_view query) {
  std::vector<std::string> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string parameter = normal_escapes(query.substr(0, end));
    if (!parameter.empty() && !names_a_visit(parameter)) {
      parameters.push_back(std::move(parameter));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  // Only the names are sorted: the order of equal names may mean something.
  std::stable_sort(parameters.begin(), parameters.end(), [](const auto& a, const auto& b) {
    return std::string_view(a).substr(0, a.find('=')) < std::string_view(b).substr(0, b.find('='));
  });
  std::string out;
  for (const std::string& parameter : parameters) {
    if (!out.empty()) out += '&';
    out += parameter;
  }
  return out;
}

Status set_authority(Url& url, std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return invalid("address carries a user name, which a crawler does not send");
  }
  const std::size_t colon = authority.find(':');
  url.host = lowered(authority.substr(0, colon));
  if (!url.host.empty() && url.host.back() == '.') url.host.pop_back();
  if (url.host.empty()) return invalid("address has no host");
  if (url.host.front() == '.' || url.host.back() == '.') {
    return invalid("host \"" + url.host + "\" begins or ends with a dot");
  }
  for (const char c : url.host) {
    if (!is_unreserved(c)) return invalid("host \"" + url.host + "\" has a character no host has");
  }
  url.port = 0;
  if (colon != std::string_view::npos && colon + 1 < authority.size()) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (error != std::errc{} || end != digits.data() + digits.size() || url.port == 0) {
      return invalid("port \"" + std::string(digits) + "\" is not a number from 1 to 65535");
    }
  }
  if (url.port == (url.scheme == "https" ? 443 : 80)) url.port = 0;
  return {};
}

void set_path_and_query(Url& url, std::string_view rest) {
  const std::size_t question = rest.find('?');
  const std::string_view path = rest.substr(0, question);
  const std::string escaped = normal_escapes(path.empty() ? std::string_view("/") : path);
  // In this order: "/.;sid=1/" leaves a dot segment behind.
  url.path = without_dot_segments(without_session_segments(escaped));
  url.query =
      question == std::string_view::npos ? std::string() : normal_query(rest.substr(question + 1));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text.substr(0, text.find('#'));
}

// The length of "scheme:" at the front, 0 when there is none.
std::size_t scheme_length(std::string_view text) {
  if (text.empty() || !is_alpha(text.front())) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ':') return i + 1;
    if (!is_alpha(text[i]) && !is_digit(text[i]) && text[i] != '+' && text[i] != '-' &&
        text[i] != '.') {
      return 0;
    }
  }
  return 0;
}

// Its escapes may have made it longer than what was read.
Result<Url> of_length(Url url) {
  if (url.text().size() > kMaxUrlBytes) {
    return Error{ErrorCode::too_large, "address is longer than 2048 bytes"};
  }
  return url;
}

Result<Url> with_authority(Url url, std::string_view after_slashes) {
  const std::size_t end = std::min(after_slashes.find_first_of("/?"), after_slashes.size());
  if (const Status status = set_authority(url, after_slashes.substr(0, end)); !status.ok()) {
    return status.error();
  }
  const std::string_view rest = after_slashes.substr(end);
  if (!rest.empty() && rest.front() == '?') {
    set_path_and_query(url, "/" + std::string(rest));
  } else {
    set_path_and_query(url, rest);
  }
  return of_length(std::move(url));
}

}  // namespace

std::string Url::text() const {
  std::string out = scheme + "://" + host;
  if (port != 0) out += ":" + std::to_string(port);
  return out + path_and_query();
}

std::string Url::path_and_query() const {
  return query.empty() ? path : path + "?" + query;
}

Result<Url> parse_url(std::string_view text) {
  text = trimmed(text);
  if (text.size() > kMaxUrlBytes) {
    return Error{ErrorCode::too_large, "address is longer than 2048 bytes"};
  }
  const std::size_t length = scheme_length(text);
  Url url;
  url.scheme = lowered(text.substr(0, length == 0 ? 0 : length - 1));
  if (url.scheme != "http" && url.scheme != "https") {
    return invalid("address \"" + std::string(text.substr(0, 64)) +
                   "\" begins with neither http: nor https:");
  }
  if (text.substr(length, 2) != "//") return invalid("address has no // after its scheme");
  return with_authority(std::move(url), text.substr(length + 2));
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  reference = trimmed(reference);
  if (reference.size() > kMaxUrlBytes) {
    return Error{ErrorCode::too_large, "address is longer than 2048 bytes"};
  }
  if (scheme_length(reference) != 0) return parse_url(reference);
  Url url = base;
  if (reference.empty()) return url;
  if (reference.substr(0, 2) == "//") return with_authority(std::move(url), reference.substr(2));
  if (reference.front() == '/') {
    set_path_and_query(url, reference);
  } else if (reference.front() == '?') {
    set_path_and_query(url, base.path + std::string(reference));
  } else {
    const std::string directory = base.path.substr(0, base.path.rfind('/') + 1);
    set_path_and_query(url, directory + std::string(reference));
  }
  return of_length(std::move(url));
}

std::string pattern_of(const Url& url) {
  std::string out;
  std::size_t at = 0;
  while (at < url.path.size()) {
    const std::size_t end = std::min(url.path.find('/', at + 1), url.path.size());
    const std::string_view segment = std::string_view(url.path).substr(at, end - at);
    out += std::any_of(segment.begin(), segment.end(), is_digit) ? std::string_view("/#") : segment;
    at = end;
  }
  std::string_view query = url.query;
  char separator = '?';
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    out += separator;
    out += query.substr(0, std::min(query.find('='), end));
    separator = '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return out;
}

}  // namespace bourse::crawler
