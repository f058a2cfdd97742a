// StoreLock: the lock file beside a store on this machine. The kernel gives it to one process at a
// time and takes it back only when that process is over, so whoever has it is alone with the store.
// The holder says in the file who it is and that it moves; one that does not can be ended, which is
// the only way to be sure that it never writes again.
//
// Ownership and thread: one thread. Errors are sentences with the file's name.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace bourse::service {

class StoreLock {
 public:
  struct Holder {
    std::string address;
    pid_t pid = 0;         // 0: a build that does not say, or nobody yet
    std::string movement;  // differs from look to look while it moves
  };

  explicit StoreLock(std::string path) : path_(std::move(path)) {}
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

  Status open();
  // False: another process has it.
  Result<bool> take();
  // Of the holder: who it is, and that it moves.
  Status say(const std::string& address);
  // As the holder says.
  Holder holder() const;
  // Ends the process that holds the lock, if it is the one that says so and can be seen from here.
  Status end(const Holder& holder);

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t moved_ = 0;
};

}  // namespace bourse::service
