// Scribe: makes a recording of one leadership. It is given what the leader's core was given, in the
// same order; it writes each event down, reads it back and steps a core of its own with it, the
// shadow. So what is written is known to lead where the leader went: now and then the leader says
// its fingerprint, and the shadow's must be the same. When a segment is full the shadow's whole
// state begins the next one, and what came before may be thrown away.
//
// It makes bytes and decides where segments begin; where the bytes go is its owner's business.
// Owned by a recorder; one thread, not the leader's.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "master/core/master_core.hpp"

namespace bourse::master {

struct ScribeOptions {
  std::string build;
  std::uint64_t run = 1;
  // A segment is full when its events take so much, and no less than the state it began with.
  std::size_t segment_bytes = 64u << 20;
};

// Bytes for the end of the recording; `begins`: of a new segment, whose first event has number
// `first`.
struct Piece {
  bool begins = false;
  std::uint64_t first = 0;
  std::string bytes;
};

class Scribe {
 public:
  Scribe(MasterConfig config, ScribeOptions options);

  // The next event. An error is the end of the recording: why, for people.
  Status take(const Event& event);
  // What the leader's fingerprint is after the last event. conflict: the shadow's is another.
  Status mark(std::uint64_t fingerprint);
  // Nothing follows; the shadow says its fingerprint first.
  void end(std::string reason);

  // What there is to write since the last call, in order.
  std::vector<Piece> drain() { return std::exchange(pieces_, {}); }
  std::uint64_t sequence() const { return sequence_; }
  const MasterCore& shadow() const { return shadow_; }

 private:
  void begin_segment();
  std::string& open_piece();
  void append_mark(std::uint64_t fingerprint);

  ScribeOptions options_;
  MasterCore shadow_;
  Effects effects_;
  std::vector<Piece> pieces_;
  std::string scratch_;
  std::uint64_t sequence_ = 0;  // of the last event
  std::uint64_t marked_ = 0;    // the last event after which the two were equal
  std::size_t event_bytes_ = 0;
  std::size_t image_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace bourse::master
