#include "runtime/zookeeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/clock.hpp"
#include "runtime/entropy.hpp"
#include "runtime/zookeeper_internal.hpp"
#include "runtime/zookeeper_url.hpp"

namespace bourse::runtime {

namespace {

// Answers taken in one turn, so that others on the loop get theirs.
constexpr int kMessagesPerTurn = 256;
// Between two rounds over all servers: doubles from the first to the last, less up to a half of it
// by chance. A session of 4 s survives an ensemble that was away for 2 s.
constexpr Duration kFirstRetry = Duration::milliseconds(50);
constexpr Duration kLastRetry = Duration::milliseconds(1000);
// A connection that gives no session in a sixth of the timeout is left, the next one gets twice as
// long: a server that is met while it starts may drop the greeting and keep the connection (3.8.0).
constexpr std::int64_t kAttemptShare = 6;
constexpr Duration kShortestAttempt = Duration::milliseconds(200);
constexpr Duration kLongestAttempt = Duration::seconds(2);
// Unsent bytes get this long on closing.
constexpr Duration kCloseFlush = Duration::milliseconds(100);
// No server grants less than two of its ticks, and the client counts in milliseconds.
constexpr Duration kShortestTimeout = Duration::milliseconds(100);
constexpr Duration kLongestTimeout = Duration::seconds(3600);

// What the client said last about an error, while one of our calls is in it. The client's log
// function takes no context.
thread_local std::string* log_sink = nullptr;

void on_log(const char* line) {
  if (log_sink != nullptr) *log_sink = line;
}

// Collects the client's own words during one call of it.
class Listening {
 public:
  explicit Listening(std::string& words) { log_sink = &words; }
  ~Listening() { log_sink = nullptr; }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
};

// The client logs "... Socket 10.0.0.1:2181 ... errno=111(Connection refused): ...".
std::string sentence_of(const std::string& words, int code) {
  const std::size_t number = words.find("errno=");
  const std::size_t from = words.find("Socket ");
  if (number == std::string::npos || from == std::string::npos) return zerror(code);
  const std::size_t name = from + 7;
  const std::string server = words.substr(name, words.find(' ', name) - name);
  const int error = std::atoi(words.c_str() + number + 6);
  if (error == EHOSTDOWN)
    return server + ": the server closed the connection";  // its word for that
  return server + ": " + std::strerror(error);
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& entry : list) text += (text.empty() ? "" : ",") + entry;
  return text;
}

ino_t inode_of(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

void on_session_event(zhandle_t*, int type, int state, const char*, void* context) {
  auto& impl = *static_cast<ZookeeperImpl*>(context);
  if (type != ZOO_SESSION_EVENT || impl.closing) return;
  if (state == ZOO_CONNECTED_STATE) {
    impl.note_phase(ZkPhase::connected);
  } else if (state == ZOO_EXPIRED_SESSION_STATE) {
    impl.note_phase(ZkPhase::expired);
  } else if (state == ZOO_AUTH_FAILED_STATE) {
    impl.note_phase(ZkPhase::auth_failed);
  } else if (impl.state.phase == ZkPhase::connected) {
    impl.note_phase(ZkPhase::suspended);
  }
}

Status check(const ZookeeperOptions& options) {
  if (options.servers.empty()) return invalid("a ZooKeeper session needs at least one server");
  for (const std::string& server : options.servers) {
    if (Status s = check_zookeeper_server(server); !s.ok()) return s;
  }
  if (options.session_timeout < kShortestTimeout || options.session_timeout > kLongestTimeout) {
    return invalid("ZooKeeper session timeout " + std::to_string(options.session_timeout.ms()) +
                   " ms: take 100 ms to one hour");
  }
  const std::size_t colon = options.digest_auth.find(':');
  if (!options.digest_auth.empty() && (colon == 0 || colon == std::string::npos)) {
    return invalid("ZooKeeper digest authentication must be user:password");
  }
  return {};
}

}  // namespace

const char* name_of(ZkPhase phase) {
  switch (phase) {
    case ZkPhase::connecting:
      return "connecting";
    case ZkPhase::connected:
      return "connected";
    case ZkPhase::suspended:
      return "suspended";
    case ZkPhase::expired:
      return "expired";
    case ZkPhase::auth_failed:
      return "auth_failed";
  }
  return "unknown";
}

// ---- the socket ---------------------------------------------------------------------------------

void ZkSocket::drop() {
  watch.cancel();
  if (own_fd >= 0) ::close(own_fd);
  own_fd = -1;
  client_fd = -1;
  inode = 0;
}

// False if the socket cannot be watched.
bool ZookeeperImpl::follow(int fd, int interest, Instant asked) {
  if (socket.client_fd != fd || socket.inode != inode_of(fd)) {
    socket.drop();
    ++attempts;
    attempt_started = asked;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    socket.own_fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (socket.own_fd < 0) return false;
    socket.client_fd = fd;
    socket.inode = inode_of(fd);
    socket.watch = loop.watch(socket.own_fd, {.readable = [this] { turn(ZOOKEEPER_READ); },
                                              .writable = [this] { turn(ZOOKEEPER_WRITE); }});
  }
  socket.watch.set_readable((interest & ZOOKEEPER_READ) != 0);
  socket.watch.set_writable((interest & ZOOKEEPER_WRITE) != 0);
  return true;
}

// ---- driving the client -------------------------------------------------------------------------

ZookeeperImpl::ZookeeperImpl(Loop& loop_arg, ZookeeperOptions options_arg, OnState state_arg,
                             OnWatch watch_arg)
    : loop(loop_arg),
      options(std::move(options_arg)),
      on_state(std::move(state_arg)),
      on_watch(std::move(watch_arg)),
      addresses(loop_arg, options.servers) {}

ZookeeperImpl::~ZookeeperImpl() {
  *alive = false;
  closing = true;
  close_handle();
}

bool ZookeeperImpl::connected() const {
  return handle != nullptr && state.phase == ZkPhase::connected &&
         zoo_state(handle) == ZOO_CONNECTED_STATE;
}

bool ZookeeperImpl::final() const {
  return state.phase == ZkPhase::expired || state.phase == ZkPhase::auth_failed;
}

void ZookeeperImpl::start() {
  if (addresses.fixed()) return schedule();
  addresses.look_up([this, token = alive] {
    if (*token) addresses_known();
  });
}

void ZookeeperImpl::open_handle() {
  static const bool quiet = (zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR), true);
  static_cast<void>(quiet);
  servers = addresses.list();
  if (servers.empty()) return;
  handle = zookeeper_init2(joined(servers).c_str(), on_session_event,
                           static_cast<int>(options.session_timeout.ms()), nullptr, this,
                           ZOO_NO_LOG_CLIENTENV, on_log);
  if (handle == nullptr) {
    error = std::string("cannot make a ZooKeeper handle: ") + std::strerror(errno);
    return;
  }
  // Never while a socket stands: it would look names up on each call, and drop the socket unsaid.
  zoo_set_servers_resolution_delay(handle, -1);
  if (options.digest_auth.empty()) return;
  zoo_add_auth(handle, "digest", options.digest_auth.data(),
               static_cast<int>(options.digest_auth.size()), nullptr, nullptr);
}

