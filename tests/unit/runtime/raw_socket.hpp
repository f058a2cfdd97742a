// Test support: a plain blocking TCP client for sending what a well-behaved library never would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace bourse::runtime::test {

class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(std::uint16_t port, int receive_buffer = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) close();
  }
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~RawSocket() { close(); }

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  // False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // What has arrived so far, without waiting; `ended()` tells whether the other side closed.
  void read_available() {
    char block[65536];
    while (fd_ >= 0 && !ended_) {
      const ssize_t got = ::recv(fd_, block, sizeof block, MSG_DONTWAIT);
      if (got > 0) {
        received_.append(block, static_cast<std::size_t>(got));
      } else {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) ended_ = true;
        return;
      }
    }
  }
  bool ended() {
    read_available();
    return ended_;
  }
  const std::string& received() {
    read_available();
    return received_;
  }
  void forget_received() { received_.clear(); }

 private:
  int fd_ = -1;
  bool ended_ = false;
  std::string received_;
};

}  // namespace bourse::runtime::test
