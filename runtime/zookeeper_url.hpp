// zk://[user:password@]host1:port1,host2:port2/path as one value, and the rule for paths in
// ZooKeeper. Pure text; any thread. Errors are `invalid` and never show the password.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bourse::runtime {

struct ZookeeperUrl {
  std::vector<std::string> servers;  // host:port, an IPv6 address in brackets
  std::string digest_auth;           // "user:password", or empty
  std::string path;                  // "/a/b", never "/" alone

  bool operator==(const ZookeeperUrl&) const = default;
};

Result<ZookeeperUrl> parse_zookeeper_url(std::string_view url);

// host:port with a port from 1 to 65535; an IPv6 address in brackets.
Status check_zookeeper_server(std::string_view server);
// Absolute, printable ASCII, no empty component, no "." or "..", at most 1,024 bytes.
Status check_zookeeper_path(std::string_view path);

}  // namespace bourse::runtime
