#include "runtime/daemon.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "runtime/log.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

PidFile::PidFile(PidFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

PidFile::~PidFile() {
  if (fd_ < 0) return;
  ::unlink(path_.c_str());
  ::close(fd_);
}

Result<PidFile> PidFile::take(const std::string& path) {
  while (true) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
      return Error{ErrorCode::io, "cannot open the pid file " + path + ": " + strerror(errno)};
    }
    PidFile file(fd, path);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      char text[32] = {};
      const ssize_t size = ::pread(fd, text, sizeof text - 1, 0);
      file.path_.clear();  // not ours to remove
      ::close(std::exchange(file.fd_, -1));
      std::string owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
      owner = owner.substr(0, owner.find('\n'));
      return Error{ErrorCode::conflict, path + " is held by process " + owner +
                                            "; stop it first or choose another work directory"};
    }
    // Somebody may have removed the file between open and lock: then this lock guards nothing.
    struct stat opened {};
    struct stat named {};
    if (::fstat(fd, &opened) != 0 || ::stat(path.c_str(), &named) != 0 ||
        opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) {
      ::close(std::exchange(file.fd_, -1));
      continue;
    }
    const std::string text = std::to_string(getpid()) + "\n";
    // Over what an earlier life wrote, without giving its block back: on a full disk there may be
    // no other. The lock counts, the number is for people.
    const bool written =
        ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
        ::ftruncate(fd, static_cast<off_t>(text.size())) == 0;
    if (!written && errno != ENOSPC && errno != EDQUOT) {
      return Error{ErrorCode::io, "cannot write the pid file " + path + ": " + strerror(errno)};
    }
    return file;
  }
}

Status make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  if (!error) error = std::make_error_code(std::errc::not_a_directory);
  return Error{error == std::errc::no_space_on_device ? ErrorCode::full : ErrorCode::io,
               "cannot make the directory " + path + ": " + error.message()};
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  }
  return limit.rlim_cur;
}

bool is_loopback(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  in6_addr v6{};
  if (text == "localhost") return true;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  return false;
}

Status check_bind_address(std::string_view address, bool authenticated, bool insecure) {
  if (is_loopback(address) || authenticated || insecure) return {};
  return Error{ErrorCode::denied,
               "listening on " + std::string(address) +
                   " would let everybody on that network in: configure authentication, listen on "
                   "127.0.0.1, or add --insecure if that is what you want"};
}

Status start_daemon(const DaemonStart& start) {
  auto level = parse_log_level(start.log_level);
  if (!level.ok()) return level.error();
  LogOptions log;
  log.level = level.value();
  log.program = start.program;
  if (const Status opened = log_open(log); !opened.ok()) return opened;
  if (const Status ok = check_bind_address(start.ip, false, start.insecure); !ok.ok()) return ok;
  raise_descriptor_limit();
  ignore_sigpipe();
  return {};
}

}  // namespace bourse::runtime
