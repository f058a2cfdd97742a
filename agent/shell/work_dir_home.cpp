#include "agent/shell/work_dir_home.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "agent/isolation/process_identity.hpp"
#include "agent/isolation/state_file.hpp"
#include "runtime/entropy.hpp"

namespace bourse::agent {

namespace {

using isolation::StateFields;

constexpr char kHomeFile[] = "home";
// Below a run directory: the container runtime's directory, and its own in that.
constexpr char kContainersDir[] = "/containers/containers";

struct Directory {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Directory&) const = default;
};

std::optional<Directory> directory_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return std::nullopt;
  return Directory{info.st_dev, info.st_ino};
}

std::int64_t inode_of(const std::string& path) {
  const auto directory = directory_at(path);
  return directory ? static_cast<std::int64_t>(directory->inode) : 0;
}

std::string meta_of(const std::string& work_dir) {
  return work_dir + "/meta";
}

// What is written there; a directory of an earlier build, or whose mark is damaged, says nothing.
StateFields home_of(const std::string& work_dir) {
  const int meta = ::open(meta_of(work_dir).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (meta < 0) return {};
  auto read = isolation::read_state(meta, kHomeFile);
  ::close(meta);
  return read.ok() ? std::move(read).value() : StateFields();
}

std::string resolved(const std::string& path) {
  char buffer[PATH_MAX];
  return ::realpath(path.c_str(), buffer) == nullptr ? path : std::string(buffer);
}

bool has_entries(const std::string& path) {
  DIR* open = ::opendir(path.c_str());
  if (open == nullptr) return false;
  bool found = false;
  while (const dirent* entry = ::readdir(open)) found |= entry->d_name[0] != '.';
  ::closedir(open);
  return found;
}

}  // namespace

Status WorkDirHome::check() const {
  const StateFields home = home_of(work_dir_);
  if (home.empty()) return {};
  const std::string noted = isolation::field_of(home, "work_dir");
  if (Status own = check_work_dir(noted, isolation::field_of(home, "token")); !own.ok()) return own;
  if (isolation::field_of(home, "boot_id") != isolation::boot_id()) return {};  // nothing runs
  return check_run_dir(isolation::field_of(home, "run_dir"),
                       isolation::number_of(home, "run_dir_inode"));
}

// Moved, under another name or to another disk, it is alone; a copy has its original beside it.
Status WorkDirHome::check_work_dir(const std::string& noted, const std::string& token) const {
  const auto there = directory_at(meta_of(noted));
  if (!there || there == directory_at(meta_of(work_dir_))) return {};
  if (isolation::field_of(home_of(noted), "token") != token) return {};  // another agent's by now
  return Error{ErrorCode::already_exists,
               "--work-dir: " + work_dir_ + " is a copy of " + noted +
                   ", and both would be the same agent: start it from " + noted + ", or remove " +
                   meta_of(noted) + " if it shall never start from there again, or remove " +
                   meta_of(work_dir_) + " to start a new agent"};
}

// Elsewhere they would not be found, and their tasks told as failed while they run.
Status WorkDirHome::check_run_dir(const std::string& noted, std::int64_t inode) const {
  if (directory_at(noted) == directory_at(run_dir_)) return {};
  if (inode_of(noted) != inode || !has_entries(noted + kContainersDir)) return {};
  return Error{ErrorCode::already_exists, "--run-dir: the containers of " + work_dir_ + " are in " +
                                              noted + ", not in " + run_dir_ +
                                              ": start it with --run-dir=" + noted};
}

Status WorkDirHome::settle() const {
  const StateFields before = home_of(work_dir_);
  std::string token = isolation::field_of(before, "token");
  if (token.empty()) token = runtime::random_hex(16);
  const std::string run_dir = resolved(run_dir_);
  const StateFields now{{"token", token},
                        {"work_dir", resolved(work_dir_)},
                        {"run_dir", run_dir},
                        {"run_dir_inode", std::to_string(inode_of(run_dir))},
                        {"boot_id", isolation::boot_id()}};
  if (now == before) return {};
  const int meta = ::open(meta_of(work_dir_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (meta < 0) {
    return Error{ErrorCode::io, "cannot open " + meta_of(work_dir_) + ": " + std::strerror(errno)};
  }
  const Status written =
      isolation::write_state(meta, kHomeFile, now, isolation::Durability::power_loss);
  ::close(meta);
  return written;
}

}  // namespace bourse::agent
