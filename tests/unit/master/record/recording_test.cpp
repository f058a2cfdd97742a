#include <catch2/catch.hpp>

#include "master/record/replay.hpp"
#include "master/record/segment_name.hpp"
#include "master/record/state_image.hpp"
#include "tests/unit/master/record/a_recording.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

std::string a_segment() {
  ARecording recording;
  recording.agent_comes();
  recording.framework_comes();
  recording.time_passes(3);
  recording.mark();
  return recording.segments().front();
}

// The records of a segment with one of them changed, as a writer would have written it.
std::string with_header(const std::string& segment, const RecordingHeader& header) {
  auto reader = SegmentReader::open(segment, "segment");
  REQUIRE(reader.ok());
  std::string out(kRecordingMagic);
  while (true) {
    const auto record = reader->next();
    REQUIRE(record.ok());
    if (!*record) return out;
    const bool is_header = (*record)->kind == RecordKind::header;
    append_record((*record)->kind, is_header ? encode_header(header) : (*record)->payload, out);
  }
}

}  // namespace

TEST_CASE("a recording that is cut off at any byte is played up to its last whole event") {
  const std::string segment = a_segment();
  std::uint64_t before = 0;
  for (std::size_t size = 0; size <= segment.size(); ++size) {
    Replay replay;
    const Status played = replay.play(std::string_view(segment).substr(0, size), "segment");
    INFO("cut at byte " << size << " of " << segment.size());
    REQUIRE(played.ok());
    CHECK(replay.sequence() >= before);
    CHECK(replay.sequence() <= before + 1);
    before = replay.sequence();
  }
  CHECK(before > 8);
}

TEST_CASE("a bit that is not as it was written is found wherever it is") {
  std::string segment = a_segment();
  for (std::size_t at = 0; at < segment.size(); ++at) {
    const char bit = static_cast<char>(1 << (at % 8));
    segment[at] = static_cast<char>(segment[at] ^ bit);
    Replay replay;
    const Status played = replay.play(segment, "segment");
    INFO("byte " << at);
    REQUIRE_FALSE(played.ok());
    CHECK(played.error().message.starts_with("segment: "));
    segment[at] = static_cast<char>(segment[at] ^ bit);
  }
}

TEST_CASE("zeros at the end, as a machine that lost its power leaves them, are a cut") {
  const std::string segment = a_segment();
  Replay whole;
  REQUIRE(whole.play(segment, "segment").ok());
  for (const std::size_t zeros : {1, 15, 16, 4'096}) {
    Replay replay;
    REQUIRE(replay.play(segment + std::string(zeros, '\0'), "segment").ok());
    CHECK(replay.cut_off());
    CHECK(replay.sequence() == whole.sequence());
  }
}

TEST_CASE("a file that is no recording, or a newer one's, is refused with a sentence") {
  const auto refusal = [](const std::string& bytes) {
    const Status played = Replay().play(bytes, "x.rec");
    REQUIRE_FALSE(played.ok());
    return played.error().message;
  };
  CHECK(refusal("SQLite format 3").find("x.rec: is not a recording of a master") == 0);
  const std::string segment = a_segment();
  auto header = RecordingHeader{};
  header.build = "9.9.9";
  header.config = ARecording::config();

  std::string newer(kRecordingMagic);
  std::string payload = encode_header(header);
  payload[0] = '\2';  // the form
  append_record(RecordKind::header, payload, newer);
  CHECK(refusal(newer).find("recorded by version '9.9.9' in form 2") != std::string::npos);

  header.first = 5;
  header.image_size = 1;
  header.image_shape = state_shape() + 1;
  std::string other(kRecordingMagic);
  append_record(RecordKind::header, encode_header(header), other);
  append_record(RecordKind::image, "x", other);
  CHECK(refusal(other).find("looks different inside: replay it with that version") !=
        std::string::npos);

  header.image_shape = state_shape();
  std::string damaged(kRecordingMagic);
  append_record(RecordKind::header, encode_header(header), damaged);
  append_record(RecordKind::image, "x", damaged);
  CHECK(refusal(damaged).find("the image of a state does not parse") != std::string::npos);
}

TEST_CASE("a core that is told something else goes another way, and the replay says where") {
  const std::string segment = a_segment();
  RecordingHeader header;
  header.build = "0.1.0";
  header.run = 3;
  header.config = ARecording::config();
  Replay same;
  CHECK(same.play(with_header(segment, header), "segment").ok());
  CHECK(same.marks() == 1);

  header.config.seed += 1;
  const Status played = Replay().play(with_header(segment, header), "segment");
  REQUIRE_FALSE(played.ok());
  CHECK(played.error().code == ErrorCode::conflict);
  CHECK(played.error().message.find("leaves the recorded way between events 1 and " +
                                    std::to_string(same.sequence())) != std::string::npos);
}

TEST_CASE("a state is restored from its image with everything in it") {
  ARecording recording;
  recording.agent_comes();
  recording.framework_comes();
  recording.time_passes(5);
  const MasterCore& core = recording.scribe.shadow();
  REQUIRE(core.state().offers.size() + core.state().agents.size() > 0);
  const std::string image = encode_state(core.state());
  auto state = decode_state(image);
  REQUIRE(state.ok());
  CHECK(encode_state(*state) == image);
  const MasterCore restored(core.config(), std::move(*state));
  CHECK(restored.fingerprint() == core.fingerprint());
  restored.check_invariants();
  for (std::size_t size = 0; size < image.size(); size += 7) {
    CHECK_FALSE(decode_state(std::string_view(image).substr(0, size)).ok());
  }
}

TEST_CASE("segments are named so that they sort, and nothing else has such a name") {
  const SegmentName name{12, 345};
  CHECK(segment_name(name) == "000012-00000000000345.rec");
  CHECK(parse_segment_name(segment_name(name)) == name);
  for (const char* text :
       {"", "recorder.pid", "12-345.rec", "000012-00000000000345.rec~", "000000-00000000000345.rec",
        "000012-00000000000000.rec", "99999999999999999999-00000000000345.rec"}) {
    CHECK_FALSE(parse_segment_name(text).has_value());
  }
}
