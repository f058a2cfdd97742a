// Hub: a master's end of its peers' connections, and Network: where each master is found. A master
// that does not lead tells its peers who does, again whenever that changes, as the daemon's link
// server does. Owned by the World; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "sim/env.hpp"
#include "sim/standstill.hpp"

namespace bourse::sim {

class Wire;

// Until when nothing passes, from the client to the master (up) and back.
struct Blocked {
  Instant up;
  Instant down;

  void until(bool block_up, bool block_down, Instant end) {
    if (block_up) up = end;
    if (block_down) down = end;
  }
};

class Hub {
 public:
  enum class Kind : std::uint8_t { agent, framework };
  std::function<void(PeerId, Kind, std::string_view)> on_bytes;
  std::function<void(PeerId)> on_gone;

  Hub(Env& env, Standstill& process, std::string address)
      : env_(env), process_(process), address_(std::move(address)) {}

  const std::string& address() const { return address_; }
  bool answers() const { return up_ && !process_.frozen(); }
  void open();
  // The master died: nothing of what was under way arrives.
  void crash();
  // Who leads instead; empty: nobody. So it is at first.
  void follow(const std::string& leader);
  void lead();
  void send(PeerId peer, std::string bytes);
  void close(PeerId peer);

  // -- for the wires
  PeerId accept(Wire& wire);
  bool live(PeerId peer) const { return up_ && peers_.contains(peer); }
  void arrive(PeerId peer, Kind kind, std::string bytes);
  // The far end noticed that the connection is over.
  void gone(PeerId peer);
  const Blocked& blocked() const { return blocked_; }

  // -- faults
  void block(bool up, bool down, Duration span) {
    blocked_.until(up, down, env_.schedule.now() + span);
  }

 private:
  struct Peer {
    Wire* wire = nullptr;
    bool standby = false;  // it came while this master did not lead, and is nothing to the core
  };
  void tell_waiting(const std::string& leader);

  Env& env_;
  Standstill& process_;
  std::string address_;
  bool up_ = false;
  bool leading_ = false;
  std::string leader_;
  Blocked blocked_;
  std::map<PeerId, Peer> peers_;
};

struct Network {
  std::map<std::string, Hub*> hubs;

  Hub* find(const std::string& address) const {
    const auto it = hubs.find(address);
    return it == hubs.end() ? nullptr : it->second;
  }
};

}  // namespace bourse::sim
