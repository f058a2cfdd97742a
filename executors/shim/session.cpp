#include "executors/shim/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/shim_protocol.hpp"
#include "executors/shim/shim.hpp"

namespace bourse::shim {

using isolation::LaunchStep;
using isolation::ProcessIdentity;
using isolation::SessionMessage;

namespace {

constexpr int kSocket = 3;
constexpr int kStartWaitMs = 10'000;
constexpr int kDestroyPauseMs = 5;
constexpr int kDestroyPasses = 2'000;  // ten seconds; then the container's end has to do it
constexpr int kMostLeftPieces = 256;   // of output, once nothing runs that could write more

SetupReport failed(LaunchStep step, int error) {
  return {static_cast<std::int32_t>(step), error};
}

int open_pidfd(const ProcessIdentity& process) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U));
  if (fd < 0) return -1;
  // Now the number cannot be given to another; was it still the one that is meant?
  if (isolation::is_alive(process)) return fd;
  ::close(fd);
  errno = ESRCH;
  return -1;
}

// Process 1 of the container: the child of the shim that is number 1 in a namespace of its own.
pid_t init_below(pid_t shim) {
  for (const pid_t pid : isolation::descendants_of(shim)) {
    const auto stat = isolation::stat_of_process(pid);
    if (!stat || stat->parent != shim) continue;
    const auto status = isolation::read_file("/proc/" + std::to_string(pid) + "/status");
    const std::size_t at = status ? status->find("\nNSpid:") : std::string::npos;
    if (at == std::string::npos) continue;
    const std::string line = status->substr(at + 7, status->find('\n', at + 1) - at - 7);
    if (line.size() > 2 && line.ends_with("\t1")) return pid;
  }
  return 0;
}

bool elsewhere(pid_t pid, const char* kind) {
  struct stat ours {};
  struct stat theirs {};
  const std::string own = std::string("/proc/self/ns/") + kind;
  const std::string other = "/proc/" + std::to_string(pid) + "/ns/" + kind;
  return ::stat(own.c_str(), &ours) == 0 && ::stat(other.c_str(), &theirs) == 0 &&
         (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
}

isolation::Namespaces namespaces_of(pid_t pid) {
  isolation::Namespaces out = 0;
  if (elsewhere(pid, "pid")) out |= isolation::kNamespacePid;
  if (elsewhere(pid, "mnt")) out |= isolation::kNamespaceMount;
  if (elsewhere(pid, "ipc")) out |= isolation::kNamespaceIpc;
  if (elsewhere(pid, "uts")) out |= isolation::kNamespaceUts;
  return out;
}

// What the task was started with, then what the operator gives: of two of one name the last counts.
std::vector<std::string> environment_of(pid_t task, const std::vector<std::string>& given) {
  std::vector<std::string> out;
  const auto add = [&out](std::string entry) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    const auto old = std::find_if(out.begin(), out.end(), [&](const std::string& known) {
      return known.compare(0, name.size(), name) == 0;
    });
    if (old != out.end()) out.erase(old);
    out.push_back(std::move(entry));
  };
  const auto text = isolation::read_file("/proc/" + std::to_string(task) + "/environ");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    const std::string_view entry = rest.substr(0, end);
    if (entry.find('=') != std::string_view::npos && entry[0] != '=') add(std::string(entry));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const std::string& entry : given) add(entry);
  return out;
}

std::int64_t limit_of(pid_t pid, int resource) {
  rlimit limit{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0 ||
      limit.rlim_max == RLIM_INFINITY) {
    return 0;
  }
  return static_cast<std::int64_t>(limit.rlim_max);
}

void close_one(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

bool Session::receive_start() {
  pollfd one{socket_, POLLIN, 0};
  if (::poll(&one, 1, kStartWaitMs) != 1) return false;
  std::string bytes(isolation::kMostSessionMessage, '\0');
  const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < static_cast<ssize_t>(1 + sizeof begin_) ||
      bytes[0] != static_cast<char>(SessionMessage::start)) {
    return false;
  }
  std::memcpy(static_cast<void*>(&begin_), bytes.data() + 1, sizeof begin_);
  auto record = isolation::decode_launch_record(std::string_view(bytes).substr(
      1 + sizeof begin_, static_cast<std::size_t>(got) - 1 - sizeof begin_));
  if (!record.ok()) return false;
  record_ = std::move(*record);
  cgroup_ = isolation::ContainerCgroup(record_.cgroup_dirs);
  return true;
}

