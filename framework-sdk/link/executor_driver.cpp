// The executor driver: one thread, one loop, one unix connection around an ExecutorMachine.
#include <cstdlib>
#include <mutex>
#include <thread>

#include "bourse/executor.hpp"
#include "framework-sdk/core/executor_machine.hpp"
#include "framework-sdk/link/task_form.hpp"
#include "framework-sdk/link/user_timers.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "runtime/clock.hpp"
#include "runtime/entropy.hpp"
#include "runtime/loop.hpp"
#include "runtime/unix_socket.hpp"

namespace bourse::sdk {

namespace {

constexpr Duration kReconnect = Duration::milliseconds(200);
// How long run() waits after stop() for the agent to have stored the last updates.
constexpr Duration kExecutorFarewell = Duration::seconds(5);

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

struct ExecutorDriver::Impl {
  Impl(Executor& executor_arg, ExecutorDriver& driver_arg)
      : executor(executor_arg), driver(driver_arg) {}

  Executor& executor;
  ExecutorDriver& driver;
  runtime::Loop loop;
  std::thread thread;
  mutable std::mutex mutex;
  std::string error_text;  // guarded by mutex
  bool failed = false;     // guarded by mutex

  // The loop's thread only.
  std::string socket_path;
  executor_input::Start self;
  ExecutorMachine machine{ExecutorConfig{}};
  std::unique_ptr<runtime::UnixConnection> connection;
  runtime::Timer deadline;
  runtime::Timer reconnect;
  runtime::Timer farewell;
  UserTimers user_timers{loop};
  bool stopping = false;
  bool distrusted = false;  // of the connection: what it said did not parse

  void fail(const std::string& message) {
    const std::lock_guard lock(mutex);
    error_text = message;
    failed = true;
  }

  template <typename Body>
  void input(Body body) {
    std::vector<ExecutorOutput> outputs;
    machine.step(ExecutorInput{runtime::stamp_now(), std::move(body)}, outputs);
    for (const ExecutorOutput& output : outputs) perform(output);
    const Instant at = machine.next_deadline();
    if (at == Instant::max()) {
      deadline.cancel();
    } else {
      deadline = loop.after(std::max(at - runtime::monotonic_now(), Duration{}),
                            [this] { input(executor_input::Tick{}); });
    }
    if (stopping && machine.unacknowledged() == 0) loop.stop();
  }

  void perform(const ExecutorOutput& output) {
    if (const auto* send = std::get_if<executor_effect::Send>(&output)) {
      std::string batch;
      codec::append_executor_call(send->call, batch);
      if (connection && !batch.empty()) (void)connection->send(std::move(batch));
    } else if (const auto* deliver = std::get_if<executor_effect::Deliver>(&output)) {
      show(deliver->event);
    } else if (std::holds_alternative<executor_effect::Disconnected>(output)) {
      executor.on_disconnected(driver);
    } else if (const auto* refused = std::get_if<executor_effect::Refused>(&output)) {
      executor.on_error(driver, refused->reason);
    } else if (std::holds_alternative<executor_effect::Shutdown>(output)) {
      begin_stop();
    }
  }

  void show(const ExecutorEvent& event) {
    if (const auto* subscribed = std::get_if<executor_event::Subscribed>(&event)) {
      ExecutorRegistration registration;
      registration.executor_id = self.executor_id.raw();
      registration.framework_id = self.framework_id.raw();
      registration.container_id = subscribed->container_id.raw();
      if (subscribed->agent) {
        registration.agent_id = subscribed->agent->id.raw();
        registration.hostname = subscribed->agent->hostname;
      }
      executor.on_registered(driver, registration);
    } else if (const auto* launched = std::get_if<executor_event::Launch>(&event)) {
      executor.on_launch(driver, public_task(*launched->task));
    } else if (const auto* group = std::get_if<executor_event::LaunchGroup>(&event)) {
      for (const TaskFacetPtr& task : group->tasks) executor.on_launch(driver, public_task(*task));
    } else if (const auto* kill = std::get_if<executor_event::Kill>(&event)) {
      executor.on_kill(driver, kill->task_id.raw(), kill->grace ? kill->grace->ms() : -1);
    } else if (const auto* message = std::get_if<executor_event::Message>(&event)) {
      executor.on_message(driver, message->data);
    } else if (std::holds_alternative<executor_event::Shutdown>(event)) {
      executor.on_shutdown(driver);
    } else if (const auto* error = std::get_if<executor_event::Error>(&event)) {
      executor.on_error(driver, error->message);
    }
  }

  void begin_stop() {
    stopping = true;
    if (machine.unacknowledged() == 0 || !machine.subscribed()) {
      loop.stop();
    } else {
      farewell = loop.after(kExecutorFarewell, [this] { loop.stop(); });
    }
  }

