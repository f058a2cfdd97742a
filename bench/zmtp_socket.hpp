// ZmtpSocket: the client's side of one ZeroMQ connection (ZMTP 3.0, mechanism NULL) on a bare TCP
// socket. A bench that plays ten thousand peers spends one descriptor and a few microseconds on
// each; libzmq's own client takes three and threads. One owner, the loop's thread; destroy it
// there, not from inside a callback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "runtime/loop.hpp"

namespace bourse::bench {

class ZmtpSocket {
 public:
  struct Handlers {
    runtime::UniqueFunction<void()> on_ready;  // the handshake is done
    runtime::UniqueFunction<void(std::string_view)> on_message;
    runtime::UniqueFunction<void()> on_closed;  // or never stood; nothing follows
  };

  ZmtpSocket(runtime::Loop& loop, Handlers handlers);
  ~ZmtpSocket();
  ZmtpSocket(const ZmtpSocket&) = delete;
  ZmtpSocket& operator=(const ZmtpSocket&) = delete;

  // "127.0.0.1:5060": numbers only. To a loopback address each host calls from one of its own, as
  // real ones do: from a single address the kernel's search for a free port would cost more than
  // everything else once there are ten thousand.
  Status connect(const std::string& address, std::uint32_t host);
  // Queued until the network takes it.
  void send(std::string_view bytes);
  bool ready() const { return ready_; }

 private:
  void on_readable();
  void on_writable();
  void take(std::string_view bytes);
  // Consumes whole frames; false: there is not even one.
  bool take_frame(std::string_view& bytes);
  void flush();
  void end();

  runtime::Loop& loop_;
  Handlers handlers_;
  runtime::FdWatch watch_;
  int fd_ = -1;
  bool connected_ = false;
  bool greeted_ = false;
  bool ready_ = false;
  std::string in_;   // the beginning of a frame
  std::string out_;  // not yet taken by the network
};

}  // namespace bourse::bench
