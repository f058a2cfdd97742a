#include "bench/zmtp_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bourse::bench {

namespace {

constexpr std::size_t kGreetingBytes = 64;
constexpr std::uint32_t kFirstHost = 0x7f400000;  // 127.64.0.0
constexpr std::uint32_t kHosts = 1u << 20;
constexpr unsigned kLong = 2;
constexpr unsigned kCommand = 4;

std::string greeting() {
  std::string out(kGreetingBytes, '\0');
  out[0] = '\xff';
  out[9] = '\x7f';
  out[10] = 3;
  std::memcpy(out.data() + 12, "NULL", 4);
  return out;
}

void append_frame(unsigned flags, std::string_view body, std::string& out) {
  if (body.size() > 255) {
    out += static_cast<char>(flags | kLong);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(body.size() >> shift);
  } else {
    out += static_cast<char>(flags);
    out += static_cast<char>(body.size());
  }
  out += body;
}

}  // namespace

ZmtpSocket::ZmtpSocket(runtime::Loop& loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

ZmtpSocket::~ZmtpSocket() {
  watch_.cancel();
  if (fd_ < 0) return;
  // A reset: thousands of ports that wait out their time would be missing in the next round.
  const linger none{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::close(fd_);
}

Status ZmtpSocket::connect(const std::string& address, std::uint32_t host) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  if (::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) {
    return invalid("'" + address + "' is not ip:port");
  }
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Error{ErrorCode::full, std::string("socket: ") + std::strerror(errno)};
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (ntohl(to.sin_addr.s_addr) >> 24 == 127) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(kFirstHost + host % kHosts);
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) {
      return Error{ErrorCode::unavailable, std::string("bind: ") + std::strerror(errno)};
    }
  }
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
    return Error{ErrorCode::unavailable, address + ": " + std::strerror(errno)};
  }
  out_ = greeting();
  append_frame(kCommand, std::string_view("\5READY\13Socket-Type\0\0\0\6DEALER", 28), out_);
  watch_ = loop_.watch(
      fd_, {.readable = [this] { on_readable(); }, .writable = [this] { on_writable(); }});
  return {};
}

void ZmtpSocket::end() {
  watch_.cancel();
  ::close(std::exchange(fd_, -1));
  ready_ = false;
  handlers_.on_closed();
}

void ZmtpSocket::on_writable() {
  if (fd_ < 0) return;
  if (!connected_) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return end();
    connected_ = true;
  }
  flush();
}

void ZmtpSocket::flush() {
  while (!out_.empty()) {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) break;  // a broken connection is told by the next read
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  watch_.set_writable(!out_.empty());
}

void ZmtpSocket::send(std::string_view bytes) {
  if (!ready_) return;
  append_frame(0, bytes, out_);
  flush();
}

void ZmtpSocket::on_readable() {
  static thread_local std::array<char, 64 * 1024> buffer;
  while (fd_ >= 0) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) return end();
    take({buffer.data(), static_cast<std::size_t>(got)});
    if (static_cast<std::size_t>(got) < buffer.size()) return;
  }
}

void ZmtpSocket::take(std::string_view bytes) {
  std::string joined;
  if (!in_.empty()) {
    joined = std::move(in_) + std::string(bytes);
    in_.clear();
    bytes = joined;
  }
  if (!greeted_ && bytes.size() >= kGreetingBytes) {
    greeted_ = true;
    bytes.remove_prefix(kGreetingBytes);
  }
  while (greeted_ && fd_ >= 0 && take_frame(bytes)) {
  }
  in_ = bytes;
}

bool ZmtpSocket::take_frame(std::string_view& bytes) {
  if (bytes.size() < 2) return false;
  const auto flags = static_cast<unsigned char>(bytes[0]);
  std::size_t size = static_cast<unsigned char>(bytes[1]);
  std::size_t head = 2;
  if ((flags & kLong) != 0) {
    head = 9;
    if (bytes.size() < head) return false;
    size = 0;
    for (std::size_t i = 1; i < head; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  }
  if (bytes.size() < head + size) return false;
  const std::string_view body = bytes.substr(head, size);
  bytes.remove_prefix(head + size);
  if ((flags & kCommand) != 0) {
    if (!std::exchange(ready_, true)) handlers_.on_ready();
  } else {
    handlers_.on_message(body);
  }
  return true;
}

}  // namespace bourse::bench
