// What an operator sets on the command line of bourse-master. Value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "master/core/config.hpp"
#include "model/principal_limits.hpp"
#include "runtime/address_flags.hpp"
#include "runtime/flags.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::master {

struct MasterOptions {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5050;       // HTTP
  std::uint16_t link_port = 5060;  // agents and SDK frameworks
  std::string hostname;            // empty: the ip
  std::string work_dir;
  std::string zk;                  // "zk://..."; empty: the registry is a file of ours, and we lead
  runtime::ZookeeperUrl ensemble;  // what it says
  Duration zk_session_timeout = Duration::seconds(4);
  std::string agent_removal_rate = "10/1secs";  // agents per time; empty: as many as there are
  bool insecure = false;
  runtime::DaemonAddress address;
  std::string zone;      // beside core.region: told to clients
  std::string recorder;  // directory; empty: nothing is recorded
  runtime::ByteSize recorder_bytes{1u << 30};
  std::string log_level = "info";
  api::Authentication authentication;                      // who may use the HTTP API
  std::optional<Credential> agent_credential;              // who this master is to agents' HTTP
  PrincipalLimitsConfig principal_limits;                  // at the scheduler API over HTTP
  MasterConfig core;                                       // time-outs and offers
  std::vector<std::pair<std::string, std::string>> flags;  // as they were given, for people
};

// False: --help or --version was printed, nothing more to do.
Result<bool> parse_options(int argc, const char* const* argv, MasterOptions& options);

}  // namespace bourse::master
