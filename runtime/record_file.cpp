#include "runtime/record_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/digest.hpp"

namespace bourse::runtime {
namespace {

// Marks the file as ours: "BRS1".
constexpr int kApplicationId = 0x42525331;

// Covers the sequence number too, so that two exchanged records are noticed.
std::int64_t checksum(std::int64_t sequence, const char* bytes, std::size_t size) {
  const Digest digest = digest_of(std::string_view(bytes, size));
  return static_cast<std::int64_t>(digest.low ^ (digest.high * 3) ^
                                   (static_cast<std::uint64_t>(sequence) * 0x9e3779b97f4a7c15ULL));
}

constexpr off_t kLeastPageBytes = 512;

// A row of the table `scratch` (row 1 is what is written to neutralise a failed commit).
constexpr char kBaseRow[] = "2";  // sequence number of the first record: moved by compaction

Error plain_error(ErrorCode code, std::string message) {
  return {code, std::move(message)};
}

int number(void* to, int, char** columns, char**) {
  *static_cast<std::int64_t*>(to) = columns[0] == nullptr ? 0 : std::atoll(columns[0]);
  return 0;
}

}  // namespace

Error RecordFile::error_of(int code, const std::string& what) const {
  const std::string text = what + " " + path_ + ": " + sqlite3_errmsg(db_.get());
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorCode::full, text + "; free some space on its disk"};
    case SQLITE_ERROR:  // our statements are right: the tables are not what we made
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::corrupt, text + "; the file is damaged or not a record store"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::conflict, text + "; another process uses it"};
    case SQLITE_TOOBIG:
      return {ErrorCode::too_large, text};
    default:
      return {ErrorCode::io, text};
  }
}

int RecordFile::run(const char* sql) {
  return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
}

Result<std::unique_ptr<RecordFile>> RecordFile::open(const std::string& path, const char* vfs,
                                                     std::vector<std::string>& records) {
  // Made here with its mode: SQLite gives its side files the mode of the database.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const ErrorCode code = errno == ENOSPC ? ErrorCode::full : ErrorCode::io;
    return plain_error(code, "cannot open " + path + ": " + strerror(errno));
  }
  ::fchmod(fd, 0600);
  struct stat known {};
  const bool headless = ::fstat(fd, &known) == 0 && known.st_size < kLeastPageBytes;
  ::close(fd);
  // SQLite would take the log away from such a database.
  const std::int64_t promised = RecordWitness(path + "-promised").promised().value_or(0);
  if (headless && promised > 0) {
    return plain_error(ErrorCode::corrupt,
                       path + " has " + std::to_string(known.st_size) + " bytes, but " +
                           std::to_string(promised) +
                           " records were stored in it; restore the file from a copy");
  }
  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(
      path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
  std::unique_ptr<RecordFile> file(
      new RecordFile(std::unique_ptr<sqlite3, DatabaseClose>(raw), path));
  if (rc != SQLITE_OK) return file->error_of(rc, "cannot open");
  sqlite3_extended_result_codes(raw, 1);
  // Refused, it stays as it is: closing would move the log into the database and remove it.
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (Status s = file->configure(); !s.ok()) return s.error();
  if (Status s = file->load_base(); !s.ok()) return s.error();
  if (Status s = file->load(records); !s.ok()) return s.error();
  if (Status s = file->check_whole(); !s.ok()) return s.error();
  if (Status s = file->prepare(); !s.ok()) return s.error();
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return file;
}

