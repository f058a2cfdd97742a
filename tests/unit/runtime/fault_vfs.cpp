#include "tests/unit/runtime/fault_vfs.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace bourse::runtime::test {
namespace {

struct Undo {
  std::int64_t offset = 0;
  std::string old_bytes;
  std::int64_t old_size = 0;
};

struct State {
  std::mutex mutex;
  FaultPlan plan;
  std::uint64_t points = 0;
  std::map<std::string, std::vector<Undo>> unsynced;
};

State& state() {
  static State instance;
  return instance;
}

struct File {
  sqlite3_file base;
  sqlite3_file* real;
  const char* path;
};

sqlite3_vfs* real_vfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
  return vfs;
}

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real;
}
std::string path_of(sqlite3_file* file) {
  const char* path = reinterpret_cast<File*>(file)->path;
  return path == nullptr ? "" : path;
}

bool point_fails(State& s) {
  ++s.points;
  if (s.plan.kind == FaultKind::none || s.plan.at == 0) return false;
  return s.plan.from_then_on ? s.points >= s.plan.at : s.points == s.plan.at;
}

void remember(State& s, sqlite3_file* file, sqlite3_int64 offset, std::size_t size) {
  Undo undo;
  undo.offset = offset;
  real(file)->pMethods->xFileSize(real(file), reinterpret_cast<sqlite3_int64*>(&undo.old_size));
  if (offset < undo.old_size) {
    undo.old_bytes.resize(std::min(size, static_cast<std::size_t>(undo.old_size - offset)));
    real(file)->pMethods->xRead(real(file), undo.old_bytes.data(),
                                static_cast<int>(undo.old_bytes.size()), offset);
  }
  s.unsynced[path_of(file)].push_back(std::move(undo));
}

int x_close(sqlite3_file* file) {
  const int rc = real(file)->pMethods->xClose(real(file));
  sqlite3_free(real(file));
  return rc;
}
int x_read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  return real(file)->pMethods->xRead(real(file), to, size, offset);
}
int x_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  const bool fails = point_fails(s);
  if (fails && s.plan.kind == FaultKind::disk_full) return SQLITE_FULL;
  if (fails && s.plan.kind == FaultKind::io_error) return SQLITE_IOERR_WRITE;
  remember(s, file, offset, static_cast<std::size_t>(size));
  if (fails) {
    real(file)->pMethods->xWrite(real(file), from, size / 2, offset);
    return SQLITE_IOERR_WRITE;
  }
  return real(file)->pMethods->xWrite(real(file), from, size, offset);
}
int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (point_fails(s) && s.plan.kind != FaultKind::disk_full) return SQLITE_IOERR_TRUNCATE;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int x_sync(sqlite3_file* file, int flags) {
  State& s = state();
  int delay_ms = 0;
  {
    const std::lock_guard lock(s.mutex);
    delay_ms = s.plan.sync_delay_ms;
    if (point_fails(s) && s.plan.kind != FaultKind::disk_full) return SQLITE_IOERR_FSYNC;
    s.unsynced.erase(path_of(file));
  }
  if (delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
  static_cast<void>(flags);  // the page cache outlives a test process: no need to wait for a disk
  return SQLITE_OK;
}
int x_file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int x_lock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xLock(real(file), level);
}
int x_unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int x_check_lock(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int x_control(sqlite3_file* file, int op, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), op, argument);
}
int x_sector_size(sqlite3_file* file) {
  return real(file)->pMethods->xSectorSize(real(file));
}
int x_characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

// Version 2 has the shared-memory calls; in exclusive mode SQLite does not use them, but WAL asks
// for the version.
int x_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int x_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void x_shm_barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int x_shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

const sqlite3_io_methods kMethods = {2,
                                     x_close,
                                     x_read,
                                     x_write,
                                     x_truncate,
                                     x_sync,
                                     x_file_size,
                                     x_lock,
                                     x_unlock,
                                     x_check_lock,
                                     x_control,
                                     x_sector_size,
                                     x_characteristics,
                                     x_shm_map,
                                     x_shm_lock,
                                     x_shm_barrier,
                                     x_shm_unmap,
                                     nullptr,
                                     nullptr};

int x_open(sqlite3_vfs*, const char* path, sqlite3_file* out, int flags, int* out_flags) {
  auto* const file = reinterpret_cast<File*>(out);
  file->base.pMethods = nullptr;
  file->real = static_cast<sqlite3_file*>(sqlite3_malloc(real_vfs()->szOsFile));
  file->path = path;
  const int rc = real_vfs()->xOpen(real_vfs(), path, file->real, flags, out_flags);
  if (rc != SQLITE_OK) {
    sqlite3_free(file->real);
    return rc;
  }
  file->base.pMethods = &kMethods;
  return SQLITE_OK;
}

}  // namespace

const char* fault_vfs_name() {
  static sqlite3_vfs vfs = [] {
    sqlite3_initialize();
    sqlite3_vfs copy = *real_vfs();
    copy.zName = "bourse-fault";
    copy.szOsFile = sizeof(File);
    copy.xOpen = x_open;
    copy.pNext = nullptr;
    return copy;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : nullptr;
}

void set_fault_plan(const FaultPlan& plan) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.plan = plan;
  s.points = 0;
}

std::uint64_t fault_points() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return s.points;
}

void cut_power(std::uint64_t keep_every) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  std::uint64_t count = 0;
  for (auto& [path, undos] : s.unsynced) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    for (auto it = undos.rbegin(); it != undos.rend(); ++it) {
      if (keep_every > 0 && ++count % keep_every == 0) continue;
      const auto size = static_cast<ssize_t>(it->old_bytes.size());
      if (::pwrite(fd, it->old_bytes.data(), it->old_bytes.size(), it->offset) != size) break;
      if (keep_every == 0 && ::ftruncate(fd, it->old_size) != 0) break;
    }
    ::close(fd);
  }
  s.unsynced.clear();
}

}  // namespace bourse::runtime::test