// The client sends its farewell and then waits up to 1.5 s for an answer that nobody reads, and up
// to 3 s for room to send: both would stop the loop.
void ZookeeperImpl::close_handle() {
  wake_timer.cancel();
  heartbeat_timer.cancel();
  const int fd = socket.client_fd;
  if (handle != nullptr && fd >= 0 && zoo_state(handle) == ZOO_CONNECTED_STATE) {
    const Instant deadline = monotonic_now() + kCloseFlush;
    bool unsent = true;
    while (unsent && zoo_state(handle) == ZOO_CONNECTED_STATE && monotonic_now() < deadline) {
      int now_fd = -1;
      int interest = 0;
      timeval wait = {};
      if (zookeeper_interest(handle, &now_fd, &interest, &wait) != ZOK || now_fd != fd) break;
      unsent = (interest & ZOOKEEPER_WRITE) != 0;
      pollfd room = {fd, POLLOUT, 0};
      if (unsent && ::poll(&room, 1, 10) > 0) zookeeper_process(handle, ZOOKEEPER_WRITE);
    }
    // With reading shut its wait ends at once; with writing shut it does not even begin.
    if (zoo_state(handle) == ZOO_CONNECTED_STATE) ::shutdown(fd, unsent ? SHUT_RDWR : SHUT_RD);
  }
  socket.drop();
  if (handle != nullptr) zookeeper_close(handle);
  handle = nullptr;
}

