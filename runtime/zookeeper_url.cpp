#include "runtime/zookeeper_url.hpp"

#include <algorithm>
#include <charconv>

namespace bourse::runtime {

namespace {

constexpr std::string_view kZookeeperScheme = "zk://";
constexpr std::string_view kExample = "zk://host1:2181,host2:2181/bourse";
// Several times the largest ensemble that anybody runs.
constexpr std::size_t kMaxServers = 32;
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxHost = 255;

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool address_character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
         c == '.';
}

Status check_host(std::string_view host, std::string_view server) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view name = bracketed ? host.substr(1, host.size() - 2) : host;
  if (name.empty()) return invalid("ZooKeeper server " + quoted(server) + " has no host");
  if (name.size() > kMaxHost) {
    return invalid("a host name of ZooKeeper has " + std::to_string(name.size()) +
                   " characters: 255 are the limit");
  }
  if (!bracketed && name.find(':') != std::string_view::npos) {
    return invalid("ZooKeeper server " + quoted(server) +
                   ": put an IPv6 address in brackets, as in [::1]:2181");
  }
  if (!std::all_of(name.begin(), name.end(), bracketed ? address_character : host_character)) {
    return invalid("ZooKeeper server " + quoted(server) +
                   ": a host has letters, digits, '.', '-' and '_' only");
  }
  return {};
}

Status check_component(std::string_view component, std::string_view path) {
  if (component.empty()) {
    return invalid("ZooKeeper path " + quoted(path) +
                   " has an empty component: write single slashes, none at the end");
  }
  if (component == "." || component == "..") {
    return invalid("ZooKeeper path " + quoted(path) + ": ZooKeeper allows no '.' or '..' in it");
  }
  return {};
}

Result<std::string> parse_auth(std::string_view user_info) {
  const std::size_t colon = user_info.find(':');
  if (colon == std::string_view::npos) {
    return invalid(
        "the part before '@' in a ZooKeeper URL must be user:password: the ':' is missing");
  }
  if (colon == 0) return invalid("the user before ':' in a ZooKeeper URL is empty");
  if (colon + 1 == user_info.size()) {
    return invalid("the password of user " + quoted(user_info.substr(0, colon)) +
                   " in a ZooKeeper URL is empty");
  }
  return std::string(user_info);
}

}  // namespace

Status check_zookeeper_server(std::string_view server) {
  const std::size_t colon = server.rfind(':');
  const std::size_t bracket = server.rfind(']');
  const bool in_brackets = bracket != std::string_view::npos && colon < bracket;
  if (colon == std::string_view::npos || in_brackets) {
    return invalid("ZooKeeper server " + quoted(server) + " has no port: write " +
                   std::string(server) + ":2181");
  }
  if (Status host = check_host(server.substr(0, colon), server); !host.ok()) return host;
  const std::string_view digits = server.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535) {
    return invalid("ZooKeeper server " + quoted(server) + ": port " + quoted(digits) +
                   " is not a number from 1 to 65535");
  }
  return {};
}

Status check_zookeeper_path(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return invalid("ZooKeeper path " + quoted(path) + " must begin with '/'");
  }
  if (path.size() > kMaxPath) {
    return invalid("a ZooKeeper path has " + std::to_string(path.size()) +
                   " bytes: 1,024 are the limit");
  }
  if (std::any_of(path.begin(), path.end(), [](char c) { return c < 0x20 || c > 0x7e; })) {
    return invalid("a ZooKeeper path has a character that is not printable ASCII");
  }
  if (path == "/") return {};
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (Status s = check_component(path.substr(at, slash - at), path); !s.ok()) return s;
    at = slash + 1;
  }
  return {};
}

Result<ZookeeperUrl> parse_zookeeper_url(std::string_view url) {
  if (url.substr(0, kZookeeperScheme.size()) != kZookeeperScheme) {
    return invalid("a ZooKeeper URL begins with zk://, as in " + std::string(kExample));
  }
  const std::string_view rest = url.substr(kZookeeperScheme.size());
  // A password may hold an '@', so the last one before the path divides.
  const std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  ZookeeperUrl out;
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    auto auth = parse_auth(authority.substr(0, at));
    if (!auth.ok()) return auth.error();
    out.digest_auth = std::move(auth).value();
    authority = authority.substr(at + 1);
  }
  if (authority.empty()) {
    return invalid("a ZooKeeper URL names at least one server, as in " + std::string(kExample));
  }
  for (std::size_t at = 0; at <= authority.size();) {
    const std::size_t comma = std::min(authority.find(',', at), authority.size());
    const std::string_view server = authority.substr(at, comma - at);
    if (server.empty()) {
      return invalid("the servers " + quoted(authority) +
                     " of a ZooKeeper URL have an empty entry: one comma between two servers");
    }
    if (Status s = check_zookeeper_server(server); !s.ok()) return s.error();
    out.servers.emplace_back(server);
    at = comma + 1;
  }
  if (out.servers.size() > kMaxServers) {
    return invalid("a ZooKeeper URL names " + std::to_string(out.servers.size()) +
                   " servers: 32 are the limit");
  }
  if (slash == std::string_view::npos || rest.substr(slash) == "/") {
    return invalid("a ZooKeeper URL ends with a path of its own, as in " + std::string(kExample));
  }
  out.path = std::string(rest.substr(slash));
  if (Status s = check_zookeeper_path(out.path); !s.ok()) return s.error();
  return out;
}

}  // namespace bourse::runtime
