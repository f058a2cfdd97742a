#include "master/record/scribe.hpp"

#include <algorithm>

#include "master/record/event_form.hpp"
#include "master/record/recording.hpp"
#include "master/record/state_image.hpp"

namespace bourse::master {

Scribe::Scribe(MasterConfig config, ScribeOptions options)
    : options_(std::move(options)), shadow_(std::move(config)) {}

std::string& Scribe::open_piece() {
  if (pieces_.empty()) pieces_.emplace_back();
  return pieces_.back().bytes;
}

void Scribe::begin_segment() {
  RecordingHeader header;
  header.build = options_.build;
  header.config = shadow_.config();
  header.run = options_.run;
  header.first = sequence_ + 1;
  std::string image;
  if (sequence_ > 0) {
    image = encode_state(shadow_.state());
    header.image_size = image.size();
    header.image_shape = state_shape();
    header.image_fingerprint = shadow_.fingerprint();
  }
  Piece piece{true, header.first, std::string(kRecordingMagic)};
  append_record(RecordKind::header, encode_header(header), piece.bytes);
  for (std::string_view left = image; !left.empty();) {
    const std::string_view part = left.substr(0, kImagePieceBytes);
    append_record(RecordKind::image, part, piece.bytes);
    left.remove_prefix(part.size());
  }
  pieces_.push_back(std::move(piece));
  image_bytes_ = image.size();
  event_bytes_ = 0;
}

Status Scribe::take(const Event& event) {
  ASSERT(!ended_);
  if (sequence_ == 0 || event_bytes_ >= std::max(options_.segment_bytes, image_bytes_)) {
    begin_segment();
  }
  scratch_.clear();
  if (const Status written = encode_event(event, scratch_); !written.ok()) return written;
  const Result<Event> again = decode_event(scratch_);
  if (!again.ok()) {
    return Error{again.error().code, "what was recorded of event " + std::to_string(sequence_ + 1) +
                                         " does not read back: " + again.error().message};
  }
  std::string& out = open_piece();
  const std::size_t before = out.size();
  append_record(RecordKind::event, scratch_, out);
  event_bytes_ += out.size() - before;
  ++sequence_;
  effects_.clear();
  shadow_.step(*again, effects_);
  return {};
}

void Scribe::append_mark(std::uint64_t fingerprint) {
  append_record(RecordKind::mark, encode_mark({sequence_, fingerprint}), open_piece());
}

Status Scribe::mark(std::uint64_t fingerprint) {
  append_mark(fingerprint);
  if (shadow_.fingerprint() != fingerprint) {
    return Error{ErrorCode::conflict,
                 "the replay of what was recorded leaves the leader's way "
                 "between events " +
                     std::to_string(marked_ + 1) + " and " + std::to_string(sequence_)};
  }
  marked_ = sequence_;
  return {};
}

void Scribe::end(std::string reason) {
  if (ended_ || sequence_ == 0) return;
  ended_ = true;
  if (marked_ != sequence_) append_mark(shadow_.fingerprint());
  append_record(RecordKind::ending, encode_ending({sequence_, std::move(reason)}), open_piece());
}

}  // namespace bourse::master
