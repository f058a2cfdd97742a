// TreeRemover: removes directory trees that hostile tasks have left, a bounded piece at a time. A
// tree is first moved into a directory of its own (`trash`, on the same file system), so it is gone
// from its place at once and a restart goes on where this life ended. No link is ever followed:
// names are unlinked within open directories only. However deep a tree is, two descriptors are
// enough: a directory that is not empty moves up into the trash and is emptied there. One owner,
// one thread. The trash is private (0700).
#pragma once

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace bourse::isolation {

class TreeRemover {
 public:
  // Makes the trash if absent. What is in it already will be removed too.
  static Result<TreeRemover> open(const std::string& trash);
  ~TreeRemover();
  TreeRemover(TreeRemover&&) noexcept;
  TreeRemover& operator=(TreeRemover&&) = delete;

  // Moves a directory to the trash. not_found; io: with the reason (another file system, a mount).
  Status take(const std::string& dir);
  // Removes about so many entries. True: there is more to do.
  bool work(std::size_t entries);
  // Entries that could not be removed in the last pass (immutable, a mount): left until the next
  // start or the next take().
  std::size_t stuck() const { return stuck_; }

 private:
  struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  using Dir = std::unique_ptr<DIR, CloseDir>;

  TreeRemover() = default;
  std::string fresh_name();
  bool begin(const char* name);
  void remove_in(int dir_fd, const char* name);
  Dir open_dir(int at, const char* name) const;

  Dir trash_;
  Dir tree_;               // the one being emptied
  std::string tree_name_;  // in the trash
  std::string prefix_;     // of names made by this life
  std::uint64_t names_made_ = 0;
  bool moved_ = false;  // this pass over the trash made progress
  std::size_t failed_ = 0;
  std::size_t stuck_ = 0;
};

}  // namespace bourse::isolation
