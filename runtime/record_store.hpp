// RecordStore: an append-only sequence of opaque records in one SQLite file (WAL, full sync), the
// durable memory of a daemon. append() returns at once; the completion runs on the loop when the
// batch is on disk. Batches that arrive while the disk is busy share one sync (group commit).
//
// Promises: completions run in the order of the calls. `stored`: the batch is durable, whole.
// `rejected`: nothing of it is stored and never will be; others may be stored. `unknown`: the disk
// failed in a way that leaves open whether it is stored; the store takes nothing more (every later
// call completes `unknown`) and the process should end and recover by loading.
//
// Beside the file lies FILE-promised, which says how far it had promised (record_witness.hpp):
// open() refuses a store that lacks what was told stored, whatever happened to it.
//
// Ownership and thread: belongs to the loop's thread; the SQLite work runs on a thread of its own.
// Destruction waits for what was submitted, without running completions. One process at a time: a
// second open of the same path is an error. The file is readable by its owner only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

enum class WriteOutcome { stored, rejected, unknown };

struct WriteResult {
  WriteOutcome outcome = WriteOutcome::stored;
  Status status;  // why, unless stored: full, io, too_large
};

struct RecordStoreOptions {
  // Submitted and not yet completed; an append over it is rejected at once with `full`.
  std::size_t max_pending_bytes = 64u << 20;
  // Batches committed together at most.
  std::size_t max_group_records = 10000;
  std::size_t max_record_bytes = 16u << 20;
  // Name of a registered SQLite VFS; null is the system's. Tests inject faults here.
  const char* vfs = nullptr;
};

struct RecordStoreStats {
  std::uint64_t durable_waits = 0;  // commits, each a wait for the disk
  std::uint64_t batches = 0;        // stored
  std::uint64_t records = 0;        // stored
  std::size_t pending_bytes = 0;
  bool failed = false;  // some outcome was `unknown`
};

class RecordStore {
 public:
  using Completion = UniqueFunction<void(const WriteResult&)>;
  struct Opened;

  // Creates the file if there is none (its directory must exist) and loads every record in order.
  // corrupt: the file is not a store, a record fails its checksum, or one that was promised is not
  // there; nothing is changed then. A store that is there is opened and read on a full disk too.
  static Result<Opened> open(Loop& loop, const std::string& path, RecordStoreOptions options = {});
  ~RecordStore();
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;

  // All records of a batch or none. An empty batch completes in its turn, without a write.
  void append(std::vector<std::string> batch, Completion done);
  // Replaces everything appended before this call by `snapshot`, atomically, in its turn.
  void compact(std::vector<std::string> snapshot, Completion done);
  RecordStoreStats stats() const;

 private:
  struct Impl;
  explicit RecordStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct RecordStore::Opened {
  std::unique_ptr<RecordStore> store;
  std::vector<std::string> records;
};

}  // namespace bourse::runtime
