// Wire: one client's way to a master over the connections that it makes one after the other. Bytes
// of a connection arrive in order (unless the seed says otherwise) and may be lost, repeated or
// late; a connection may break, each end noticing in its own time. A new connection has a new
// PeerId. Whom to dial is the owner's word (sim/channel.hpp). One owner, one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "model/ids.hpp"
#include "sim/env.hpp"
#include "sim/hub.hpp"

namespace bourse::sim {

class Wire {
 public:
  struct Client {
    std::function<void()> connected;
    std::function<void()> lost;
    std::function<void(std::string_view)> bytes;
  };

  Wire(Env& env, Hub::Kind kind, Client client)
      : env_(env), kind_(kind), client_(std::move(client)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Drops what connection there is and tries until the other stands; null: there is no such
  // address.
  void dial(Hub* hub);
  // The client leaves: it hears nothing more.
  void hang_up();
  bool stands() const { return !current_.empty(); }
  void send(std::string bytes);

  // -- faults
  void snap();
  void block(bool up, bool down, Duration span);
  // On the way to one master only.
  void block_to(const Hub& hub, bool up, bool down, Duration span);
  void heal();

  // -- for the Hub
  void carry_down(PeerId peer, std::string bytes);
  void closed_by_master(PeerId peer);
  void master_died(PeerId peer);

 private:
  void connect_later(Duration span);
  void try_connect();
  void lose(PeerId peer);  // the client notices
  bool up_blocked() const;
  bool down_blocked() const;
  const Blocked& way() const;
  Instant arrival(Instant& last);

  Env& env_;
  Hub::Kind kind_;
  Client client_;
  Hub* hub_ = nullptr;  // of the connection, or dialled
  std::uint64_t attempt_ = 0;
  PeerId current_;
  PeerId broken_;  // carries nothing any more, though the ends may not know
  Instant last_up_;
  Instant last_down_;
  Blocked blocked_;
  std::map<const Hub*, Blocked> ways_;
};

}  // namespace bourse::sim
