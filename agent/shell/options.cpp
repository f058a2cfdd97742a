#include "agent/shell/options.hpp"

#include <unistd.h>

#include <array>
#include <climits>

#include "agent/isolation/detect.hpp"
#include "agent/shell/oversubscription_flags.hpp"
#include "api/authentication_flags.hpp"
#include "model/version.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/agent_info.pb.h"
#include "runtime/daemon.hpp"
#include "runtime/flags.hpp"

namespace bourse::agent {

namespace {

std::string beside_this_program(const char* name) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0) return name;
  const std::string self(path.data(), static_cast<std::size_t>(length));
  return self.substr(0, self.rfind('/') + 1) + name;
}

// What a machine has of itself. The rest is made of it later, by operations that the agent stores
// or by its estimator: given here it would come back with every start, whatever became of it.
Status check_own(const Resource& resource) {
  if (!resource.meta) return {};
  const ResourceMeta& meta = *resource.meta;
  const std::string at = "'" + resource.name + "' ";
  for (const Reservation& reservation : meta.reservations) {
    if (reservation.type != Reservation::Type::dynamically) continue;
    return invalid(at + "has reservations of type DYNAMIC, for role '" + reservation.role +
                   "': give STATIC, or none and reserve it by RESERVE_RESOURCES");
  }
  if (meta.disk && !meta.disk->persistence_id.empty()) {
    return invalid(at + "has disk.persistence '" + meta.disk->persistence_id +
                   "': give the disk without it and make the volume by CREATE_VOLUMES");
  }
  if (meta.disk && !meta.disk->volume_path.empty()) {
    return invalid(at + "has disk.volume '" + meta.disk->volume_path +
                   "': leave it out, a volume is where its task wants it");
  }
  if (meta.revocable) {
    return invalid(at + "has revocable: leave it out; --resource-estimator lends what is not used");
  }
  if (meta.shared) {
    return invalid(at + "has shared: leave it out, only a persistent volume can be shared");
  }
  return {};
}

// As text ("cpus:4;mem:1024"), or as the JSON of mesos.v1.Resource in a list: disks with a source
// have no other form.
Result<Resources> parse_resources(const std::string& text) {
  if (text.find_first_not_of(" \t\n") == std::string::npos ||
      text[text.find_first_not_of(" \t\n")] != '[') {
    return Resources::parse(text);
  }
  mesos::v1::AgentInfo holder;
  const Status parsed = codec::from_json(R"({"hostname":"","resources":)" + text + "}", holder);
  if (!parsed.ok()) return parsed.error();
  auto out = codec::read_resources(holder.resources(), "resources");
  if (!out.ok()) return out;
  for (const Resource& resource : out->list()) {
    if (const Status own = check_own(resource); !own.ok()) return own.error();
  }
  return out;
}

Result<Resources> offered(const AgentOptions& options) {
  auto wanted = parse_resources(options.resources);
  if (!wanted.ok()) return Error{ErrorCode::invalid, "--resources: " + wanted.error().message};
  Resources out = wanted.value();
  const auto given = [&](const char* name) {
    for (const Resource& resource : out.list()) {
      if (resource.name == name) return true;
    }
    return false;
  };
  auto detected = isolation::detect_resources(options.work_dir);
  if (!detected.ok()) return detected.error();
  constexpr std::int64_t kMegabyte = 1 << 20;
  if (!given("cpus")) out.add(Resource::scalar("cpus", detected->cpu_milli));
  if (!given("mem")) {
    out.add(Resource::scalar("mem", detected->memory_bytes / kMegabyte * 1000));
  }
  if (!given("disk")) out.add(Resource::scalar("disk", detected->disk_bytes / kMegabyte * 1000));
  if (!given("ports")) {
    out.add(Resource::of_ranges("ports", IntervalSet(detected->port_begin, detected->port_end)));
  }
  return out;
}

// Flags whose text is not yet their value.
struct RecoveryFlags {
  std::string recover = "reconnect";
  std::string reconfiguration = "equal";
  double gc_disk_headroom = 0.1;
};

