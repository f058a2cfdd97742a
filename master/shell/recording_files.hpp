// RecordingFiles: a directory of segments that never takes more than so many bytes: the oldest go
// when there is no room for what comes, of this run and of earlier ones. Nothing is synced: what a
// killed process wrote is there, what a killed machine wrote last may not be. The files hold what
// frameworks sent, so only their owner may read them. One owner, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.hpp"
#include "master/record/scribe.hpp"
#include "master/record/segment_name.hpp"

namespace bourse::master {

class RecordingFiles {
 public:
  // Makes the directory if it is not there and looks at what is. io: with the sentence.
  static Result<RecordingFiles> open(std::string directory, std::uint64_t most_bytes);
  RecordingFiles(RecordingFiles&& other) noexcept;
  RecordingFiles& operator=(RecordingFiles&&) = delete;
  ~RecordingFiles();

  // The number that a new recording gets: one more than the largest there is.
  std::uint64_t next_run() const;
  // Appends to the newest segment of that run, or begins one. full, io: with the sentence; the
  // recording cannot go on then.
  Status write(std::uint64_t run, const Piece& piece);

  std::uint64_t bytes() const { return total_; }
  std::size_t segments() const { return sizes_.size(); }

 private:
  RecordingFiles(std::string directory, std::uint64_t most_bytes)
      : directory_(std::move(directory)), most_bytes_(most_bytes) {}
  std::string path_of(const SegmentName& name) const;
  Status make_room(std::uint64_t bytes);

  std::string directory_;
  std::uint64_t most_bytes_;
  std::map<SegmentName, std::uint64_t> sizes_;
  std::uint64_t total_ = 0;
  SegmentName current_;  // run 0: none
  int fd_ = -1;
};

}  // namespace bourse::master
