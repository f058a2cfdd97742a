// Scaler: how many workers a stage should have, from how much waits for it. Looked at once a
// second. One more when the backlog has been more than a second's work for a few looks; one less
// when nothing has waited and most hands were idle for a long while. Value; one owner; pure.
#pragma once

#include <cstdint>

#include "examples/crawler/scheduler/stage.hpp"

namespace bourse::crawler {

class Scaler {
 public:
  // `queue`: work waiting for the stage; `in_flight`: in its workers' hands; `done_per_s`: what it
  // gets through. Returns the number of workers to want.
  std::uint32_t look(const StageSettings& settings, std::uint64_t queue, std::uint64_t in_flight,
                     double done_per_s);

 private:
  std::uint32_t busy_looks_ = 0;
  std::uint32_t idle_looks_ = 0;
};

}  // namespace bourse::crawler
