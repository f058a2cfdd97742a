// Compaction: when a checkpoint is written anew, so that what a start reads is bounded by what
// lives and not by what ever ran. Value, pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bourse::agent {

class Compaction {
 public:
  // So many records are little to read, however few of them still mean something.
  static constexpr std::uint64_t kLeastRecords = 20'000;

  void wrote(std::uint64_t records) { since_ += records; }
  // Worth asking how much there would be to write.
  bool due() const { return since_ >= after_; }
  // Whether to write `live` records anew, now that it is due. Much is rewritten only once as much
  // has been written, so that it costs each write a constant share.
  bool pays(std::uint64_t live) {
    after_ = std::max(kLeastRecords, live);
    if (!due()) return false;
    since_ = 0;
    return true;
  }

 private:
  std::uint64_t since_ = 0;
  std::uint64_t after_ = kLeastRecords;
};

}  // namespace bourse::agent