  void connect() {
    runtime::UnixConnectionHandlers handlers;
    handlers.on_message = [this](std::string_view bytes) { on_bytes(bytes); };
    handlers.on_close = [this](const Error&) {
      if (!distrusted) on_close();
    };
    runtime::UnixLimits unix_limits;
    unix_limits.max_message_bytes = limits::kMaxFrameBytes;
    auto opened =
        runtime::UnixConnection::connect(loop, socket_path, unix_limits, std::move(handlers));
    if (!opened.ok()) {
      reconnect = loop.after(kReconnect, [this] { connect(); });
      return;
    }
    connection = std::move(opened).value();
    distrusted = false;
    input(executor_input::Connected{});
  }

  void on_close() {
    loop.post([this] { connection.reset(); });
    input(executor_input::Lost{});
    reconnect = loop.after(kReconnect, [this] { connect(); });
  }

  void on_bytes(std::string_view bytes) {
    if (distrusted) return;
    auto frames = codec::decode_frames(bytes);
    if (!frames.ok()) return distrust(frames.error());
    for (const std::string_view frame : frames.value()) {
      auto event = codec::decode_executor_event_frame(frame);
      if (!event.ok() && event.error().code == ErrorCode::unsupported) {
        executor.on_error(driver, "the agent sent " + event.error().message);
        continue;
      }
      if (!event.ok()) return distrust(event.error());
      input(executor_input::FromAgent{std::move(event).value()});
    }
  }

  // What was in it may have been a launch or a kill: the agent says again what a new subscription
  // shows to be missing.
  void distrust(const Error& error) {
    distrusted = true;
    executor.on_error(driver, "the agent sent what does not parse: " + error.message);
    on_close();
  }
};

void Executor::on_registered(ExecutorDriver&, const ExecutorRegistration&) {}
void Executor::on_message(ExecutorDriver&, const std::string&) {}
void Executor::on_disconnected(ExecutorDriver&) {}
void Executor::on_shutdown(ExecutorDriver&) {}
void Executor::on_error(ExecutorDriver&, const std::string&) {}

ExecutorDriver::ExecutorDriver(Executor& executor)
    : impl_(std::make_shared<Impl>(executor, *this)) {}

ExecutorDriver::~ExecutorDriver() {
  if (!impl_->thread.joinable()) return;
  stop();
  impl_->thread.join();
}

bool ExecutorDriver::start() {
  Impl& impl = *impl_;
  if (impl.thread.joinable()) return true;
  impl.socket_path = environment("BOURSE_EXECUTOR_SOCKET");
  impl.self.framework_id = FrameworkId(environment("MESOS_FRAMEWORK_ID"));
  impl.self.executor_id = ExecutorId(environment("MESOS_EXECUTOR_ID"));
  impl.self.token = environment("MESOS_EXECUTOR_AUTHENTICATION_TOKEN");
  impl.self.seed = runtime::random_u64();
  if (impl.socket_path.empty() || impl.self.executor_id.empty()) {
    impl.fail(
        "BOURSE_EXECUTOR_SOCKET and MESOS_EXECUTOR_ID are not set: an executor is started by "
        "an agent");
    return false;
  }
  impl.thread = std::thread([&impl] {
    impl.input(impl.self);
    impl.connect();
    impl.loop.run();
    impl.connection.reset();
    impl.user_timers.clear();
    impl.deadline = {};
    impl.reconnect = {};
    impl.farewell = {};
  });
  return true;
}

bool ExecutorDriver::join() {
  if (impl_->thread.joinable()) impl_->thread.join();
  const std::lock_guard lock(impl_->mutex);
  return !impl_->failed;
}

void ExecutorDriver::stop() {
  impl_->loop.post([impl = impl_.get()] { impl->begin_stop(); });
}

std::string ExecutorDriver::error() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->error_text;
}

void ExecutorDriver::update(const std::string& task_id, TaskState state, const std::string& message,
                            std::string data) {
  TaskStatus status;
  status.task_id = TaskId(task_id);
  status.state = static_cast<bourse::TaskState>(state);
  status.message = message;
  status.data = std::move(data);
  impl_->loop.post([impl = impl_.get(), status = std::move(status)] {
    impl->input(executor_input::SendUpdate{status});
  });
}

void ExecutorDriver::send_message(std::string data) {
  impl_->loop.post([impl = impl_.get(), data = std::move(data)] {
    impl->input(executor_input::SendMessage{data});
  });
}

void ExecutorDriver::after(std::int64_t delay_ms, std::function<void()> callback) {
  impl_->loop.post([impl = impl_.get(), delay_ms, callback = std::move(callback)] {
    impl->user_timers.after(delay_ms, callback);
  });
}

}  // namespace bourse::sdk
