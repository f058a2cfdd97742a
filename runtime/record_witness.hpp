// RecordWitness: a small file beside a record store that says how far the store had promised. A log
// that is damaged at its end looks exactly like one that a power cut left there: only somebody who
// stands outside of it can tell that a record is missing which was told stored.
//
// Written after each commit and never synced: after a power cut it may lag behind the store, which
// means less to compare with; it is never ahead. Damaged or missing it is worth nothing, and that
// is no error. Any one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bourse::runtime {

class RecordWitness {
 public:
  // Remembers nothing yet; opens the file if it is there.
  explicit RecordWitness(std::string path);
  ~RecordWitness();
  RecordWitness(const RecordWitness&) = delete;
  RecordWitness& operator=(const RecordWitness&) = delete;

  // The sequence number of the last record that was promised, as of the last life.
  std::optional<std::int64_t> promised() const { return promised_; }
  const std::string& path() const { return path_; }

  // Best effort: makes the file if there is none.
  void promise(std::int64_t sequence);

 private:
  std::string path_;
  int fd_ = -1;
  std::optional<std::int64_t> promised_;
};

}  // namespace bourse::runtime