// The environment and the bounds of the task's own program hold for what is run beside it.
void Session::take_after_task() {
  const auto task = static_cast<pid_t>(begin_.task_pid);
  record_.env = environment_of(task, record_.env);
  record_.max_fds = limit_of(task, RLIMIT_NOFILE);
  record_.data_bytes = limit_of(task, RLIMIT_DATA);
}

// Finds the container that is to be entered; `target` is whose namespaces are, -1 when they are
// ours.
SetupReport Session::join(int& target) {
  const ProcessIdentity shim{static_cast<pid_t>(begin_.shim_pid), begin_.shim_start_time};
  const ProcessIdentity task{static_cast<pid_t>(begin_.task_pid), begin_.task_start_time};
  task_fd_ = open_pidfd(task);
  if (task_fd_ < 0 || !isolation::is_alive(shim)) return failed(LaunchStep::claim, ESRCH);
  take_after_task();
  // Not the task's own program, which may have gone elsewhere since: process 1, which is ours.
  const pid_t init = init_below(shim.pid);
  const ProcessIdentity entered = init != 0 ? isolation::identify(init) : task;
  const int entered_fd = open_pidfd(entered);
  if (entered_fd < 0) return failed(LaunchStep::namespaces, errno);
  record_.namespaces = namespaces_of(entered.pid);
  own_pids_ = (record_.namespaces & isolation::kNamespacePid) != 0;
  if (record_.namespaces != 0) target = entered_fd;
  if (const Status made = cgroup_.create({}); !made.ok()) {
    return failed(LaunchStep::cgroup, made.error().code == ErrorCode::conflict ? EEXIST : EIO);
  }
  cgroup_made_ = true;
  // Only the next fork is meant.
  if (own_pids_ && ::setns(entered_fd, CLONE_NEWPID) != 0) {
    return failed(LaunchStep::namespaces, errno);
  }
  return {};
}

SetupReport Session::open_streams(TaskPipes& pipes) {
  if (begin_.tty != 0) {
    tty_fd_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty_fd_ < 0 || ::unlockpt(tty_fd_) != 0) return failed(LaunchStep::output, errno);
    const winsize size{static_cast<unsigned short>(begin_.rows),
                       static_cast<unsigned short>(begin_.columns), 0, 0};
    if (size.ws_row > 0 && size.ws_col > 0) ::ioctl(tty_fd_, TIOCSWINSZ, &size);
    // By descriptor: what the path leads to is the container's business.
    const int slave = ::ioctl(tty_fd_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return failed(LaunchStep::output, errno);
    if (record_.switch_user && ::fchown(slave, record_.uid, static_cast<gid_t>(-1)) != 0) {
      return failed(LaunchStep::user, errno);
    }
    ::fchmod(slave, 0620);
    pipes.stdin_fd = pipes.stdout_fd = pipes.stderr_fd = slave;
    pipes.controlling_terminal = true;
    set_nonblocking(tty_fd_);
    input_fd_ = out_fd_ = tty_fd_;
    return {};
  }
  int in[2];
  int out[2];
  int err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    return failed(LaunchStep::output, errno);
  }
  for (const int fd : {in[1], out[0], err[0]}) set_nonblocking(fd);
  if (record_.switch_user) {
    // So that /dev/stdin and its like can be opened by their user.
    for (const int fd : {in[0], out[1], err[1]}) {
      if (::fchown(fd, record_.uid, record_.gid) != 0) return failed(LaunchStep::user, errno);
    }
  }
  pipes.stdin_fd = in[0];
  pipes.stdout_fd = out[1];
  pipes.stderr_fd = err[1];
  input_fd_ = in[1];
  out_fd_ = out[0];
  err_fd_ = err[0];
  return {};
}

SetupReport Session::start() {
  int target = -1;
  if (const SetupReport joined = join(target); joined.step != 0) return joined;
  TaskPipes pipes;
  if (const SetupReport opened = open_streams(pipes); opened.step != 0) return opened;
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return failed(LaunchStep::fork, errno);
  pipes.report_fd = report[1];
  pipes.init_pidfd = target;
  pipes.shim_pid = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) run_task(record_, pipes);
  const int error = errno;
  ::close(report[1]);
  ::close(pipes.stdin_fd);
  if (!pipes.controlling_terminal) {
    ::close(pipes.stdout_fd);
    ::close(pipes.stderr_fd);
  }
  report_fd_ = report[0];
  if (pid < 0) return failed(LaunchStep::fork, error);
  program_ = isolation::identify(pid);
  return {};
}