// Before anything is changed: is this file ours?
Status RecordFile::check_owner() {
  if (const int rc = run("PRAGMA locking_mode=EXCLUSIVE"); rc != SQLITE_OK) {
    return error_of(rc, "cannot lock");
  }
  std::int64_t tables = 0;
  std::int64_t ours = 0;
  std::int64_t id = 0;
  int rc = sqlite3_exec(db_.get(), "SELECT count(*) FROM sqlite_master", number, &tables, nullptr);
  if (rc == SQLITE_OK) {
    rc = sqlite3_exec(db_.get(), "PRAGMA application_id", number, &id, nullptr);
  }
  if (rc == SQLITE_OK) {
    rc = sqlite3_exec(db_.get(),
                      "SELECT count(*) FROM sqlite_master WHERE name IN ('record','scratch')",
                      number, &ours, nullptr);
  }
  if (rc != SQLITE_OK) return error_of(rc, "cannot read");
  if (tables > 0 && id != kApplicationId) {
    return plain_error(ErrorCode::corrupt, path_ + " is a database, but not a record store");
  }
  set_up_ = ours == 2;
  if (!set_up_ && witness_.promised().value_or(0) > 0) {
    return plain_error(ErrorCode::corrupt, path_ + " has lost its tables; restore it from a copy");
  }
  return {};
}

Status RecordFile::configure() {
  if (Status s = check_owner(); !s.ok()) return s;
  // The exclusive lock also keeps SQLite from making a shared-memory file beside the log.
  // Nothing is written to a store that is set up: a full disk must not keep us from reading it.
  const std::string create =
      set_up_ ? ""
              : "BEGIN IMMEDIATE;PRAGMA application_id=" + std::to_string(kApplicationId) +
                    ";CREATE TABLE IF NOT EXISTS record(sequence INTEGER PRIMARY KEY,"
                    " checksum INTEGER NOT NULL, bytes BLOB NOT NULL);"
                    "CREATE TABLE IF NOT EXISTS scratch(one INTEGER PRIMARY KEY, value INTEGER NOT "
                    "NULL);"
                    "INSERT OR IGNORE INTO scratch VALUES(1, 0);"
                    "INSERT OR IGNORE INTO scratch VALUES(" +
                    kBaseRow + ", 1);COMMIT";
  for (const char* sql :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0",
        "PRAGMA journal_size_limit=67108864", create.c_str()}) {
    if (const int rc = run(sql); rc != SQLITE_OK) return error_of(rc, "cannot set up");
  }
  sqlite3_wal_hook(
      db_.get(),
      [](void* to, sqlite3*, const char*, int pages) {
        *static_cast<int*>(to) = pages;
        return SQLITE_OK;
      },
      &log_pages_);
  return {};
}

// Stores of earlier builds have no such row until their next compaction.
Status RecordFile::load_base() {
  std::int64_t base = 0;
  const std::string sql = std::string("SELECT value FROM scratch WHERE one=") + kBaseRow;
  const int rc = sqlite3_exec(db_.get(), sql.c_str(), number, &base, nullptr);
  if (rc != SQLITE_OK) return error_of(rc, "cannot read");
  if (base > 0) base_ = base;
  next_ = base_.value_or(1);
  return {};
}

Status RecordFile::load(std::vector<std::string>& records) {
  sqlite3_stmt* raw = nullptr;
  int rc = sqlite3_prepare_v2(db_.get(),
                              "SELECT sequence, checksum, bytes FROM record ORDER BY sequence", -1,
                              &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, StatementFinalize> statement(raw);
  if (rc != SQLITE_OK) return error_of(rc, "cannot read");
  while ((rc = sqlite3_step(raw)) == SQLITE_ROW) {
    const std::int64_t sequence = sqlite3_column_int64(raw, 0);
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(raw, 2));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw, 2));
    const bool in_order = sequence == next_ || (records.empty() && !base_);
    if (!in_order || sqlite3_column_int64(raw, 1) != checksum(sequence, bytes, size)) {
      return plain_error(ErrorCode::corrupt, path_ + ": record " + std::to_string(sequence) +
                                                 " is damaged or its predecessor is missing; "
                                                 "restore the file from a copy");
    }
    records.emplace_back(bytes == nullptr ? "" : bytes, size);
    next_ = sequence + 1;
  }
  return rc == SQLITE_DONE ? Status() : error_of(rc, "cannot read");
}

