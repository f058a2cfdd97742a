// CoordinationDriver: a Coordinator at a real ZooKeeper ensemble. Requests go out through the
// client library, what comes back becomes events; it decides nothing. For a master and the service
// scheduler (which stand for a leadership), and for agents, SDK and tools (which only want to know
// who leads).
//
// Ownership and thread: belongs to its loop's thread; callbacks run there, never inside start() or
// write(); may_act() from any. All drivers of a process belong to one thread (see
// runtime/zookeeper.hpp).
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "coordination/core/coordinator.hpp"
#include "runtime/loop.hpp"
#include "runtime/zookeeper.hpp"

namespace bourse::coordination {

using Entries = std::vector<std::pair<std::string, std::string>>;
using EntryChanges = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct DriverHandlers {
  // The leadership is ours, and this is the registry. Once, unless it is declined: then as often as
  // it is won again.
  std::function<void(const BecameLeader&)> on_lead = {};
  // Who leads, whenever that changes.
  std::function<void(const Leader&)> on_leader = {};
  // The process must end: writes without an answer are unknown.
  std::function<void(const std::string& reason)> on_end = {};
};

class CoordinationDriver {
 public:
  // Called once a write is stored (ok) or refused for good (the reason), in the order of writes.
  using Written = runtime::UniqueFunction<void(const Status&)>;

  CoordinationDriver(runtime::Loop& loop, runtime::ZookeeperOptions zookeeper,
                     CoordinationConfig config, DriverHandlers handlers);
  ~CoordinationDriver();
  CoordinationDriver(const CoordinationDriver&) = delete;
  CoordinationDriver& operator=(const CoordinationDriver&) = delete;

  // Connecting goes on in the loop. invalid: the options name no server.
  Status start();
  // All or nothing. REQUIRES on_lead was called.
  void write(EntryChanges changes, Written written);
  // Inside on_lead or after it, before any write: the registry means nothing to this build. Gives
  // the leadership to whoever can read it, and stands again later.
  void decline(std::string reason);
  // Whether what a leader decided may still be sent, and what it knows be told. Any thread.
  bool may_act(Instant now) const { return now.ns < acts_until_ns_.load(); }

 private:
  struct Perform;

  void feed(EventBody body);
  void drain();
  void open(SessionNumber session);
  void request(ZkRequestId id, const zk::Request& request);
  void reply(ZkRequestId id, zk::Reply reply);
  void answer(PersistId id, const Status& status);
  void on_state(SessionNumber session, const runtime::ZkState& state);
  void arm();
  void tell_when_alone();

  runtime::Loop& loop_;
  runtime::ZookeeperOptions zookeeper_;
  DriverHandlers handlers_;
  Coordinator coordinator_;
  std::atomic<std::int64_t> acts_until_ns_{Coordinator::kNever.ns};
  Effects effects_;
  std::deque<EventBody> events_;
  bool stepping_ = false;
  bool ended_ = false;
  std::unique_ptr<runtime::ZookeeperSession> session_;
  runtime::Timer timer_;
  runtime::Timer alone_;  // without a server: somebody should know why nothing happens
  bool told_alone_ = false;
  std::uint64_t writes_ = 0;
  std::uint64_t refusals_told_ = 0;
  std::unordered_map<std::uint64_t, Written> written_;  // by PersistId
};

}  // namespace bourse::coordination
