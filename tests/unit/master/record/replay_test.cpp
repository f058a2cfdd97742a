#include <catch2/catch.hpp>

#include "master/record/event_form.hpp"
#include "master/record/replay.hpp"
#include "tests/unit/master/record/a_recording.hpp"

using namespace bourse;
using namespace bourse::master;
using namespace bourse::master::test;

namespace {

// Full after every event that follows its state.
constexpr std::size_t kTiny = 1;

std::string one_event(const Event& event) {
  RecordingHeader header;
  header.config = ARecording::config();
  std::string out(kRecordingMagic);
  append_record(RecordKind::header, encode_header(header), out);
  std::string bytes;
  REQUIRE(encode_event(event, bytes).ok());
  append_record(RecordKind::event, bytes, out);
  return out;
}

}  // namespace

TEST_CASE("a replay from any segment on ends as the leader did") {
  ARecording recording(kTiny);
  recording.agent_comes();
  recording.framework_comes();
  recording.time_passes(60);
  recording.scribe.end("the test ends");
  const auto& segments = recording.segments();
  REQUIRE(segments.size() >= 3);
  for (std::size_t from = 0; from < segments.size(); ++from) {
    Replay replay;
    for (std::size_t i = from; i < segments.size(); ++i) {
      const Status played = replay.play(segments[i], "segment " + std::to_string(i));
      REQUIRE((played.ok() ? "" : played.error().message) == std::string());
    }
    CHECK(replay.sequence() == recording.scribe.sequence());
    CHECK(replay.core().fingerprint() == recording.scribe.shadow().fingerprint());
    REQUIRE(replay.ending());
    CHECK(replay.ending()->reason == "the test ends");
    CHECK(replay.marked() == replay.sequence());
  }
}

TEST_CASE("a replay stops after the event it is told, or before the first later than a time") {
  ARecording recording;
  recording.agent_comes();
  recording.time_passes(10);
  const std::string segment = recording.segments().front();
  Replay whole;
  REQUIRE(whole.play(segment, "segment").ok());
  CHECK_FALSE(whole.stopped());

  std::vector<std::uint64_t> fingerprints;
  std::vector<WallTime> times;
  Replay watched({}, [&](const ReplayStep& step) {
    fingerprints.push_back(step.core.fingerprint());
    times.push_back(step.event.stamp.wall);
  });
  REQUIRE(watched.play(segment, "segment").ok());
  REQUIRE(fingerprints.size() == whole.sequence());
  for (std::uint64_t until = 1; until < whole.sequence(); ++until) {
    Replay by_number({until, std::nullopt});
    REQUIRE(by_number.play(segment, "segment").ok());
    CHECK(by_number.stopped());
    CHECK(by_number.sequence() == until);
    CHECK(by_number.core().fingerprint() == fingerprints[until - 1]);
    Replay by_time({std::nullopt, times[until - 1]});
    REQUIRE(by_time.play(segment, "segment").ok());
    CHECK(by_time.stopped());
    CHECK(by_time.sequence() == until);
  }
}

TEST_CASE("a segment that does not follow the one before is refused") {
  ARecording recording(kTiny);
  recording.agent_comes();
  recording.time_passes(60);
  const auto& segments = recording.segments();
  REQUIRE(segments.size() > 2);
  Replay replay;
  REQUIRE(replay.play(segments[0], "first").ok());
  const Status played = replay.play(segments[2], "third");
  REQUIRE_FALSE(played.ok());
  CHECK(played.error().message.find("third: begins with event ") == 0);
  CHECK(played.error().message.find("what was between is lost") != std::string::npos);
}

TEST_CASE("what no shell does to a core is refused before the core sees it") {
  const Stamp stamp{Instant{1}, WallTime{1}};
  for (const Event& event : {Event{stamp, Tick{}}, Event{stamp, Stored{PersistId(1)}}}) {
    const Status played = Replay().play(one_event(event), "segment");
    REQUIRE_FALSE(played.ok());
    CHECK(played.error().message ==
          "segment: event 1: a leadership begins with its registry, once");
  }
  std::string segment = one_event({stamp, Lead{}});
  std::string bytes;
  REQUIRE(encode_event({stamp, Stored{PersistId(77)}}, bytes).ok());
  append_record(RecordKind::event, bytes, segment);
  const Status played = Replay().play(segment, "segment");
  REQUIRE_FALSE(played.ok());
  CHECK(played.error().message == "segment: event 2: a write is answered that is not the next one");
}

TEST_CASE("a leader whose fingerprint the shadow does not have is noticed") {
  ARecording recording;
  recording.agent_comes();
  recording.mark();
  const std::uint64_t equal = recording.scribe.sequence();
  recording.time_passes(4);
  const Status marked = recording.scribe.mark(recording.scribe.shadow().fingerprint() + 1);
  REQUIRE_FALSE(marked.ok());
  const std::string interval = "between events " + std::to_string(equal + 1) + " and " +
                               std::to_string(recording.scribe.sequence());
  CHECK(marked.error().message.find(interval) != std::string::npos);
  // And the recording tells whoever replays it the same.
  const Status played = Replay().play(recording.segments().front(), "segment");
  REQUIRE_FALSE(played.ok());
  CHECK(played.error().message.find(interval) != std::string::npos);
}
