// Private to runtime/zmq_*.cpp: RAII around libzmq's C API, the monitor that tells of connections,
// messages that own their bytes, and the ZAP handler. Includes zmq.h: never include it elsewhere.
#pragma once

#include <zmq.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/assert.hpp"
#include "base/result.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::runtime::zmq {

Error last_error(ErrorCode code, const std::string& what);

class Context {
 public:
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void* get() const { return context_; }
  // Makes every blocked call of this context return; sockets must still be closed.
  void shutdown();

 private:
  void* context_;
};

class Socket {
 public:
  Socket() = default;
  Socket(const std::shared_ptr<Context>& context, int type)
      : context_(context), socket_(zmq_socket(context->get(), type)) {}
  Socket(Socket&& other) noexcept
      : context_(std::move(other.context_)), socket_(std::exchange(other.socket_, nullptr)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~Socket() { close(); }

  void close() {
    if (socket_ != nullptr) zmq_close(std::exchange(socket_, nullptr));
  }
  bool valid() const { return socket_ != nullptr; }
  void* get() const { return socket_; }
  Status set(int option, int value);
  Status set(int option, std::int64_t value);
  Status set(int option, const std::string& value);
  int fd() const;
  // Processes what other threads told this socket; needed after sends, for ZMQ_FD is an edge.
  int events() const;

 private:
  std::shared_ptr<Context> context_;  // outlives the socket
  void* socket_ = nullptr;
};

class Message {
 public:
  Message() { zmq_msg_init(&message_); }
  ~Message() { zmq_msg_close(&message_); }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  // 0, or errno.
  int receive(const Socket& socket) {
    return zmq_msg_recv(&message_, socket.get(), ZMQ_DONTWAIT) >= 0 ? 0 : zmq_errno();
  }
  bool more() const { return zmq_msg_more(&message_) != 0; }
  std::string_view bytes() {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  std::string_view property(const char* name) {
    const char* const value = zmq_msg_gets(&message_, name);
    return value == nullptr ? std::string_view() : std::string_view(value);
  }
  // The connection it came by, -1 if not known.
  int source_fd() { return zmq_msg_get(&message_, ZMQ_SRCFD); }
  zmq_msg_t* raw() { return &message_; }

 private:
  zmq_msg_t message_;
};

// Large bytes are handed to libzmq without a copy and counted in `in_flight` until the I/O thread
// has written them; copying is cheaper for small ones, and high_water_mark bounds those.
constexpr std::size_t kCopyBelow = 2048;
using InFlight = std::shared_ptr<std::atomic<std::size_t>>;
// 0, or errno; on EAGAIN `bytes` still holds the message.
int send_bytes(const Socket& socket, std::string& bytes, const InFlight& in_flight);

// Connection events of one socket.
class Monitor {
 public:
  struct Event {
    int kind = 0;  // ZMQ_EVENT_*
    int value = 0;
  };

  // Adds its own PAIR socket; REQUIRES that `socket` is not yet bound or connected.
  static Result<Monitor> attach(const std::shared_ptr<Context>& context, const Socket& socket,
                                int events);
  int fd() const { return pair_.fd(); }
  // False when there is none.
  bool next(Event& event);
  void close(const Socket& watched);

 private:
  Socket pair_;
};

Status set_limits(Socket& socket, const ZmqLimits& limits);
Status check_curve_key(const std::string& key, const char* name);

// Answers libzmq's question "may this key in?" on a thread of its own, so that a busy loop delays
// no handshake. The thread ends when the context is shut down.
class ZapHandler {
 public:
  // Binds inproc://zeromq.zap.01; must happen before the server binds.
  static Result<std::unique_ptr<ZapHandler>> start(const std::shared_ptr<Context>& context,
                                                   std::map<std::string, std::string> allowed);
  ~ZapHandler();
  void set_allowed(std::map<std::string, std::string> allowed);

 private:
  explicit ZapHandler(std::shared_ptr<Context> context, Socket socket);
  void serve();
  bool answer_one();

  std::shared_ptr<Context> context_;
  Socket socket_;  // the thread's, once it runs
  std::mutex mutex_;
  std::map<std::string, std::string> allowed_;
  std::thread thread_;
};

}  // namespace bourse::runtime::zmq
