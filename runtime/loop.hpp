// Loop: one thread's event loop. Everything a Loop calls runs on the thread that is inside run();
// only post(), stop() and LoopRef may be used from other threads. Handles (Timer, FdWatch,
// SignalWatch) stop their callback when destroyed: after that it never runs again. They belong to
// the loop's thread and must not outlive the Loop. A callback must not throw (the process ends).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.hpp"
#include "runtime/unique_function.hpp"

namespace bourse::runtime {

struct LoopImpl;
struct TimerImpl;
struct FdWatchImpl;
struct SignalWatchImpl;

// A timer's life. Destroying or cancelling it guarantees that the callback does not run again.
class Timer {
 public:
  Timer();
  explicit Timer(std::shared_ptr<TimerImpl> impl);
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();

  void cancel();
  bool armed() const;

 private:
  std::shared_ptr<TimerImpl> impl_;
};

// Interest in a file descriptor that somebody else owns; destroy the watch before closing the fd.
// One watch per fd and loop. Level-triggered: the callback runs as long as the fd is ready.
class FdWatch {
 public:
  FdWatch();
  explicit FdWatch(std::shared_ptr<FdWatchImpl> impl);
  FdWatch(FdWatch&&) noexcept;
  FdWatch& operator=(FdWatch&&) noexcept;
  ~FdWatch();

  // Interest in readiness can be switched off and on at no cost in a callback.
  void set_readable(bool wanted);
  void set_writable(bool wanted);
  void cancel();

 private:
  std::shared_ptr<FdWatchImpl> impl_;
};

class SignalWatch {
 public:
  SignalWatch();
  explicit SignalWatch(std::shared_ptr<SignalWatchImpl> impl);
  SignalWatch(SignalWatch&&) noexcept;
  SignalWatch& operator=(SignalWatch&&) noexcept;
  ~SignalWatch();

  void cancel();

 private:
  std::shared_ptr<SignalWatchImpl> impl_;
};

// A way to reach a Loop that may be gone: posting to a dead loop drops the task. Copyable, any
// thread. For handles that travel to other threads.
class LoopRef {
 public:
  LoopRef() = default;
  explicit LoopRef(std::weak_ptr<LoopImpl> impl) : impl_(std::move(impl)) {}

  // False if the loop is gone; the task is then destroyed here.
  bool post(Task task) const;
  bool in_loop_thread() const;

 private:
  std::weak_ptr<LoopImpl> impl_;
};

struct FdCallbacks {
  UniqueFunction<void()> readable = {};  // also on end of file and on error: the next read() tells
  UniqueFunction<void()> writable = {};
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(). May be called again after it returned.
  void run();
  // As run(), but returns after `limit` at the latest; true if stop() ended it.
  bool run_for(Duration limit);
  // Any thread. A stop before run() makes the next run() return at once.
  void stop();
  // Any thread. Tasks of one thread run in their order.
  void post(Task task);
  LoopRef ref() const;
  // True on the thread inside run() (or when nobody runs the loop).
  bool in_loop_thread() const;

  [[nodiscard]] Timer after(Duration delay, Task callback);
  // Fires every `period` after now; a late one is not made up for. REQUIRES period > 0.
  [[nodiscard]] Timer every(Duration period, Task callback);
  [[nodiscard]] FdWatch watch(int fd, FdCallbacks callbacks);
  // Signals arrive as ordinary callbacks with their number. One watch per signal and process.
  [[nodiscard]] SignalWatch on_signals(const std::vector<int>& signals,
                                       UniqueFunction<void(int)> callback);

  // For the other adapters of this room (see loop_impl.hpp).
  LoopImpl& impl() { return *impl_; }

 private:
  std::shared_ptr<LoopImpl> impl_;
};

// Writing to a closed socket must be an error return, not the end of the process.
void ignore_sigpipe();

}  // namespace bourse::runtime
