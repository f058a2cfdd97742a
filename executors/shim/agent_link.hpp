// AgentLink: the shim's end of its connection to the agent. The agent may be away for days; the
// link tries again with growing pauses up to kMostPause, and at once when the agent pokes the shim.
// Never blocks. Owner: the shim; one thread.
#pragma once

#include <string>

#include "agent/isolation/shim_protocol.hpp"
#include "base/time.hpp"

namespace bourse::shim {

class AgentLink {
 public:
  static constexpr Duration kFirstPause = Duration::milliseconds(20);
  static constexpr Duration kMostPause = Duration::seconds(1);

  explicit AgentLink(std::string socket_dir) : socket_dir_(std::move(socket_dir)) {}

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // When to call try_connect next; Instant::max() while connected.
  Instant next_attempt() const { return connected() ? Instant::max() : next_attempt_; }

  // True when the link stands afterwards and did not before.
  bool try_connect(Instant now);
  void poke(Instant now) { next_attempt_ = now; }
  // False when the agent is gone; the link is closed then.
  bool send(const isolation::Frame& frame, Instant now);
  // 1 a frame, 0 nothing now, -1 the agent is gone (the link is closed then).
  int receive(isolation::Frame& frame, Instant now);

 private:
  void drop(Instant now);

  std::string socket_dir_;
  int fd_ = -1;
  Instant next_attempt_{};
  Duration pause_ = kFirstPause;
};

}  // namespace bourse::shim
