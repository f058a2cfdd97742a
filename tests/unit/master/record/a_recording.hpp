// A short life of a master for tests of recordings: it leads, its writes are stored, an agent and a
// framework come, time passes.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "master/record/recording.hpp"
#include "master/record/scribe.hpp"
#include "tests/unit/proto/codec/sample.hpp"

namespace bourse::master::test {

class ARecording {
 public:
  explicit ARecording(std::size_t segment_bytes = 1u << 20)
      : scribe(config(), options(segment_bytes)) {
    give(Lead{});
  }

  static MasterConfig config() {
    MasterConfig out;
    out.master_id = "m1";
    out.seed = 7;
    return out;
  }
  static ScribeOptions options(std::size_t segment_bytes) { return {"0.1.0", 3, segment_bytes}; }

  // Whatever waits for the disk is stored at once.
  void give(decltype(Event::body) body) {
    take(std::move(body));
    while (!scribe.shadow().state().writes.empty()) {
      take(Stored{scribe.shadow().state().writes.front().first});
    }
  }

  void agent_comes() {
    to_master::Register out;
    AgentFacet agent = sample::agent();
    agent.id = AgentId();
    out.agent = std::make_shared<const AgentFacet>(std::move(agent));
    out.incarnation = 1;
    give(FromAgent{PeerId(1), {}, {LinkHeader{1, 0, 0}, std::move(out)}});
  }

  void framework_comes() {
    FrameworkFacet framework = sample::framework();
    framework.id = FrameworkId();
    SchedulerCall out;
    out.body = call::Subscribe{std::move(framework), {}};
    give(FromFramework{PeerId(2), {}, {LinkHeader{1, 0, 0}, std::move(out)}, {}});
  }

  void time_passes(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      const Instant next = scribe.shadow().next_deadline();
      if (next != Instant::max()) now.now = std::max(now.now, next);
      give(Tick{});
    }
  }

  void mark() { REQUIRE(scribe.mark(scribe.shadow().fingerprint()).ok()); }

  // All there is so far, a segment each.
  std::vector<std::string>& segments() {
    for (Piece& piece : scribe.drain()) {
      if (piece.begins) segments_.emplace_back();
      segments_.back() += piece.bytes;
    }
    return segments_;
  }

  Stamp now{Instant{1'000'000'000}, WallTime{1'800'000'000'000'000'000}};
  Scribe scribe;

 private:
  void take(decltype(Event::body) body) {
    now.now = now.now + Duration::milliseconds(1);
    now.wall = now.wall + Duration::milliseconds(1);
    REQUIRE(scribe.take(Event{now, std::move(body)}).ok());
  }

  std::vector<std::string> segments_;
};

}  // namespace bourse::master::test
