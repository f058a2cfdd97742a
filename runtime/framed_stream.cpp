#include "runtime/framed_stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bourse::runtime {
namespace {

constexpr std::size_t kReadBlock = 64u << 10;
constexpr std::size_t kReadPerTurn = 1u << 20;     // then other callbacks have their turn
constexpr std::size_t kKeepCapacity = 256u << 10;  // a larger input buffer is given back
constexpr std::size_t kHeader = 4;

std::uint32_t read_length(const char* at) {
  std::array<unsigned char, kHeader> b{};
  std::memcpy(b.data(), at, kHeader);
  return static_cast<std::uint32_t>(b[0]) | static_cast<std::uint32_t>(b[1]) << 8 |
         static_cast<std::uint32_t>(b[2]) << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}

}  // namespace

FramedStream::FramedStream(Loop& loop, int fd, const UnixLimits& limits, Handlers handlers)
    : loop_(loop), fd_(fd), limits_(limits), handlers_(std::move(handlers)) {}

FramedStream::~FramedStream() {
  if (fd_ < 0) return;
  watch_.cancel();
  ::close(fd_);
}

void FramedStream::start() {
  watch_ = loop_.watch(fd_, {.readable =
                                 [this] {
                                   const auto self = shared_from_this();
                                   on_readable();
                                 },
                             .writable =
                                 [this] {
                                   const auto self = shared_from_this();
                                   flush();
                                 }});
  watch_.set_writable(false);
  if (!reading_) watch_.set_readable(false);
}

PeerCredentials FramedStream::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (fd_ < 0 || getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
  return {credentials.pid, credentials.uid, credentials.gid};
}

void FramedStream::set_reading(bool reading) {
  if (reading_ == reading) return;
  reading_ = reading;
  watch_.set_readable(reading);
  if (!reading) return;
  // Frames that were already read wait in the buffer, not in the socket.
  loop_.post([self = shared_from_this()] {
    if (self->open() && self->reading_) self->deliver_frames();
  });
}

void FramedStream::on_readable() {
  std::size_t budget = kReadPerTurn;
  while (open() && reading_ && budget > 0) {
    if (input_begin_ > 0) {
      std::memmove(input_.data(), input_.data() + input_begin_, input_end_ - input_begin_);
      input_end_ -= input_begin_;
      input_begin_ = 0;
    }
    if (input_end_ == 0 && input_.size() > kKeepCapacity) std::vector<char>().swap(input_);
    // Grows with what has arrived, never with what a length only claims.
    if (input_.size() - input_end_ < kReadBlock / 2) {
      input_.resize(std::max(kReadBlock, input_.size() * 2));
    }
    const std::size_t room = std::min(budget, input_.size() - input_end_);
    const ssize_t got = ::recv(fd_, input_.data() + input_end_, room, MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return fail({ErrorCode::unavailable, std::string("the peer is gone: ") + strerror(errno)});
    }
    if (got == 0) return fail({ErrorCode::unavailable, "the peer closed the connection"});
    input_end_ += static_cast<std::size_t>(got);
    budget -= static_cast<std::size_t>(got);
    if (!deliver_frames()) return;
    if (static_cast<std::size_t>(got) < room) return;
  }
}

bool FramedStream::deliver_frames() {
  while (reading_ && input_end_ - input_begin_ >= kHeader) {
    const std::size_t length = read_length(input_.data() + input_begin_);
    if (length > limits_.max_message_bytes) {
      fail({ErrorCode::too_large, "a message of " + std::to_string(length) +
                                      " bytes was announced; at most " +
                                      std::to_string(limits_.max_message_bytes) + " may be sent"});
      return false;
    }
    if (input_end_ - input_begin_ - kHeader < length) break;
    const std::string_view body(input_.data() + input_begin_ + kHeader, length);
    input_begin_ += kHeader + length;
    if (handlers_.on_message) handlers_.on_message(body);
    if (!open()) return false;
  }
  return true;
}

Status FramedStream::send(std::string bytes) {
  if (!open()) return Error{ErrorCode::not_found, "the connection is closed"};
  if (bytes.size() > limits_.max_message_bytes) {
    return Error{ErrorCode::too_large,
                 "a message of " + std::to_string(bytes.size()) + " bytes; at most " +
                     std::to_string(limits_.max_message_bytes) + " may be sent"};
  }
  const std::size_t frame_bytes = kHeader + bytes.size();
  if (queued_bytes_ + frame_bytes > limits_.queue_bytes) write_some();  // perhaps it reads by now
  if (!open()) return Error{ErrorCode::not_found, "the connection is closed"};
  if (queued_bytes_ + frame_bytes > limits_.queue_bytes) {
    Error why{ErrorCode::full, "the peer does not read: " + std::to_string(queued_bytes_) +
                                   " bytes wait for it, at most " +
                                   std::to_string(limits_.queue_bytes) + " may"};
    watch_.cancel();
    ::close(std::exchange(fd_, -1));
    output_.clear();
    queued_bytes_ = 0;
    loop_.post([self = shared_from_this(), why] {
      if (self->handlers_.on_close) std::exchange(self->handlers_.on_close, nullptr)(why);
    });
    return why;
  }
  const auto length = static_cast<std::uint32_t>(bytes.size());
  output_.push_back(
      {{static_cast<unsigned char>(length), static_cast<unsigned char>(length >> 8),
        static_cast<unsigned char>(length >> 16), static_cast<unsigned char>(length >> 24)},
       std::move(bytes)});
  queued_bytes_ += frame_bytes;
  if (!flush_scheduled_) {
    // All sends of one turn leave in one system call.
    flush_scheduled_ = true;
    loop_.post([self = shared_from_this()] {
      self->flush_scheduled_ = false;
      self->flush();
    });
  }
  return {};
}

void FramedStream::flush() {
  if (!open()) return;
  while (!output_.empty() && write_some()) {
  }
  if (open()) watch_.set_writable(!output_.empty());
}

bool FramedStream::write_some() {
  constexpr std::size_t kMaxFrames = 32;
  std::array<iovec, kMaxFrames * 2> parts{};
  std::size_t count = 0;
  std::size_t skip = front_written_;
  const auto add = [&](void* at, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (size > skipped) parts[count++] = {static_cast<char*>(at) + skipped, size - skipped};
  };
  for (std::size_t i = 0; i < std::min(kMaxFrames, output_.size()); ++i) {
    add(output_[i].header, kHeader);
    add(output_[i].body.data(), output_[i].body.size());
  }
  if (count == 0) return false;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  // A dead peer is reported by the read side, after what it still sent.
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      output_.clear();
      front_written_ = 0;
      queued_bytes_ = 0;
    }
    return false;
  }
  auto written = static_cast<std::size_t>(sent);
  queued_bytes_ -= written;
  written += front_written_;
  while (!output_.empty() && written >= output_.front().size()) {
    written -= output_.front().size();
    output_.pop_front();
  }
  front_written_ = written;
  return true;
}

void FramedStream::fail(Error why) {
  if (!open()) return;
  watch_.cancel();
  ::close(std::exchange(fd_, -1));
  if (handlers_.on_close) std::exchange(handlers_.on_close, nullptr)(why);
}

void FramedStream::close() {
  handlers_.on_close = nullptr;
  if (!open()) return;
  while (!output_.empty() && write_some()) {
  }
  watch_.cancel();
  ::close(std::exchange(fd_, -1));
}

}  // namespace bourse::runtime
