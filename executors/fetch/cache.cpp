#include "executors/fetch/cache.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

namespace bourse::fetch {

namespace {

namespace fs = std::filesystem;

// Nobody can make two URIs of one name.
std::string name_of(const std::string& uri) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(uri.data()), uri.size(), hash);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : hash) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

// Held until it is destroyed; the kernel gives it up with the process.
class Lock {
 public:
  explicit Lock(const std::string& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  bool held() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace

Status Cache::take(const std::string& uri, const std::string& path, Budget& budget,
                   const std::function<Status(const std::string&)>& fill) {
  const std::string entry = directory_ + "/" + name_of(uri);
  const Lock lock(entry + ".lock");
  if (!lock.held()) return Error{ErrorCode::io, errno_text(entry + ".lock", errno)};
  if (::access(entry.c_str(), F_OK) != 0) {
    if (Status filled = fill_entry(entry, fill); !filled.ok()) return filled;
  }
  ::utimensat(AT_FDCWD, entry.c_str(), nullptr, 0);  // used now
  Status copied = copy_file(entry, path, budget);
  evict(entry);
  return copied;
}

Status Cache::fill_entry(const std::string& entry,
                         const std::function<Status(const std::string&)>& fill) {
  const std::string part = entry + ".part";
  Status filled = fill(part);
  if (filled.ok() && ::rename(part.c_str(), entry.c_str()) != 0) {
    filled = Error{ErrorCode::io, errno_text(entry, errno)};
  }
  if (!filled.ok()) ::unlink(part.c_str());
  return filled;
}

// Whoever is copying an entry that goes has it open.
void Cache::evict(const std::string& kept) {
  const Lock lock(directory_ + "/lock");
  struct Entry {
    fs::file_time_type used;
    std::uint64_t bytes;
    std::string path;
  };
  std::vector<Entry> entries;
  std::uint64_t sum = 0;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(directory_, error)) {
    if (!file.path().extension().empty() || file.path().filename() == "lock") continue;
    const std::uint64_t bytes = file.file_size(error);
    if (error) continue;
    entries.push_back({file.last_write_time(error), bytes, file.path().string()});
    sum += bytes;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (sum <= most_bytes_) return;
    // The newest too, if it alone is too much: the next who wants it fetches it again.
    if (entry.path == kept && sum > entry.bytes) continue;
    ::unlink(entry.path.c_str());
    sum -= entry.bytes;
  }
}

}  // namespace bourse::fetch
