#include "frameworks/service/shell/options.hpp"

#include <algorithm>
#include <utility>

#include "api/authentication_flags.hpp"
#include "coordination/link/leader_watch.hpp"
#include "model/disruption_budget.hpp"
#include "model/limits.hpp"
#include "model/version.hpp"
#include "runtime/flags.hpp"

namespace bourse::service {

namespace {

Status read_listen(ServiceOptions& options) {
  const auto wrong = [&] {
    return invalid("--listen: '" + options.listen +
                   "' must be ADDRESS:PORT, as 127.0.0.1:5070; port 0 takes a free one");
  };
  const std::size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong();
  options.ip = options.listen.substr(0, colon);
  if (options.ip.front() == '[' && options.ip.back() == ']') {
    options.ip = options.ip.substr(1, options.ip.size() - 2);
  }
  const std::string port = options.listen.substr(colon + 1);
  const bool digits =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || std::stoul(port) > 65535) return wrong();
  options.port = static_cast<std::uint16_t>(std::stoul(port));
  if (!options.hostname.empty()) return {};
  if (options.ip == "0.0.0.0" || options.ip == "::") {
    return invalid("--hostname: is missing beside --listen=" + options.listen +
                   ": give the name or address at which the others can reach this one");
  }
  options.hostname = options.ip;
  return {};
}

Status read_places(ServiceOptions& options) {
  auto masters = coordination::parse_masters_or_ensemble(options.master, "--master");
  if (!masters.ok()) return masters.error();
  if (!options.store.starts_with("zk://")) return {};
  auto url = runtime::parse_zookeeper_url(options.store);
  if (!url.ok()) return invalid("--store: " + url.error().message);
  options.ensemble = std::move(url).value();
  const std::string& path = options.ensemble->path;
  if (masters->ensemble && masters->ensemble->path == path) {
    return invalid("--store: " + path + " is where the masters of --master stand: give a path " +
                   "of its own, as " + path + "-services");
  }
  return {};
}

Status check_budget(const ServiceOptions& options) {
  if (options.disruption_budget.empty()) return {};
  const auto declared =
      disruption_budget_of({{std::string(kDisruptionBudgetLabel), options.disruption_budget}});
  if (declared.ok()) return {};
  return invalid("--disruption-budget: '" + options.disruption_budget +
                 "' is none: give min_running=8 (so many must run), or max_away=2,of=10");
}

Status check_times(const ServiceOptions& options) {
  const Duration session = options.zk_session_timeout;
  if (session < Duration::seconds(1) || session > Duration::seconds(60)) {
    return invalid("--zk-session-timeout: is " + std::to_string(session.ms()) +
                   " ms; give 1 to 60 seconds, 4 to 6 as a rule");
  }
  if (options.failover_timeout < Duration::seconds(60) ||
      options.failover_timeout > limits::kMaxRefuse) {
    return invalid(
        "--failover-timeout: must be from 1mins to 365days: so long after the last scheduler was "
        "heard of the master ends all its tasks");
  }
  return {};
}

}  // namespace

Result<bool> parse_options(int argc, const char* const* argv, ServiceOptions& options) {
  runtime::Flags flags("bourse-service",
                       "Keeps apps running on a cluster: as many of each as you say, also after "
                       "machines, masters or this program died.",
                       kVersion);
  flags.add("master", options.master,
            "masters' links, HOST:PORT[,...] (any may lead), or zk://... of their ensemble");
  flags.require("master");
  flags.add("store", options.store,
            "a file, or zk://[user:password@]host:port,.../path: where definitions are kept. "
            "Start several on one store: one leads, the others stand by");
  flags.require("store");
  flags.add("listen", options.listen, "ADDRESS:PORT of the HTTP API; port 0 takes a free one");
  flags.add("hostname", options.hostname, "name to tell others; the address unless given");
  flags.add("zk-session-timeout", options.zk_session_timeout,
            "with a store in ZooKeeper: a leader not heard of for so long is replaced");
  flags.add("name", options.name, "of the framework, for people");
  flags.add("role", options.role, "whose share of the cluster is used");
  flags.add("user", options.user, "whom tasks run as, unless the app says; the user of this one");
  flags.add("principal", options.principal, "of the framework");
  flags.add("disruption-budget", options.disruption_budget,
            "how many instances must run on while agents are drained: min_running=8, or "
            "max_away=2,of=10");
  flags.add("failover-timeout", options.failover_timeout,
            "how long tasks outlive the last scheduler");
  flags.add("new-framework", options.new_framework,
            "the master has ended the framework of before: launch everything anew");
  runtime::NameFlags names(flags);
  api::AuthenticationFlags authentication;
  authentication.add(flags, false);
  flags.add("insecure", options.insecure, "listen on other addresses than loopback unprotected");
  flags.add("log-level", options.log_level, "debug, info, warning or error");
  auto run = flags.parse_or_print(argc, argv);
  if (!run.ok() || !run.value()) return run;
  auto who_may = authentication.take("bourse-service");
  if (!who_may.ok()) return who_may.error();
  options.authentication = std::move(who_may).value();
  Status ok = read_listen(options);
  if (ok.ok()) ok = read_places(options);
  if (ok.ok()) ok = check_times(options);
  if (ok.ok()) ok = check_budget(options);
  if (ok.ok()) ok = names.take(options.hostname, options.names);
  if (!ok.ok()) return ok.error();
  return true;
}

}  // namespace bourse::service
