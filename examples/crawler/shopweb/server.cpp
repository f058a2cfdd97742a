#include "examples/crawler/shopweb/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/deadline_queue.hpp"
#include "examples/crawler/shopweb/connection.hpp"
#include "examples/crawler/shopweb/site.hpp"

namespace bourse::crawler::shopweb {
namespace {

Instant now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{time.tv_sec * 1'000'000'000 + time.tv_nsec};
}

Error errno_error(const std::string& what) {
  const ErrorCode code = errno == EADDRINUSE ? ErrorCode::already_exists : ErrorCode::io;
  return {code, what + ": " + std::strerror(errno)};
}

Result<int> listen_on(const in_addr& ip, const std::string& named, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error("cannot make a socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = ip;
  address.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, 1'024) != 0) {
    const Error error = errno_error("cannot listen on " + named + ":" + std::to_string(port));
    ::close(fd);
    return error;
  }
  return fd;
}

// A port that something else already listens on would be shared silently by SO_REUSEPORT when that
// something is another shopweb; a first bind without it finds out.
Status port_is_free(const in_addr& ip, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error("cannot make a socket");
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = ip;
  address.sin_port = htons(port);
  Status status;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    status = errno_error("port " + std::to_string(port) + " cannot be taken");
  }
  ::close(fd);
  return status;
}

class Loop {
 public:
  Loop(Site& site, int listener, const std::atomic<bool>& stopping)
      : site_(site), listener_(listener), stopping_(stopping) {}

  void run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = listener_;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    std::array<epoll_event, 256> events;
    while (!stopping_) {
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms());
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
      const Instant at = now();
      while (const auto fd = wakes_.pop_due(at)) {
        if (const auto it = connections_.find(*fd); it != connections_.end()) {
          settle(*fd, it->second->due(at));
        }
      }
    }
    connections_.clear();
    ::close(epoll_);
  }

 private:
  int wait_ms() const {
    constexpr std::int64_t kLongest = 100;  // how late stop() may be noticed
    if (wakes_.empty()) return kLongest;
    const std::int64_t left = (wakes_.next() - now()).ms() + 1;
    return static_cast<int>(left < 0 ? 0 : left < kLongest ? left : kLongest);
  }

  void handle(const epoll_event& event) {
    const int fd = event.data.fd;
    if (fd == listener_) {
      accept_all();
      return;
    }
    const auto it = connections_.find(fd);
    if (it == connections_.end()) return;
    bool alive = (event.events & EPOLLERR) == 0;
    // Each request is stamped on its own: a batch's stamp would be too early for its last.
    if (alive && (event.events & EPOLLOUT) != 0) alive = it->second->writable(now());
    if (alive && (event.events & (EPOLLIN | EPOLLHUP)) != 0) alive = it->second->readable(now());
    settle(fd, alive);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      connections_[fd] = std::make_unique<Connection>(fd, site_);
      watched_[fd] = EPOLLIN;
    }
  }

  void settle(int fd, bool alive) {
    if (!alive) {
      wakes_.disarm(fd);
      watched_.erase(fd);
      connections_.erase(fd);  // closes it, and so leaves the epoll
      return;
    }
    const Connection& connection = *connections_[fd];
    const std::uint32_t wanted = connection.wants_write() ? EPOLLOUT : EPOLLIN;
    if (wanted != watched_[fd]) {
      epoll_event event{};
      event.events = wanted;
      event.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
      watched_[fd] = wanted;
    }
    if (connection.wake() == Instant::max()) {
      wakes_.disarm(fd);
    } else {
      wakes_.arm(fd, connection.wake());
    }
  }

  Site& site_;
  int listener_;
  const std::atomic<bool>& stopping_;
  int epoll_ = -1;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::map<int, std::uint32_t> watched_;
  DeadlineQueue<int> wakes_;
};

}  // namespace

Status Server::start(std::uint16_t port, std::uint32_t threads, const std::string& ip_text) {
  in_addr ip{};
  if (::inet_pton(AF_INET, ip_text.c_str(), &ip) != 1) {
    return Error{ErrorCode::invalid, "\"" + ip_text + "\" is no IPv4 address"};
  }
  if (port != 0) {
    if (const Status status = port_is_free(ip, port); !status.ok()) return status;
  }
  for (std::uint32_t i = 0; i < threads; ++i) {
    const Result<int> listener = listen_on(ip, ip_text, i == 0 ? port : port_);
    if (!listener.ok()) {
      stop();
      return listener.error();
    }
    listeners_.push_back(*listener);
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    ::getsockname(*listener, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  address_ = ip_text + ":" + std::to_string(port_);
  site_.set_address(address_);
  stopping_ = false;
  for (const int listener : listeners_) {
    threads_.emplace_back([this, listener] { Loop(site_, listener, stopping_).run(); });
  }
  return {};
}

void Server::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (const int listener : listeners_) ::close(listener);
  listeners_.clear();
}

}  // namespace bourse::crawler::shopweb
