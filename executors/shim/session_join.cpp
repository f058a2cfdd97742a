// How a session begins: finds the container that it joins, and starts its program there.
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/shim_protocol.hpp"
#include "executors/shim/session.hpp"

namespace bourse::shim {

using isolation::LaunchStep;
using isolation::ProcessIdentity;

namespace {

SetupReport failed_to_join(LaunchStep step, int error) {
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

// The hard one, of the line of /proc/PID/limits that begins so; 0 none. prlimit would ask for a
// capability that an agent need not have.
std::int64_t limit_of(pid_t pid, const char* line) {
  const auto text = isolation::read_file("/proc/" + std::to_string(pid) + "/limits");
  const std::size_t at = text ? text->find(line) : std::string::npos;
  if (at == std::string::npos) return 0;
  const char* rest = text->c_str() + at + std::strlen(line);
  char* end = nullptr;
  (void)std::strtoll(rest, &end, 10);  // the soft one
  return std::max(std::strtoll(end, nullptr, 10), 0LL);
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

// The environment and the bounds of the task's own program hold for what is run beside it.
void Session::take_after_task() {
  const auto task = static_cast<pid_t>(begin_.task_pid);
  record_.env = environment_of(task, record_.env);
  record_.max_fds = limit_of(task, "\nMax open files");
  record_.data_bytes = limit_of(task, "\nMax data size");
}

// Finds the container that is to be entered; `target` is whose namespaces are, -1 when they are
// ours.
SetupReport Session::join(int& target) {
  const ProcessIdentity shim{static_cast<pid_t>(begin_.shim_pid), begin_.shim_start_time};
  const ProcessIdentity task{static_cast<pid_t>(begin_.task_pid), begin_.task_start_time};
  task_fd_ = open_pidfd(task);
  if (task_fd_ < 0 || !isolation::is_alive(shim)) return failed_to_join(LaunchStep::claim, ESRCH);
  take_after_task();
  // Not the task's own program, which may have gone elsewhere since: process 1, which is ours.
  const pid_t init = init_below(shim.pid);
  const ProcessIdentity entered = init != 0 ? isolation::identify(init) : task;
  const int entered_fd = open_pidfd(entered);
  if (entered_fd < 0) return failed_to_join(LaunchStep::namespaces, errno);
  record_.namespaces = namespaces_of(entered.pid);
  own_pids_ = (record_.namespaces & isolation::kNamespacePid) != 0;
  if (record_.namespaces != 0) target = entered_fd;
  if (const Status made = cgroup_.create({}); !made.ok()) {
    return failed_to_join(LaunchStep::cgroup,
                          made.error().code == ErrorCode::conflict ? EEXIST : EIO);
  }
  cgroup_made_ = true;
  // Only the next fork is meant.
  if (own_pids_ && ::setns(entered_fd, CLONE_NEWPID) != 0) {
    return failed_to_join(LaunchStep::namespaces, errno);
  }
  return {};
}

SetupReport Session::open_streams(TaskPipes& pipes) {
  if (begin_.tty != 0) {
    tty_fd_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty_fd_ < 0 || ::unlockpt(tty_fd_) != 0) return failed_to_join(LaunchStep::output, errno);
    const winsize size{static_cast<unsigned short>(begin_.rows),
                       static_cast<unsigned short>(begin_.columns), 0, 0};
    if (size.ws_row > 0 && size.ws_col > 0) ::ioctl(tty_fd_, TIOCSWINSZ, &size);
    // By descriptor: what the path leads to is the container's business.
    const int slave = ::ioctl(tty_fd_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) return failed_to_join(LaunchStep::output, errno);
    if (record_.switch_user && ::fchown(slave, record_.uid, static_cast<gid_t>(-1)) != 0) {
      return failed_to_join(LaunchStep::user, errno);
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
    return failed_to_join(LaunchStep::output, errno);
  }
  for (const int fd : {in[1], out[0], err[0]}) set_nonblocking(fd);
  if (record_.switch_user) {
    // So that /dev/stdin and its like can be opened by their user.
    for (const int fd : {in[0], out[1], err[1]}) {
      if (::fchown(fd, record_.uid, record_.gid) != 0)
        return failed_to_join(LaunchStep::user, errno);
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
  if (::pipe2(report, O_CLOEXEC) != 0) return failed_to_join(LaunchStep::fork, errno);
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
  if (pid < 0) return failed_to_join(LaunchStep::fork, error);
  program_ = isolation::identify(pid);
  return {};
}

}  // namespace bourse::shim