// What the records themselves cannot tell: that the last of them are there, and that the pages
// beside them are sound, so that the next write does not trip over them.
Status RecordFile::check_whole() {
  const std::int64_t promised = witness_.promised().value_or(0);
  if (next_ <= promised) {
    return plain_error(ErrorCode::corrupt,
                       path_ + ": records " + std::to_string(next_) + " to " +
                           std::to_string(promised) +
                           " were stored and are not there any more, so the file or its log (" +
                           path_ + "-wal) is damaged; restore them from a copy");
  }
  if (sqlite3_db_readonly(db_.get(), "main") == 1) {
    return plain_error(ErrorCode::corrupt,
                       path_ +
                           " says in its header that it is read-only, which no build of ours "
                           "writes, so it is damaged; restore the file from a copy");
  }
  std::string verdict;
  const auto take = [](void* to, int, char** columns, char**) {
    *static_cast<std::string*>(to) = columns[0] == nullptr ? "" : columns[0];
    return 0;
  };
  const int rc = sqlite3_exec(db_.get(), "PRAGMA quick_check(1)", take, &verdict, nullptr);
  if (rc != SQLITE_OK) return error_of(rc, "cannot check");
  if (verdict == "ok") return {};
  return plain_error(ErrorCode::corrupt,
                     path_ + " is damaged: " + verdict + "; restore the file from a copy");
}

Status RecordFile::prepare() {
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), "INSERT INTO record VALUES(?1, ?2, ?3)", -1,
                                    SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  insert_.reset(raw);
  return rc == SQLITE_OK ? Status() : error_of(rc, "cannot prepare");
}

int RecordFile::begin_at(std::int64_t sequence) {
  const std::string sql = std::string("INSERT OR REPLACE INTO scratch VALUES(") + kBaseRow + ", " +
                          std::to_string(sequence) + ")";
  return run(sql.c_str());
}

int RecordFile::write(const Batch& batch, std::int64_t& next) {
  if (batch.replace_all) {
    if (const int rc = run("DELETE FROM record"); rc != SQLITE_OK) return rc;
    if (const int rc = begin_at(next); rc != SQLITE_OK) return rc;
  }
  for (const std::string& bytes : *batch.records) {
    sqlite3_bind_int64(insert_.get(), 1, next);
    sqlite3_bind_int64(insert_.get(), 2, checksum(next, bytes.data(), bytes.size()));
    sqlite3_bind_blob64(insert_.get(), 3, bytes.data(), bytes.size(), SQLITE_STATIC);
    const int rc = sqlite3_step(insert_.get());
    sqlite3_reset(insert_.get());
    sqlite3_clear_bindings(insert_.get());
    if (rc != SQLITE_DONE) return rc;
    ++next;
  }
  return SQLITE_OK;
}

// A commit whose sync failed may have left complete frames in the log: after a crash they would
// come back. Writing and syncing something else over the same frames makes sure they do not.
bool RecordFile::neutralise_failed_commit() {
  return run("BEGIN IMMEDIATE; UPDATE scratch SET value = value + 1 WHERE one = 1; COMMIT") ==
         SQLITE_OK;
}

WriteResult RecordFile::commit(const std::vector<Batch>& batches) {
  std::int64_t next = next_;
  int rc = run("BEGIN IMMEDIATE");
  for (const Batch& batch : batches) {
    if (rc == SQLITE_OK) rc = write(batch, next);
  }
  if (rc == SQLITE_OK) rc = run("COMMIT");
  if (rc == SQLITE_OK) {
    next_ = next;
    witness_.promise(next_ - 1);
    return {};
  }
  const Error why = error_of(rc, "cannot write to");
  if (sqlite3_get_autocommit(db_.get()) == 0) run("ROLLBACK");
  if (sqlite3_get_autocommit(db_.get()) == 0) return {WriteOutcome::unknown, why};
  // A write that failed came before the frame that makes a transaction count, so nothing of it
  // can ever come back. Only a failed sync, or what we do not know, leaves that open.
  const bool before_commit = rc == SQLITE_FULL || rc == SQLITE_IOERR_WRITE || rc == SQLITE_TOOBIG;
  if (before_commit || neutralise_failed_commit()) return {WriteOutcome::rejected, why};
  return {WriteOutcome::unknown, why};
}

void RecordFile::checkpoint() {
  log_pages_ = 0;
  sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

}  // namespace bourse::runtime
