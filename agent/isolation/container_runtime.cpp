#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "agent/isolation/container_impl.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "base/siphash.hpp"

namespace bourse::isolation {

namespace {

// Connections that have not said who they are. Shims say it at once, so this is room enough for a
// restart with every container alive, in waves.
constexpr std::size_t kMostLinks = kMostContainers + 64;
constexpr Duration kLauncherPause = Duration::seconds(1);
constexpr Duration kFlushPause = Duration::milliseconds(2);

Error io_error(const std::string& what, int error) {
  return {error == ENOSPC ? ErrorCode::full : ErrorCode::io, what + ": " + errno_text(error)};
}

// A stable short name for this agent's cgroups: its runtime directory, hashed (FNV-1a). Three
// agents on one machine must not meet, and one that returns must find its own.
std::string instance_of(const std::string& runtime_dir) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : runtime_dir) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 20; shift -= 4) text += kHex[(hash >> shift) & 15];
  return text;
}

}  // namespace

Instant boot_now() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
}

void OwnedFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

ContainerRuntime::Impl::~Impl() = default;

Status ContainerRuntime::Impl::open() {
  if (Status opened = open_directories(); !opened.ok()) return opened;
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.open()) return io_error("cannot make an epoll descriptor", errno);
  boot_id_ = boot_id();
  const bool root = ::geteuid() == 0;
  namespaces_ = root && options_.use_namespaces;
  if (options_.use_cgroups) {
    base_ = CgroupBase::prepare(discover_cgroups(options_.cgroup_parent),
                                instance_of(options_.runtime_dir));
    notes_ = base_.notes();
  } else {
    notes_.push_back("cgroups are switched off: process groups and rlimits only");
  }
  if (!namespaces_) {
    notes_.push_back(root ? "namespaces are switched off: containers see each other's processes"
                          : "no root: containers share the agent's user and namespaces");
  }
  if (Status opened = open_listener(); !opened.ok()) return opened;
  return start_launcher();
}

Status ContainerRuntime::Impl::open_directories() {
  const std::string& dir = options_.runtime_dir;
  if (dir.empty() || dir[0] != '/') {
    return invalid("runtime_dir is '" + dir + "'; it must be an absolute path");
  }
  if (::access(options_.shim_path.c_str(), X_OK) != 0) {
    return io_error("cannot run the shim program '" + options_.shim_path + "'", errno);
  }
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return io_error("cannot make runtime_dir " + dir, errno);
  }
  char resolved[PATH_MAX];
  if (::realpath(dir.c_str(), resolved) == nullptr) {
    return io_error("cannot resolve runtime_dir " + dir, errno);
  }
  options_.runtime_dir = resolved;
  runtime_dir_.reset(::open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!runtime_dir_.open()) return io_error("cannot open runtime_dir " + dir, errno);
  // Tokens and sockets are in here.
  if (::fchmod(runtime_dir_.get(), 0700) != 0) {
    return io_error("cannot make runtime_dir " + dir + " private", errno);
  }
  lock_.reset(::openat(runtime_dir_.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_.open()) return io_error("cannot open the lock in " + dir, errno);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorCode::conflict, "another agent uses runtime_dir " + dir +
                                          "; give each agent on a machine its own"};
  }
  if (::mkdirat(runtime_dir_.get(), "containers", 0700) != 0 && errno != EEXIST) {
    return io_error("cannot make " + dir + "/containers", errno);
  }
  containers_dir_.reset(
      ::openat(runtime_dir_.get(), "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!containers_dir_.open()) return io_error("cannot open " + dir + "/containers", errno);
  return {};
}

Status ContainerRuntime::Impl::open_listener() {
  ::unlinkat(runtime_dir_.get(), kAgentSocket, 0);
  listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Through the directory's descriptor: its path may be longer than a socket's name can be.
  const std::string path =
      "/proc/self/fd/" + std::to_string(runtime_dir_.get()) + "/" + kAgentSocket;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (!listener_.open() ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 4096) != 0) {
    return io_error("cannot listen for shims in " + options_.runtime_dir, errno);
  }
  watch(listener_.get());
  return {};
}

Status ContainerRuntime::Impl::start_launcher() {
  if (!launcher_) {
    launcher_ = std::make_unique<LauncherClient>(options_.shim_path, base_.shim_dirs());
  }
  launcher_retry_ = Instant::max();
  if (Status started = launcher_->start(); !started.ok()) return started;
  watch(launcher_->fd());
  launcher_flush_ = launcher_->flush() ? Instant::max() : boot_now() + kFlushPause;
  return {};
}

