#include "gateway/shell/options.hpp"

#include <utility>

#include "api/authentication_flags.hpp"
#include "model/version.hpp"
#include "runtime/address_flags.hpp"
#include "runtime/flags.hpp"

namespace bourse::gateway {

Result<bool> parse_options(int argc, const char* const* argv, GatewayOptions& options) {
  runtime::Flags flags("bourse-gateway",
                       "Holds the connections of many agents and carries them over one to the "
                       "master that leads.",
                       kVersion);
  flags.add("master", options.master,
            "host:port of the masters' agent links, joined with commas, or the zk://... that "
            "elects them");
  flags.require("master");
  flags.add("ip", options.ip, "IPv4 address to listen on");
  flags.add("port", options.port, "port that agents are given as --master; 0 takes a free one");
  flags.add("http-port", options.http_port, "port of its health and metrics; 0 takes a free one");
  flags.add("hostname", options.hostname, "name at which HTTP reaches it; the ip unless given");
  runtime::NameFlags names(flags);
  api::AuthenticationFlags authentication;
  authentication.add(flags, false);
  flags.add("insecure", options.insecure, "listen on other addresses than loopback unprotected");
  flags.add("log-level", options.log_level, "debug, info, warning or error");
  auto run = flags.parse_or_print(argc, argv);
  if (!run.ok() || !run.value()) return run;
  if (Status good = runtime::check_ipv4("--ip", options.ip); !good.ok()) return good.error();
  auto who_may = authentication.take("bourse-gateway");
  if (!who_may.ok()) return who_may.error();
  options.authentication = std::move(who_may).value();
  if (options.hostname.empty()) options.hostname = options.ip;
  if (Status good = names.take(options.hostname, options.names); !good.ok()) return good.error();
  return true;
}

}  // namespace bourse::gateway
