#include "executors/shim/child.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "agent/isolation/cgroup_discovery.hpp"
#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/shim_protocol.hpp"

namespace bourse::shim {

using isolation::LaunchRecord;
using isolation::LaunchStep;

namespace {

LaunchStep g_step = LaunchStep::none;
int g_report_fd = -1;

[[noreturn]] void fail(LaunchStep step, int error) {
  const SetupReport report{static_cast<std::int32_t>(step), error};
  [[maybe_unused]] const ssize_t written = ::write(g_report_fd, &report, sizeof report);
  ::_exit(127);
}

// Fails with errno and the current step unless the call went well.
void check(bool good) {
  if (!good) fail(g_step, errno);
}

void attach(const LaunchRecord& record) {
  g_step = LaunchStep::attach;
  const int error = isolation::ContainerCgroup(record.cgroup_dirs).attach_self();
  if (error != 0) fail(g_step, error);
}

// In a chroot "/" need not be a mount point, and then only those below it can be told.
void detach_each_mount() {
  bool any = false;
  const std::optional<std::string> mounts = isolation::read_file("/proc/self/mountinfo");
  for (const std::string& point : isolation::parse_mount_points(mounts.value_or(""))) {
    any |= ::mount("none", point.c_str(), nullptr, MS_SLAVE, nullptr) == 0;
  }
  if (!any) fail(g_step, EINVAL);
}

void make_mounts_private(const LaunchRecord& record) {
  if ((record.namespaces & isolation::kNamespaceMount) == 0) return;
  g_step = LaunchStep::mounts;
  // Slave, not private: what the host unmounts must not stay pinned by a long-lived task.
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0) return;
  check(errno == EINVAL);
  detach_each_mount();
}

// After the mounts are its own: what is made here nobody else sees.
void mount_volumes(const LaunchRecord& record) {
  if ((record.namespaces & isolation::kNamespaceMount) == 0) return;
  g_step = LaunchStep::mounts;
  for (const isolation::BindMount& mount : record.mounts) {
    const char* target = mount.target.c_str();
    check(::mount(mount.source.c_str(), target, nullptr, MS_BIND, nullptr) == 0);
    if (!mount.read_only) continue;
    check(::mount(nullptr, target, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  }
}

// What "/" is to the process of this pidfd, in its own mount namespace. Who enters a mount
// namespace gets its outermost root: out of the chroot that agent and shim may live in.
int open_root_of(int pidfd) {
  const auto info = isolation::read_file("/proc/self/fdinfo/" + std::to_string(pidfd));
  const std::size_t at = info ? info->find("\nPid:") : std::string::npos;
  check(at != std::string::npos);
  const std::string pid = std::to_string(std::atol(info->c_str() + at + 5));
  const int root = ::open(("/proc/" + pid + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  check(root >= 0);
  return root;
}

void set_limit(int resource, rlim_t wanted) {
  rlimit limit{};
  check(::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0);
  limit.rlim_max = std::min(limit.rlim_max, wanted);
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0);
}

// Root may raise its own limits by a capability that the next program must not come by. Whoever has
// no right to give capabilities up has none that matters here.
void keep_limits() {
  constexpr unsigned long kSysResource = 24;  // CAP_SYS_RESOURCE
  if (::prctl(PR_CAPBSET_DROP, kSysResource, 0, 0, 0) != 0 && errno != EPERM) fail(g_step, errno);
}

void become_user(const LaunchRecord& record) {
  g_step = LaunchStep::user;
  if (record.switch_user) {
    check(::setgroups(record.groups.size(), record.groups.data()) == 0);
    check(::setresgid(record.gid, record.gid, record.gid) == 0);
    check(::setresuid(record.uid, record.uid, record.uid) == 0);
  }
  check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

// After the change of user, which clears it.
void die_with_parent(int shim_pid) {
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
  // In a pid namespace of its own the parent reads as 0, and process 1 dies with the shim anyway.
  const pid_t parent = ::getppid();
  if (parent != 0 && parent != shim_pid) ::_exit(127);
}

}  // namespace

int clone_flags_of(isolation::Namespaces namespaces) {
  int flags = 0;
  if ((namespaces & isolation::kNamespacePid) != 0) flags |= CLONE_NEWPID;
  if ((namespaces & isolation::kNamespaceMount) != 0) flags |= CLONE_NEWNS;
  if ((namespaces & isolation::kNamespaceIpc) != 0) flags |= CLONE_NEWIPC;
  if ((namespaces & isolation::kNamespaceUts) != 0) flags |= CLONE_NEWUTS;
  return flags;
}

void mark_all_close_on_exec() {
  constexpr unsigned kCloexec = 4;  // CLOSE_RANGE_CLOEXEC, missing in glibc 2.36's header
  if (::syscall(SYS_close_range, 3U, ~0U, kCloexec) == 0) return;
  for (int fd = 3; fd < 4096; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void reset_signals() {
  // The kernel's own call: glibc's refuses the two signals it uses itself, and its posix_spawn
  // leaves exactly those two ignored. All zero is SIG_DFL with no flags.
  static const char kDefault[64] = {};
  for (int signal = 1; signal < NSIG; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, kDefault, nullptr, 8UL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void run_init(const LaunchRecord& record, int report_fd) {
  g_report_fd = report_fd;
  g_step = LaunchStep::init;
  check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
  ::prctl(PR_SET_NAME, "bourse-init", 0, 0, 0);
  attach(record);
  make_mounts_private(record);
  mount_volumes(record);
  if ((record.namespaces & isolation::kNamespaceMount) != 0) {
    g_step = LaunchStep::mounts;
    check(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0);
  }
  // Orphans are adopted here and forgotten by the kernel at once.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, nullptr);
  const SetupReport ready{};
  check(::write(report_fd, &ready, sizeof ready) == sizeof ready);
  ::syscall(SYS_close_range, 0U, ~0U, 0U);
  while (true) ::pause();
}

void run_task(const LaunchRecord& record, const TaskPipes& pipes) {
  g_report_fd = pipes.report_fd;
  ::setsid();
  attach(record);
  g_step = LaunchStep::namespaces;
  const int flags = clone_flags_of(record.namespaces) & ~CLONE_NEWPID;
  if (pipes.init_pidfd >= 0) {
    const int root = (flags & CLONE_NEWNS) != 0 ? open_root_of(pipes.init_pidfd) : -1;
    if (flags != 0) check(::setns(pipes.init_pidfd, flags) == 0);
    if (root >= 0) check(::fchdir(root) == 0 && ::chroot(".") == 0);
  } else if (flags != 0) {
    check(::unshare(flags) == 0);
    make_mounts_private(record);
    mount_volumes(record);
  }
  g_step = LaunchStep::output;
  if (pipes.stdin_fd >= 0) check(::dup2(pipes.stdin_fd, STDIN_FILENO) >= 0);
  if (pipes.controlling_terminal) check(::ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0);
  check(::dup2(pipes.stdout_fd, STDOUT_FILENO) >= 0);
  check(::dup2(pipes.stderr_fd, STDERR_FILENO) >= 0);
  g_step = LaunchStep::limits;
  if (record.max_fds > 0) set_limit(RLIMIT_NOFILE, static_cast<rlim_t>(record.max_fds));
  if (record.data_bytes > 0) set_limit(RLIMIT_DATA, static_cast<rlim_t>(record.data_bytes));
  if (record.max_fds > 0 || record.data_bytes > 0) keep_limits();
  // As the agent: the directories above the sandbox need not be open to the task's user.
  g_step = LaunchStep::sandbox;
  check(::chdir(record.sandbox_dir.c_str()) == 0);
  become_user(record);
  die_with_parent(pipes.shim_pid);
  ::umask(022);
  reset_signals();
  mark_all_close_on_exec();

  std::vector<char*> argv;
  for (const std::string& argument : record.argv)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (const std::string& entry : record.env) env.push_back(const_cast<char*>(entry.c_str()));
  env.push_back(nullptr);
  environ = env.data();  // execvp searches the task's PATH, not ours
  ::execvp(argv[0], argv.data());
  fail(LaunchStep::exec, errno);
}

}  // namespace bourse::shim
