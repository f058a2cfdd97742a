#include "runtime/zmq_internal.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/entropy.hpp"

namespace bourse::runtime::zmq {

Error last_error(ErrorCode code, const std::string& what) {
  return {code, what + ": " + zmq_strerror(zmq_errno())};
}

Context::Context() : context_(zmq_ctx_new()) {
  ASSERT(context_ != nullptr);
  zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, 65535);
}
Context::~Context() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
  }
}
void Context::shutdown() {
  zmq_ctx_shutdown(context_);
}

Status Socket::set(int option, int value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) return {};
  return last_error(ErrorCode::io, "zmq option " + std::to_string(option));
}
Status Socket::set(int option, std::int64_t value) {
  if (zmq_setsockopt(socket_, option, &value, sizeof value) == 0) return {};
  return last_error(ErrorCode::io, "zmq option " + std::to_string(option));
}
Status Socket::set(int option, const std::string& value) {
  if (zmq_setsockopt(socket_, option, value.data(), value.size()) == 0) return {};
  return last_error(ErrorCode::io, "zmq option " + std::to_string(option));
}
int Socket::fd() const {
  int fd = -1;
  std::size_t size = sizeof fd;
  zmq_getsockopt(socket_, ZMQ_FD, &fd, &size);
  return fd;
}
int Socket::events() const {
  int events = 0;
  std::size_t size = sizeof events;
  zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size);
  return events;
}

namespace {

struct Holder {
  std::string bytes;
  InFlight in_flight;
};

void release_holder(void*, void* hint) {
  auto* const holder = static_cast<Holder*>(hint);
  holder->in_flight->fetch_sub(holder->bytes.size());
  delete holder;
}

}  // namespace

int send_bytes(const Socket& socket, std::string& bytes, const InFlight& in_flight) {
  if (bytes.size() < kCopyBelow) {
    return zmq_send(socket.get(), bytes.data(), bytes.size(), ZMQ_DONTWAIT) >= 0 ? 0 : zmq_errno();
  }
  auto* const holder = new Holder{std::move(bytes), in_flight};
  in_flight->fetch_add(holder->bytes.size());
  zmq_msg_t message;
  zmq_msg_init_data(&message, holder->bytes.data(), holder->bytes.size(), release_holder, holder);
  if (zmq_msg_send(&message, socket.get(), ZMQ_DONTWAIT) >= 0) return 0;
  const int error = zmq_errno();
  bytes = std::move(holder->bytes);
  in_flight->fetch_sub(bytes.size());
  holder->bytes.clear();
  zmq_msg_close(&message);  // frees the holder
  return error;
}

Result<Monitor> Monitor::attach(const std::shared_ptr<Context>& context, const Socket& socket,
                                int events) {
  const std::string address = "inproc://monitor-" + random_hex(8);
  if (zmq_socket_monitor(socket.get(), address.c_str(), events) != 0) {
    return last_error(ErrorCode::io, "cannot monitor a socket");
  }
  Monitor monitor;
  monitor.pair_ = Socket(context, ZMQ_PAIR);
  if (!monitor.pair_.valid()) return last_error(ErrorCode::io, "cannot make a monitor socket");
  // Unbounded, because libzmq's I/O thread blocks on a full monitor while it holds the lock that
  // closing needs. Two small events per connection is what it costs.
  if (Status s = monitor.pair_.set(ZMQ_RCVHWM, 0); !s.ok()) return s.error();
  if (zmq_connect(monitor.pair_.get(), address.c_str()) != 0) {
    return last_error(ErrorCode::io, "cannot connect a monitor socket");
  }
  return monitor;
}

bool Monitor::next(Event& event) {
  Message head;
  if (head.receive(pair_) != 0) return false;
  const std::string_view bytes = head.bytes();
  ASSERT(bytes.size() == 6);
  std::uint16_t kind = 0;
  std::int32_t value = 0;
  std::memcpy(&kind, bytes.data(), 2);
  std::memcpy(&value, bytes.data() + 2, 4);
  event = {kind, value};
  Message address;
  address.receive(pair_);
  return true;
}

void Monitor::close(const Socket& watched) {
  zmq_socket_monitor(watched.get(), nullptr, 0);
  pair_.close();
}

