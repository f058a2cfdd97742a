// ZmqServer. Which connection a peer is, and that it is gone, libzmq's ROUTER does not tell: both
// are put together here from the file descriptor on each message and from the socket monitor.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/clock.hpp"
#include "runtime/zmq_internal.hpp"

namespace bourse::runtime {

using zmq::last_error;
using zmq::Message;

namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: honoured by libzmq 4.3, hidden by its header without the draft API.
constexpr int kZapEnforceDomain = 93;
// Then other callbacks of the loop have their turn.
constexpr int kReceiveBatch = 512;
constexpr std::size_t kReceiveBytes = 4u << 20;
constexpr int kFlushBatch = 256;  // backlogged peers tried per turn
constexpr Duration kFlushEvery = Duration::milliseconds(5);

// Routing ids of ROUTER are a zero byte and a 32-bit number. A peer that chose its own is not
// served: a chosen name could be that of somebody else's closed connection.
bool parse_routing_id(std::string_view bytes, std::uint32_t& id) {
  if (bytes.size() != 5 || bytes[0] != 0) return false;
  id = 0;
  for (std::size_t i = 1; i < 5; ++i) id = (id << 8) | static_cast<std::uint8_t>(bytes[i]);
  return true;
}

// Names one socket for ever, unlike its fd.
std::uint64_t cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

}  // namespace

struct ZmqServer::Impl {
  struct Peer {
    std::uint32_t routing = 0;
    int fd = -1;
    std::uint64_t cookie = 0;
    bool closed = false;      // by us: its messages are ignored until its connection has ended
    bool backlogged = false;  // is in backlog_
    std::deque<std::string> queue;
    std::size_t queued_bytes = 0;
    zmq::InFlight in_flight = std::make_shared<std::atomic<std::size_t>>(0);
  };

  Impl(Loop& loop_arg, ZmqServerOptions options_arg, ZmqServerHandlers handlers_arg)
      : loop(loop_arg), options(std::move(options_arg)), handlers(std::move(handlers_arg)) {}

  ~Impl() {
    *alive = false;
    flush_timer.cancel();
    silence_sweep.cancel();
    socket_watch.cancel();
    monitor_watch.cancel();
    if (monitor) monitor->close(socket);
    socket.close();
    zap.reset();
  }

  Status open();
  Status configure_curve();
  void schedule_drain();
  void drain();
  void drain_monitor();
  void close_silent();
  // True when everything was read, false when the batch was used up.
  bool receive();
  // How many bytes it had.
  std::size_t receive_one(Message& routing);
  PeerId open_peer(std::uint32_t routing, int fd, Message& message);
  void finish_closing();
  void disconnect(Peer& peer);
  void remove(PeerId id, bool notify, const Error& why);
  int try_send(const Peer& peer, std::string& bytes);
  Status send(PeerId id, std::string bytes);
  bool flush_peer(Peer& peer);
  void flush_backlog();
  void drop_later(PeerId id, Peer& peer, Error why);

  Loop& loop;
  ZmqServerOptions options;
  ZmqServerHandlers handlers;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::shared_ptr<zmq::Context> context = std::make_shared<zmq::Context>();
  std::unique_ptr<zmq::ZapHandler> zap;
  zmq::Socket socket;
  std::optional<zmq::Monitor> monitor;
  FdWatch socket_watch;
  FdWatch monitor_watch;
  Timer flush_timer;
  Timer silence_sweep;
  std::string bound;
  std::uint16_t bound_port = 0;
  bool reading = true;
  bool drain_scheduled = false;

  std::uint64_t next_peer = 1;
  std::unordered_map<PeerId, Peer> peers;
  std::unordered_map<std::uint32_t, PeerId> by_routing;
  std::unordered_map<int, PeerId> by_fd;
  std::unordered_set<int> open_fds;
  std::unordered_map<int, Instant> silent_since;  // of open_fds, those that have not spoken
  std::vector<PeerId> closing;  // connection ended; reported once their last messages are read
  std::deque<PeerId> backlog;
  ZmqServerStats stats;
};

Status ZmqServer::Impl::configure_curve() {
  if (!options.curve) return {};
  const ZmqCurveServer& curve = *options.curve;
  if (Status s = zmq::check_curve_key(curve.keys.secret_key, "the server's secret key"); !s.ok()) {
    return s;
  }
  for (const auto& [key, user] : curve.allowed) {
    if (Status s = zmq::check_curve_key(key, "an allowed public key"); !s.ok()) return s;
    if (user.empty()) return invalid("the allowed key " + key + " has an empty User-Id");
  }
  if (curve.answer_authentication) {
    auto handler = zmq::ZapHandler::start(context, curve.allowed);
    if (!handler.ok()) return handler.error();
    zap = std::move(handler).value();
  }
  if (Status s = socket.set(ZMQ_CURVE_SERVER, 1); !s.ok()) return s;
  if (Status s = socket.set(ZMQ_CURVE_SECRETKEY, curve.keys.secret_key); !s.ok()) return s;
  if (Status s = socket.set(ZMQ_ZAP_DOMAIN, std::string("bourse")); !s.ok()) return s;
  // Without this libzmq lets every key in as soon as the handler is missing.
  return socket.set(kZapEnforceDomain, 1);
}

