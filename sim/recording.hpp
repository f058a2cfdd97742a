// Recording: one life of a simulated master, written down as a real one's is and played again when
// it ends: the replay must end with the leader's fingerprint. Segments are small and only the last
// two are kept, so that a replay begins with a restored state. One owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "master/core/master_core.hpp"
#include "master/record/scribe.hpp"

namespace bourse::sim {

class Recording {
 public:
  explicit Recording(const master::MasterConfig& config);

  // The event was given to the leader. Empty, or what is wrong.
  std::string take(const master::Event& event, const master::MasterCore& leader);
  // The life is over.
  std::string replay(const master::MasterCore& leader);

 private:
  void keep();

  master::Scribe scribe_;
  std::deque<std::string> segments_;
};

}  // namespace bourse::sim
