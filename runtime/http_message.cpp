#include "runtime/http_message.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/http_accept.hpp"

namespace bourse::runtime {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls f for each trimmed element until it returns true.
template <typename F>
bool any_of_list(std::string_view list, char separator, F&& f) {
  while (true) {
    const std::size_t end = list.find(separator);
    if (f(trim(list.substr(0, end)))) return true;
    if (end == std::string_view::npos) return false;
    list.remove_prefix(end + 1);
  }
}

}  // namespace

int http_status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::denied:
      return 403;
    case ErrorCode::conflict:
    case ErrorCode::already_exists:
      return 409;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::full:
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
      return 503;
    case ErrorCode::unsupported:
      return 501;
    case ErrorCode::io:
    case ErrorCode::corrupt:
      return 500;
    default:
      return 400;
  }
}

bool same_header_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* HttpHeaders::find(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (same_header_name(key, name)) return &value;
  }
  return nullptr;
}

std::string_view HttpHeaders::get(std::string_view name) const {
  const std::string* const value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

bool HttpHeaders::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : entries_) {
    if (same_header_name(key, name) && any_of_list(value, ',', [&](std::string_view element) {
          return same_header_name(element, token);
        })) {
      return true;
    }
  }
  return false;
}

std::string_view HttpRequest::query_value(std::string_view name) const {
  const auto it = query.find(std::string(name));
  return it == query.end() ? std::string_view() : std::string_view(it->second);
}

HttpResponse HttpResponse::text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::json(std::string body, int status) {
  HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 31> kPhrases = {{
      {100, "Continue"},
      {200, "OK"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Payload Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [code, phrase] : kPhrases) {
    if (code == status) return phrase;
  }
  return "Unknown";
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return invalid("'%' at position " + std::to_string(i) +
                       " is not followed by two hexadecimal digits");
      }
      c = static_cast<char>(high * 16 + low);
      if (c == '\0') return invalid("an encoded zero byte is not allowed");
      i += 2;
    }
    out.push_back(c);
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<HttpTarget> parse_target(std::string_view target) {
  if (target.empty() || target[0] != '/') {
    return invalid("the request target must begin with '/'");
  }
  for (const char c : target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return invalid("the request target holds a space or a control character");
    }
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  HttpTarget out;
  auto path = percent_decode(target.substr(0, mark), false);
  if (!path.ok()) return path.error();
  out.path = std::move(path).value();
  if (mark == std::string_view::npos) return out;
  Status status;
  any_of_list(target.substr(mark + 1), '&', [&](std::string_view pair) {
    if (pair.empty()) return false;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? Result<std::string>(std::string())
                                                  : percent_decode(pair.substr(equals + 1), true);
    if (!name.ok() || !value.ok()) {
      status = name.ok() ? value.error() : name.error();
      return true;
    }
    out.query[std::move(name).value()] = std::move(value).value();
    return false;
  });
  if (!status.ok()) return status.error();
  return out;
}

std::string recordio_frame(std::string_view bytes) {
  std::string record = std::to_string(bytes.size());
  record.reserve(record.size() + 1 + bytes.size());
  record.push_back('\n');
  record.append(bytes);
  return record;
}

bool accepts_gzip(const HttpHeaders& headers) {
  return header_accepts(headers.get("Accept-Encoding"), {"gzip", "*"});
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // 16 asks zlib for the gzip wrapping
  constexpr int kFast = 1;              // loopback and LAN: the processor is dearer than the wire
  if (deflateInit2(&stream, kFast, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int rc = deflate(&stream, Z_FINISH);
  const std::size_t written = stream.total_out;
  deflateEnd(&stream);
  if (rc != Z_STREAM_END) return {};
  out.resize(written);
  return out;
}

}  // namespace bourse::runtime
