// ZmqClient: a DEALER with one server behind it. IMMEDIATE is on, so libzmq holds no message for a
// connection that does not stand; connecting and reconnecting is libzmq's, but for one case: a
// connection that broke the protocol (a message over max_message_bytes) it ends for good, without a
// word. Then the socket is made anew here.
#include <cerrno>
#include <deque>
#include <vector>

#include "runtime/log.hpp"
#include "runtime/zmq_internal.hpp"

namespace bourse::runtime {

using zmq::last_error;
using zmq::Message;

namespace {

constexpr int kReceiveTurn = 512;
constexpr Duration kDrainEvery = Duration::milliseconds(5);

// One context (two threads) for all clients of the process.
std::shared_ptr<zmq::Context> client_context() {
  static std::mutex mutex;
  static std::weak_ptr<zmq::Context> shared;
  const std::lock_guard lock(mutex);
  auto context = shared.lock();
  if (!context) {
    context = std::make_shared<zmq::Context>();
    shared = context;
  }
  return context;
}

}  // namespace

struct ZmqClient::Impl {
  Impl(Loop& loop_arg, ZmqClientOptions options_arg, ZmqClientHandlers handlers_arg)
      : loop(loop_arg), options(std::move(options_arg)), handlers(std::move(handlers_arg)) {}

  ~Impl() {
    *alive = false;
    flush_timer.cancel();
    reopen_timer.cancel();
    socket_watch.cancel();
    monitor_watch.cancel();
    if (monitor) monitor->close(socket);
    socket.close();
  }

  Status open();
  Status configure_curve();
  void schedule_drain();
  void drain();
  void read_monitor();
  void reopen();
  bool receive();
  void flush();
  Status send(std::string bytes);

