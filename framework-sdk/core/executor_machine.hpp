// ExecutorMachine: the deterministic half of the SDK's executor driver. Keeps each status update
// until the agent acknowledged it, and each task until an update of it was; subscribes again after
// a lost connection and then tells both, so that an agent's restart loses nothing. Without an agent
// for longer than recovery_timeout it shuts down. Event in, effects out; one owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/time.hpp"
#include "model/executor_link.hpp"

namespace bourse::sdk {

struct ExecutorConfig {
  Duration recovery_timeout = Duration::seconds(900);
  Duration update_retry = Duration::seconds(10);
  std::size_t max_unacknowledged = 10'000;  // further non-terminal updates are refused
};

namespace executor_input {
struct Start {
  FrameworkId framework_id;
  ExecutorId executor_id;
  std::string token;
  std::uint64_t seed = 0;  // unique per process: for the uuids of updates
};
struct Connected {};
struct Lost {};
struct FromAgent {
  ExecutorEvent event;
};
struct SendUpdate {
  TaskStatus status;  // uuid and timestamp are filled in
};
struct SendMessage {
  std::string data;
};
struct Tick {};
}  // namespace executor_input

struct ExecutorInput {
  Stamp stamp;
  std::variant<executor_input::Start, executor_input::Connected, executor_input::Lost,
               executor_input::FromAgent, executor_input::SendUpdate, executor_input::SendMessage,
               executor_input::Tick>
      body;
};

namespace executor_effect {
struct Send {
  ExecutorCall call;
};
struct Deliver {
  ExecutorEvent event;
};
struct SubscribedAgain {};
struct Disconnected {};
struct Refused {
  std::string reason;
};
struct Shutdown {  // asked to, or the agent stayed away too long; Deliver{Shutdown} went before
  std::string reason;
};
}  // namespace executor_effect

using ExecutorOutput = std::variant<executor_effect::Send, executor_effect::Deliver,
                                    executor_effect::SubscribedAgain, executor_effect::Disconnected,
                                    executor_effect::Refused, executor_effect::Shutdown>;

class ExecutorMachine {
 public:
  explicit ExecutorMachine(ExecutorConfig config) : config_(config) {}

  // REQUIRES Start first. Appends to outputs.
  void step(const ExecutorInput& input, std::vector<ExecutorOutput>& outputs);
  Instant next_deadline() const { return deadlines_.next(); }

  bool subscribed() const { return subscribed_; }
  // Updates the agent has not stored yet: an executor that wants to exit waits for zero.
  std::size_t unacknowledged() const { return updates_.size(); }

 private:
  enum class Due : std::uint8_t { recovery, retry };
  struct Step;

  ExecutorConfig config_;
  bool started_ = false;
  bool connected_ = false;
  bool subscribed_ = false;
  bool ever_subscribed_ = false;
  bool over_ = false;
  executor_input::Start self_;
  std::uint64_t uuids_made_ = 0;
  std::deque<TaskStatus> updates_;        // unacknowledged, oldest first
  std::map<TaskId, TaskFacetPtr> tasks_;  // no acknowledged update yet
  DeadlineQueue<Due> deadlines_;
};

}  // namespace bourse::sdk