void ContainerRuntime::Impl::watch(int fd) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void ContainerRuntime::Impl::process() {
  epoll_event ready[256];
  const int count = ::epoll_wait(epoll_.get(), ready, std::size(ready), 0);
  for (int i = 0; i < count; ++i) {
    const int fd = ready[i].data.fd;
    if (fd == listener_.get()) {
      accept_links();
    } else if (launcher_ && fd == launcher_->fd()) {
      on_launcher();
    } else if (links_.count(fd) != 0) {
      on_link(fd);
    }
  }
  const Instant now = boot_now();
  if (now >= launcher_flush_) {
    launcher_flush_ = launcher_->flush() ? Instant::max() : now + kFlushPause;
  }
  if (now >= launcher_retry_ && !start_launcher().ok()) launcher_retry_ = now + kLauncherPause;
  if (now >= strays_deadline_) destroy_strays(now);
  for (auto& [id, container] : containers_) {
    if (now >= container.deadline) on_deadline(container, now);
  }
  deliver();
}

void ContainerRuntime::Impl::deliver() {
  // The sink may call launch, kill or release, which may queue more: until there is no more.
  while (!events_.empty()) {
    const ContainerEvent event = std::move(events_.front());
    events_.pop_front();
    if (sink_) sink_(event);
  }
}

Instant ContainerRuntime::Impl::next_deadline() const {
  if (!events_.empty()) return boot_now();
  Instant next = std::min({launcher_retry_, launcher_flush_, strays_deadline_});
  for (const auto& [id, container] : containers_) next = std::min(next, container.deadline);
  return next;
}

void ContainerRuntime::Impl::on_launcher() {
  Frame frame;
  int got = 0;
  while ((got = launcher_->receive(frame)) > 0) {
    if (static_cast<FrameType>(frame.type) != FrameType::launched) continue;
    const auto request = requests_.find(frame.request);
    if (request == requests_.end()) continue;
    Container* container = find(request->second);
    requests_.erase(request);
    if (container == nullptr) continue;
    container->asked = false;
    if (frame.error != 0) {
      fail(*container, "cannot start a shim: " + errno_text(frame.error));
    } else if (container->phase == Phase::launching && !container->claimed) {
      // So that its death before its first word is noticed soon.
      container->shim = identify(static_cast<pid_t>(frame.pid));
      container->deadline = boot_now() + Duration::milliseconds(200);
    }
  }
  if (got < 0) on_launcher_dead();
}

void ContainerRuntime::Impl::on_launcher_dead() {
  // Those it had been given may or may not have a shim. A shim says hello within moments; whoever
  // has not by then is fenced off and failed (on_deadline).
  const Instant soon = boot_now() + Duration::seconds(1);
  for (auto request = requests_.begin(); request != requests_.end();) {
    if (launcher_->waits(request->first)) {  // never given to it: the next one gets it
      ++request;
      continue;
    }
    Container* container = find(request->second);
    request = requests_.erase(request);
    if (container == nullptr || container->phase != Phase::launching) continue;
    container->asked = false;
    container->launch_until = std::min(container->launch_until, soon);
    container->deadline = container->launch_until;
  }
  if (!start_launcher().ok()) launcher_retry_ = boot_now() + kLauncherPause;
}

void ContainerRuntime::Impl::restart_launcher() {
  if (!launcher_->running()) return;
  launcher_->stop();
  on_launcher_dead();
}

void ContainerRuntime::Impl::accept_links() {
  while (true) {
    OwnedFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.open()) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    // The directory is private already; this is the second lock on the same door.
    const bool ours = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
                      (peer.uid == ::geteuid() || peer.uid == 0);
    if (!ours || links_.size() >= kMostLinks) continue;
    watch(fd.get());
    const int key = fd.get();
    links_[key] = Link{std::move(fd), ""};
    // Its hello is usually here already: one wake-up less.
    on_link(key);
  }
}

void ContainerRuntime::Impl::on_link(int fd) {
  while (true) {
    const auto link = links_.find(fd);
    if (link == links_.end()) return;
    char bytes[2 * kFrameBytes];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    Frame frame;
    if (got <= 0 || !decode_frame(bytes, static_cast<std::size_t>(got), frame)) {
      close_link(fd);
      return;
    }
    if (link->second.container_id.empty()) {
      on_hello(fd, frame);
    } else if (Container* container = find(link->second.container_id)) {
      on_shim_frame(*container, frame);
    }
  }
}

