// Test support: a SQLite VFS over the system's that counts every write, truncation and sync and
// fails at a chosen one, once or from then on; and that can lose everything that was not synced, as
// a power cut does. One instance at a time; set it up while no file is open.
#pragma once

#include <cstdint>

namespace bourse::runtime::test {

enum class FaultKind {
  none,
  disk_full,   // writes fail with SQLITE_FULL
  io_error,    // writes and syncs fail with SQLITE_IOERR_*
  torn_write,  // half of the write is done, then as io_error
};

struct FaultPlan {
  FaultKind kind = FaultKind::none;
  std::uint64_t at = 0;       // the first point that fails, counted from 1
  bool from_then_on = false;  // every later one too
  int sync_delay_ms = 0;
};

// Registers on first use; the name to give to RecordStoreOptions.
const char* fault_vfs_name();
// Starts counting at zero with this plan.
void set_fault_plan(const FaultPlan& plan);
// Points passed since then.
std::uint64_t fault_points();
// As if the power went: takes back every write that was not followed by a sync of its file
// (`keep_every` > 0 keeps each n-th of them, as a disk that reorders would). Files must be closed
// or abandoned; nothing else may write to them any more.
void cut_power(std::uint64_t keep_every = 0);

}  // namespace bourse::runtime::test