void ZookeeperImpl::schedule() {
  if (scheduled) return;
  scheduled = true;
  loop.post([this, token = alive] {
    if (!*token) return;
    scheduled = false;
    turn(0);
  });
}

void ZookeeperImpl::turn(int events) {
  ++wakeups;
  if (handle != nullptr && events != 0) process(events);
  refresh();
  deliver();  // may destroy us
}

void ZookeeperImpl::process(int events) {
  std::string words;
  const Listening listening(words);
  for (int taken = 0; taken < kMessagesPerTurn; ++taken) {
    const int code = zookeeper_process(handle, events);
    if (code != ZOK && code != ZNOTHING) {
      error = sentence_of(words, code);
      server_failed = true;
    }
    if (code != ZOK || (events & ZOOKEEPER_READ) == 0) return;
    events = ZOOKEEPER_READ;
  }
}

// Brings our watch and timer in line with what the client waits for now.
void ZookeeperImpl::refresh() {
  if (handle != nullptr && state.phase == ZkPhase::connected && !connected() && !final())
    clear_lost();
  if (handle == nullptr && !final()) open_handle();
  if (final()) {
    close_handle();
  } else if (handle == nullptr) {
    back_off();
  } else if (monotonic_now() < retry_at) {
    wake_at(retry_at);
  } else {
    connect_on();
    if (final()) close_handle();
  }
}

void ZookeeperImpl::connect_on() {
  std::string words;
  const Listening listening(words);
  leave_silent_server();
  // Asked after a failure, the client first says that it would like to pause.
  for (std::size_t asks = 2 * servers.size() + 2; asks > 0 && !final(); --asks) {
    if (server_failed && !next_server()) break;
    int fd = -1;
    int interest = 0;
    timeval wait = {};
    const Instant asked = monotonic_now();
    const int code = zookeeper_interest(handle, &fd, &interest, &wait);
    if (code != ZOK) {
      error = sentence_of(words, code);
      server_failed = true;
    } else if (fd >= 0 && follow(fd, interest, asked)) {
      const Duration span = Duration::seconds(wait.tv_sec) + Duration::microseconds(wait.tv_usec);
      const Instant due = asked + std::max(span, Duration::milliseconds(1));
      return wake_at(connected() ? due : std::min(due, attempt_started + attempt_limit()));
    } else if (fd >= 0) {
      error = std::string("no descriptor for a connection to ZooKeeper: ") + std::strerror(errno);
      abandon(fd);
    }
  }
  if (!final()) back_off();
}

Duration ZookeeperImpl::attempt_limit() const {
  const Duration share = options.session_timeout / kAttemptShare;
  return std::clamp(share, kShortestAttempt, kLongestAttempt) *
         (std::int64_t{1} << std::min(silent_attempts, 20));
}

void ZookeeperImpl::leave_silent_server() {
  if (state.phase == ZkPhase::connected || socket.client_fd < 0) return;
  const Duration limit = attempt_limit();
  if (monotonic_now() < attempt_started + limit) return;
  ++silent_attempts;
  error = std::string(zoo_get_current_server(handle)) + ": no session within " +
          std::to_string(limit.ms()) + " ms";
  const int fd = socket.client_fd;
  socket.drop();
  abandon(fd);
}

// Makes the client let go of its socket and of everything that waits for it.
void ZookeeperImpl::abandon(int fd) {
  ::shutdown(fd, SHUT_RDWR);
  zookeeper_process(handle, ZOOKEEPER_READ);
  server_failed = true;
}

// False if every server has failed since the last pause. The client turns its list once when a
// server fails and once when it connects; with this the two are one step.
bool ZookeeperImpl::next_server() {
  server_failed = false;
  ++tried;
  for (std::size_t i = 1; i < servers.size(); ++i) zoo_cycle_next_server(handle);
  return tried < servers.size();
}

// A send failed inside a request: the client closed its socket, but still holds the requests and
// half a message. Only an error on a connection makes it let go of them, so the next one is made to
// fail.
void ZookeeperImpl::clear_lost() {
  error = "the connection to ZooKeeper broke while a request was sent";
  socket.drop();
  note_phase(ZkPhase::suspended);
  server_failed = true;
  for (int asks = 0; asks < 3; ++asks) {
    int fd = -1;
    int interest = 0;
    timeval wait = {};
    if (zookeeper_interest(handle, &fd, &interest, &wait) != ZOK) return;
    if (fd >= 0) return abandon(fd);
  }
}

