#include "runtime/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "base/assert.hpp"
#include "runtime/loop_impl.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

std::chrono::nanoseconds to_chrono(Duration d) {
  // A steady_clock far in the future overflows: a century is "never" for a timer.
  static constexpr Duration kFar = Duration::seconds(100LL * 365 * 86400);
  return std::chrono::nanoseconds(d > kFar ? kFar.ns : (d.ns < 0 ? 0 : d.ns));
}

}  // namespace

// ---- Timer ------------------------------------------------------------------------------------

struct TimerImpl : std::enable_shared_from_this<TimerImpl> {
  TimerImpl(asio::io_context& context, Duration period_arg, Task callback_arg)
      : timer(context), period(period_arg), callback(std::move(callback_arg)) {}

  void arm(std::chrono::steady_clock::time_point at) {
    timer.expires_at(at);
    timer.async_wait([self = shared_from_this()](const error_code& error) { self->fire(error); });
  }

  void fire(const error_code& error) {
    if (error || !live) return;
    if (period.ns == 0) {
      live = false;
      Task once = std::move(callback);
      once();
      return;
    }
    callback();
    if (!live) {
      callback = nullptr;  // cancelled from inside: what it captured may go now
      return;
    }
    const auto step = to_chrono(period);
    const auto now = std::chrono::steady_clock::now();
    auto next = timer.expiry() + step;
    if (next < now) next = now + step;
    arm(next);
  }

  asio::steady_timer timer;
  Duration period;
  Task callback;
  bool live = true;
};

Timer::Timer() = default;
Timer::Timer(std::shared_ptr<TimerImpl> impl) : impl_(std::move(impl)) {}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Timer::~Timer() {
  cancel();
}
void Timer::cancel() {
  if (!impl_) return;
  impl_->live = false;
  impl_->timer.cancel();
  impl_.reset();
}
bool Timer::armed() const {
  return impl_ && impl_->live;
}

// ---- FdWatch ----------------------------------------------------------------------------------

struct FdWatchImpl : std::enable_shared_from_this<FdWatchImpl> {
  FdWatchImpl(asio::io_context& context, int fd, FdCallbacks callbacks_arg)
      : descriptor(context), callbacks(std::move(callbacks_arg)) {
    error_code error;
    descriptor.assign(fd, error);
    // epoll refuses regular files and closed fds only: both are our own mistakes.
    ASSERT(!error);
  }
  ~FdWatchImpl() {
    if (descriptor.is_open()) descriptor.release();
  }

  struct Side {
    bool wanted = false;
    bool waiting = false;
  };

  void update(Side& side, asio::posix::descriptor_base::wait_type type, Task& callback) {
    if (!live || !side.wanted || side.waiting) return;
    side.waiting = true;
    descriptor.async_wait(
        type, [self = shared_from_this(), &side, type, &callback](const error_code& error) {
          side.waiting = false;
          if (error || !self->live || !side.wanted) return;
          callback();
          self->update(side, type, callback);
        });
  }
  void update_readable() {
    update(read_side, asio::posix::descriptor_base::wait_read, callbacks.readable);
  }
  void update_writable() {
    update(write_side, asio::posix::descriptor_base::wait_write, callbacks.writable);
  }

  asio::posix::stream_descriptor descriptor;
  FdCallbacks callbacks;
  Side read_side;
  Side write_side;
  bool live = true;
};

FdWatch::FdWatch() = default;
FdWatch::FdWatch(std::shared_ptr<FdWatchImpl> impl) : impl_(std::move(impl)) {}
FdWatch::FdWatch(FdWatch&&) noexcept = default;
FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
FdWatch::~FdWatch() {
  cancel();
}
void FdWatch::set_readable(bool wanted) {
  if (!impl_) return;
  ASSERT(!wanted || impl_->callbacks.readable);
  impl_->read_side.wanted = wanted;
  impl_->update_readable();
}
void FdWatch::set_writable(bool wanted) {
  if (!impl_) return;
  ASSERT(!wanted || impl_->callbacks.writable);
  impl_->write_side.wanted = wanted;
  impl_->update_writable();
}
void FdWatch::cancel() {
  if (!impl_) return;
  impl_->live = false;
  impl_->descriptor.release();  // cancels the waits, leaves the fd to its owner
  impl_.reset();
}

// ---- SignalWatch ------------------------------------------------------------------------------

struct SignalWatchImpl : std::enable_shared_from_this<SignalWatchImpl> {
  SignalWatchImpl(asio::io_context& context, UniqueFunction<void(int)> callback_arg)
      : set(context), callback(std::move(callback_arg)) {}

