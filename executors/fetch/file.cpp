#include "executors/fetch/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace bourse::fetch {

std::string errno_text(const std::string& what, int error) {
  return what + ": " + std::generic_category().message(error);
}

Status Budget::take_bytes(std::uint64_t count) {
  if (count > bytes) {
    return Error{ErrorCode::too_large, "files of over " +
                                           std::to_string(limits::kMaxFetchedBytes >> 30) +
                                           " GiB are not fetched for one command"};
  }
  bytes -= count;
  return {};
}

Status Budget::take_file() {
  if (files == 0) {
    return Error{ErrorCode::too_large, "over " + std::to_string(limits::kMaxFetchedFiles) +
                                           " files are not fetched for one command"};
  }
  --files;
  return {};
}

Result<Output> Output::create(const std::string& path, Budget& budget) {
  if (Status taken = budget.take_file(); !taken.ok()) return taken.error();
  const auto parent = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return Error{ErrorCode::io, errno_text(parent.string(), error.value())};
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return Error{ErrorCode::io, errno_text(path, errno)};
  return Output(fd, path, budget);
}

Output::Output(Output&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), budget_(other.budget_) {}

Output::~Output() {
  if (fd_ >= 0) ::close(fd_);
}

Status Output::write(const char* bytes, std::size_t size) {
  if (Status taken = budget_.take_bytes(size); !taken.ok()) return taken;
  while (size > 0) {
    const ssize_t written = ::write(fd_, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error{ErrorCode::io, errno_text(path_, errno)};
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

Status copy_file(const std::string& from, const std::string& to, Budget& budget) {
  // Not blocking: it may be a fifo.
  const int fd = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Error{ErrorCode::io, errno_text(from, errno)};
  struct stat info {};
  Status done;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    done = invalid(from + ": is no regular file");
  }
  Result<Output> output = done.ok() ? Output::create(to, budget) : Result<Output>(done.error());
  if (!output.ok()) done = output.error();
  std::vector<char> block(256u << 10);
  while (done.ok()) {
    const ssize_t got = ::read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) done = Error{ErrorCode::io, errno_text(from, errno)};
    if (got <= 0) break;
    done = output->write(block.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  return done;
}

}  // namespace bourse::fetch