Status set_limits(Socket& socket, const ZmqLimits& limits) {
  const auto handshake_ms = static_cast<int>(limits.handshake_timeout.ms());
  const std::pair<int, int> options[] = {
      {ZMQ_LINGER, 0},
      {ZMQ_SNDHWM, limits.high_water_mark},
      {ZMQ_RCVHWM, limits.receive_high_water_mark},
      {ZMQ_HANDSHAKE_IVL, handshake_ms},
  };
  for (const auto& [option, value] : options) {
    if (Status s = socket.set(option, value); !s.ok()) return s;
  }
  return socket.set(ZMQ_MAXMSGSIZE, static_cast<std::int64_t>(limits.max_message_bytes));
}

Status check_curve_key(const std::string& key, const char* name) {
  std::uint8_t binary[32];
  // The decoder of libzmq 4.3.4 aborts on nothing but reads 41 bytes: length first.
  if (key.size() == 40 && zmq_z85_decode(binary, key.c_str()) != nullptr) return {};
  return invalid(std::string(name) + " is not a CURVE key: 40 characters of Z85 are expected");
}

// ---- ZAP --------------------------------------------------------------------------------------

ZapHandler::ZapHandler(std::shared_ptr<Context> context, Socket socket)
    : context_(std::move(context)), socket_(std::move(socket)) {}

Result<std::unique_ptr<ZapHandler>> ZapHandler::start(const std::shared_ptr<Context>& context,
                                                      std::map<std::string, std::string> allowed) {
  Socket socket(context, ZMQ_REP);
  if (!socket.valid()) return last_error(ErrorCode::io, "cannot make the authentication socket");
  if (Status s = socket.set(ZMQ_LINGER, 0); !s.ok()) return s.error();
  if (zmq_bind(socket.get(), "inproc://zeromq.zap.01") != 0) {
    return last_error(ErrorCode::io, "cannot bind the authentication socket");
  }
  std::unique_ptr<ZapHandler> handler(new ZapHandler(context, std::move(socket)));
  handler->allowed_ = std::move(allowed);
  handler->thread_ = std::thread([raw = handler.get()] { raw->serve(); });
  return handler;
}

ZapHandler::~ZapHandler() {
  context_->shutdown();
  thread_.join();
}

void ZapHandler::set_allowed(std::map<std::string, std::string> allowed) {
  const std::lock_guard lock(mutex_);
  allowed_ = std::move(allowed);
}

void ZapHandler::serve() {
  while (answer_one()) {
  }
  socket_.close();
}

bool ZapHandler::answer_one() {
  // version, request id, domain, address, identity, mechanism, credentials...
  std::array<std::string, 7> frames;
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    Message frame;
    while (zmq_msg_recv(frame.raw(), socket_.get(), 0) < 0) {
      if (zmq_errno() != EINTR) return false;
    }
    if (count < frames.size()) frames[count] = std::string(frame.bytes());
    more = frame.more();
  }
  std::string user;
  bool allowed = false;
  if (count == 7 && frames[0] == "1.0" && frames[5] == "CURVE" && frames[6].size() == 32) {
    char text[41];
    zmq_z85_encode(text, reinterpret_cast<const std::uint8_t*>(frames[6].data()), 32);
    const std::lock_guard lock(mutex_);
    if (const auto it = allowed_.find(text); it != allowed_.end()) {
      allowed = true;
      user = it->second;
    }
  }
  const std::array<std::string_view, 6> reply = {
      "1.0", frames[1], allowed ? "200" : "300", allowed ? "OK" : "key not on the list", user, ""};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const int flags = i + 1 < reply.size() ? ZMQ_SNDMORE : 0;
    while (zmq_send(socket_.get(), reply[i].data(), reply[i].size(), flags) < 0) {
      if (zmq_errno() != EINTR) return false;
    }
  }
  return true;
}

}  // namespace bourse::runtime::zmq

namespace bourse::runtime {

Result<CurveKeys> make_curve_keys() {
  char public_key[41];
  char secret_key[41];
  if (zmq_curve_keypair(public_key, secret_key) != 0) {
    return Error{ErrorCode::unsupported, "this libzmq was built without CURVE"};
  }
  return CurveKeys{public_key, secret_key};
}

}  // namespace bourse::runtime
