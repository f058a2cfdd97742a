// Wire: one client's way to the master over the connections that it makes one after the other, and
// Hub: the master's end of all wires. Bytes of a connection arrive in order (unless the seed says
// otherwise) and may be lost, repeated or late; a connection may break, each end noticing in its
// own time. A new connection has a new PeerId. One owner, one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "sim/env.hpp"

namespace bourse::sim {

class Wire;

class Hub {
 public:
  enum class Kind : std::uint8_t { agent, framework };
  std::function<void(PeerId, Kind, std::string_view)> on_bytes;
  std::function<void(PeerId)> on_gone;

  explicit Hub(Env& env) : env_(env) {}

  bool up() const { return up_; }
  void open() { up_ = true; }
  // The master died: nothing of what was under way arrives.
  void crash();
  PeerId accept(Wire& wire);
  bool live(PeerId peer) const { return up_ && peers_.contains(peer); }
  void send(PeerId peer, std::string bytes);
  void close(PeerId peer);
  // The far end noticed that the connection is over.
  void gone(PeerId peer);

 private:
  Env& env_;
  bool up_ = false;
  std::uint64_t accepted_ = 0;
  std::map<PeerId, Wire*> peers_;
};

class Wire {
 public:
  struct Client {
    std::function<void()> connected;
    std::function<void()> lost;
    std::function<void(std::string_view)> bytes;
  };

  Wire(Env& env, Hub& hub, Hub::Kind kind, Client client)
      : env_(env), hub_(hub), kind_(kind), client_(std::move(client)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void open();    // connects, and again whenever the connection is lost
  void close();   // the client is gone, or leaves: it hears nothing more
  void reopen();  // drops the connection and makes another; the client hears `lost` first
  void send(std::string bytes);

  // -- faults
  void snap();
  void block(bool up, bool down, Duration span);

  // -- for the Hub
  void carry_down(PeerId peer, std::string bytes);
  void closed_by_master(PeerId peer);
  void master_died(PeerId peer);
  Hub::Kind kind() const { return kind_; }

 private:
  void connect_later(Duration span);
  void try_connect();
  void lose(PeerId peer);  // the client notices
  Instant arrival(Instant& last);

  Env& env_;
  Hub& hub_;
  Hub::Kind kind_;
  Client client_;
  bool wanted_ = false;
  std::uint64_t attempt_ = 0;
  PeerId current_;
  PeerId broken_;  // carries nothing any more, though the ends may not know
  Instant last_up_;
  Instant last_down_;
  Instant up_blocked_;
  Instant down_blocked_;
};

}  // namespace bourse::sim