int Session::run() {
  if (!receive_start()) return 1;
  if (const SetupReport report = start(); report.step != 0) {
    fail(report);
  }
  while (!over_) turn();
  return 0;
}

void Session::fail(const SetupReport& report) {
  destroy();
  (void)send(isolation::session_numbers(SessionMessage::failed, report.step, report.error));
  over_ = true;
}

void Session::turn() {
  const short out = sending() ? POLLOUT : 0;
  // What nobody takes is not read: the program waits, and so does what it writes.
  const auto reads = [&](int fd) { return pollfd{sending() ? -1 : fd, POLLIN, 0}; };
  pollfd fds[] = {{socket_, static_cast<short>(POLLIN | out), 0},
                  {signal_fd_, POLLIN, 0},
                  {report_fd_, POLLIN, 0},
                  {task_fd_, POLLIN, 0},
                  reads(out_fd_),
                  reads(err_fd_),
                  {input_.empty() ? -1 : input_fd_, POLLOUT, 0}};
  if (::poll(fds, std::size(fds), -1) < 0) return;
  if (fds[2].revents != 0) on_report();
  if (!over_ && fds[0].revents != 0) on_socket();
  if (!over_ && fds[4].revents != 0) pump_output(out_fd_, SessionMessage::out);
  if (!over_ && fds[5].revents != 0 && !sending()) pump_output(err_fd_, SessionMessage::err);
  if (!over_ && fds[6].revents != 0) feed_input();
  if (fds[1].revents != 0) on_signals();
  if (!over_ && reaped_ && report_fd_ < 0) finish();
  // The container is over: its shim is ending it, and this session with it.
  if (!over_ && fds[3].revents != 0) finish();
}

void Session::on_report() {
  SetupReport report;
  const ssize_t got = ::read(report_fd_, &report, sizeof report);
  if (got < 0 && errno == EINTR) return;
  close_one(report_fd_);
  if (got == sizeof report) return fail(report);
  (void)send(session_message(SessionMessage::started));
}

void Session::on_socket() {
  flush();
  std::string bytes(isolation::kMostSessionPiece + 64, '\0');
  while (!over_) {
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {  // the agent is gone, or wants no more of this
      destroy();
      over_ = true;
      return;
    }
    on_message(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
  }
}

void Session::on_message(std::string_view message) {
  switch (static_cast<SessionMessage>(message[0])) {
    case SessionMessage::input:
      if (message.size() == 1) input_ends_ = true;
      input_ += message.substr(1);
      if (input_.size() > isolation::kMostSessionInputHeld) finish();
      feed_input();
      break;
    case SessionMessage::resize: {
      const auto [rows, columns] = isolation::numbers_of(message);
      const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0,
                         0};
      if (tty_fd_ >= 0) ::ioctl(tty_fd_, TIOCSWINSZ, &size);
      break;
    }
    case SessionMessage::signal: {
      const int signal = isolation::numbers_of(message).first;
      if (program_.pid <= 0 || reaped_) break;
      if (::kill(-program_.pid, signal) != 0) ::kill(program_.pid, signal);
      break;
    }
    default:
      break;
  }
}

void Session::feed_input() {
  std::int32_t taken = 0;
  while (!input_.empty() && input_fd_ >= 0) {
    const ssize_t written = ::write(input_fd_, input_.data(), input_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written <= 0) {  // it closed its input: what comes is dropped, as a pipe would
      taken += static_cast<std::int32_t>(input_.size());
      input_.clear();
      if (tty_fd_ < 0) close_one(input_fd_);
      break;
    }
    taken += static_cast<std::int32_t>(written);
    input_.erase(0, static_cast<std::size_t>(written));
  }
  if (input_fd_ < 0 && !input_.empty()) {
    taken += static_cast<std::int32_t>(input_.size());
    input_.clear();
  }
  if (taken > 0) (void)send(isolation::session_numbers(SessionMessage::taken, taken));
  if (input_ends_ && input_.empty()) end_input();
}

