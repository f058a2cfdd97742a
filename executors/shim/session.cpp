#include "executors/shim/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "executors/shim/shim.hpp"

namespace bourse::shim {

using isolation::SessionMessage;

namespace {

constexpr int kSessionSocket = 3;
constexpr int kStartWaitMs = 10'000;
constexpr int kDestroyPauseMs = 5;
constexpr int kDestroyPasses = 2'000;  // ten seconds; then the container's end has to do it
constexpr int kMostLeftPieces = 256;   // of output, once nothing runs that could write more

void close_one(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
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
  ::fcntl(kSessionSocket, F_SETFD, FD_CLOEXEC);
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "bourse-session", 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::umask(022);
  if (::chdir("/") != 0 || signal_fd < 0) return 1;
  return Session(kSessionSocket, signal_fd).run();
}

}  // namespace bourse::shim