void ContainerRuntime::Impl::on_hello(int fd, const Frame& frame) {
  const std::string token(frame.token, sizeof frame.token);
  Container* known = nullptr;
  if (static_cast<FrameType>(frame.type) == FrameType::hello) {
    for (auto& [id, container] : containers_) {
      if (equal_secrets(container.token, token)) known = &container;
    }
  }
  if (known == nullptr || known->phase == Phase::ended) {
    close_link(fd);
    return;
  }
  if (known->link >= 0) close_link(known->link);
  links_[fd].container_id = known->id;
  known->link = fd;
  known->claimed = true;
  known->shim = {static_cast<pid_t>(frame.pid), frame.start_time};
  known->deadline = Instant::max();
  if (known->pending_kill) {
    Frame kill = make_frame(FrameType::kill);
    kill.grace_ms = known->pending_kill->ms();
    known->pending_kill.reset();
    send(*known, kill);
  }
}

void ContainerRuntime::Impl::close_link(int fd) {
  const auto link = links_.find(fd);
  if (link == links_.end()) return;
  Container* container = find(link->second.container_id);
  links_.erase(link);
  if (container == nullptr || container->link != fd) return;
  container->link = -1;
  if (container->phase == Phase::launching || container->phase == Phase::running) {
    check_shim(*container);
  }
}

std::vector<std::string> ContainerRuntime::Impl::notes() const {
  return notes_;
}

Status ContainerRuntime::Impl::shut_down() {
  std::size_t alive = 0;
  for (const auto& [id, container] : containers_) {
    if (container.phase != Phase::ended) ++alive;
  }
  if (launcher_) launcher_->stop();
  launcher_retry_ = Instant::max();
  listener_.reset();
  ::unlinkat(runtime_dir_.get(), kAgentSocket, 0);
  if (alive > 0) {
    return Error{ErrorCode::conflict, std::to_string(alive) + " containers go on without an agent"};
  }
  base_.remove();
  for (const CgroupBase& old : old_bases_) old.remove();
  return {};
}

Result<std::unique_ptr<ContainerRuntime>> ContainerRuntime::open(RuntimeOptions options,
                                                                 EventSink sink) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(sink));
  if (Status opened = impl->open(); !opened.ok()) return opened.error();
  return std::unique_ptr<ContainerRuntime>(new ContainerRuntime(std::move(impl)));
}

ContainerRuntime::ContainerRuntime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ContainerRuntime::~ContainerRuntime() = default;

std::vector<RecoveredContainer> ContainerRuntime::recover() {
  return impl_->recover();
}
Status ContainerRuntime::launch(const ContainerSpec& spec) {
  return impl_->launch(spec);
}
Status ContainerRuntime::kill(const std::string& container_id, Duration grace) {
  return impl_->kill(container_id, grace);
}
Status ContainerRuntime::signal(const std::string& container_id, int signal) {
  return impl_->signal(container_id, signal);
}
Status ContainerRuntime::destroy(const std::string& container_id) {
  return impl_->destroy(container_id);
}
Status ContainerRuntime::release(const std::string& container_id) {
  return impl_->release(container_id);
}
Result<CgroupUsage> ContainerRuntime::usage(const std::string& container_id) const {
  const Impl::Container* container = impl_->find(container_id);
  if (container == nullptr) {
    return Error{ErrorCode::not_found, "no container '" + container_id + "' on this agent"};
  }
  return container->cgroup.usage();
}
Result<CgroupStatistics> ContainerRuntime::statistics(const std::string& container_id) const {
  const Impl::Container* container = impl_->find(container_id);
  if (container == nullptr) {
    return Error{ErrorCode::not_found, "no container '" + container_id + "' on this agent"};
  }
  return container->cgroup.statistics();
}
std::vector<std::string> ContainerRuntime::container_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, container] : impl_->containers_) ids.push_back(id);
  return ids;
}
int ContainerRuntime::poll_fd() const {
  return impl_->epoll_.get();
}
Instant ContainerRuntime::next_deadline() const {
  return impl_->next_deadline();
}
void ContainerRuntime::process() {
  impl_->process();
}
std::vector<std::string> ContainerRuntime::notes() const {
  return impl_->notes();
}
Controllers ContainerRuntime::controllers() const {
  return impl_->base_.controllers();
}
bool ContainerRuntime::namespaces_available() const {
  return impl_->namespaces_;
}
ProcessIdentity ContainerRuntime::launcher() const {
  return impl_->launcher_ ? impl_->launcher_->process() : ProcessIdentity{};
}
Status ContainerRuntime::shut_down() {
  return impl_->shut_down();
}

}  // namespace bourse::isolation
