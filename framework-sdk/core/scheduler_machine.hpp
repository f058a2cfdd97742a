// SchedulerMachine: the deterministic half of the SDK's scheduler driver. It holds the framework's
// side of the link (sessions, heartbeats, back-off) and keeps every promise that a call makes until
// its consequence is seen:
//   ACCEPT       until each task in it was heard of (any status), and each operation that has an
//   id,
//                resent to every next session
//   KILL         until the task is known to have ended
//   ACKNOWLEDGE  an update heard again although acknowledged is acknowledged again, not shown again
//   REQUEST      the newest is said again in every session
//   UPDATE_FRAMEWORK  every later session begins with what the newest says
// After a new session it asks for the state of every task it believes to live (reconciliation).
// Event in, effects out; one owner, one thread. The link around it (framework-sdk/link) does the
// rest.
//
// Invariants (asserted after each step): nothing is sent while there is no connection; calls other
// than SUBSCRIBE leave only in a subscribed session; a pending accept has at least one unheard task
// or operation.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/time.hpp"
#include "model/framework_link.hpp"

namespace bourse::sdk {

struct SchedulerConfig {
  Duration subscribe_retry = Duration::milliseconds(500);  // doubles up to subscribe_retry_max
  Duration subscribe_retry_max = Duration::seconds(15);
  Duration call_retry = Duration::seconds(5);  // of an ACCEPT or KILL without consequence; doubles
  Duration call_retry_max = Duration::seconds(60);
  Duration heartbeat_interval = Duration::seconds(5);
  // At least three heartbeats of a master, however rarely it says that it sends them.
  Duration silence_timeout = Duration::seconds(15);
  bool implicit_acknowledgements = true;
  std::size_t remembered_acknowledgements = 100'000;  // and ended tasks; oldest forgotten
  std::size_t max_pending_calls = 100'000;            // more are refused to the caller
};

namespace scheduler_event {
struct Start {
  FrameworkFacet framework;  // with its id when it fails over to an earlier life
  std::vector<std::string> suppressed_roles;
  std::uint64_t incarnation = 0;  // larger at each start; sessions grow with it
  OfferConstraintsPtr offer_constraints = nullptr;
};
struct Connected {};
struct Lost {
  std::string reason = "the connection to the master was lost";
  bool told = false;  // by the master, in its own words
};
struct FromMaster {
  MasterToFramework message;
};
struct Call {  // by the framework's author; the framework id is filled in
  SchedulerCall call;
};
struct Stop {
  bool keep_tasks = false;  // false: TEARDOWN first
};
struct Tick {};
}  // namespace scheduler_event

struct SchedulerInput {
  Stamp stamp;
  std::variant<scheduler_event::Start, scheduler_event::Connected, scheduler_event::Lost,
               scheduler_event::FromMaster, scheduler_event::Call, scheduler_event::Stop,
               scheduler_event::Tick>
      body;
};

namespace scheduler_effect {
struct Send {
  FrameworkToMaster message;
};
struct Deliver {  // to the framework's author
  SchedulerEvent event;
};
struct SubscribedAgain {};  // a new session of a framework that was subscribed before
struct Disconnected {
  std::string reason;
};
struct Reconnect {  // drop the connection and make another, perhaps to another master
  std::string reason;
};
struct Refused {  // the call was not taken; nothing was sent
  std::string reason;
};
struct Finished {};  // Stop is done, or the master ended the framework (Deliver{Error} went before)
}  // namespace scheduler_effect

using SchedulerOutput = std::variant<scheduler_effect::Send, scheduler_effect::Deliver,
                                     scheduler_effect::SubscribedAgain,
                                     scheduler_effect::Disconnected, scheduler_effect::Reconnect,
                                     scheduler_effect::Refused, scheduler_effect::Finished>;

class SchedulerMachine {
 public:
  explicit SchedulerMachine(SchedulerConfig config) : config_(config) {}

  // REQUIRES Start first. Appends to outputs.
  void step(const SchedulerInput& input, std::vector<SchedulerOutput>& outputs);
  Instant next_deadline() const { return deadlines_.next(); }

  bool subscribed() const { return subscribed_; }
  const FrameworkId& framework_id() const { return framework_.id; }
  std::size_t pending_calls() const { return accepts_.size() + kills_.size(); }
  // Believed to live: launched or heard of, and not ended.
  std::size_t live_tasks() const { return live_.size(); }
  std::uint64_t fingerprint() const;

 private:
  struct PendingAccept {
    call::Accept call;
    std::set<TaskId> unheard;
    std::set<OperationId> unheard_operations;
    std::uint32_t attempts = 0;

    bool settled() const { return unheard.empty() && unheard_operations.empty(); }
  };
  struct PendingKill {
    call::Kill call;
    std::uint32_t attempts = 0;
  };
  enum class Due : std::uint8_t { subscribe, heartbeat, silence, accept, kill };
  struct DueKey {
    Due what = Due::subscribe;
    std::uint64_t number = 0;
    std::string name;
    auto operator<=>(const DueKey&) const = default;
  };
  struct Step;

  SchedulerConfig config_;
  bool started_ = false;
  bool finished_ = false;
  bool connected_ = false;
  bool subscribed_ = false;
  bool ever_subscribed_ = false;
  std::uint64_t incarnation_ = 0;
  std::uint64_t session_ = 0;
  std::uint64_t sessions_begun_ = 0;
  std::uint32_t attempts_ = 0;  // sessions asked for since one was heard to hold
  FrameworkFacet framework_;
  std::vector<std::string> suppressed_roles_;
  OfferConstraintsPtr offer_constraints_;
  Duration silence_;                          // of this session
  std::vector<std::string> said_suppressed_;  // in the latest SUBSCRIBE
  bool update_unsaid_ = false;                // the framework changed since that was sent
  call::Request request_;                     // the newest; a master forgets it with the session
  LinkSender sender_;
  LinkReceiver receiver_;
  std::uint64_t accepts_made_ = 0;
  std::map<std::uint64_t, PendingAccept> accepts_;
  std::map<TaskId, std::uint64_t> accept_of_;  // unheard task -> accept
  std::map<OperationId, std::uint64_t> accept_of_operation_;
  std::map<TaskId, PendingKill> kills_;
  std::map<TaskId, AgentId> live_;
  std::set<Uuid> acknowledged_;
  std::deque<Uuid> acknowledged_order_;
  std::map<TaskId, bourse::TaskState> ended_;  // as told: final, whatever still arrives
  std::deque<TaskId> ended_order_;
  DeadlineQueue<DueKey> deadlines_;
};

}  // namespace bourse::sdk
