// SessionClient: one session on an agent, seen from a terminal: launches it, writes what it writes
// to our stdout and stderr, gives it what we are given, and says how it ended. Owns a loop; main
// thread, and a thread that reads stdin.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "proto/v1/agent_call.pb.h"

namespace bourse::cli {

struct SessionRequest {
  std::string agent;      // "host:port"
  std::string container;  // of the task
  std::vector<std::string> command;
  bool tty = false;
  std::string authorization;  // the header that says who asks; may be empty
};

// The wait status of the command. A failure is a sentence; the session does not go on then.
Result<std::int32_t> run_session(const SessionRequest& request);

}  // namespace bourse::cli