  void wait() {
    set.async_wait([self = shared_from_this()](const error_code& error, int signal_number) {
      if (error || !self->live) return;
      self->callback(signal_number);
      if (self->live) self->wait();
    });
  }

  asio::signal_set set;
  UniqueFunction<void(int)> callback;
  bool live = true;
};

SignalWatch::SignalWatch() = default;
SignalWatch::SignalWatch(std::shared_ptr<SignalWatchImpl> impl) : impl_(std::move(impl)) {}
SignalWatch::SignalWatch(SignalWatch&&) noexcept = default;
SignalWatch& SignalWatch::operator=(SignalWatch&& other) noexcept {
  if (this != &other) {
    cancel();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
SignalWatch::~SignalWatch() {
  cancel();
}
void SignalWatch::cancel() {
  if (!impl_) return;
  impl_->live = false;
  error_code ignored;
  impl_->set.clear(ignored);
  impl_->set.cancel(ignored);
  impl_.reset();
}

// ---- Loop -------------------------------------------------------------------------------------

bool LoopRef::post(Task task) const {
  const auto impl = impl_.lock();
  if (!impl) return false;
  asio::post(impl->context, std::move(task));
  return true;
}

bool LoopRef::in_loop_thread() const {
  const auto impl = impl_.lock();
  return impl && impl->runner.load() == std::this_thread::get_id();
}

Loop::Loop() : impl_(std::make_shared<LoopImpl>()) {}
Loop::~Loop() = default;

namespace {

// Marks the running thread for the time inside run().
class RunnerMark {
 public:
  explicit RunnerMark(LoopImpl& impl) : impl_(impl) {
    ASSERT(impl_.runner.load() == std::thread::id());
    impl_.runner.store(std::this_thread::get_id());
  }
  ~RunnerMark() { impl_.runner.store(std::thread::id()); }

 private:
  LoopImpl& impl_;
};

}  // namespace

void Loop::run() {
  RunnerMark mark(*impl_);
  const auto work = asio::make_work_guard(impl_->context);
  // restart() first, then the flag: a stop() in between leaves the context stopped.
  impl_->context.restart();
  while (!impl_->stop_requested.load()) impl_->context.run();
  impl_->stop_requested.store(false);
}

bool Loop::run_for(Duration limit) {
  RunnerMark mark(*impl_);
  const auto work = asio::make_work_guard(impl_->context);
  impl_->context.restart();
  const auto deadline = std::chrono::steady_clock::now() + to_chrono(limit);
  while (!impl_->stop_requested.load()) {
    impl_->context.run_until(deadline);
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  return impl_->stop_requested.exchange(false);
}

void Loop::stop() {
  impl_->stop_requested.store(true);
  impl_->context.stop();
}

void Loop::post(Task task) {
  asio::post(impl_->context, std::move(task));
}

LoopRef Loop::ref() const {
  return LoopRef(impl_);
}

bool Loop::in_loop_thread() const {
  const auto runner = impl_->runner.load();
  return runner == std::thread::id() || runner == std::this_thread::get_id();
}

Timer Loop::after(Duration delay, Task callback) {
  auto impl = std::make_shared<TimerImpl>(impl_->context, Duration{}, std::move(callback));
  impl->arm(std::chrono::steady_clock::now() + to_chrono(delay));
  return Timer(std::move(impl));
}

Timer Loop::every(Duration period, Task callback) {
  ASSERT(period.ns > 0);
  auto impl = std::make_shared<TimerImpl>(impl_->context, period, std::move(callback));
  impl->arm(std::chrono::steady_clock::now() + to_chrono(period));
  return Timer(std::move(impl));
}

FdWatch Loop::watch(int fd, FdCallbacks callbacks) {
  auto impl = std::make_shared<FdWatchImpl>(impl_->context, fd, std::move(callbacks));
  FdWatchImpl& state = *impl;
  state.read_side.wanted = static_cast<bool>(state.callbacks.readable);
  state.write_side.wanted = static_cast<bool>(state.callbacks.writable);
  state.update_readable();
  state.update_writable();
  return FdWatch(std::move(impl));
}

SignalWatch Loop::on_signals(const std::vector<int>& signals, UniqueFunction<void(int)> callback) {
  auto impl = std::make_shared<SignalWatchImpl>(impl_->context, std::move(callback));
  for (const int number : signals) {
    error_code error;
    impl->set.add(number, error);
    ASSERT(!error);
  }
  impl->wait();
  return SignalWatch(std::move(impl));
}

void ignore_sigpipe() {
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace bourse::runtime
