#include "runtime/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bourse::runtime {
namespace {

constexpr mode_t kOthers = 0007;

Status check(int fd, const std::string& path) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return Error{ErrorCode::io, path + ": " + std::strerror(errno)};
  if (!S_ISREG(about.st_mode)) return invalid(path + ": is not a file");
  if ((about.st_mode & kOthers) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(about.st_mode & 07777));
    return Error{ErrorCode::denied, path + ": has mode " + mode.data() +
                                        ", so that everybody on this machine may use it; "
                                        "keep it to its owner: chmod 600 " +
                                        path};
  }
  if (about.st_size > static_cast<off_t>(kMaxSecretFileBytes)) {
    return Error{ErrorCode::too_large, path + ": has " + std::to_string(about.st_size) +
                                           " bytes; " + std::to_string(kMaxSecretFileBytes) +
                                           " are the most"};
  }
  return {};
}

}  // namespace

Result<std::string> read_secret_file(const std::string& path) {
  // Not blocking: a FIFO of that name must not hold up the start.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return Error{ErrorCode::io, path + ": cannot be read: " + std::strerror(errno)};
  Status status = check(fd, path);
  std::string out;
  std::array<char, 16384> piece{};
  while (status.ok()) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) status = Error{ErrorCode::io, path + ": " + std::strerror(errno)};
    if (got <= 0) break;
    out.append(piece.data(), static_cast<std::size_t>(got));
    if (out.size() > kMaxSecretFileBytes) {
      status = Error{ErrorCode::too_large, path + ": grows while it is read"};
    }
  }
  ::close(fd);
  if (!status.ok()) return status.error();
  return out;
}

}  // namespace bourse::runtime
