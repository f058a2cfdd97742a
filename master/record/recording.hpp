// A recording: what happened to one master core from the moment it led, as a row of segment files
// that can be replayed. This is the form of a segment and of what is in it; scribe.hpp writes
// segments, replay.hpp plays them.
//
//     segment  = "bourse-recording\n" record*
//     record   = length (4 bytes), kind (1), check of these five (3), checksum (8), payload
//
// The first record is the header. In a segment that does not begin with the leadership an image of
// the state follows, in pieces; then events, with a mark among them now and then: the fingerprint
// of the leader's state at that place. A file that a crash cut off, or left with zeros at its end,
// ends where its last whole record does; a bit that is not as it was written is found. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "master/core/config.hpp"

namespace bourse::master {

inline constexpr std::string_view kRecordingMagic = "bourse-recording\n";
inline constexpr std::uint64_t kRecordingFormat = 1;

// What a core was made of, and where in its life the segment begins.
struct RecordingHeader {
  std::string build;             // version of the program that recorded
  MasterConfig config;           // with the seed
  std::uint64_t run = 1;         // of the recordings in one directory, counted from 1
  std::uint64_t first = 1;       // number of the segment's first event; 1: the leadership begins
  std::uint64_t image_size = 0;  // of the state before it, which follows; 0: none
  std::uint64_t image_shape = 0;
  std::uint64_t image_fingerprint = 0;
};

// After the event of this number the state had this fingerprint.
struct Mark {
  std::uint64_t sequence = 0;
  std::uint64_t fingerprint = 0;
};

// Nothing follows: the master stopped, or its recorder did.
struct Ending {
  std::uint64_t sequence = 0;
  std::string reason;
};

enum class RecordKind : std::uint8_t { header = 1, image = 2, event = 3, mark = 4, ending = 5 };

struct Record {
  RecordKind kind = RecordKind::event;
  std::string_view payload;
};

inline constexpr std::size_t kRecordHeadBytes = 16;
// An image goes in pieces of this size.
inline constexpr std::size_t kImagePieceBytes = 1u << 20;

void append_record(RecordKind kind, std::string_view payload, std::string& out);
std::string encode_header(const RecordingHeader& header);
std::string encode_mark(const Mark& mark);
std::string encode_ending(const Ending& ending);
Result<RecordingHeader> decode_header(std::string_view payload);
Result<Mark> decode_mark(std::string_view payload);
Result<Ending> decode_ending(std::string_view payload);

// Takes a segment apart. Views into the bytes, which must outlive it.
class SegmentReader {
 public:
  // `name` is for sentences. invalid: these are not the bytes of a recording.
  static Result<SegmentReader> open(std::string_view bytes, std::string name);

  // The next record; nothing at the end. corrupt, unsupported: with the sentence.
  Result<std::optional<Record>> next();
  // After next() gave nothing: bytes that are no whole record are left.
  bool cut_off() const { return cut_off_; }
  const std::string& name() const { return name_; }

 private:
  SegmentReader(std::string_view left, std::string name)
      : size_(left.size()), left_(left), name_(std::move(name)) {}
  Error corrupt(const std::string& why) const;

  std::size_t size_;
  std::string_view left_;
  std::string name_;
  bool cut_off_ = false;
};

}  // namespace bourse::master
