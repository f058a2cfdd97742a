#include "master/shell/recorder.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "master/record/replay.hpp"
#include "model/limits.hpp"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::master;

namespace {

namespace fs = std::filesystem;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (fs::temp_directory_path() / "bourse-recorder-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::set<fs::path> segments() const {
    std::set<fs::path> out;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() == ".rec") out.insert(entry.path());
    }
    return out;
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const fs::path& file : segments()) sum += fs::file_size(file);
    return sum;
  }
  fs::path path;
};

// A leader that is recorded: what its core is given goes to the recorder.
struct Leader {
  MasterCore core{[] {
    MasterConfig config;
    config.master_id = "m1";
    return config;
  }()};
  Recorder& recorder;
  Effects effects;
  Stamp now{Instant{1}, WallTime{1'800'000'000'000'000'000}};

  explicit Leader(Recorder& to) : recorder(to) {
    recorder.begin(core.config());
    give(Lead{});
    give(Stored{core.state().writes.front().first});
  }
  void give(decltype(Event::body) body) {
    now.now = now.now + Duration::milliseconds(1);
    Event event{now, std::move(body)};
    effects.clear();
    core.step(event, effects);
    recorder.take(std::move(event));
    recorder.flush(core);
  }
  void give_bytes(std::size_t bytes) {
    give(FromAgent{
        PeerId(1),
        {},
        {LinkHeader{1, 1, 0},
         to_master::ExecutorMessage{FrameworkId("f"), ExecutorId("e"), std::string(bytes, 'x')}}});
  }
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<Recorder> recorder_in(const fs::path& path, std::uint64_t most_bytes) {
  auto opened = Recorder::open({path.string(), most_bytes, "0.1.0"});
  REQUIRE(opened.ok());
  return std::move(*opened);
}

}  // namespace

TEST_CASE("what a leader was given is in the recorder's files, and is replayed to its state") {
  TemporaryDirectory directory;
  auto recorder = recorder_in(directory.path, 1u << 20);
  Leader leader(*recorder);
  for (int i = 0; i < 1'000; ++i) leader.give(Tick{});
  recorder->stop("the test ends");
  const RecorderStats stats = recorder->stats();
  CHECK(stats.events == 1'002);
  CHECK(stats.marks >= 9);
  CHECK_FALSE(stats.running);
  REQUIRE(directory.segments().size() == 1);
  Replay replay;
  const Status played = replay.play(read(*directory.segments().begin()), "segment");
  INFO((played.ok() ? "" : played.error().message));
  REQUIRE(played.ok());
  CHECK(replay.sequence() == 1'002);
  CHECK(replay.core().fingerprint() == leader.core.fingerprint());
  REQUIRE(replay.ending());
  CHECK(replay.ending()->reason == "the test ends");
}

TEST_CASE("a recorder's directory never takes more than it may, over runs too") {
  TemporaryDirectory directory;
  constexpr std::uint64_t kMost = 1u << 20;
  for (int run = 0; run < 3; ++run) {
    auto recorder = recorder_in(directory.path, kMost);
    Leader leader(*recorder);
    for (int i = 0; i < 40; ++i) leader.give_bytes(40'000);
    recorder->stop("the test ends");
    CHECK(directory.bytes() <= kMost);
    CHECK(directory.segments().size() > 3);
    Replay replay;
    const std::set<fs::path> segments = directory.segments();
    const std::string prefix = "00000" + std::to_string(run + 1) + "-";
    for (const fs::path& file : segments) {
      if (!file.filename().string().starts_with(prefix)) continue;
      const Status played = replay.play(read(file), file.filename().string());
      REQUIRE((played.ok() ? "" : played.error().message) == std::string());
    }
    CHECK(replay.sequence() == 42);
    CHECK(replay.core().fingerprint() == leader.core.fingerprint());
  }
}

TEST_CASE("a recorder that has no room for one segment stops, and its master goes on") {
  TemporaryDirectory directory;
  auto recorder = recorder_in(directory.path, 10'000);
  Leader leader(*recorder);
  // What is given in one go is written in one go: the first segment has to stand before.
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (recorder->stats().segments == 0 && std::chrono::steady_clock::now() < late) {
    std::this_thread::yield();
  }
  for (int i = 0; i < 10; ++i) leader.give_bytes(5'000);
  recorder->stop("the test ends");
  CHECK_FALSE(recorder->stats().running);
  CHECK(directory.bytes() <= 10'000);
  leader.give(Tick{});  // nobody listens
  Replay replay;
  const Status played = replay.play(read(*directory.segments().begin()), "segment");
  INFO((played.ok() ? "" : played.error().message));
  REQUIRE(played.ok());
  CHECK_FALSE(replay.ending());  // it would tell of events that are not there
}

TEST_CASE("a recorder that falls too far behind ends the recording instead of the master") {
  TemporaryDirectory directory;
  auto recorder = recorder_in(directory.path, 1u << 30);
  Leader leader(*recorder);
  // One batch that is more than may wait.
  constexpr std::size_t kBytes = 1'000'000;
  for (std::size_t given = 0; given <= limits::kRecorderQueueBytes; given += kBytes) {
    Event event{leader.now, FromAgent{PeerId(1),
                                      {},
                                      {LinkHeader{1, 1, 0},
                                       to_master::ExecutorMessage{FrameworkId("f"), ExecutorId("e"),
                                                                  std::string(kBytes, 'x')}}}};
    recorder->take(std::move(event));
  }
  recorder->flush(leader.core);
  leader.give(Tick{});
  recorder->stop("the test ends");
  CHECK_FALSE(recorder->stats().running);
  Replay replay;
  const Status played = replay.play(read(*directory.segments().begin()), "segment");
  INFO((played.ok() ? "" : played.error().message));
  REQUIRE(played.ok());
  CHECK(replay.sequence() == 2);
  REQUIRE(replay.ending());
  CHECK(replay.ending()->reason.find("could not follow the master") != std::string::npos);
}

TEST_CASE("a directory belongs to one recorder at a time") {
  TemporaryDirectory directory;
  auto recorder = recorder_in(directory.path, 1u << 20);
  const auto second = Recorder::open({directory.path.string(), 1u << 20, "0.1.0"});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().message.find("--recorder: ") == 0);
}
