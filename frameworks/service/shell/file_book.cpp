#include "frameworks/service/shell/file_book.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "proto/codec/service_records.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::service {

namespace {

// How often a standby asks for the lock. It costs one system call.
constexpr Duration kAskForLock = Duration::milliseconds(250);
// The file is rewritten once its log is this much longer than what it says.
constexpr std::size_t kCompactSurplus = 10'000;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FileBook::~FileBook() {
  // The file is closed before the lock is given up.
  store_.reset();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Status FileBook::start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) {
  loop_ = &loop;
  address_ = address;
  handlers_ = std::move(handlers);
  if (const Status made = runtime::make_directories(parent_of(path_)); !made.ok()) return made;
  const std::string lock = path_ + "-lock";
  lock_fd_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (lock_fd_ < 0) {
    return Error{ErrorCode::io, "--store: cannot open " + lock + ": " + strerror(errno)};
  }
  loop.post([this] { try_to_lead(); });
  return {};
}

// What the holder of the lock wrote into it.
std::string FileBook::holder() const {
  char text[512] = {};
  const ssize_t size = ::pread(lock_fd_, text, sizeof text - 1, 0);
  std::string out(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  return out.substr(0, out.find('\n'));
}

void FileBook::try_to_lead() {
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return handlers_.on_end("--store: cannot lock " + path_ + "-lock: " + strerror(errno));
    }
    std::string now = holder();
    if (!told_ || now != leader_) {
      told_ = true;
      leader_ = std::move(now);
      handlers_.on_leader(leader_);
    }
    retry_ = loop_->after(kAskForLock, [this] { try_to_lead(); });
    return;
  }
  // Of a full disk the others only do not hear who leads.
  const std::string line = address_ + "\n";
  if (::pwrite(lock_fd_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()) ||
      ::ftruncate(lock_fd_, static_cast<off_t>(line.size())) != 0) {
    runtime::log_warning("the lock does not say who leads", {{"reason", strerror(errno)}});
  }
  auto book = open();
  if (!book.ok()) return handlers_.on_end(book.error().message);
  handlers_.on_lead(std::move(book).value());
}

Result<Book> FileBook::open() {
  auto opened = runtime::RecordStore::open(*loop_, path_);
  if (!opened.ok()) return opened.error();
  for (const std::string& bytes : opened->records) {
    auto command = codec::decode_service_command(bytes);
    if (!command.ok()) {
      return Error{command.error().code, "store '" + path_ + "': " + command.error().message};
    }
    if (const Status applied = service::apply(stored_, command.value()); !applied.ok()) {
      return Error{ErrorCode::corrupt, "store '" + path_ + "': " + applied.error().message};
    }
  }
  records_ = opened->records.size();
  store_ = std::move(opened->store);
  compact();
  return stored_;
}

void FileBook::store(const std::vector<ServiceCommand>& commands, Stored stored) {
  std::vector<std::string> batch;
  batch.reserve(commands.size());
  for (const ServiceCommand& command : commands) {
    batch.push_back(codec::encode_service_command(command));
  }
  ++under_way_;
  store_->append(std::move(batch), [this, commands, stored = std::move(stored)](
                                       const runtime::WriteResult& result) mutable {
    on_written(commands, result);
    stored(result);
  });
}

void FileBook::on_written(const std::vector<ServiceCommand>& commands,
                          const runtime::WriteResult& result) {
  --under_way_;
  if (result.outcome != runtime::WriteOutcome::stored) return;
  for (const ServiceCommand& command : commands) {
    const Status applied = service::apply(stored_, command);
    ASSERT(applied.ok());
  }
  records_ += commands.size();
  compact();
}

// Only when nothing is on its way: what replaces the log is then all that it says.
void FileBook::compact() {
  if (under_way_ > 0 || records_ < kCompactSurplus) return;
  const std::vector<ServiceCommand> shortest = snapshot(stored_);
  if (records_ < shortest.size() + kCompactSurplus) return;
  std::vector<std::string> out;
  out.reserve(shortest.size());
  for (const ServiceCommand& command : shortest) {
    out.push_back(codec::encode_service_command(command));
  }
  records_ = out.size();
  store_->compact(std::move(out), [](const runtime::WriteResult& result) {
    if (result.outcome == runtime::WriteOutcome::rejected) {
      runtime::log_warning("store not compacted", {{"reason", result.status.error().message}});
    }
  });
}

}  // namespace bourse::service
