#include "executors/shim/output_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bourse::shim {

namespace {
constexpr std::int64_t kLeastHalfBytes = 4096;
char g_buffer[64 << 10];
}  // namespace

int OutputLog::open_file(int flags) {
  const int fd =
      ::openat(sandbox_fd_, name_.c_str(),
               O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0644);
  if (fd < 0) return -errno;
  struct stat info {};
  // A hard link would make us write into somebody else's file; a fifo or device is no log at all.
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
    ::close(fd);
    return -ELOOP;
  }
  if (chown_ && ::fchown(fd, uid_, gid_) != 0) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  file_bytes_ = info.st_size;
  return fd;
}

int OutputLog::open(int sandbox_fd, const char* name, std::int64_t cap_bytes, bool chown, uid_t uid,
                    gid_t gid) {
  sandbox_fd_ = sandbox_fd;
  name_ = name;
  half_bytes_ = std::max(cap_bytes / 2, kLeastHalfBytes);
  chown_ = chown;
  uid_ = uid;
  gid_ = gid;
  const int fd = open_file(0);
  if (fd < 0) return -fd;
  file_ = fd;
  return ::pipe2(pipe_, O_CLOEXEC) == 0 && ::fcntl(pipe_[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

void OutputLog::close_write_end() {
  if (pipe_[1] >= 0) ::close(pipe_[1]);
  pipe_[1] = -1;
}

bool OutputLog::pump() {
  if (pipe_[0] < 0) return false;
  const ssize_t got = ::read(pipe_[0], g_buffer, sizeof g_buffer);
  if (got > 0) {
    write(g_buffer, static_cast<std::size_t>(got));
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  ::close(pipe_[0]);
  pipe_[0] = -1;
  return false;
}

void OutputLog::rotate() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  const std::string old = name_ + ".1";
  if (::renameat(sandbox_fd_, name_.c_str(), sandbox_fd_, old.c_str()) != 0) {
    // The task put a directory in the way, or removed the log: do without the old half.
    ::unlinkat(sandbox_fd_, name_.c_str(), 0);
  }
  int fd = open_file(O_EXCL);
  if (fd == -EEXIST && ::unlinkat(sandbox_fd_, name_.c_str(), 0) == 0) fd = open_file(O_EXCL);
  file_bytes_ = 0;
  file_ = fd < 0 ? -1 : fd;
}

void OutputLog::write(const char* bytes, std::size_t size) {
  while (size > 0) {
    if (file_ < 0 || file_bytes_ >= half_bytes_) rotate();
    const auto room = static_cast<std::size_t>(half_bytes_ - file_bytes_);
    const std::size_t piece = std::min(size, room);
    const ssize_t written = file_ < 0 ? -1 : ::write(file_, bytes, piece);
    if (written <= 0) {
      dropped_bytes_ += static_cast<std::int64_t>(size);
      return;
    }
    file_bytes_ += written;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

}  // namespace bourse::shim
