// Private to runtime/record_*.cpp: the SQLite file under a RecordStore. Synchronous; one thread at
// a time. Includes sqlite3.h: never include it from a public header.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/record_store.hpp"
#include "runtime/record_witness.hpp"

namespace bourse::runtime {

struct DatabaseClose {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct StatementFinalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class RecordFile {
 public:
  // Opens or creates, locks, checks and loads.
  static Result<std::unique_ptr<RecordFile>> open(const std::string& path, const char* vfs,
                                                  std::vector<std::string>& records);

  struct Batch {
    const std::vector<std::string>* records = nullptr;
    bool replace_all = false;
  };
  // One transaction. After `rejected` the file holds exactly what it held before, also after a
  // crash; after `unknown` nothing more may be written.
  WriteResult commit(const std::vector<Batch>& batches);
  // Pages of the write-ahead log that a checkpoint would move.
  int log_pages() const { return log_pages_; }
  // Moves the log into the database; failing is harmless, the log just stays.
  void checkpoint();

 private:
  RecordFile(std::unique_ptr<sqlite3, DatabaseClose> db, std::string path)
      : db_(std::move(db)), path_(std::move(path)), witness_(path_ + "-promised") {}

  Status check_owner();
  Status configure();
  Status load_base();
  Status load(std::vector<std::string>& records);
  Status check_whole();
  Status prepare();
  int write(const Batch& batch, std::int64_t& next);
  int begin_at(std::int64_t sequence);
  bool neutralise_failed_commit();
  int run(const char* sql);
  Error error_of(int code, const std::string& what) const;

  std::unique_ptr<sqlite3, DatabaseClose> db_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, StatementFinalize> insert_;
  RecordWitness witness_;
  bool set_up_ = false;               // the tables are there
  std::optional<std::int64_t> base_;  // sequence number of the first record
  std::int64_t next_ = 1;             // of the next one
  int log_pages_ = 0;                 // in the write-ahead log after the last commit
};

}  // namespace bourse::runtime
