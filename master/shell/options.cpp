#include "master/shell/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "api/authentication_flags.hpp"
#include "master/shell/recorder.hpp"
#include "model/limits.hpp"
#include "model/version.hpp"
#include "runtime/flags.hpp"
#include "runtime/units.hpp"

namespace bourse::master {

namespace {

// Times that may neither be zero, which would make the master spin, nor endless.
Status check_times(const MasterConfig& core) {
  const std::pair<const char*, Duration> times[] = {
      {"agent-heartbeat", core.agent_heartbeat},
      {"agent-silence", core.agent_silence},
      {"agent-timeout", core.agent_timeout},
      {"agent-reregister-timeout", core.agent_recovery},
      {"framework-reregister-timeout", core.framework_recovery},
      {"registry-gc-interval", core.registry_gc_interval},
      {"registry-max-agent-age", core.registry_max_agent_age},
      {"framework-heartbeat", core.framework_link_heartbeat},
      {"framework-silence", core.framework_silence},
      {"offer-lifetime", core.offer_lifetime},
  };
  for (const auto& [name, time] : times) {
    if (time >= Duration::milliseconds(1) && time <= limits::kMaxRefuse) continue;
    return invalid("--" + std::string(name) + ": must be from 1ms to 365days");
  }
  if (core.agent_silence < core.agent_heartbeat * 2) {
    return invalid(
        "--agent-silence: is less than two --agent-heartbeat intervals; one lost message "
        "would silence an agent");
  }
  if (core.framework_silence < core.framework_link_heartbeat * 2) {
    return invalid(
        "--framework-silence: is less than two --framework-heartbeat intervals; one lost message "
        "would disconnect a framework");
  }
  return {};
}

Status check_agent_count(const MasterConfig& core) {
  const std::int64_t count = core.registry_max_agent_count;
  if (count >= 0 && count <= static_cast<std::int64_t>(limits::kMaxAgents)) return {};
  return invalid("--registry-max-agent-count: is " + std::to_string(count) + "; give 0 to " +
                 std::to_string(limits::kMaxAgents));
}

// "N/duration", as Mesos has it.
Status read_removal_rate(MasterOptions& options) {
  const std::string& text = options.agent_removal_rate;
  if (text.empty()) return {};
  const std::size_t slash = text.find('/');
  std::int64_t count = 0;
  const char* const end = text.data() + std::min(slash, text.size());
  const auto [rest, wrong] = std::from_chars(text.data(), end, count);
  const auto every = slash == std::string::npos ? Result<Duration>(invalid("no '/'"))
                                                : runtime::parse_duration(text.substr(slash + 1));
  const bool good = wrong == std::errc() && rest == end && count >= 1 && count <= 1'000'000 &&
                    every.ok() && every.value() >= Duration::milliseconds(1) &&
                    every.value() <= limits::kMaxRefuse;
  if (!good) {
    return invalid("--agent-removal-rate-limit: '" + text +
                   "' is not a number of agents per time, like 10/1secs or 1/10mins");
  }
  options.core.agent_removal_interval = every.value() / count;
  return {};
}

Status check_ensemble(MasterOptions& options) {
  if (options.zk.empty()) return {};
  auto url = runtime::parse_zookeeper_url(options.zk);
  if (!url.ok()) return invalid("--zk: " + url.error().message);
  options.ensemble = std::move(url).value();
  const Duration timeout = options.zk_session_timeout;
  if (timeout < Duration::seconds(1) || timeout > Duration::seconds(60)) {
    return invalid("--zk-session-timeout: is " + std::to_string(timeout.ms()) +
                   " ms; give 1 to 60 seconds, 4 to 6 as a rule");
  }
  return {};
}

// Who may use this master's HTTP API, and who it is at agents'.
struct AccessFlags {
  api::AuthenticationFlags authentication;
  std::string agent_credential;

  explicit AccessFlags(runtime::Flags& flags) {
    authentication.add(flags, true);
    flags.add("agent-credential", agent_credential,
              "file of the principal and secret by which this master reads files of agents that "
              "ask for them: {\"principal\":\"..\",\"secret\":\"..\"}");
  }

