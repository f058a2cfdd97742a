// Channel: one peer's connection to whichever master leads, as link/MasterChannel makes it over
// sockets: whom to dial is LeaderFinder's word. Owned by its node; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/leader_finder.hpp"
#include "sim/env.hpp"
#include "sim/hub.hpp"
#include "sim/node_clock.hpp"
#include "sim/wire.hpp"

namespace bourse::sim {

class Channel {
 public:
  Channel(Env& env, const Network& network, Hub::Kind kind, const NodeClock& clock,
          Wire::Client client);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // A new process begins to look; without masters it learns the leader from the ensemble.
  void start(std::vector<std::string> masters);
  // The process is gone: nothing is heard any more.
  void stop();
  void send(std::string bytes) {
    if (stands_) wire_.send(std::move(bytes));
  }
  // The master there took this peer in.
  void registered();
  // The owner wants no more of this connection; `lost` is not called for it.
  void give_up();
  void learned(const std::string& leader);
  Wire& wire() { return wire_; }

 private:
  void step(const FinderInput& input);
  void arm();
  void dial(const std::string& address);
  void on_bytes(std::string_view bytes);
  void lost();

  Env& env_;
  const Network& network_;
  const NodeClock& clock_;
  Wire::Client client_;
  Wire wire_;
  std::unique_ptr<LeaderFinder> finder_;
  std::uint64_t life_ = 0;
  std::uint64_t connection_ = 0;
  bool stands_ = false;  // as the owner was told
  Instant armed_ = Instant::max();
};

}  // namespace bourse::sim
