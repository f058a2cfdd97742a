#include "runtime/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "runtime/framed_stream.hpp"

namespace bourse::runtime {
namespace {

Error system_error(ErrorCode code, const std::string& what) {
  return {code, what + ": " + strerror(errno)};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return invalid("socket path '" + path + "' has " + std::to_string(path.size()) +
                   " bytes; 1 to 107 are possible: use a shorter directory");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<int> make_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return system_error(ErrorCode::io, "cannot make a unix socket");
  return fd;
}

// A socket file whose listener is gone refuses connections.
bool is_stale(const sockaddr_un& address) {
  auto probe = make_socket();
  if (!probe.ok()) return false;
  const int rc = ::connect(probe.value(), as_sockaddr(address), sizeof address);
  const bool refused = rc != 0 && errno == ECONNREFUSED;
  ::close(probe.value());
  return refused;
}

Status bind_and_listen(int fd, const sockaddr_un& address, const std::string& path, unsigned mode) {
  // The mode of the socket before bind is that of the file bind makes: no moment in between.
  if (fchmod(fd, mode) != 0) return system_error(ErrorCode::io, "cannot set the mode of " + path);
  int rc = ::bind(fd, as_sockaddr(address), sizeof address);
  if (rc != 0 && errno == EADDRINUSE && is_stale(address)) {
    ::unlink(path.c_str());
    rc = ::bind(fd, as_sockaddr(address), sizeof address);
  }
  if (rc != 0) return system_error(ErrorCode::unavailable, "cannot listen on " + path);
  if (::listen(fd, 1024) != 0) return system_error(ErrorCode::io, "cannot listen on " + path);
  return {};
}

}  // namespace

struct UnixServer::Impl {
  Impl(Loop& loop_arg, UnixLimits limits_arg, UnixServerHandlers handlers_arg)
      : loop(loop_arg), limits(limits_arg), handlers(std::move(handlers_arg)) {}

  ~Impl() {
    *alive = false;
    for (auto& [id, stream] : streams) stream->close();
    watch.cancel();
    if (fd >= 0) ::close(fd);
    if (!path.empty()) ::unlink(path.c_str());
  }

  void accept_all() {
    while (true) {
      const int accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (accepted < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) pause_accepting();
        return;
      }
      if (streams.size() >= limits.max_connections) {
        ::close(accepted);
        continue;
      }
      add(accepted);
    }
  }

  // Out of descriptors: the ready listener would spin otherwise.
  void pause_accepting() {
    watch.set_readable(false);
    resume = loop.after(Duration::milliseconds(100), [this] { watch.set_readable(true); });
  }

  void add(int accepted) {
    const ConnectionId id(next++);
    FramedStream::Handlers h;
    h.on_message = [this, id](std::string_view bytes) {
      if (handlers.on_message) handlers.on_message(id, bytes);
    };
    h.on_close = [this, token = alive, id](const Error& why) {
      if (!*token || streams.erase(id) == 0) return;
      if (handlers.on_close) handlers.on_close(id, why);
    };
    auto stream = std::make_shared<FramedStream>(loop, accepted, limits, std::move(h));
    streams.emplace(id, stream);
    if (handlers.on_open) handlers.on_open(id, stream->peer());
    if (stream->open()) stream->start();
  }

  Loop& loop;
  UnixLimits limits;
  UnixServerHandlers handlers;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  int fd = -1;
  std::string path;
  FdWatch watch;
  Timer resume;
  std::uint64_t next = 1;
  std::map<ConnectionId, std::shared_ptr<FramedStream>> streams;
};

UnixServer::UnixServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnixServer::~UnixServer() = default;

Result<std::unique_ptr<UnixServer>> UnixServer::listen(Loop& loop, const std::string& path,
                                                       UnixLimits limits,
                                                       UnixServerHandlers handlers, unsigned mode) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  auto impl = std::make_unique<Impl>(loop, limits, std::move(handlers));
  const auto fd = make_socket();
  if (!fd.ok()) return fd.error();
  impl->fd = fd.value();
  if (Status s = bind_and_listen(impl->fd, address.value(), path, mode); !s.ok()) return s.error();
  impl->path = path;
  impl->watch =
      loop.watch(impl->fd, {.readable = [raw = impl.get()] { raw->accept_all(); }, .writable = {}});
  return std::unique_ptr<UnixServer>(new UnixServer(std::move(impl)));
}

Status UnixServer::send(ConnectionId connection, std::string bytes) {
  const auto it = impl_->streams.find(connection);
  if (it == impl_->streams.end()) {
    return Error{ErrorCode::not_found, "no such connection: it was closed"};
  }
  return it->second->send(std::move(bytes));
}

void UnixServer::close(ConnectionId connection) {
  const auto it = impl_->streams.find(connection);
  if (it == impl_->streams.end()) return;
  const auto stream = it->second;
  impl_->streams.erase(it);
  stream->close();
}

void UnixServer::set_reading(ConnectionId connection, bool reading) {
  const auto it = impl_->streams.find(connection);
  if (it != impl_->streams.end()) it->second->set_reading(reading);
}

std::size_t UnixServer::connections() const {
  return impl_->streams.size();
}

// ---- UnixConnection ---------------------------------------------------------------------------

struct UnixConnection::Impl {
  ~Impl() {
    *alive = false;
    if (stream) stream->close();
  }

  UnixConnectionHandlers handlers;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::shared_ptr<FramedStream> stream;
};

UnixConnection::UnixConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnixConnection::~UnixConnection() = default;

Result<std::unique_ptr<UnixConnection>> UnixConnection::connect(Loop& loop, const std::string& path,
                                                                UnixLimits limits,
                                                                UnixConnectionHandlers handlers) {
  const auto address = address_of(path);
  if (!address.ok()) return address.error();
  const auto fd = make_socket();
  if (!fd.ok()) return fd.error();
  // Connecting to a unix socket never waits for the peer: it succeeds, or fails at once.
  if (::connect(fd.value(), as_sockaddr(address.value()), sizeof(sockaddr_un)) != 0) {
    const Error error = system_error(ErrorCode::unavailable, "cannot connect to " + path);
    ::close(fd.value());
    return error;
  }
  return adopt(loop, fd.value(), limits, std::move(handlers));
}

Result<std::unique_ptr<UnixConnection>> UnixConnection::adopt(Loop& loop, int fd, UnixLimits limits,
                                                              UnixConnectionHandlers handlers) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
    return invalid("descriptor " + std::to_string(fd) + " is not a stream socket");
  }
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  auto impl = std::make_unique<Impl>();
  impl->handlers = std::move(handlers);
  FramedStream::Handlers h;
  h.on_message = [raw = impl.get()](std::string_view bytes) {
    if (raw->handlers.on_message) raw->handlers.on_message(bytes);
  };
  h.on_close = [raw = impl.get(), token = impl->alive](const Error& why) {
    if (*token && raw->handlers.on_close) raw->handlers.on_close(why);
  };
  impl->stream = std::make_shared<FramedStream>(loop, fd, limits, std::move(h));
  impl->stream->start();
  return std::unique_ptr<UnixConnection>(new UnixConnection(std::move(impl)));
}

bool UnixConnection::open() const {
  return impl_->stream->open();
}
PeerCredentials UnixConnection::peer() const {
  return impl_->stream->peer();
}
Status UnixConnection::send(std::string bytes) {
  return impl_->stream->send(std::move(bytes));
}
void UnixConnection::set_reading(bool reading) {
  impl_->stream->set_reading(reading);
}
std::size_t UnixConnection::queued_bytes() const {
  return impl_->stream->queued_bytes();
}

}  // namespace bourse::runtime
