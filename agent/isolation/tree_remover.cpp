#include "agent/isolation/tree_remover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

namespace {

bool is_dots(const char* name) {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

}  // namespace

TreeRemover::~TreeRemover() = default;
TreeRemover::TreeRemover(TreeRemover&&) noexcept = default;

Result<TreeRemover> TreeRemover::open(const std::string& trash) {
  if (::mkdir(trash.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error{errno == ENOSPC ? ErrorCode::full : ErrorCode::io,
                 "cannot make " + trash + ": " + errno_text(errno)};
  }
  TreeRemover out;
  const int fd = ::open(trash.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return Error{ErrorCode::io, "cannot open " + trash + ": " + errno_text(errno)};
  (void)::fchmod(fd, 0700);
  out.trash_.reset(::fdopendir(fd));
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  out.prefix_ = std::to_string(now.tv_sec) + "-" + std::to_string(::getpid()) + "-";
  return out;
}

std::string TreeRemover::fresh_name() {
  return prefix_ + std::to_string(++names_made_);
}

Status TreeRemover::take(const std::string& dir) {
  // Onto a name that an earlier life left, a rename fails or replaces an empty directory.
  for (int tries = 0; tries < 100; ++tries) {
    if (::renameat(AT_FDCWD, dir.c_str(), ::dirfd(trash_.get()), fresh_name().c_str()) == 0) {
      moved_ = true;
      stuck_ = 0;
      ::rewinddir(trash_.get());
      return {};
    }
    if (errno != ENOTEMPTY && errno != EEXIST) break;
  }
  const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::io;
  return Error{code, "cannot remove sandbox " + dir + ": " + errno_text(errno)};
}

// A task may have taken the rights to its own directories away; as root they do not matter.
TreeRemover::Dir TreeRemover::open_dir(int at, const char* name) const {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  int fd = ::openat(at, name, kFlags);
  if (fd < 0 && errno == EACCES && ::fchmodat(at, name, 0700, 0) == 0) {
    fd = ::openat(at, name, kFlags);
  }
  if (fd < 0) return nullptr;
  (void)::fchmod(fd, 0700);
  return Dir(::fdopendir(fd));
}

// One name in the trash itself. True: it is a tree to be emptied.
bool TreeRemover::begin(const char* name) {
  const int fd = ::dirfd(trash_.get());
  if (::unlinkat(fd, name, 0) == 0 || ::unlinkat(fd, name, AT_REMOVEDIR) == 0) {
    moved_ = true;
    return false;
  }
  if (errno == ENOTEMPTY || errno == EEXIST) {
    tree_ = open_dir(fd, name);
    tree_name_ = name;
    if (tree_) return true;
  }
  ++failed_;
  return false;
}

void TreeRemover::remove_in(int dir_fd, const char* name) {
  if (::unlinkat(dir_fd, name, 0) == 0 || ::unlinkat(dir_fd, name, AT_REMOVEDIR) == 0) {
    moved_ = true;
    return;
  }
  if (errno == ENOTEMPTY || errno == EEXIST) {
    const int trash = ::dirfd(trash_.get());
    const std::string fresh = fresh_name();
    bool done = ::renameat(dir_fd, name, trash, fresh.c_str()) == 0;
    if (!done && errno == EACCES && ::fchmodat(dir_fd, name, 0700, 0) == 0) {
      done = ::renameat(dir_fd, name, trash, fresh.c_str()) == 0;
    }
    if (done) {
      moved_ = true;
      return;
    }
  }
  ++failed_;
}

bool TreeRemover::work(std::size_t entries) {
  while (entries > 0) {
    if (tree_) {
      const dirent* entry = ::readdir(tree_.get());
      if (entry == nullptr) {
        tree_.reset();
        if (::unlinkat(::dirfd(trash_.get()), tree_name_.c_str(), AT_REMOVEDIR) == 0) moved_ = true;
        continue;
      }
      if (is_dots(entry->d_name)) continue;
      --entries;
      remove_in(::dirfd(tree_.get()), entry->d_name);
      continue;
    }
    const dirent* entry = ::readdir(trash_.get());
    if (entry == nullptr) {
      stuck_ = failed_;
      failed_ = 0;
      ::rewinddir(trash_.get());
      if (!std::exchange(moved_, false)) return false;
      continue;
    }
    if (is_dots(entry->d_name)) continue;
    --entries;
    begin(entry->d_name);
  }
  return true;
}

}  // namespace bourse::isolation
