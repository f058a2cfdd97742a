#include "frameworks/service/shell/file_book.hpp"

#include <utility>

#include "base/assert.hpp"
#include "proto/codec/service_records.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::service {

namespace {

// How often a standby asks for the lock. It costs two system calls.
constexpr Duration kAskForLock = Duration::milliseconds(250);
// How often the holder says that it moves, and how many looks of a standby (10 s) may find that it
// did not: longer than a machine that is short of everything keeps a process waiting, and than the
// largest book takes to be read.
constexpr Duration kSayAlive = Duration::seconds(1);
constexpr std::uint32_t kLooksWithoutMove = 40;
// The file is rewritten once its log is this much longer than what it says.
constexpr std::size_t kCompactSurplus = 10'000;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FileBook::FileBook(std::string path)
    : path_(std::move(path)), lock_(path_ + "-lock"), watch_(kLooksWithoutMove) {}

// The file is closed before the lock is given up.
FileBook::~FileBook() {
  store_.reset();
}

Status FileBook::start(runtime::Loop& loop, const std::string& address, StoreHandlers handlers) {
  loop_ = &loop;
  address_ = address;
  handlers_ = std::move(handlers);
  if (const Status made = runtime::make_directories(parent_of(path_)); !made.ok()) return made;
  if (const Status opened = lock_.open(); !opened.ok()) {
    return Error{opened.error().code, "--store: " + opened.error().message};
  }
  loop.post([this] { try_to_lead(); });
  return {};
}

void FileBook::try_to_lead() {
  const Result<bool> taken = lock_.take();
  if (!taken.ok())
    return handlers_.on_end({taken.error().code, "--store: " + taken.error().message});
  if (!taken.value()) {
    stand_by();
    timer_ = loop_->after(kAskForLock, [this] { try_to_lead(); });
    return;
  }
  say_alive();
  auto book = open();
  if (!book.ok()) return handlers_.on_end(book.error());
  handlers_.on_lead(std::move(book).value());
}

void FileBook::stand_by() {
  const StoreLock::Holder now = lock_.holder();
  if (!told_ || now.address != leader_) {
    told_ = true;
    leader_ = now.address;
    handlers_.on_leader(leader_);
  }
  if (!watch_.stands_still(now.movement)) return;
  // It may hold the lock for ever, and wake with a write half done: only its end makes it harmless.
  const Status ended = lock_.end(now);
  if (ended.ok()) {
    runtime::log_warning("the leader stood still and was ended",
                         {{"leader", now.address}, {"pid", now.pid}});
  } else {
    runtime::log_error("the leader stands still", {{"leader", now.address},
                                                   {"reason", ended.error().message},
                                                   {"do", "end it, and another will lead"}});
  }
}

// Of a full disk the others only do not hear who leads.
void FileBook::say_alive() {
  const Status said = lock_.say(address_);
  if (!said.ok() && !std::exchange(told_mute_, true)) {
    runtime::log_warning("the lock does not say who leads", {{"reason", said.error().message}});
  }
  timer_ = loop_->after(kSayAlive, [this] { say_alive(); });
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
