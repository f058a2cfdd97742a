#include "agent/isolation/sandbox_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

Error refused(const std::string& path, int error) {
  const std::string shown = "'" + path.substr(0, 256) + "'";
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::not_found, "no " + shown + " in the sandbox"};
    case EXDEV:
    case ELOOP:
    case EAGAIN:  // the tree moved while the kernel looked, which an attacker would do
      return {ErrorCode::denied, shown + " leads out of the sandbox"};
    case EACCES:
    case EPERM:
      return {ErrorCode::denied, shown + " is not readable by the agent"};
    default:
      return {ErrorCode::io, "cannot open " + shown + ": " + errno_text(error)};
  }
}

// Through /proc, by the descriptor that was already checked: the very same file, whatever its name
// means by now.
int reopen(int path_fd, int flags) {
  return ::open(("/proc/self/fd/" + std::to_string(path_fd)).c_str(), flags | O_CLOEXEC);
}

SandboxEntry entry_of(std::string name, const struct stat& info) {
  SandboxEntry entry;
  entry.name = std::move(name);
  entry.directory = S_ISDIR(info.st_mode);
  entry.regular = S_ISREG(info.st_mode);
  entry.size_bytes = info.st_size;
  entry.modified_ns =
      static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.mode = info.st_mode;
  entry.links = static_cast<std::uint32_t>(info.st_nlink);
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  return entry;
}

}  // namespace

Result<SandboxFiles> SandboxFiles::open(const std::string& sandbox_dir) {
  const int fd = ::open(sandbox_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return Error{errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                 "cannot open sandbox " + sandbox_dir + ": " + errno_text(errno)};
  }
  return SandboxFiles(fd);
}

SandboxFiles::~SandboxFiles() {
  if (fd_ >= 0) ::close(fd_);
}

SandboxFiles::SandboxFiles(SandboxFiles&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

SandboxFiles& SandboxFiles::operator=(SandboxFiles&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Result<int> SandboxFiles::open_beneath(const std::string& path) const {
  if (path.find('\0') != std::string::npos) return invalid("a path must not contain NUL");
  const std::size_t start = path.find_first_not_of('/');
  const std::string below = start == std::string::npos ? "." : path.substr(start);
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, fd_, below.c_str(), &how, sizeof how);
  if (fd < 0) return refused(path, errno);
  return static_cast<int>(fd);
}

Result<std::vector<SandboxEntry>> SandboxFiles::list(const std::string& path) const {
  Result<int> found = open_beneath(path);
  if (!found.ok()) return found.error();
  struct stat info {};
  const bool directory = ::fstat(*found, &info) == 0 && S_ISDIR(info.st_mode);
  const int fd = directory ? reopen(*found, O_RDONLY | O_DIRECTORY) : -1;
  ::close(*found);
  if (!directory) return Error{ErrorCode::not_found, "'" + path + "' is not a directory"};
  if (fd < 0) return refused(path, errno);
  DIR* dir = ::fdopendir(fd);
  std::vector<SandboxEntry> entries;
  bool too_many = false;
  while (const dirent* one = dir == nullptr ? nullptr : ::readdir(dir)) {
    const std::string name = one->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() == kMostEntries) {
      too_many = true;
      break;
    }
    // A link is listed as a link, not as what it points to.
    if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back(entry_of(name, info));
    }
  }
  if (dir != nullptr) ::closedir(dir);
  if (too_many) {
    return Error{ErrorCode::too_large, "directory '" + path + "' has more than " +
                                           std::to_string(kMostEntries) + " entries"};
  }
  std::sort(entries.begin(), entries.end(),
            [](const SandboxEntry& a, const SandboxEntry& b) { return a.name < b.name; });
  return entries;
}

Result<SandboxChunk> SandboxFiles::read(const std::string& path, std::int64_t offset,
                                        std::int64_t length) const {
  if (offset < 0 || length < 0) {
    return invalid("offset " + std::to_string(offset) + " and length " + std::to_string(length) +
                   " must not be negative");
  }
  Result<int> found = open_beneath(path);
  if (!found.ok()) return found.error();
  struct stat info {};
  const bool known = ::fstat(*found, &info) == 0;
  const bool regular = known && S_ISREG(info.st_mode);
  const int fd = regular ? reopen(*found, O_RDONLY | O_NONBLOCK) : -1;
  const int error = errno;
  ::close(*found);
  if (known && S_ISDIR(info.st_mode)) {
    return invalid("'" + path + "' is a directory; name a file below it");
  }
  if (!regular) return Error{ErrorCode::denied, "'" + path + "' is not a regular file"};
  if (fd < 0) return refused(path, error);
  SandboxChunk chunk;
  chunk.size_bytes = info.st_size;
  const std::int64_t left = std::max<std::int64_t>(info.st_size - offset, 0);
  const std::int64_t wanted = std::min({length, left, static_cast<std::int64_t>(kMostReadBytes)});
  chunk.bytes.resize(static_cast<std::size_t>(wanted));
  const ssize_t got = wanted == 0 ? 0 : ::pread(fd, chunk.bytes.data(), chunk.bytes.size(), offset);
  ::close(fd);
  if (got < 0) return Error{ErrorCode::io, "cannot read '" + path + "': " + errno_text(errno)};
  chunk.bytes.resize(static_cast<std::size_t>(got));
  return chunk;
}

}  // namespace bourse::isolation
