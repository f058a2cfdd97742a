#include "frameworks/service/shell/store_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace bourse::service {

namespace {

// The line is as long however far the number has come: where the disk is full it still fits.
constexpr std::size_t kDigits = 20;

Error failed(const std::string& what) {
  return {ErrorCode::io, what + ": " + strerror(errno)};
}

// As the kernel says. Which device the file is on is not compared: on stacked file systems the two
// ways to ask differ.
bool holds_flock(pid_t pid, ino_t inode) {
  std::ifstream locks("/proc/locks");
  std::string line;
  while (std::getline(locks, line)) {
    std::istringstream words(line);
    std::string number, kind, advisory, mode, owner, file;
    words >> number >> kind >> advisory >> mode >> owner >> file;
    if (kind != "FLOCK" || owner != std::to_string(pid)) continue;
    if (file.substr(file.rfind(':') + 1) == std::to_string(inode)) return true;
  }
  return false;
}

}  // namespace

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status StoreLock::open() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  return fd_ < 0 ? Status(failed("cannot open " + path_)) : Status();
}

Result<bool> StoreLock::take() {
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return failed("cannot lock " + path_);
}

Status StoreLock::say(const std::string& address) {
  std::string number = std::to_string(++moved_);
  number.insert(0, kDigits - number.size(), '0');
  const std::string line = address + " " + std::to_string(::getpid()) + " " + number + "\n";
  if (::pwrite(fd_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()) ||
      ::ftruncate(fd_, static_cast<off_t>(line.size())) != 0) {
    return failed("cannot write " + path_);
  }
  return {};
}

StoreLock::Holder StoreLock::holder() const {
  char text[512] = {};
  const ssize_t size = ::pread(fd_, text, sizeof text - 1, 0);
  std::istringstream words(std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0));
  Holder out;
  words >> out.address;
  if (words >> out.pid >> out.movement) {
    out.movement.insert(0, std::to_string(out.pid) + " ");
  } else {
    out.pid = 0;
    out.movement.clear();
  }
  return out;
}

Status StoreLock::end(const Holder& holder) {
  const std::string who = "process " + std::to_string(holder.pid);
  struct stat file = {};
  if (::fstat(fd_, &file) != 0) return failed("cannot look at " + path_);
  if (holder.pid <= 1 || holder.pid == ::getpid()) {
    return Error{ErrorCode::not_found, who + " is nobody to be ended"};
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, holder.pid, 0));
  if (pidfd < 0) return failed(who + " cannot be seen from here");
  // Asked after the number was bound to a process: it cannot come to mean another one any more.
  Status ended;
  if (!holds_flock(holder.pid, file.st_ino)) {
    ended = Error{ErrorCode::not_found, who + " does not hold " + path_ + " (any more)"};
  } else if (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) != 0) {
    ended = failed(who + " cannot be ended");
  }
  ::close(pidfd);
  return ended;
}

}  // namespace bourse::service