void ZookeeperImpl::back_off() {
  socket.drop();
  tried = 0;
  Duration pause = kFirstRetry * (std::int64_t{1} << std::min(failed_rounds, 6));
  pause = std::min(pause, kLastRetry);
  ++failed_rounds;
  const auto half = static_cast<std::uint64_t>(pause.ns / 2);
  pause = pause - Duration{static_cast<std::int64_t>(random_u64() % (half + 1))};
  retry_at = monotonic_now() + pause;
  wake_at(retry_at);
  if (addresses.fixed()) return;
  addresses.look_up([this, token = alive] {
    if (*token) addresses_known();
  });
}

void ZookeeperImpl::addresses_known() {
  if (!addresses.error().empty()) error = addresses.error();
  // While there is a connection its server is a good one, whatever the names say.
  if (handle != nullptr && state.phase != ZkPhase::connected && addresses.list() != servers &&
      !addresses.list().empty()) {
    servers = addresses.list();
    socket.drop();
    zoo_set_servers(handle, joined(servers).c_str());
  }
  turn(0);
}

// An armed timer that fires too early only asks again, so it is left alone unless it were too late.
void ZookeeperImpl::wake_at(Instant at) {
  if (wake_timer.armed() && wake_instant <= at) return;
  wake_instant = at;
  wake_timer = loop.after(at - monotonic_now(), [this] {
    wake_instant = Instant::max();
    // What has arrived counts before the client looks at its clock, or a loop that was late would
    // take a good connection for a dead one.
    turn(connected() ? ZOOKEEPER_READ : 0);
  });
}

void ZookeeperImpl::note_phase(ZkPhase phase) {
  if (state.phase == phase) return;
  state.phase = phase;
  if (phase == ZkPhase::connected) {
    state.session_id = zoo_client_id(handle)->client_id;
    state.timeout = Duration::milliseconds(zoo_recv_timeout(handle));
    contact = std::max(contact, attempt_started);
    failed_rounds = 0;
    silent_attempts = 0;
    tried = 0;
    error.clear();
    heartbeat_timer = loop.every(state.timeout / 4, [this] { heartbeat(); });
  } else {
    heartbeat_timer.cancel();
  }
  to_tell.emplace_back(state);
}

// Only what is there now: what a callback adds gets a turn of its own.
void ZookeeperImpl::deliver() {
  const std::shared_ptr<bool> token = alive;
  std::vector<Told> batch;
  batch.swap(to_tell);
  for (Told& told : batch) {
    if (auto* phase = std::get_if<ZkState>(&told)) {
      if (on_state) on_state(*phase);
    } else if (auto* watch = std::get_if<ZkWatch>(&told)) {
      if (on_watch) on_watch(*watch);
    } else if (auto* answer = std::get_if<Answer>(&told)) {
      answer->answer(answer->reply);
    }
    if (!*token) return;
  }
  if (!to_tell.empty()) schedule();
}

// ---- the public face ----------------------------------------------------------------------------

Result<std::unique_ptr<ZookeeperSession>> ZookeeperSession::open(Loop& loop,
                                                                 ZookeeperOptions options,
                                                                 OnState on_state,
                                                                 OnWatch on_watch) {
  if (Status s = check(options); !s.ok()) return s.error();
  auto impl = std::make_unique<ZookeeperImpl>(loop, std::move(options), std::move(on_state),
                                              std::move(on_watch));
  impl->start();
  return std::unique_ptr<ZookeeperSession>(new ZookeeperSession(std::move(impl)));
}

ZookeeperSession::ZookeeperSession(std::unique_ptr<ZookeeperImpl> impl) : impl_(std::move(impl)) {}
ZookeeperSession::~ZookeeperSession() = default;

ZkState ZookeeperSession::state() const {
  return impl_->state;
}

Instant ZookeeperSession::last_contact() const {
  return impl_->contact;
}

std::string ZookeeperSession::last_error() const {
  return impl_->error;
}

ZookeeperStats ZookeeperSession::stats() const {
  return {impl_->wakeups, impl_->attempts, impl_->outstanding, impl_->outstanding_bytes};
}

}  // namespace bourse::runtime
