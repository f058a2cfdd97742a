// SandboxRetention: the deterministic machine that says which sandboxes of ended containers go, and
// when. A sandbox is kept for `delay`; the fuller the disk, the shorter: at used = 1 - headroom
// nothing is kept any more. Ages are counted on the monotonic clock, so a wall clock that jumps
// while the agent runs expires nothing. Copyable; one owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

struct RetentionConfig {
  Duration delay = Duration::seconds(7 * 24 * 3600);
  std::int64_t headroom_permille = 100;          // of the disk, wanted free
  std::size_t most = limits::kMaxKeptSandboxes;  // over it the oldest go first, whatever their age
};

namespace retention {
// Its container ended and everything about it is told. `age`: how long ago; zero unless it was
// found at a start.
struct Ended {
  std::string sandbox;
  Duration age;
};
struct DiskLooked {
  std::uint64_t used_bytes = 0;
  std::uint64_t total_bytes = 0;
};
}  // namespace retention

struct RetentionEvent {
  Instant now;
  std::variant<retention::Ended, retention::DiskLooked> body;
};

class SandboxRetention {
 public:
  explicit SandboxRetention(RetentionConfig config) : config_(config) {}

  // Appends the sandboxes to remove, oldest first. Each is named once.
  void step(const RetentionEvent& event, std::vector<std::string>& remove);

  // How long a sandbox is kept at the moment.
  Duration kept_for() const;
  std::size_t kept() const { return names_.size(); }

 private:
  RetentionConfig config_;
  std::int64_t used_permille_ = 0;
  std::set<std::pair<Instant, std::string>> by_end_;
  std::map<std::string, Instant> names_;
};

}  // namespace bourse::agent