void add_recovery_flags(runtime::Flags& flags, AgentOptions& options, RecoveryFlags& texts) {
  flags.add("recover", texts.recover,
            "reconnect: keep what an earlier life left running; cleanup: end it, report it, stop");
  flags.add("reconfiguration", texts.reconfiguration,
            "equal: offer what this agent offered when it registered; additive: or more");
  flags.add("executor-reregistration-timeout", options.executor_reregistration_timeout,
            "how long an executor may stay away after a restart of this agent");
  flags.add("recovery-timeout", options.recovery_timeout,
            "how long an executor goes on without an agent; then it ends itself");
  flags.add("gc-delay", options.retention.delay, "how long sandboxes of ended tasks are kept");
  flags.add("gc-disk-headroom", texts.gc_disk_headroom,
            "part of the disk wanted free: sandboxes are kept for gc-delay * (1 - this - used)");
  flags.add("disk-watch-interval", options.disk_watch_interval, "how often the disk is looked at");
  flags.add("cgroups-destroy-timeout", options.destroy_limit,
            "how long the processes of a container may take to die; then it is LEAKED");
}

Status take_recovery_flags(const RecoveryFlags& texts, AgentOptions& options) {
  if (texts.recover != "reconnect" && texts.recover != "cleanup") {
    return invalid("--recover: '" + texts.recover + "' is neither reconnect nor cleanup");
  }
  if (texts.reconfiguration != "equal" && texts.reconfiguration != "additive") {
    return invalid("--reconfiguration: '" + texts.reconfiguration +
                   "' is neither equal nor additive");
  }
  if (!(texts.gc_disk_headroom >= 0 && texts.gc_disk_headroom <= 1)) {
    return invalid("--gc-disk-headroom: " + std::to_string(texts.gc_disk_headroom) +
                   " is not between 0 and 1");
  }
  const std::pair<const char*, Duration> spans[] = {
      {"executor-reregistration-timeout", options.executor_reregistration_timeout},
      {"recovery-timeout", options.recovery_timeout},
      {"disk-watch-interval", options.disk_watch_interval},
      {"cgroups-destroy-timeout", options.destroy_limit}};
  for (const auto& [name, span] : spans) {
    if (span < Duration::milliseconds(1)) {
      return invalid(std::string("--") + name + ": must be at least 1ms");
    }
  }
  if (options.retention.delay < Duration{}) return invalid("--gc-delay: must not be negative");
  if (texts.recover == "cleanup") options.recover = RecoverMode::cleanup;
  if (texts.reconfiguration == "additive") options.reconfiguration = Reconfiguration::additive;
  options.retention.headroom_permille = static_cast<std::int64_t>(texts.gc_disk_headroom * 1000);
  return {};
}

}  // namespace

