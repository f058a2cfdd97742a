#include "coordination/link/coordination_driver.hpp"

#include <algorithm>
#include <utility>

#include "coordination/link/zookeeper_words.hpp"
#include "link/notes.hpp"
#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace bourse::coordination {

namespace {

// A server that restarts and a session that moves are no news; a wrong address is.
constexpr Duration kAlone = Duration::seconds(5);
constexpr Duration kStillAlone = Duration::seconds(300);

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

}  // namespace

CoordinationDriver::CoordinationDriver(runtime::Loop& loop, runtime::ZookeeperOptions zookeeper,
                                       CoordinationConfig config, DriverHandlers handlers)
    : loop_(loop),
      zookeeper_(std::move(zookeeper)),
      handlers_(std::move(handlers)),
      coordinator_(std::move(config)) {}

CoordinationDriver::~CoordinationDriver() = default;

Status CoordinationDriver::start() {
  if (zookeeper_.servers.empty()) return invalid("--zk: names no server; give zk://host:port/path");
  tell_when_alone();
  loop_.post([this] { feed(Started{}); });
  return {};
}

void CoordinationDriver::write(EntryChanges changes, Written written) {
  const PersistId id(++writes_);
  written_.emplace(id.raw(), std::move(written));
  events_.push_back(Write{id, std::move(changes), refusals_told_});
  // Not from here: the answer of an earlier write may be under way.
  if (!stepping_) loop_.post([this] { drain(); });
}

void CoordinationDriver::decline(std::string reason) {
  feed(Declined{std::move(reason)});
}

void CoordinationDriver::feed(EventBody body) {
  events_.push_back(std::move(body));
  drain();
}

struct CoordinationDriver::Perform {
  CoordinationDriver& driver;

  void operator()(const OpenSession& e) const { driver.open(e.session); }
  void operator()(const ZkRequest& e) const { driver.request(e.id, e.request); }
  void operator()(const BecameLeader& e) const { driver.handlers_.on_lead(e); }
  void operator()(const Leader& e) const { driver.handlers_.on_leader(e); }
  void operator()(const Stored& e) const { driver.answer(e.id, {}); }
  void operator()(const Refused& e) const {
    ++driver.refusals_told_;
    driver.answer(e.id, Error{ErrorCode::full, e.reason});
  }
  void operator()(const StepDown& e) const {
    driver.ended_ = true;
    driver.handlers_.on_end(e.reason);
  }
};

void CoordinationDriver::drain() {
  if (stepping_) return;
  stepping_ = true;
  while (!events_.empty() && !ended_) {
    const Event event{runtime::stamp_now(), std::move(events_.front())};
    events_.pop_front();
    effects_.clear();
    coordinator_.step(event, effects_);
    acts_until_ns_.store(coordinator_.acts_until().ns);
    link::write_notes(effects_.notes);
    std::vector<Effect> list = std::move(effects_.list);
    for (const Effect& effect : list) std::visit(Perform{*this}, effect.body);
  }
  stepping_ = false;
  arm();
}

void CoordinationDriver::arm() {
  const Instant at = coordinator_.next_deadline();
  if (ended_ || at == Instant::max()) return timer_.cancel();
  timer_ =
      loop_.after(std::max(at - runtime::monotonic_now(), Duration{}), [this] { feed(Tick{}); });
}

void CoordinationDriver::answer(PersistId id, const Status& status) {
  const auto it = written_.find(id.raw());
  if (it == written_.end()) return;
  Written written = std::move(it->second);
  written_.erase(it);
  written(status);
}

// -- the session

void CoordinationDriver::tell_when_alone() {
  alone_ = loop_.after(told_alone_ ? kStillAlone : kAlone, [this] {
    told_alone_ = true;
    runtime::log_warning("no ZooKeeper server answers",
                         {{"servers", joined(zookeeper_.servers)},
                          {"reason",
                           "check the addresses behind zk://, and that most of the "
                           "ensemble's servers run"}});
    tell_when_alone();
  });
}

void CoordinationDriver::open(SessionNumber session) {
  session_.reset();
  auto opened = runtime::ZookeeperSession::open(
      loop_, zookeeper_,
      [this, session](const runtime::ZkState& state) { on_state(session, state); },
      [this, session](const runtime::ZkWatch& watch) {
        feed(WatchFired{session, watch.path});
      });
  if (opened.ok()) {
    session_ = std::move(opened).value();
    return;
  }
  // Only options do this, and they were looked at when the process started.
  ended_ = true;
  handlers_.on_end("zookeeper: " + opened.error().message);
}

void CoordinationDriver::on_state(SessionNumber session, const runtime::ZkState& state) {
  switch (state.phase) {
    case runtime::ZkPhase::connecting:
      return;
    case runtime::ZkPhase::connected:
      alone_.cancel();
      if (std::exchange(told_alone_, false)) runtime::log_info("a ZooKeeper server answers", {});
      return feed(
          SessionConnected{session, static_cast<std::uint64_t>(state.session_id), state.timeout});
    case runtime::ZkPhase::suspended:
      tell_when_alone();
      return feed(SessionSuspended{session});
    case runtime::ZkPhase::expired:
      tell_when_alone();
      return feed(SessionExpired{session});
    case runtime::ZkPhase::auth_failed:
      return feed(AuthFailed{session});
  }
}

void CoordinationDriver::request(ZkRequestId id, const zk::Request& request) {
  const auto send = [this, id](zk::Reply answered) { reply(id, std::move(answered)); };
  if (!session_) {
    loop_.post([send] { send(zk::Reply{zk::Code::connection_loss, {}, {}, {}, {}, 0}); });
    return;
  }
  perform(*session_, request, send);
}

void CoordinationDriver::reply(ZkRequestId id, zk::Reply reply) {
  feed(Replied{id, std::move(reply)});
}

}  // namespace bourse::coordination
