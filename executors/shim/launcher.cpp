#include "executors/shim/launcher.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/isolation/kernel_file.hpp"
#include "agent/isolation/shim_protocol.hpp"
#include "executors/shim/child.hpp"
#include "executors/shim/shim.hpp"

namespace bourse::shim {

using isolation::Frame;
using isolation::FrameType;

namespace {

constexpr int kSocket = 3;
constexpr const char* kSealedMark = "BOURSE_SHIM_SEALED=1";

int open_self() {
  return ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

// A sealed copy of this program in memory. A container that gets hold of /proc/PID/exe of a shim
// has then nothing of the host to overwrite (CVE-2019-5736), and an upgrade on disk cannot change
// the shim under a running agent. -1 where the kernel cannot.
int sealed_copy() {
  constexpr unsigned kExec = 0x10;  // MFD_EXEC, newer than glibc 2.36
  int copy = ::memfd_create("bourse-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING | kExec);
  if (copy < 0) copy = ::memfd_create("bourse-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  const int self = open_self();
  if (copy < 0 || self < 0) return -1;
  struct stat info {};
  ::fstat(self, &info);
  for (off_t done = 0; done < info.st_size;) {
    if (::sendfile(copy, self, &done, static_cast<std::size_t>(info.st_size - done)) <= 0) {
      return -1;
    }
  }
  ::close(self);
  ::fchmod(copy, 0555);
  return ::fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0
             ? copy
             : -1;
}

void exec_fd(int program, char** argv, const char* mark) {
  char* env[] = {const_cast<char*>(mark), nullptr};
  ::syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
}

// Names the shim after its container, so that `ps` tells which is which.
struct Request {
  Frame frame;
  int record_fd = -1;
  char container_id[256] = {};
};

// False at the end of the stream.
bool receive(Request& request) {
  char bytes[sizeof(Frame) + sizeof request.container_id] = {};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec vector{bytes, sizeof bytes - 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(kSocket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0 || !isolation::decode_frame(bytes, static_cast<std::size_t>(got), request.frame)) {
    return false;
  }
  std::strncpy(request.container_id, bytes + sizeof(Frame), sizeof request.container_id - 1);
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
    if (header->cmsg_type == SCM_RIGHTS) std::memcpy(&request.record_fd, CMSG_DATA(header), 4);
  }
  return true;
}

// vfork: the address space is lent, not copied, until the shim execs.
pid_t start_shim(int program, const Request& request) {
  char name[] = "bourse-shim";
  char container[] = "--container";
  char session[] = "--session";
  const bool container_wanted = static_cast<FrameType>(request.frame.type) == FrameType::launch;
  char* argv[] = {name, container_wanted ? container : session,
                  const_cast<char*>(request.container_id), nullptr};
  volatile int error = 0;
  const pid_t pid = ::vfork();
  if (pid == 0) {
    // dup2 onto itself would leave the descriptor close-on-exec.
    if (request.record_fd == kSocket || ::dup2(request.record_fd, kSocket) < 0) ::_exit(127);
    exec_fd(program, argv, kSealedMark);
    error = errno;
    ::_exit(127);
  }
  if (pid > 0 && error != 0) {
    errno = error;
    return -1;
  }
  return pid;
}

}  // namespace

int run_launcher(const std::vector<std::string>& cgroup_dirs, char** argv) {
  // Whatever the agent or its parents forgot to mark: a shim would hold it open for days.
  ::syscall(SYS_close_range, static_cast<unsigned>(kSocket) + 1, ~0U, 0U);
  int program = -1;
  if (::getenv("BOURSE_SHIM_SEALED") == nullptr) {
    program = sealed_copy();
    // Run from the copy too: its pages are then the same memory as those of the shims.
    if (program >= 0) exec_fd(program, argv, kSealedMark);
  }
  program = open_self();
  if (program < 0) return 1;
  detach_stdio();
  ::setsid();
  ::prctl(PR_SET_NAME, "bourse-launcher", 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (const std::string& dir : cgroup_dirs) isolation::write_value(dir + "/cgroup.procs", "0");
  ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  // Shims are forgotten by the kernel when they end; whoever wants to know holds their socket.
  ::signal(SIGCHLD, SIG_IGN);
  // So are those whose session process was killed: not left to whoever is process 1 here, for a pid
  // namespace does not end before each process of it is forgotten.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  while (true) {
    Request request;
    if (!receive(request)) return 0;
    const auto type = static_cast<FrameType>(request.frame.type);
    const bool wanted = type == FrameType::launch || type == FrameType::launch_session;
    if (wanted && request.record_fd >= 0) {
      Frame answer = isolation::make_frame(FrameType::launched);
      answer.request = request.frame.request;
      const pid_t pid = start_shim(program, request);
      answer.pid = pid;
      answer.error = pid < 0 ? errno : 0;
      if (::send(kSocket, &answer, sizeof answer, MSG_NOSIGNAL) < 0) return 0;
    }
    if (request.record_fd >= 0) ::close(request.record_fd);
  }
}

}  // namespace bourse::shim
