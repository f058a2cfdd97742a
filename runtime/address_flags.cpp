#include "runtime/address_flags.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "runtime/flags.hpp"

namespace bourse::runtime {
namespace {

constexpr char kEverywhere[] = "0.0.0.0";

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxHostName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [rest, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  return wrong == std::errc() && rest == text.data() + text.size() && port != 0;
}

// "https://dash.example:8443", as a browser writes it: no path.
bool is_origin(std::string_view origin) {
  const std::size_t scheme = origin.starts_with("https://")  ? 8
                             : origin.starts_with("http://") ? 7
                                                             : 0;
  if (scheme == 0) return false;
  const std::string_view host = origin.substr(scheme);
  const std::size_t colon = host.find(':');
  return is_host_name(host.substr(0, colon)) &&
         (colon == std::string_view::npos || is_port(host.substr(colon + 1)));
}

Status read_names(const char* flag, std::string_view text, bool (*good)(std::string_view),
                  const char* example, std::vector<std::string>& out) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!good(name)) {
      return invalid(std::string(flag) + ": '" + std::string(name) + "' is none; give " + example);
    }
    if (++count > kMaxAllowedNames) {
      return invalid(std::string(flag) + ": names more than " + std::to_string(kMaxAllowedNames));
    }
    out.emplace_back(name);
  }
  return {};
}

}  // namespace

Status check_ipv4(const char* flag, const std::string& ip) {
  in_addr binary{};
  if (inet_pton(AF_INET, ip.c_str(), &binary) == 1) return {};
  return invalid(std::string(flag) + ": '" + ip +
                 "' is no IPv4 address of four numbers, like 127.0.0.1 or 10.0.3.1");
}

NameFlags::NameFlags(Flags& flags) {
  flags.add("allowed-hosts", hosts_,
            "names under which this is called too, commas between: a balancer's, or leader.mesos");
  flags.add("allowed-origins", origins_,
            "pages of other hosts that may call, commas between: https://dash.example");
}

Status NameFlags::take(const std::string& hostname, AllowedNames& out) const {
  out = {{hostname}, {}};
  const Status hosts =
      read_names("--allowed-hosts", hosts_, is_host_name,
                 "host names without a port, like leader.mesos,lb.example", out.hosts);
  if (!hosts.ok()) return hosts;
  return read_names("--allowed-origins", origins_, is_origin,
                    "what browsers call an origin, like https://dash.example:8443", out.origins);
}

AddressFlags::AddressFlags(Flags& flags) : names_(flags) {
  flags.add("advertise-ip", advertise_ip_,
            "IPv4 address to tell others, where it is not the ip to listen on");
}

Status AddressFlags::take(const std::string& ip, std::string& hostname, DaemonAddress& out) const {
  if (Status good = check_ipv4("--ip", ip); !good.ok()) return good;
  out.advertise_ip = advertise_ip_.empty() ? ip : advertise_ip_;
  if (Status good = check_ipv4("--advertise-ip", out.advertise_ip); !good.ok()) return good;
  if (out.advertise_ip == kEverywhere) {
    return invalid(advertise_ip_.empty()
                       ? "--advertise-ip: is missing beside --ip=0.0.0.0; give the address at "
                         "which others reach this machine"
                       : "--advertise-ip: 0.0.0.0 leads nowhere; give the address at which others "
                         "reach this machine");
  }
  if (hostname.empty()) hostname = out.advertise_ip;
  return names_.take(hostname, out.names);
}

}  // namespace bourse::runtime