  Loop& loop;
  ZmqClientOptions options;
  ZmqClientHandlers handlers;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::shared_ptr<zmq::Context> context = client_context();
  zmq::Socket socket;
  std::optional<zmq::Monitor> monitor;
  FdWatch socket_watch;
  FdWatch monitor_watch;
  Timer flush_timer;
  Timer reopen_timer;
  bool given_up = false;  // libzmq ended a connection and has not begun another yet
  bool reading = true;
  bool connected = false;
  bool drain_scheduled = false;
  std::vector<bool> changes;  // connected, disconnected ... not yet reported
  std::deque<std::string> queue;
  std::size_t queued_bytes = 0;
  zmq::InFlight in_flight = std::make_shared<std::atomic<std::size_t>>(0);
};

Status ZmqClient::Impl::configure_curve() {
  if (!options.curve) return {};
  const ZmqCurveClient& curve = *options.curve;
  const std::pair<const std::string*, const char*> keys[] = {
      {&curve.keys.public_key, "the client's public key"},
      {&curve.keys.secret_key, "the client's secret key"},
      {&curve.server_public_key, "the server's public key"},
  };
  for (const auto& [key, name] : keys) {
    if (Status s = zmq::check_curve_key(*key, name); !s.ok()) return s;
  }
  if (Status s = socket.set(ZMQ_CURVE_SERVERKEY, curve.server_public_key); !s.ok()) return s;
  if (Status s = socket.set(ZMQ_CURVE_PUBLICKEY, curve.keys.public_key); !s.ok()) return s;
  return socket.set(ZMQ_CURVE_SECRETKEY, curve.keys.secret_key);
}

Status ZmqClient::Impl::open() {
  socket = zmq::Socket(context, ZMQ_DEALER);
  if (!socket.valid()) return last_error(ErrorCode::io, "cannot make a client socket");
  if (Status s = zmq::set_limits(socket, options.limits); !s.ok()) return s;
  const std::pair<int, int> settings[] = {
      {ZMQ_IMMEDIATE, 1},
      {ZMQ_RECONNECT_IVL, static_cast<int>(options.reconnect_min.ms())},
      {ZMQ_RECONNECT_IVL_MAX, static_cast<int>(options.reconnect_max.ms())},
  };
  for (const auto& [option, value] : settings) {
    if (Status s = socket.set(option, value); !s.ok()) return s;
  }
  if (Status s = configure_curve(); !s.ok()) return s;
  auto attached = zmq::Monitor::attach(
      context, socket,
      ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED);
  if (!attached.ok()) return attached.error();
  monitor.emplace(std::move(attached).value());
  if (zmq_connect(socket.get(), options.endpoint.c_str()) != 0) {
    return last_error(ErrorCode::invalid, "cannot connect to '" + options.endpoint + "'");
  }
  socket_watch = loop.watch(socket.fd(), {.readable = [this] { drain(); }, .writable = {}});
  monitor_watch = loop.watch(monitor->fd(), {.readable = [this] { drain(); }, .writable = {}});
  schedule_drain();
  return {};
}

void ZmqClient::Impl::schedule_drain() {
  if (drain_scheduled) return;
  drain_scheduled = true;
  loop.post([this, token = alive] {
    if (!*token) return;
    drain_scheduled = false;
    drain();
  });
}

void ZmqClient::Impl::reopen() {
  if (!given_up) return;
  log_warning("connecting anew: the connection was ended by a message that is not allowed",
              {{"to", options.endpoint},
               {"max_message_bytes", std::uint64_t{options.limits.max_message_bytes}}});
  socket_watch.cancel();
  monitor_watch.cancel();
  if (monitor) monitor->close(socket);
  monitor.reset();
  socket.close();
  given_up = false;
  if (open().ok()) return;
  given_up = true;
  reopen_timer = loop.after(options.reconnect_max, [this] { reopen(); });
}

void ZmqClient::Impl::read_monitor() {
  zmq::Monitor::Event event;
  while (monitor && monitor->next(event)) {
    given_up = event.kind == ZMQ_EVENT_DISCONNECTED;
    if (event.kind == ZMQ_EVENT_CONNECT_RETRIED) continue;
    const bool now_connected = event.kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    const bool last = changes.empty() ? connected : changes.back();
    if (now_connected != last) changes.push_back(now_connected);
  }
  // Usually it begins another at once; as long as it lets others wait it may take for that.
  if (!given_up || reopen_timer.armed()) return;
  reopen_timer = loop.after(options.reconnect_max, [this] { reopen(); });
}

void ZmqClient::Impl::drain() {
  read_monitor();
  if (!reading) socket.events();
  if (reading && !receive()) {
    schedule_drain();
    return;
  }
  // Messages of the old connection are all delivered: now its end may be told.
  std::vector<bool> due;
  due.swap(changes);
  for (const bool now_connected : due) {
    connected = now_connected;
    if (now_connected) {
      socket.events();  // takes over the new connection's pipe before the first send
      if (handlers.on_connected) handlers.on_connected();
    } else {
      queue.clear();
      queued_bytes = 0;
      if (handlers.on_disconnected) handlers.on_disconnected();
    }
  }
  flush();
}

bool ZmqClient::Impl::receive() {
  for (int i = 0; i < kReceiveTurn; ++i) {
    Message body;
    const int error = body.receive(socket);
    if (error == EINTR) continue;
    if (error != 0) return true;
    bool single = true;
    while (body.more()) {
      single = false;
      if (body.receive(socket) != 0) break;
    }
    if (single && handlers.on_message) handlers.on_message(body.bytes());
    if (!reading) return false;
  }
  return false;
}

void ZmqClient::Impl::flush() {
  while (!queue.empty()) {
    std::string& bytes = queue.front();
    const std::size_t size = bytes.size();
    if (zmq::send_bytes(socket, bytes, in_flight) != 0) break;
    queued_bytes -= size;
    queue.pop_front();
  }
  if (!queue.empty() && !flush_timer.armed()) {
    flush_timer = loop.after(kDrainEvery, [this] { drain(); });
  }
}

Status ZmqClient::Impl::send(std::string bytes) {
  if (!connected) {
    return Error{ErrorCode::unavailable, "not connected to " + options.endpoint};
  }
  if (bytes.size() > options.limits.max_message_bytes) {
    return Error{ErrorCode::too_large,
                 "a message of " + std::to_string(bytes.size()) + " bytes; at most " +
                     std::to_string(options.limits.max_message_bytes) + " may be sent"};
  }
  schedule_drain();
  const std::size_t waiting = queued_bytes + in_flight->load();
  if (bytes.size() + waiting > options.limits.queue_bytes) {
    return Error{ErrorCode::full, options.endpoint + " does not read: " + std::to_string(waiting) +
                                      " bytes wait, at most " +
                                      std::to_string(options.limits.queue_bytes) + " may"};
  }
  if (queue.empty() && zmq::send_bytes(socket, bytes, in_flight) == 0) return {};
  queued_bytes += bytes.size();
  queue.push_back(std::move(bytes));
  if (!flush_timer.armed()) flush_timer = loop.after(kDrainEvery, [this] { drain(); });
  return {};
}

ZmqClient::ZmqClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZmqClient::~ZmqClient() = default;

Result<std::unique_ptr<ZmqClient>> ZmqClient::open(Loop& loop, ZmqClientOptions options,
                                                   ZmqClientHandlers handlers) {
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(handlers));
  if (Status s = impl->open(); !s.ok()) return s.error();
  return std::unique_ptr<ZmqClient>(new ZmqClient(std::move(impl)));
}

bool ZmqClient::connected() const {
  return impl_->connected;
}
Status ZmqClient::send(std::string bytes) {
  return impl_->send(std::move(bytes));
}
std::size_t ZmqClient::queued_bytes() const {
  return impl_->queued_bytes + impl_->in_flight->load();
}
void ZmqClient::set_reading(bool reading) {
  if (impl_->reading == reading) return;
  impl_->reading = reading;
  if (reading) impl_->schedule_drain();
}

}  // namespace bourse::runtime
