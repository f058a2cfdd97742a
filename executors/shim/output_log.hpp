// OutputLog: one of a container's two output streams on its way from a pipe into the sandbox.
// The files `<name>` and `<name>.1` together never hold more than the cap: at half of it the file
// becomes `.1` (replacing the one before) and a new one begins, so at least the last half survives.
// When the sandbox cannot take it (disk full), output is dropped and counted; the task is never
// blocked by it. The sandbox belongs to the task, so every name in it is treated as hostile: opened
// beneath a directory fd, no symbolic link followed. Owner: the shim; one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace bourse::shim {

class OutputLog {
 public:
  // uid and gid own the files when `chown`. errno or 0.
  int open(int sandbox_fd, const char* name, std::int64_t cap_bytes, bool chown, uid_t uid,
           gid_t gid);
  // The end that the task writes to; close_write_end once the task has it.
  int write_end() const { return pipe_[1]; }
  int read_end() const { return pipe_[0]; }
  void close_write_end();

  // Takes what the pipe holds now, a bounded piece. False when there is nothing more now; at the
  // end of the stream the read end is closed and read_end() is -1.
  bool pump();
  std::int64_t dropped_bytes() const { return dropped_bytes_; }

 private:
  void write(const char* bytes, std::size_t size);
  void rotate();
  int open_file(int flags);

  std::string name_;
  int sandbox_fd_ = -1;
  int pipe_[2] = {-1, -1};
  int file_ = -1;
  std::int64_t file_bytes_ = 0;
  std::int64_t half_bytes_ = 0;
  std::int64_t dropped_bytes_ = 0;
  bool chown_ = false;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
};

}  // namespace bourse::shim
