#include "master/shell/recording_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace bourse::master {

namespace {

Error failure(const std::string& path, int number) {
  return {number == ENOSPC || number == EDQUOT ? ErrorCode::full : ErrorCode::io,
          path + ": " + std::strerror(number)};
}

}  // namespace

Result<RecordingFiles> RecordingFiles::open(std::string directory, std::uint64_t most_bytes) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return failure(directory, errno);
  RecordingFiles out(std::move(directory), most_bytes);
  DIR* entries = ::opendir(out.directory_.c_str());
  if (entries == nullptr) return failure(out.directory_, errno);
  while (const dirent* entry = ::readdir(entries)) {
    const auto name = parse_segment_name(entry->d_name);
    if (!name) continue;
    struct stat status {};
    if (::stat(out.path_of(*name).c_str(), &status) != 0) continue;
    out.sizes_[*name] = static_cast<std::uint64_t>(status.st_size);
    out.total_ += static_cast<std::uint64_t>(status.st_size);
  }
  ::closedir(entries);
  return out;
}

RecordingFiles::RecordingFiles(RecordingFiles&& other) noexcept
    : directory_(std::move(other.directory_)),
      most_bytes_(other.most_bytes_),
      sizes_(std::move(other.sizes_)),
      total_(other.total_),
      current_(other.current_),
      fd_(std::exchange(other.fd_, -1)) {}

RecordingFiles::~RecordingFiles() {
  if (fd_ >= 0) ::close(fd_);
}

std::string RecordingFiles::path_of(const SegmentName& name) const {
  return directory_ + "/" + segment_name(name);
}

std::uint64_t RecordingFiles::next_run() const {
  return sizes_.empty() ? 1 : sizes_.rbegin()->first.run + 1;
}

Status RecordingFiles::make_room(std::uint64_t bytes) {
  while (total_ + bytes > most_bytes_ && !sizes_.empty() && sizes_.begin()->first != current_) {
    const auto oldest = sizes_.begin();
    const std::string path = path_of(oldest->first);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure(path, errno);
    total_ -= oldest->second;
    sizes_.erase(oldest);
  }
  if (total_ + bytes <= most_bytes_) return {};
  return Error{ErrorCode::full, "--recorder-bytes: is " + std::to_string(most_bytes_) +
                                    ", and one segment of this master takes more"};
}

Status RecordingFiles::write(std::uint64_t run, const Piece& piece) {
  if (piece.begins) {
    if (fd_ >= 0) ::close(fd_);
    current_ = {};
    fd_ = -1;
  }
  if (const Status room = make_room(piece.bytes.size()); !room.ok()) return room;
  if (piece.begins) {
    const SegmentName name{run, piece.first};
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    fd_ = ::open(path_of(name).c_str(), flags, 0600);
    if (fd_ < 0) return failure(path_of(name), errno);
    current_ = name;
    sizes_[name] = 0;
  }
  for (std::string_view left = piece.bytes; !left.empty();) {
    const ssize_t wrote = ::write(fd_, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failure(path_of(current_), errno);
    left.remove_prefix(static_cast<std::size_t>(wrote));
    sizes_[current_] += static_cast<std::uint64_t>(wrote);
    total_ += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

}  // namespace bourse::master
