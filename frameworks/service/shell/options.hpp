// What an operator sets on the command line of bourse-service. Value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/address_flags.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::service {

struct ServiceOptions {
  std::string master;
  std::string listen = "127.0.0.1:5070";
  std::string ip;                                 // of listen
  std::uint16_t port = 0;                         // of listen; 0: any free one
  std::string hostname;                           // empty: the ip
  std::string store;                              // a file, or zk://...
  std::optional<runtime::ZookeeperUrl> ensemble;  // of store
  Duration zk_session_timeout = Duration::seconds(4);
  std::string name = "services";
  std::string role = "*";
  std::string user;
  std::string principal;
  std::string disruption_budget;  // of the framework; empty: none
  Duration failover_timeout = Duration::seconds(7LL * 24 * 3600);
  bool new_framework = false;
  api::Authentication authentication;  // who may use the HTTP API
  bool insecure = false;
  runtime::AllowedNames names;
  std::string log_level = "info";
};

// False: --help or --version was printed, nothing more to do.
Result<bool> parse_options(int argc, const char* const* argv, ServiceOptions& options);

}  // namespace bourse::service
