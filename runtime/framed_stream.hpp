// Private to runtime/unix_socket.cpp: one connected stream socket that carries length-prefixed
// frames. Owns its fd. Shared by its owner and the callbacks on the stack, so that a callback may
// end it; after close() nothing is called any more.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/unix_socket.hpp"

namespace bourse::runtime {

class FramedStream : public std::enable_shared_from_this<FramedStream> {
 public:
  struct Handlers {
    UniqueFunction<void(std::string_view)> on_message;
    UniqueFunction<void(const Error&)> on_close;
  };

  FramedStream(Loop& loop, int fd, const UnixLimits& limits, Handlers handlers);
  ~FramedStream();
  FramedStream(const FramedStream&) = delete;
  FramedStream& operator=(const FramedStream&) = delete;

  void start();
  bool open() const { return fd_ >= 0; }
  PeerCredentials peer() const;
  Status send(std::string bytes);
  void set_reading(bool reading);
  std::size_t queued_bytes() const { return queued_bytes_; }
  // Writes what the socket takes at once, then closes; silent.
  void close();

 private:
  struct Frame {
    unsigned char header[4];
    std::string body;
    std::size_t size() const { return sizeof header + body.size(); }
  };

  void on_readable();
  // False when the stream has ended inside.
  bool deliver_frames();
  void flush();
  bool write_some();
  void fail(Error why);

  Loop& loop_;
  int fd_;
  const UnixLimits limits_;
  Handlers handlers_;
  FdWatch watch_;
  bool reading_ = true;
  bool flush_scheduled_ = false;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::deque<Frame> output_;
  std::size_t front_written_ = 0;
  std::size_t queued_bytes_ = 0;
};

}  // namespace bourse::runtime