  Status take(MasterOptions& options) const {
    auto who_may = authentication.take("mesos-master");
    if (!who_may.ok()) return who_may.error();
    options.authentication = std::move(who_may).value();
    if (agent_credential.empty()) return {};
    auto self = api::credential_in(agent_credential);
    if (!self.ok()) return Error{self.error().code, "--agent-credential: " + self.error().message};
    options.agent_credential = std::move(self).value();
    return {};
  }
};

void add_times(runtime::Flags& flags, MasterOptions& options) {
  flags.add("agent-heartbeat", options.core.agent_heartbeat, "how often master and agents say so");
  flags.add("agent-silence", options.core.agent_silence,
            "an agent not heard of for so long gets no offers made of it");
  flags.add("agent-timeout", options.core.agent_timeout,
            "an agent silent for so long is unreachable: its frameworks are told");
  flags.add("agent-reregister-timeout", options.core.agent_recovery,
            "after a change of leader, an agent not back for so long is unreachable");
  flags.add("agent-removal-rate-limit", options.agent_removal_rate,
            "at most so many agents are marked unreachable in a time, the others wait and may come "
            "back; empty sets no limit");
  flags.add("framework-heartbeat", options.core.framework_link_heartbeat,
            "how often master and SDK frameworks say so");
  flags.add("framework-silence", options.core.framework_silence,
            "an SDK framework not heard of for so long is disconnected");
  flags.add("framework-reregister-timeout", options.core.framework_recovery,
            "after a change of leader, a framework has at least so long to come back, whatever is "
            "left of its failover_timeout");
  flags.add("registry-gc-interval", options.core.registry_gc_interval,
            "how often agents are looked for that were unreachable or gone for long enough to be "
            "forgotten");
  flags.add("registry-max-agent-age", options.core.registry_max_agent_age,
            "an agent that was unreachable or gone for so long is forgotten");
  flags.add("registry-max-agent-count", options.core.registry_max_agent_count,
            "of more unreachable agents than so many, those that are so longest are forgotten; "
            "likewise of gone ones");
  flags.add("offer-lifetime", options.core.offer_lifetime, "an unanswered offer lapses after this");
  flags.add("reoffer-min", options.core.reoffer_min,
            "what a framework declined is not offered to it again before this");
}

}  // namespace

Result<bool> parse_options(int argc, const char* const* argv, MasterOptions& options) {
  runtime::Flags flags("bourse-master",
                       "Gathers what agents have and offers it to frameworks; one page shows all.",
                       kVersion);
  flags.add("ip", options.ip, "IPv4 address to listen on and to tell others");
  flags.add("port", options.port, "port of the HTTP API and the web UI; 0 takes a free one");
  flags.add("agent-port", options.link_port,
            "port of the link for agents and SDK frameworks; 0 takes a free one");
  flags.add("hostname", options.hostname, "name to tell others; the ip unless given");
  flags.add("work-dir", options.work_dir, "where the registry lives");
  flags.require("work-dir");
  flags.add("zk", options.zk,
            "zk://[user:password@]host:port,.../path of the ensemble that elects the leader and "
            "keeps the registry; without it this master is the only one");
  flags.add("zk-session-timeout", options.zk_session_timeout,
            "a leader not heard of by the ensemble for so long is replaced");
  flags.add("cluster", options.core.cluster_name, "name of the cluster, for people");
  flags.add(
      "region", options.core.region,
      "where this master stands: agents of another region are offered only to frameworks that "
      "are REGION_AWARE; empty makes no difference between regions");
  flags.add("zone", options.zone, "the part of that region, for clients; give both or none");
  add_times(flags, options);
  flags.add("recorder", options.recorder,
            "while this master leads, write everything that happens to it into this directory, "
            "for bourse replay");
  flags.add("recorder-bytes", options.recorder_bytes,
            "the most that --recorder's directory takes; the oldest goes first");
  flags.add("scheduler-calls-per-second", options.principal_limits.calls_per_second,
            "so many calls a second may each principal make at the scheduler API over HTTP; 0 sets "
            "no limit");
  flags.add("scheduler-streams", options.principal_limits.streams,
            "so many schedulers may each principal have there; 0 sets no limit");
  runtime::AddressFlags addresses(flags);
  AccessFlags access(flags);
  flags.add("insecure", options.insecure, "listen on other addresses than loopback unprotected");
  flags.add("log-level", options.log_level, "debug, info, warning or error");
  auto run = flags.parse_or_print(argc, argv);
  if (!run.ok() || !run.value()) return run;
  options.flags = flags.given();
  if (Status good = addresses.take(options.ip, options.hostname, options.address); !good.ok()) {
    return good.error();
  }
  if (const Status taken = access.take(options); !taken.ok()) return taken.error();
  if (const Status ok = check_ensemble(options); !ok.ok()) return ok.error();
  if (Status good = read_removal_rate(options); !good.ok()) return good.error();
  if (options.recorder_bytes.bytes < kLeastRecorderBytes) {
    return invalid("--recorder-bytes: is " + std::to_string(options.recorder_bytes.bytes) +
                   " bytes; give 1MB or more");
  }
  if (Status good = check_times(options.core); !good.ok()) return good.error();
  if (Status good = check_agent_count(options.core); !good.ok()) return good.error();
  if (options.core.region.empty() != options.zone.empty()) {
    return invalid("--region, --zone: give both or none");
  }
  return true;
}

}  // namespace bourse::master
