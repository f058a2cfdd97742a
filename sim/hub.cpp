#include "sim/hub.hpp"

#include <utility>

#include "model/leader_finder.hpp"
#include "sim/wire.hpp"

namespace bourse::sim {

void Hub::open() {
  up_ = true;
  leading_ = false;
  leader_.clear();
}

void Hub::crash() {
  up_ = false;
  const std::map<PeerId, Peer> peers = std::move(peers_);
  peers_.clear();
  for (const auto& [id, peer] : peers) peer.wire->master_died(id);
}

PeerId Hub::accept(Wire& wire) {
  const PeerId peer(++env_.peers_made);
  peers_.emplace(peer, Peer{&wire, !leading_});
  if (!leading_) send(peer, std::string(kElsewherePreamble) + leader_);
  return peer;
}

void Hub::follow(const std::string& leader) {
  leader_ = leader;
  tell_waiting(leader);
}

void Hub::lead() {
  leading_ = true;
  tell_waiting(address_);
}

void Hub::tell_waiting(const std::string& leader) {
  for (const auto& [id, peer] : std::map(peers_)) {
    if (peer.standby) send(id, std::string(kElsewherePreamble) + leader);
  }
}

void Hub::send(PeerId peer, std::string bytes) {
  const auto it = peers_.find(peer);
  if (it != peers_.end()) it->second.wire->carry_down(peer, std::move(bytes));
}

void Hub::close(PeerId peer) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  Wire* wire = it->second.wire;
  peers_.erase(it);
  wire->closed_by_master(peer);
}

void Hub::arrive(PeerId peer, Kind kind, std::string bytes) {
  process_.run([this, peer, kind, bytes = std::move(bytes)] {
    const auto it = peers_.find(peer);
    // What a standby is sent was sent before the peer heard that it is one.
    if (!up_ || it == peers_.end() || it->second.standby) return;
    on_bytes(peer, kind, bytes);
  });
}

void Hub::gone(PeerId peer) {
  process_.run([this, peer] {
    const auto it = peers_.find(peer);
    if (!up_ || it == peers_.end()) return;
    const bool core_knows = !it->second.standby;
    peers_.erase(it);
    if (core_knows) on_gone(peer);
  });
}

}  // namespace bourse::sim
