// CoordinationConfig: what a coordinator is told at its start. Value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/limits.hpp"

namespace bourse::coordination {

struct CoordinationConfig {
  std::string path = "/bourse";  // REQUIRES check_path
  std::string candidate_info;    // what followers and clients read of us; opaque here
  bool stand = true;             // false: only watches who leads
  std::uint64_t seed = 0;        // unique per start: names, jitter

  std::uint32_t shards = 512;         // of a registry that we make
  std::vector<std::string> demands;   // features a reader of what we write must understand
  std::vector<std::string> features;  // features that we understand
  std::vector<std::string> expects;   // a registry without one of these is somebody else's

  // A lease ends this long before two thirds of the session's time-out have passed: what was
  // decided in it must be sent in it.
  Duration lease_margin = Duration::milliseconds(200);
  Duration retry = Duration::milliseconds(100);
  Duration retry_max = Duration::seconds(1);           // failover waits for one retry at most
  Duration refused_retry_max = Duration::seconds(30);  // of what a person has to mend
  Duration reopen = Duration::seconds(30);  // without a server so long: resolve the names again
  Duration stand_again = Duration::seconds(30);  // after we could not lead
  Duration stand_again_max = Duration::seconds(300);

  std::size_t reads_in_flight = 64;
  std::size_t multis_in_flight = 4;
  std::uint32_t multi_attempts = 8;  // lost with the connection so often: it will not get through
  std::size_t max_pending_bytes = limits::kMaxPendingWriteBytes;

  // Bugs on purpose, to see that tests and simulator can fail.
  bool planted_unfenced = false;  // a write does not check the epoch
};

}  // namespace bourse::coordination
