// BoundedQueue<T>: hands items from any thread to one loop, bounded by count and by bytes. The
// receiving loop is woken once per batch, not once per item. A push that would pass a limit is
// refused and gives the item back to nobody: the caller decides (refuse, shed, disconnect). From
// three quarters full, or from the marks it was given, the queue says so, so that ingress can stop
// before anything has to be refused. Producers may outlive the queue; a push after close() is
// `closed`.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/loop.hpp"

namespace bourse::runtime {

struct QueueLimits {
  std::size_t items = 0;
  std::size_t bytes = 0;
  // From here on it is nearly full; 0: from three quarters.
  std::size_t marked_items = 0;
  std::size_t marked_bytes = 0;
  // Producers go on as soon as the queue has been taken, not only once that is worked off: keeps
  // the receiver busy, and lets twice the marks be under way.
  bool relieve_early = false;
};

enum class PushOutcome {
  accepted,
  accepted_nearly_full,  // taken, but a mark is reached: slow down
  full,                  // not taken
  closed,                // not taken: the receiver is gone
};

template <typename T>
class BoundedQueue {
 private:
  struct State;

 public:
  // Copyable handle for producers, any thread.
  class Sender {
   public:
    Sender() = default;
    PushOutcome push(T item, std::size_t item_bytes) const {
      return state_ ? State::push(state_, std::move(item), item_bytes) : PushOutcome::closed;
    }
    bool nearly_full() const { return state_ && state_->nearly_full.load(); }

   private:
    friend class BoundedQueue;
    explicit Sender(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  // `on_batch` runs on `receiver` with everything queued so far, in order. `on_relieved` (optional)
  // runs there too, once after each time the queue was nearly full and has been emptied.
  BoundedQueue(Loop& receiver, QueueLimits limits, UniqueFunction<void(std::vector<T>&&)> on_batch,
               UniqueFunction<void()> on_relieved = {})
      : state_(std::make_shared<State>(receiver.ref(), limits, std::move(on_batch),
                                       std::move(on_relieved))) {}
  // On the receiver's thread: no callback runs afterwards.
  ~BoundedQueue() { close(); }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  Sender sender() const { return Sender(state_); }
  PushOutcome push(T item, std::size_t item_bytes) const {
    return State::push(state_, std::move(item), item_bytes);
  }
  // All of them or, when they do not all fit, none.
  PushOutcome push_all(std::vector<T>&& items, std::size_t bytes) const {
    return State::push_all(state_, std::move(items), bytes);
  }
  bool nearly_full() const { return state_->nearly_full.load(); }
  std::size_t items() const {
    const std::lock_guard lock(state_->mutex);
    return state_->queue.size();
  }

  void close() {
    std::vector<T> dropped;  // destroyed outside the lock
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    dropped.swap(state_->queue);
  }

 private:
  struct State {
    State(LoopRef loop_arg, QueueLimits limits_arg,
          UniqueFunction<void(std::vector<T>&&)> on_batch_arg,
          UniqueFunction<void()> on_relieved_arg)
        : loop(std::move(loop_arg)),
          limits(limits_arg),
          on_batch(std::move(on_batch_arg)),
          on_relieved(std::move(on_relieved_arg)) {}

    static std::size_t mark(std::size_t limit, std::size_t given) {
      return given != 0 ? given : limit - limit / 4;
    }

    static PushOutcome push(const std::shared_ptr<State>& self, T&& item, std::size_t item_bytes) {
      return put(self, 1, item_bytes,
                 [&](std::vector<T>& queue) { queue.push_back(std::move(item)); });
    }

    static PushOutcome push_all(const std::shared_ptr<State>& self, std::vector<T>&& items,
                                std::size_t bytes) {
      if (items.empty()) return PushOutcome::accepted;
      return put(self, items.size(), bytes, [&](std::vector<T>& queue) {
        if (queue.empty()) {
          queue.swap(items);
        } else {
          std::move(items.begin(), items.end(), std::back_inserter(queue));
        }
      });
    }

    template <typename Append>
    static PushOutcome put(const std::shared_ptr<State>& self, std::size_t items, std::size_t bytes,
                           Append append) {
      bool wake = false;
      PushOutcome outcome = PushOutcome::accepted;
      {
        const std::lock_guard lock(self->mutex);
        if (self->closed) return PushOutcome::closed;
        if (items > self->limits.items - self->queue.size() ||
            bytes > self->limits.bytes - self->bytes) {
          return PushOutcome::full;
        }
        wake = self->queue.empty();
        append(self->queue);
        self->bytes += bytes;
        if (self->queue.size() >= mark(self->limits.items, self->limits.marked_items) ||
            self->bytes >= mark(self->limits.bytes, self->limits.marked_bytes)) {
          self->nearly_full.store(true);
          outcome = PushOutcome::accepted_nearly_full;
        }
      }
      if (wake && !self->loop.post([self] { deliver(*self); })) return PushOutcome::closed;
      return outcome;
    }

    static void deliver(State& self) {
      std::vector<T> batch;
      bool relieved = false;
      {
        const std::lock_guard lock(self.mutex);
        if (self.closed) return;
        batch.swap(self.queue);
        self.bytes = 0;
        relieved = self.nearly_full.exchange(false);
      }
      const bool tell = relieved && self.on_relieved;
      if (tell && self.limits.relieve_early) self.on_relieved();
      self.on_batch(std::move(batch));
      if (!tell || self.limits.relieve_early) return;
      {
        const std::lock_guard lock(self.mutex);
        if (self.closed) return;  // the batch's receiver destroyed the queue
      }
      self.on_relieved();
    }

    const LoopRef loop;
    const QueueLimits limits;
    UniqueFunction<void(std::vector<T>&&)> on_batch;  // receiver's thread only
    UniqueFunction<void()> on_relieved;               // receiver's thread only
    std::mutex mutex;
    std::vector<T> queue;
    std::size_t bytes = 0;
    bool closed = false;
    std::atomic<bool> nearly_full{false};
  };

  std::shared_ptr<State> state_;
};

}  // namespace bourse::runtime
