#include "executors/shim/container_tree.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/isolation/process_identity.hpp"
#include "agent/isolation/shim_protocol.hpp"

namespace bourse::shim {

using isolation::LaunchRecord;
using isolation::LaunchStep;

namespace {

SetupReport failed(LaunchStep step, int error) {
  return {static_cast<std::int32_t>(step), error};
}

std::int64_t ns_of(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::int64_t>(time.tv_usec) * 1'000;
}

}  // namespace

SetupReport ContainerTree::prepare(const LaunchRecord& record) {
  isolation::CgroupLimits limits = record.limits;
  const bool own_pids = (namespaces_ & isolation::kNamespacePid) != 0;
  // Process 1 of the namespace is ours; it must not cost the task one of its processes.
  if (own_pids && limits.pids > 0) ++limits.pids;
  if (const Status made = cgroup_.create(limits); !made.ok()) {
    return failed(LaunchStep::cgroup, made.error().code == ErrorCode::conflict ? EEXIST : EIO);
  }
  cgroup_made_ = true;
  oom_watch_ = cgroup_.open_oom_watch();
  if (!own_pids) return {};

  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return failed(LaunchStep::init, errno);
  const int flags = clone_flags_of(namespaces_) | CLONE_PIDFD | SIGCHLD;
  const long pid = ::syscall(SYS_clone, flags, nullptr, &init_pidfd_, nullptr, nullptr);
  if (pid == 0) run_init(record, pipe[1]);
  const int clone_error = errno;
  ::close(pipe[1]);
  SetupReport report = failed(LaunchStep::init, clone_error);
  if (pid > 0) {
    init_pid_ = static_cast<pid_t>(pid);
    if (::read(pipe[0], &report, sizeof report) != sizeof report) {
      report = failed(LaunchStep::init, ECHILD);
    }
  }
  ::close(pipe[0]);
  return report;
}

SetupReport ContainerTree::start_task(const LaunchRecord& record, int stdout_fd, int stderr_fd) {
  // Only the next fork is meant: the shim itself stays where it is.
  if (init_pidfd_ >= 0 && ::setns(init_pidfd_, CLONE_NEWPID) != 0) {
    return failed(LaunchStep::namespaces, errno);
  }
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return failed(LaunchStep::fork, errno);
  TaskPipes pipes;
  pipes.stdout_fd = stdout_fd;
  pipes.stderr_fd = stderr_fd;
  pipes.report_fd = pipe[1];
  pipes.init_pidfd = init_pidfd_;
  pipes.shim_pid = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) run_task(record, pipes);
  const int error = errno;
  ::close(pipe[1]);
  if (pid < 0) {
    ::close(pipe[0]);
    return failed(LaunchStep::fork, error);
  }
  task_pid_ = pid;
  report_fd_ = pipe[0];
  return {};
}

pid_t ContainerTree::start_beside(const LaunchRecord& record,
                                  const isolation::CheckSpec& spec) const {
  // start_task has set the pid namespace of every fork since.
  const pid_t shim = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  LaunchRecord command = record;
  command.argv = spec.argv;
  command.env = spec.env;
  // What it prints is nobody's: the sandbox's files are the task's own.
  TaskPipes pipes;
  pipes.stdout_fd = STDIN_FILENO;
  pipes.stderr_fd = STDIN_FILENO;
  pipes.report_fd = STDIN_FILENO;
  pipes.init_pidfd = init_pidfd_;
  pipes.shim_pid = shim;
  run_task(command, pipes);
}

bool ContainerTree::read_report(SetupReport& report) {
  const ssize_t got = ::read(report_fd_, &report, sizeof report);
  if (got < 0 && errno == EINTR) return false;
  if (got != sizeof report) report = {};
  ::close(report_fd_);
  report_fd_ = -1;
  return true;
}

void ContainerTree::signal_task(int signal) const {
  // The number is safe until we reap it, and only we do. The group first: a shell and its children
  // hear SIGTERM together, as with Ctrl-C in a terminal.
  if (task_pid_ <= 0 || task_reaped_) return;
  if (::kill(-task_pid_, signal) != 0) ::kill(task_pid_, signal);
}

void ContainerTree::reap(std::vector<Reaped>& reaped) {
  while (true) {
    int status = 0;
    rusage used{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &used);
    if (pid <= 0) return;
    reaped_cpu_ns_ += ns_of(used.ru_utime) + ns_of(used.ru_stime);
    reaped_memory_peak_bytes_ =
        std::max(reaped_memory_peak_bytes_, static_cast<std::int64_t>(used.ru_maxrss) * 1024);
    if (pid == init_pid_) init_pid_ = 0;
    const bool task = pid == task_pid_;
    if (task) task_reaped_ = true;
    reaped.push_back({task, status, pid});
  }
}

bool ContainerTree::destroy_pass(std::vector<Reaped>& reaped) {
  if (removed_) return true;
  // The task first: once forking is forbidden below, a shell would end with an error of its own
  // before the signal reaches it. SIGKILL to process 1 is spread over the namespace by the kernel.
  if (task_pid_ > 0 && !task_reaped_) ::kill(task_pid_, SIGKILL);
  if (init_pid_ > 0) ::kill(init_pid_, SIGKILL);
  const bool empty = !cgroup_made_ || cgroup_.destroy_pass();
  if (init_pidfd_ < 0) {
    // Subreaper: whatever forked, daemonised or not, is a descendant. Stop first, so that nobody
    // forks while the list is walked.
    const std::vector<pid_t> below = isolation::descendants_of(::getpid());
    for (const pid_t pid : below) ::kill(pid, SIGSTOP);
    for (const pid_t pid : below) ::kill(pid, SIGKILL);
  }
  reap(reaped);
  siginfo_t info{};
  const bool childless =
      ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
  if (!childless || !empty) return false;
  last_usage_ = read_usage();
  close_oom_watch();
  if (cgroup_made_ && !cgroup_.remove()) return false;
  removed_ = true;
  return true;
}

isolation::CgroupUsage ContainerTree::read_usage() const {
  isolation::CgroupUsage usage;
  if (cgroup_made_) usage = cgroup_.usage();
  if (usage.cpu_ns == 0) usage.cpu_ns = reaped_cpu_ns_;
  if (usage.memory_peak_bytes == 0) usage.memory_peak_bytes = reaped_memory_peak_bytes_;
  return usage;
}

void ContainerTree::close_oom_watch() {
  if (oom_watch_ >= 0) ::close(oom_watch_);
  oom_watch_ = -1;
}

}  // namespace bourse::shim
