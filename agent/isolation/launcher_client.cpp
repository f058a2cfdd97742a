#include "agent/isolation/launcher_client.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

constexpr int kSocketOfLauncher = 3;

int spawn(const std::string& path, const std::vector<std::string>& cgroup_dirs, int socket,
          pid_t& pid) {
  std::vector<std::string> arguments{"bourse-launcher", "--launcher"};
  arguments.insert(arguments.end(), cgroup_dirs.begin(), cgroup_dirs.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  char* env[] = {nullptr};

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, socket, kSocketOfLauncher);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own: Ctrl-C in the agent's terminal is not meant for it.
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  const int error = ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), env);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

LauncherClient::~LauncherClient() {
  stop();
  for (const Waiting& waiting : waiting_) ::close(waiting.record_fd);
}

Status LauncherClient::start() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return Error{ErrorCode::io, "cannot make the launcher's socket: " + errno_text(errno)};
  }
  pid_t pid = 0;
  const int error = spawn(shim_path_, cgroup_dirs_, pair[1], pid);
  ::close(pair[1]);
  if (error != 0) {
    ::close(pair[0]);
    return Error{ErrorCode::io, "cannot start " + shim_path_ + ": " + errno_text(error)};
  }
  socket_ = pair[0];
  process_ = identify(pid);
  return {};
}

namespace {

Error too_many_waiting() {
  return {ErrorCode::full, "the launcher has " + std::to_string(LauncherClient::kMostWaiting) +
                               " launches waiting; try again later"};
}

}  // namespace

Status LauncherClient::request_session(std::int64_t request, const std::string& session_id,
                                       int socket) {
  if (waiting_.size() >= kMostWaiting) {
    ::close(socket);
    return too_many_waiting();
  }
  waiting_.push_back({request, session_id, socket, FrameType::launch_session});
  flush();
  return {};
}

Status LauncherClient::request(std::int64_t request, const std::string& container_id,
                               const std::string& record) {
  if (waiting_.size() >= kMostWaiting) return too_many_waiting();
  const int fd = ::memfd_create("bourse-launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return Error{ErrorCode::io, "cannot make a launch record: " + errno_text(errno)};
  if (::write(fd, record.data(), record.size()) != static_cast<ssize_t>(record.size())) {
    ::close(fd);
    return Error{ErrorCode::io, "cannot write a launch record: no memory for it"};
  }
  ::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  waiting_.push_back({request, container_id, fd, FrameType::launch});
  flush();
  return {};
}

bool LauncherClient::send_one(const Waiting& waiting) {
  Frame frame = make_frame(waiting.type);
  frame.request = waiting.request;
  iovec parts[2] = {{&frame, sizeof frame},
                    {const_cast<char*>(waiting.container_id.data()), waiting.container_id.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &waiting.record_fd, sizeof(int));
  return ::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool LauncherClient::waits(std::int64_t request) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Waiting& waiting) { return waiting.request == request; });
}

bool LauncherClient::flush() {
  while (running() && !waiting_.empty() && send_one(waiting_.front())) {
    ::close(waiting_.front().record_fd);
    waiting_.pop_front();
  }
  return waiting_.empty();
}

int LauncherClient::receive(Frame& frame) {
  if (!running()) return 0;
  char bytes[2 * kFrameBytes];
  const ssize_t got = ::recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got > 0 && decode_frame(bytes, static_cast<std::size_t>(got), frame)) return 1;
  stop();
  return -1;
}

void LauncherClient::stop() {
  if (!running()) return;
  ::close(socket_);
  socket_ = -1;
  // It holds nothing that could be lost: every shim it made stands on its own.
  ::kill(process_.pid, SIGKILL);
  int status = 0;
  while (::waitpid(process_.pid, &status, 0) < 0 && errno == EINTR) continue;
  process_ = {};
}

}  // namespace bourse::isolation
