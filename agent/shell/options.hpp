// What an operator sets on the command line of bourse-agent. Value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/sandbox_retention.hpp"
#include "agent/core/state.hpp"
#include "api/access_guard.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/facets.hpp"
#include "runtime/address_flags.hpp"

namespace bourse::agent {

struct AgentOptions {
  std::string master;  // "host:port" of masters' agent links, commas between
  std::string ip = "127.0.0.1";
  std::uint16_t port = 5051;
  std::string hostname;  // empty: the ip
  std::string work_dir;
  std::string run_dir;    // short: sockets live here
  std::string resources;  // overrides what is detected, name by name
  std::string attributes;
  std::string region;
  std::string zone;
  std::string shim;           // path of bourse-shim; empty: beside this program
  std::string fetcher;        // bourse-fetch, beside this program
  std::string cgroup_parent;  // empty: below the agent's own cgroup
  bool use_cgroups = true;
  bool use_namespaces = true;
  bool insecure = false;
  runtime::DaemonAddress address;
  bool authenticate_executors = false;
  bool sessions = false;               // also when it listens beyond loopback
  api::Authentication authentication;  // who may use the HTTP API
  std::string log_level = "info";
  RecoverMode recover = RecoverMode::reconnect;
  Reconfiguration reconfiguration = Reconfiguration::equal;
  Duration executor_reregistration_timeout = Duration::seconds(60);
  Duration recovery_timeout = Duration::seconds(900);  // told to executors
  RetentionConfig retention;
  OversubscriptionConfig oversubscription;
  bool lent_cpus_yield = true;
  Duration disk_watch_interval = Duration::seconds(60);
  Duration destroy_limit = Duration::seconds(30);          // of a container; then it is LEAKED
  std::vector<std::pair<std::string, std::string>> flags;  // as they were given, for people
};

// False: --help or --version was printed, nothing more to do.
Result<bool> parse_options(int argc, const char* const* argv, AgentOptions& options);

// What the agent offers: detected, overridden by the flags.
Result<AgentFacet> describe_agent(const AgentOptions& options, std::uint16_t http_port);

// "rack:r1;zone:a;level:3": text unless a number, ranges or a set.
Result<std::vector<Attribute>> parse_attributes(const std::string& text);

}  // namespace bourse::agent
