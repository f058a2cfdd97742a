#include "sim/recording.hpp"

#include "master/record/replay.hpp"

namespace bourse::sim {

namespace {

constexpr std::size_t kSegmentBytes = 128u << 10;
constexpr std::size_t kKept = 2;
constexpr std::uint64_t kMarkEvery = 64;

}  // namespace

Recording::Recording(const master::MasterConfig& config)
    : scribe_(config, {"simulated", 1, kSegmentBytes}) {}

std::string Recording::take(const master::Event& event, const master::MasterCore& leader) {
  if (const Status taken = scribe_.take(event); !taken.ok()) return taken.error().message;
  if (scribe_.sequence() % kMarkEvery == 0) {
    const Status equal = scribe_.mark(leader.fingerprint());
    if (!equal.ok()) return equal.error().message;
  }
  keep();
  return {};
}

void Recording::keep() {
  for (master::Piece& piece : scribe_.drain()) {
    if (piece.begins) segments_.emplace_back();
    segments_.back() += piece.bytes;
  }
  while (segments_.size() > kKept) segments_.pop_front();
}

std::string Recording::replay(const master::MasterCore& leader) {
  scribe_.end("the simulated master ends");
  keep();
  master::Replay replay;
  for (const std::string& segment : segments_) {
    const Status played = replay.play(segment, "segment");
    if (!played.ok()) return played.error().message;
  }
  if (!replay.ending() || replay.sequence() != scribe_.sequence()) {
    return "the replay ends after event " + std::to_string(replay.sequence()) + " of " +
           std::to_string(scribe_.sequence());
  }
  if (replay.core().fingerprint() == leader.fingerprint()) return {};
  return "the replay ends with another fingerprint than the leader";
}

}  // namespace bourse::sim
