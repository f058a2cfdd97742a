#include "coordination/link/leader_watch.hpp"

#include "model/leader_finder.hpp"
#include "proto/codec/candidate.hpp"
#include "runtime/log.hpp"

namespace bourse::coordination {

namespace {

// It only reads: a session that is lost costs nothing but looking again.
constexpr Duration kSessionTimeout = Duration::seconds(10);
// Longer than an election takes. A wrong path is as quiet as one whose masters are all gone.
constexpr Duration kNobodyLeads = Duration::seconds(10);
constexpr Duration kStillNobody = Duration::seconds(300);

}  // namespace

Result<Masters> parse_masters_or_ensemble(std::string_view text, std::string_view flag) {
  Masters out;
  if (text.starts_with("zk://")) {
    auto url = runtime::parse_zookeeper_url(text);
    if (!url.ok()) return invalid(std::string(flag) + ": " + url.error().message);
    out.ensemble = std::move(url).value();
    return out;
  }
  auto addresses = parse_masters(text, flag);
  if (!addresses.ok()) return addresses.error();
  out.addresses = std::move(addresses).value();
  return out;
}

LeaderWatch::LeaderWatch(runtime::Loop& loop, const runtime::ZookeeperUrl& ensemble,
                         std::uint64_t seed, LeaderAddress wanted, OnLeader on_leader)
    : loop_(loop), path_(ensemble.path), wanted_(wanted), on_leader_(std::move(on_leader)) {
  runtime::ZookeeperOptions zookeeper;
  zookeeper.servers = ensemble.servers;
  zookeeper.digest_auth = ensemble.digest_auth;
  zookeeper.session_timeout = kSessionTimeout;
  CoordinationConfig config;
  config.path = ensemble.path;
  config.stand = false;
  config.seed = seed;
  DriverHandlers handlers;
  handlers.on_lead = [](const BecameLeader&) {};
  handlers.on_leader = [this](const Leader& leader) { on_announced(leader.info); };
  // Never of somebody who does not stand; if it were, the addresses known stay good.
  handlers.on_end = [](const std::string& reason) {
    runtime::log_error("zookeeper", {{"reason", reason}});
  };
  driver_ = std::make_unique<CoordinationDriver>(loop, std::move(zookeeper), std::move(config),
                                                 std::move(handlers));
}

LeaderWatch::~LeaderWatch() = default;

Status LeaderWatch::start() {
  tell_when_nobody_leads(kNobodyLeads);
  return driver_->start();
}

void LeaderWatch::tell_when_nobody_leads(Duration in) {
  nobody_ = loop_.after(in, [this] {
    runtime::log_warning(
        "no master leads",
        {{"path", path_}, {"reason", "check the path behind zk://, and that a master runs there"}});
    tell_when_nobody_leads(kStillNobody);
  });
}

void LeaderWatch::on_announced(const std::optional<std::string>& info) {
  if (!info) {
    if (!nobody_.armed()) tell_when_nobody_leads(kNobodyLeads);
    return on_leader_("");
  }
  nobody_.cancel();
  auto candidate = codec::decode_candidate(*info);
  if (!candidate.ok()) {
    runtime::log_warning("the leader's announcement does not parse",
                         {{"reason", candidate.error().message}});
    return on_leader_("");
  }
  if (wanted_ == LeaderAddress::link) return on_leader_(candidate->link);
  on_leader_(candidate->master.hostname + ":" + std::to_string(candidate->master.port));
}

}  // namespace bourse::coordination