void Session::end_input() {
  input_ends_ = false;
  if (tty_fd_ < 0) return close_one(input_fd_);
  input_ += '\x04';  // what a terminal's user types; not counted as taken
  if (::write(tty_fd_, input_.data(), 1) >= 0) input_.clear();
}

void Session::on_signals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof info) == sizeof info) continue;
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != program_.pid) continue;
    reaped_ = true;
    wait_status_ = status;
  }
}

void Session::pump_output(int& fd, SessionMessage type) {
  char bytes[isolation::kMostSessionPiece];
  const ssize_t got = ::read(fd, bytes, sizeof bytes);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {  // EIO is a terminal's end
    if (fd == tty_fd_) {
      fd = -1;  // its master stays for its size
    } else {
      close_one(fd);
    }
    return;
  }
  (void)send(session_message(type, {bytes, static_cast<std::size_t>(got)}));
}

// Small answers may wait behind a piece of output: they are kept together, and are few.
bool Session::send(std::string message) {
  flush();
  if (!sending() &&
      ::send(socket_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
    return true;
  }
  const auto size = static_cast<std::uint32_t>(message.size());
  unsent_.append(reinterpret_cast<const char*>(&size), sizeof size);
  unsent_ += message;
  return false;
}

void Session::flush() {
  while (sending()) {
    std::uint32_t size = 0;
    std::memcpy(&size, unsent_.data(), sizeof size);
    if (::send(socket_, unsent_.data() + sizeof size, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      return;
    }
    unsent_.erase(0, sizeof size + size);
  }
}

// The program has ended, or shall: nothing of the session stays, and what it wrote is delivered
// before its status is.
void Session::finish() {
  destroy();
  over_ = true;
  for (int piece = 0; piece < kMostLeftPieces && (out_fd_ >= 0 || err_fd_ >= 0); ++piece) {
    while (sending()) {
      pollfd one{socket_, POLLOUT, 0};
      if (::poll(&one, 1, -1) < 0 && errno != EINTR) return;
      if ((one.revents & (POLLHUP | POLLERR)) != 0) return;
      flush();
    }
    pollfd fds[] = {{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}};
    if (::poll(fds, 2, 0) <= 0) break;  // held open by somebody else, and empty
    if (fds[0].revents != 0) pump_output(out_fd_, SessionMessage::out);
    if (fds[1].revents != 0) pump_output(err_fd_, SessionMessage::err);
  }
  (void)send(isolation::session_numbers(SessionMessage::exited, wait_status_));
  while (sending()) {
    pollfd one{socket_, POLLOUT, 0};
    if (::poll(&one, 1, -1) < 0 && errno != EINTR) return;
    if ((one.revents & (POLLHUP | POLLERR)) != 0) return;
    flush();
  }
}

// True when nothing is left.
bool Session::kill_all() {
  if (!reaped_ && program_.pid > 0) {
    if (::kill(-program_.pid, SIGKILL) != 0) ::kill(program_.pid, SIGKILL);
  }
  bool empty = !cgroup_made_ || cgroup_.destroy_pass();
  const std::vector<pid_t> below = isolation::descendants_of(::getpid());
  for (const pid_t pid : below) ::kill(pid, SIGKILL);
  empty = empty && below.empty();
  if (cgroup_.empty_list() && !program_.empty()) {
    // In a pid namespace those who left their parents were adopted by its process 1.
    const auto left = isolation::session_or_marked(program_, record_.env.back());
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    empty = empty && left.empty();
  }
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != program_.pid) continue;
    reaped_ = true;
    wait_status_ = status;
  }
  return empty && (reaped_ || program_.pid <= 0) && (!cgroup_made_ || cgroup_.remove());
}

void Session::destroy() {
  for (int pass = 0; pass < kDestroyPasses && !kill_all(); ++pass) {
    ::poll(nullptr, 0, kDestroyPauseMs);
  }
}

int run_session() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGCHLD, &standard, nullptr);  // the launcher ignores it, and that is inherited
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  const int signal_fd = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  detach_stdio();
  ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "bourse-session", 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::umask(022);
  if (::chdir("/") != 0 || signal_fd < 0) return 1;
  return Session(kSocket, signal_fd).run();
}

}  // namespace bourse::shim