Status ZmqServer::Impl::open() {
  socket = zmq::Socket(context, ZMQ_ROUTER);
  if (!socket.valid()) return last_error(ErrorCode::io, "cannot make a server socket");
  if (Status s = zmq::set_limits(socket, options.limits); !s.ok()) return s;
  if (Status s = socket.set(ZMQ_ROUTER_MANDATORY, 1); !s.ok()) return s;
  if (Status s = socket.set(ZMQ_BACKLOG, 4096); !s.ok()) return s;
  if (Status s = configure_curve(); !s.ok()) return s;
  auto attached =
      zmq::Monitor::attach(context, socket, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  if (!attached.ok()) return attached.error();
  monitor.emplace(std::move(attached).value());
  if (zmq_bind(socket.get(), options.endpoint.c_str()) != 0) {
    return last_error(ErrorCode::unavailable, "cannot listen on " + options.endpoint);
  }
  char text[256];
  std::size_t size = sizeof text;
  if (zmq_getsockopt(socket.get(), ZMQ_LAST_ENDPOINT, text, &size) != 0) {
    return last_error(ErrorCode::io, "cannot tell where " + options.endpoint + " listens");
  }
  bound = text;
  if (bound.starts_with("tcp://")) {
    const char* const end = bound.data() + bound.size();
    std::from_chars(bound.data() + bound.rfind(':') + 1, end, bound_port);
  }
  socket_watch = loop.watch(socket.fd(), {.readable = [this] { drain(); }, .writable = {}});
  monitor_watch = loop.watch(monitor->fd(), {.readable = [this] { drain(); }, .writable = {}});
  const Duration sweep_every = std::clamp(options.first_message_timeout / 4,
                                          Duration::milliseconds(10), Duration::seconds(1));
  silence_sweep = loop.every(sweep_every, [this] { close_silent(); });
  schedule_drain();
  return {};
}

void ZmqServer::Impl::schedule_drain() {
  if (drain_scheduled) return;
  drain_scheduled = true;
  loop.post([this, token = alive] {
    if (!*token) return;
    drain_scheduled = false;
    drain();
  });
}

void ZmqServer::Impl::drain() {
  drain_monitor();
  // Commands must be processed even while reading is off, or ZMQ_FD stays readable.
  if (!reading) socket.events();
  const bool all_read = reading && receive();
  flush_backlog();
  if (all_read) {
    finish_closing();
  } else if (reading) {
    schedule_drain();
  }
}

void ZmqServer::Impl::drain_monitor() {
  zmq::Monitor::Event event;
  std::vector<int> excess;
  while (monitor->next(event)) {
    if (event.kind == ZMQ_EVENT_ACCEPTED) {
      open_fds.insert(event.value);
      silent_since[event.value] = monotonic_now();
      if (open_fds.size() > options.max_connections) excess.push_back(event.value);
    } else if (event.kind == ZMQ_EVENT_DISCONNECTED) {
      open_fds.erase(event.value);
      silent_since.erase(event.value);
      std::erase(excess, event.value);
      if (const auto it = by_fd.find(event.value); it != by_fd.end()) {
        closing.push_back(it->second);
        by_fd.erase(it);
      }
    }
  }
  for (const int fd : excess) {
    ++stats.connections_refused;
    ::shutdown(fd, SHUT_RDWR);
  }
  stats.connections = open_fds.size();
}

void ZmqServer::Impl::close_silent() {
  drain_monitor();       // an fd may be somebody else's by now
  if (!reading) return;  // then it is we who do not listen
  const Instant too_old = monotonic_now() - options.first_message_timeout;
  for (const auto& [fd, since] : silent_since) {
    if (since > too_old) continue;
    ++stats.connections_silent;
    ::shutdown(fd, SHUT_RDWR);
  }
  std::erase_if(silent_since, [&](const auto& entry) { return entry.second <= too_old; });
}

bool ZmqServer::Impl::receive() {
  std::size_t bytes = 0;
  for (int i = 0; i < kReceiveBatch && bytes < kReceiveBytes; ++i) {
    Message routing;
    const int error = routing.receive(socket);
    if (error == EINTR) continue;
    if (error != 0) return true;
    bytes += receive_one(routing);
    if (!reading) return false;
  }
  return false;
}

std::size_t ZmqServer::Impl::receive_one(Message& routing) {
  Message body;
  std::size_t frames = 0;
  bool more = routing.more();
  while (more) {
    if (body.receive(socket) != 0) break;
    ++frames;
    more = body.more();
  }
  std::uint32_t number = 0;
  if (frames == 0 || !parse_routing_id(routing.bytes(), number)) return 0;
  const std::size_t size = body.bytes().size();
  const int fd = body.source_fd();
  auto known = by_routing.find(number);
  const PeerId id = known != by_routing.end() ? known->second : open_peer(number, fd, body);
  const auto it = peers.find(id);
  if (it == peers.end() || it->second.closed) return size;
  if (frames != 1) {
    drop_later(id, it->second,
               invalid("a message of " + std::to_string(frames) + " frames; one is expected"));
    return size;
  }
  ++stats.messages_in;
  handlers.on_message(id, body.bytes());
  return size;
}

PeerId ZmqServer::Impl::open_peer(std::uint32_t routing, int fd, Message& message) {
  // Its own acceptance, and the end of who had the descriptor before, were told before it spoke:
  // left for later they would be taken for its own end.
  drain_monitor();
  const PeerId id(next_peer++);
  if (const auto it = by_fd.find(fd); it != by_fd.end()) {
    closing.push_back(it->second);  // its fd was closed and is in use again
    by_fd.erase(it);
  }
  Peer& peer = peers[id];
  peer.routing = routing;
  by_routing[routing] = id;
  if (open_fds.contains(fd)) {
    peer.fd = fd;
    silent_since.erase(fd);
    peer.cookie = cookie_of(fd);
    by_fd[fd] = id;
  } else {
    closing.push_back(id);  // connected, spoke and left since the last turn
  }
  ZmqPeerInfo info;
  info.user_id = std::string(message.property("User-Id"));
  info.address = std::string(message.property("Peer-Address"));
  if (options.curve && info.user_id.empty()) {
    disconnect(peer);  // cannot happen with the domain enforced; never serve it
    return id;
  }
  ++stats.peers;
  if (handlers.on_open) handlers.on_open(id, info);
  return id;
}

void ZmqServer::Impl::finish_closing() {
  if (closing.empty()) return;
  std::vector<PeerId> ended;
  ended.swap(closing);
  const Error why{ErrorCode::unavailable, "the peer disconnected"};
  for (const PeerId& id : ended) remove(id, true, why);
}

void ZmqServer::Impl::remove(PeerId id, bool notify, const Error& why) {
  const auto it = peers.find(id);
  if (it == peers.end()) return;
  const bool was_open = !it->second.closed;
  if (was_open) {
    --stats.peers;
    stats.queued_bytes -= it->second.queued_bytes;
  }
  by_routing.erase(it->second.routing);
  if (const auto at = by_fd.find(it->second.fd); at != by_fd.end() && at->second == id) {
    by_fd.erase(at);
  }
  peers.erase(it);
  if (notify && was_open && handlers.on_close) handlers.on_close(id, why);
}

void ZmqServer::Impl::disconnect(Peer& peer) {
  if (!peer.closed && !peer.queue.empty()) stats.queued_bytes -= peer.queued_bytes;
  peer.closed = true;
  peer.queue.clear();
  peer.queued_bytes = 0;
  // ROUTER cannot close one connection, so its socket is shut down under libzmq, which then sees
  // an ordinary end of file. The cookie guards against an fd that is somebody else's by now.
  if (peer.fd >= 0 && cookie_of(peer.fd) == peer.cookie) ::shutdown(peer.fd, SHUT_RDWR);
}

int ZmqServer::Impl::try_send(const Peer& peer, std::string& bytes) {
  char routing[5] = {0, static_cast<char>(peer.routing >> 24),
                     static_cast<char>(peer.routing >> 16), static_cast<char>(peer.routing >> 8),
                     static_cast<char>(peer.routing)};
  if (zmq_send(socket.get(), routing, sizeof routing, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
    return zmq_errno();
  }
  const int error = zmq::send_bytes(socket, bytes, peer.in_flight);
  // After the routing frame was accepted the rest must be; its pipe has room for one message.
  if (error == 0) ++stats.messages_out;
  return error;
}

Status ZmqServer::Impl::send(PeerId id, std::string bytes) {
  const auto it = peers.find(id);
  if (it == peers.end() || it->second.closed) {
    return Error{ErrorCode::not_found, "no such peer: it disconnected or was closed"};
  }
  Peer& peer = it->second;
  if (bytes.size() > options.limits.max_message_bytes) {
    return Error{ErrorCode::too_large,
                 "a message of " + std::to_string(bytes.size()) + " bytes; at most " +
                     std::to_string(options.limits.max_message_bytes) + " may be sent"};
  }
  schedule_drain();  // any call into libzmq may swallow the edge of ZMQ_FD
  if (peer.queue.empty()) {
    const bool fits = bytes.size() + peer.in_flight->load() <= options.limits.queue_bytes;
    const int error = fits ? try_send(peer, bytes) : EAGAIN;
    if (error == 0) return {};
    if (error == EHOSTUNREACH) {
      return Error{ErrorCode::not_found, "the peer has just disconnected"};
    }
    if (error != EAGAIN) return last_error(ErrorCode::io, "cannot send");
  }
  const std::size_t waiting = peer.queued_bytes + peer.in_flight->load();
  if (bytes.size() + waiting > options.limits.queue_bytes) {
    Error why{ErrorCode::full, "the peer does not read: " + std::to_string(waiting) +
                                   " bytes wait for it, at most " +
                                   std::to_string(options.limits.queue_bytes) + " may"};
    ++stats.peers_dropped;
    drop_later(id, peer, why);
    return why;
  }
  peer.queued_bytes += bytes.size();
  stats.queued_bytes += bytes.size();
  peer.queue.push_back(std::move(bytes));
  if (!peer.backlogged) {
    peer.backlogged = true;
    backlog.push_back(id);
  }
  if (!flush_timer.armed()) flush_timer = loop.after(kFlushEvery, [this] { drain(); });
  return {};
}

void ZmqServer::Impl::drop_later(PeerId id, Peer& peer, Error why) {
  if (peer.closed) return;
  disconnect(peer);
  --stats.peers;
  loop.post([this, token = alive, id, why = std::move(why)] {
    if (*token && handlers.on_close) handlers.on_close(id, why);
  });
}

bool ZmqServer::Impl::flush_peer(Peer& peer) {
  while (!peer.queue.empty()) {
    std::string& bytes = peer.queue.front();
    const std::size_t size = bytes.size();
    const int error = try_send(peer, bytes);
    if (error == EAGAIN) return false;
    if (error == EHOSTUNREACH) {
      // The monitor tells of the end; nothing can leave any more.
      stats.queued_bytes -= peer.queued_bytes;
      peer.queued_bytes = 0;
      peer.queue.clear();
      return true;
    }
    peer.queued_bytes -= size;
    stats.queued_bytes -= size;
    peer.queue.pop_front();
  }
  return true;
}

void ZmqServer::Impl::flush_backlog() {
  const std::size_t count = std::min<std::size_t>(backlog.size(), kFlushBatch);
  for (std::size_t i = 0; i < count; ++i) {
    const PeerId id = backlog.front();
    backlog.pop_front();
    const auto it = peers.find(id);
    if (it == peers.end()) continue;
    if (it->second.closed || flush_peer(it->second)) {
      it->second.backlogged = false;
    } else {
      backlog.push_back(id);
    }
  }
  if (!backlog.empty() && !flush_timer.armed()) {
    flush_timer = loop.after(kFlushEvery, [this] { drain(); });
  }
}

// ---- the public face --------------------------------------------------------------------------

ZmqServer::ZmqServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZmqServer::~ZmqServer() = default;

Result<std::unique_ptr<ZmqServer>> ZmqServer::open(Loop& loop, ZmqServerOptions options,
                                                   ZmqServerHandlers handlers) {
  ASSERT(handlers.on_message);
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(handlers));
  if (Status s = impl->open(); !s.ok()) return s.error();
  return std::unique_ptr<ZmqServer>(new ZmqServer(std::move(impl)));
}

const std::string& ZmqServer::endpoint() const {
  return impl_->bound;
}
std::uint16_t ZmqServer::port() const {
  return impl_->bound_port;
}
Status ZmqServer::send(PeerId peer, std::string bytes) {
  return impl_->send(peer, std::move(bytes));
}
std::size_t ZmqServer::unread_bytes(PeerId peer) const {
  const auto it = impl_->peers.find(peer);
  if (it == impl_->peers.end()) return 0;
  return it->second.queued_bytes + it->second.in_flight->load();
}
void ZmqServer::close(PeerId peer) {
  const auto it = impl_->peers.find(peer);
  if (it == impl_->peers.end() || it->second.closed) return;
  impl_->disconnect(it->second);
  --impl_->stats.peers;
}
void ZmqServer::set_reading(bool reading) {
  if (impl_->reading == reading) return;
  impl_->reading = reading;
  if (reading) impl_->schedule_drain();
}
void ZmqServer::set_allowed(std::map<std::string, std::string> allowed) {
  if (impl_->zap) impl_->zap->set_allowed(std::move(allowed));
}
ZmqServerStats ZmqServer::stats() const {
  return impl_->stats;
}

}  // namespace bourse::runtime