Result<bool> parse_options(int argc, const char* const* argv, AgentOptions& options) {
  runtime::Flags flags("bourse-agent", "Offers this machine's resources and runs tasks on it.",
                       kVersion);
  flags.add("master", options.master,
            "masters' agent links, host:port[,host:port...], or zk://... of the ensemble that "
            "elects them");
  flags.require("master");
  flags.add("ip", options.ip, "IPv4 address to listen on and to tell others");
  flags.add("port", options.port, "port of the HTTP API; 0 takes a free one");
  flags.add("hostname", options.hostname, "name to tell others; the ip unless given");
  flags.add("work-dir", options.work_dir, "sandboxes and checkpoints");
  flags.require("work-dir");
  flags.add("run-dir", options.run_dir, "sockets and running containers; a short path");
  flags.add("resources", options.resources,
            "what to offer instead of what is detected: \"cpus:4;mem:8192;ports:[31000-32000]\"");
  flags.add("attributes", options.attributes, "what frameworks may choose by: \"rack:r1;ssd:yes\"");
  flags.add("region", options.region, "fault domain");
  flags.add("zone", options.zone, "fault domain");
  flags.add("shim", options.shim, "path of bourse-shim");
  flags.add("cgroup-parent", options.cgroup_parent, "cgroup below which containers get theirs");
  flags.add("cgroups", options.use_cgroups, "limit containers by cgroups (needs root)");
  flags.add("namespaces", options.use_namespaces, "give containers namespaces (needs root)");
  runtime::AddressFlags addresses(flags);
  flags.add("insecure", options.insecure, "listen on other addresses than loopback unprotected");
  flags.add("authenticate-http-executors", options.authenticate_executors,
            "let executors over HTTP in by the token of their environment alone");
  flags.add("sessions", options.sessions,
            "let whoever reaches this agent run programs in its containers; always so on loopback");
  api::AuthenticationFlags authentication;
  authentication.add(flags, false);
  flags.add("http-credentials", authentication.credentials, "the same as --credentials");
  flags.add("log-level", options.log_level, "debug, info, warning or error");
  RecoveryFlags recovery;
  add_recovery_flags(flags, options, recovery);
  OversubscriptionFlags lending(flags, options);
  auto run = flags.parse_or_print(argc, argv);
  if (!run.ok() || !run.value()) return run;
  if (Status taken = take_recovery_flags(recovery, options); !taken.ok()) return taken.error();
  if (Status taken = lending.take(); !taken.ok()) return taken.error();
  auto who_may = authentication.take("mesos-agent");
  if (!who_may.ok()) return who_may.error();
  options.authentication = std::move(who_may).value();
  if (options.run_dir.empty()) options.run_dir = options.work_dir + "/run";
  options.fetcher = beside_this_program("bourse-fetch");
  if (options.shim.empty()) options.shim = beside_this_program("bourse-shim");
  options.flags = flags.given();
  if (Status good = addresses.take(options.ip, options.hostname, options.address); !good.ok()) {
    return good.error();
  }
  return true;
}

Result<std::vector<Attribute>> parse_attributes(const std::string& text) {
  std::vector<Attribute> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string entry = text.substr(begin, end - begin);
    begin = end + 1;
    if (entry.empty()) continue;
    const std::size_t colon = entry.find(':');
    if (colon == std::string::npos || colon == 0) {
      return invalid("--attributes: '" + entry + "' is not of the form name:value");
    }
    Attribute attribute;
    attribute.name = entry.substr(0, colon);
    const std::string value = entry.substr(colon + 1);
    auto typed = Resources::parse(entry);
    if (typed.ok() && !typed->list().empty()) {
      const Resource& resource = typed->list().front();
      attribute.kind = static_cast<Attribute::Kind>(resource.kind);
      attribute.scalar_milli = resource.scalar_milli;
      attribute.ranges = resource.ranges;
      attribute.items = resource.items;
    } else {
      attribute.kind = Attribute::Kind::text;
      attribute.text = value;
    }
    out.push_back(std::move(attribute));
  }
  return out;
}

Result<AgentFacet> describe_agent(const AgentOptions& options, std::uint16_t http_port) {
  // Nobody may place anything on an agent that is being cleaned up.
  const bool offers = options.recover == RecoverMode::reconnect;
  auto total = offers ? offered(options) : Result<Resources>(Resources());
  if (!total.ok()) return total.error();
  auto attributes = parse_attributes(options.attributes);
  if (!attributes.ok()) return attributes.error();
  if (options.region.empty() != options.zone.empty()) {
    return invalid("--region, --zone: give both or none");
  }
  mesos::v1::AgentInfo info;
  info.set_hostname(options.hostname);
  info.set_port(http_port);
  codec::write_resources(total.value(), {}, *info.mutable_resources());
  codec::write_attributes(attributes.value(), *info.mutable_attributes());
  if (!options.region.empty()) {
    auto* domain = info.mutable_domain()->mutable_fault_domain();
    domain->mutable_region()->set_name(options.region);
    domain->mutable_zone()->set_name(options.zone);
  }
  auto facet = codec::read_agent(info, "agent");
  if (!facet.ok()) return facet.error();
  facet->http = {options.hostname, options.address.advertise_ip, http_port};
  facet->version = kVersion;
  return facet;
}

}  // namespace bourse::agent
