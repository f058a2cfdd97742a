#include "executors/shim/agent_link.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/isolation/launch_record.hpp"

namespace bourse::shim {

namespace {

// A socket name has 108 bytes, a work directory may have more: go through a directory fd.
int connect_below(const std::string& dir) {
  const int dir_fd = ::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path =
        "/proc/self/fd/" + std::to_string(dir_fd) + "/" + isolation::kAgentSocket;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      ::close(dir_fd);
      return fd;
    }
    ::close(fd);
  }
  ::close(dir_fd);
  return -1;
}

}  // namespace

bool AgentLink::try_connect(Instant now) {
  if (connected() || now < next_attempt_) return false;
  fd_ = connect_below(socket_dir_);
  if (connected()) {
    pause_ = kFirstPause;
    return true;
  }
  next_attempt_ = now + pause_;
  pause_ = std::min(pause_ * 2, kMostPause);
  return false;
}

void AgentLink::drop(Instant now) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  pause_ = kFirstPause;
  next_attempt_ = now + pause_;
}

bool AgentLink::send(const isolation::Frame& frame, Instant now) {
  if (!connected()) return false;
  // A queue that is full means an agent that does not read: reconnecting repeats what matters.
  if (::send(fd_, &frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  drop(now);
  return false;
}

int AgentLink::receive(isolation::Frame& frame, Instant now) {
  char bytes[2 * isolation::kFrameBytes];
  const ssize_t got = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got > 0 && isolation::decode_frame(bytes, static_cast<std::size_t>(got), frame)) return 1;
  drop(now);
  return -1;
}

}  // namespace bourse::shim
