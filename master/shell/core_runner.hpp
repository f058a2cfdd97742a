// CoreRunner: the core's thread. Owns the MasterCore and its registry; events come from any thread
// through one bounded queue, are stamped and stepped in order, and their effects leave in batches:
// messages to the link's thread, Changes to the view's. It decides nothing. Until this master leads
// there is no core, and events are dropped: a standby holds no state that could be stale.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "master/core/master_core.hpp"
#include "master/shell/link_batches.hpp"
#include "master/shell/message_counts.hpp"
#include "master/shell/recorder.hpp"
#include "master/shell/registry_backend.hpp"
#include "runtime/bounded_queue.hpp"
#include "runtime/loop.hpp"

namespace bourse::master {

// Where a batch of effects goes. Called on the core's thread; must not block.
struct CoreSinks {
  std::function<void(std::vector<Outgoing>&&)> outgoing;
  std::function<void(std::vector<Change>&&)> changes;
  std::function<void(std::vector<Answer>&&)> answers;
  // This master leads from now on / who leads while it does not (empty: nobody).
  std::function<void()> leading;
  std::function<void(const std::string& announced)> leader;
  // The ingress queue was over its window and has been taken.
  std::function<void()> relieved;
  // This process must end.
  std::function<void(const std::string&)> abdicate;
};

class CoreRunner {
 public:
  using EventBody = decltype(Event::body);

  // `recorder` may be null; it outlives this.
  CoreRunner(MasterConfig config, std::unique_ptr<RegistryBackend> registry, CoreSinks sinks,
             Recorder* recorder = nullptr);
  ~CoreRunner();
  CoreRunner(const CoreRunner&) = delete;
  CoreRunner& operator=(const CoreRunner&) = delete;

  // Opens the registry and starts the thread; `announced` is what others shall know of this master.
  // io, corrupt, full, unavailable: with the sentence.
  Status start(std::string announced);
  // Ends the thread; what was submitted to the registry is written first.
  void stop();

  // Any thread. Nearly full: what follows waits outside until `relieved`.
  runtime::PushOutcome push(EventBody body, std::size_t bytes);

  // False: another master may lead by now, though this one does not know it yet. Any thread.
  bool may_act() const;

  // Sequence of the newest Change handed to the view. Any thread.
  std::uint64_t published() const { return published_.load(std::memory_order_acquire); }
  // Seconds spent in steps and number of steps, for metrics. Any thread.
  std::uint64_t step_ns() const { return step_ns_.load(std::memory_order_relaxed); }
  std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  std::size_t queued_events() const { return queue_.items(); }
  // Rounds of the allocator since this master leads. Any thread.
  std::uint64_t allocation_runs() const { return allocation_runs_.load(std::memory_order_relaxed); }
  const MessageCounts& messages() const { return messages_; }

 private:
  void lead(Registry registry, Epoch epoch);
  void end(const std::string& reason);
  void step(EventBody body);
  std::uint64_t sequence_base() const;
  void perform(Effect& effect);
  void persist(Persist& persist);
  void hand_over();
  void arm();

  MasterConfig config_;
  CoreSinks sinks_;
  Recorder* const recorder_;
  runtime::Loop loop_;
  runtime::BoundedQueue<EventBody> queue_;
  std::thread thread_;
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> step_ns_{0};
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> allocation_runs_{0};
  MessageCounts messages_;

  // The core's thread.
  std::unique_ptr<RegistryBackend> registry_;
  mutable std::mutex registry_mutex_;  // its end: others ask it whether they may act
  std::unique_ptr<MasterCore> core_;
  bool told_leading_ = false;
  bool ended_ = false;  // nothing leaves any more
  runtime::Timer timer_;
  Stamp stamp_;
  Effects effects_;
  std::vector<Outgoing> outgoing_;
  std::vector<Change> changes_;
  std::vector<Answer> answers_;
};

}  // namespace bourse::master
