// Replay: plays a recording's segments, in order, through a core as the one that was recorded, and
// compares fingerprints on the way. Whoever wants to know what happened looks on. One owner, one
// thread. A recording is input like any other: what no shell would ever do to a core is refused.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "master/core/master_core.hpp"
#include "master/record/recording.hpp"

namespace bourse::master {

// Where to stop: after the event of this number, before the first event later than this.
struct ReplayUntil {
  std::optional<std::uint64_t> sequence;
  std::optional<WallTime> time;
};

// One event and what the core made of it.
struct ReplayStep {
  std::uint64_t sequence = 0;
  const Event& event;
  const Effects& effects;
  const MasterCore& core;  // after it
};

class Replay {
 public:
  using Watch = std::function<void(const ReplayStep&)>;

  explicit Replay(ReplayUntil until = {}, Watch watch = {})
      : until_(until), watch_(std::move(watch)) {}

  // The next segment. conflict: the replay left the recorded way, the sentence says where;
  // corrupt, invalid, unsupported: what is wrong with the file.
  Status play(std::string_view segment, const std::string& name);

  // -- how far it came
  bool stopped() const { return stopped_; }  // by `until`
  bool started() const { return core_.has_value(); }
  std::uint64_t first() const { return first_; }  // event that the replay began with
  std::uint64_t sequence() const { return sequence_; }
  WallTime from() const { return from_; }
  WallTime to() const { return to_; }
  std::uint64_t marks() const { return marks_; }    // fingerprints compared, all equal
  std::uint64_t marked() const { return marked_; }  // the last event that one was after
  // Why the recording ends, if it says so; one of a killed master does not.
  const std::optional<Ending>& ending() const { return ending_; }
  bool cut_off() const { return cut_off_; }
  const std::optional<RecordingHeader>& header() const { return header_; }
  // REQUIRES started().
  const MasterCore& core() const { return *core_; }

 private:
  Result<bool> read_header(SegmentReader& reader);
  Status begin(const RecordingHeader& header, SegmentReader& reader);
  Status go_on(const RecordingHeader& header, SegmentReader& reader);
  Result<std::string> read_image(const RecordingHeader& header, SegmentReader& reader);
  Status restore(const RecordingHeader& header, const std::string& image, const std::string& name);
  Status play_record(const Record& record, const std::string& name);
  Status play_event(std::string_view payload, const std::string& name);
  Status may_follow(const Event& event) const;
  Status compare(std::uint64_t sequence, std::uint64_t fingerprint, const std::string& name);

  ReplayUntil until_;
  Watch watch_;
  std::optional<MasterCore> core_;
  std::optional<RecordingHeader> header_;  // of the segment that was played last
  Effects effects_;
  std::uint64_t first_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t marks_ = 0;
  std::uint64_t marked_ = 0;
  WallTime from_;
  WallTime to_;
  std::optional<Ending> ending_;
  bool cut_off_ = false;
  bool stopped_ = false;
};

}  // namespace bourse::master
