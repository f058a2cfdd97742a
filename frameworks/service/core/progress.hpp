// Progress: how far an app is from what is wanted of it, and why it is not there yet, in a sentence
// for people. Computed from the rows when somebody asks; pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "frameworks/service/core/state.hpp"

namespace bourse::service {

enum class Stage : std::uint8_t {
  done,      // as many of the present version are available as are wanted, and no other
  starting,  // some are missing
  rolling,   // some are of an older version
  stopping,  // those that are too many end
  removing,
};
const char* name_of(Stage stage);

struct Progress {
  Stage stage = Stage::done;
  std::uint32_t ready = 0;    // available, of any version
  std::uint32_t current = 0;  // of those: of the present version
  std::uint32_t old = 0;      // alive, of an older version
  std::string why;            // what it waits for; empty: nothing
};

// REQUIRES that the app has a record in the book.
Progress progress_of(const ServiceState& state, const App& app, Instant now);

}  // namespace bourse::service
