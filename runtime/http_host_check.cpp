#include "runtime/http_host_check.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "runtime/http_message.hpp"

namespace bourse::runtime {
namespace {

bool valid_port(std::string_view port) {
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The host without its port; "" if malformed.
std::string_view host_without_port(std::string_view header) {
  if (header.starts_with('[')) {
    const std::size_t end = header.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view after = header.substr(end + 1);
    if (!after.empty() && (after[0] != ':' || !valid_port(after.substr(1)))) return {};
    return header.substr(1, end - 1);
  }
  const std::size_t colon = header.find(':');
  if (colon == std::string_view::npos) return header;
  return valid_port(header.substr(colon + 1)) ? header.substr(0, colon) : std::string_view();
}

bool is_address(const std::string& host) {
  unsigned char binary[16];
  return inet_pton(AF_INET, host.c_str(), binary) == 1 ||
         inet_pton(AF_INET6, host.c_str(), binary) == 1;
}

}  // namespace

bool host_allowed(std::string_view host_header, const std::vector<std::string>& allowed) {
  const std::string host(host_without_port(host_header));
  if (host.empty()) return false;
  constexpr std::string_view kLocal = ".localhost";
  if (is_address(host) || same_header_name(host, "localhost")) return true;
  if (host.size() > kLocal.size() &&
      same_header_name(std::string_view(host).substr(host.size() - kLocal.size()), kLocal)) {
    return true;
  }
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& name) { return same_header_name(name, host); });
}

bool origin_allowed(std::string_view origin, std::string_view host_header,
                    const std::vector<std::string>& allowed) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && same_header_name(origin.substr(scheme.size()), host_header)) {
      return true;
    }
  }
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& one) { return same_header_name(one, origin); });
}

}  // namespace bourse::runtime
