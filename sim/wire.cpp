#include "sim/wire.hpp"

#include <algorithm>
#include <utility>

namespace bourse::sim {

void Hub::crash() {
  up_ = false;
  const std::map<PeerId, Wire*> peers = std::move(peers_);
  peers_.clear();
  for (const auto& [peer, wire] : peers) wire->master_died(peer);
}

PeerId Hub::accept(Wire& wire) {
  const PeerId peer(++accepted_);
  peers_.emplace(peer, &wire);
  return peer;
}

void Hub::send(PeerId peer, std::string bytes) {
  const auto it = peers_.find(peer);
  if (it != peers_.end()) it->second->carry_down(peer, std::move(bytes));
}

void Hub::close(PeerId peer) {
  const auto it = peers_.find(peer);
  if (it == peers_.end()) return;
  Wire* wire = it->second;
  peers_.erase(it);
  wire->closed_by_master(peer);
}

void Hub::gone(PeerId peer) {
  if (up_ && peers_.erase(peer) > 0) on_gone(peer);
}

void Wire::open() {
  wanted_ = true;
  connect_later(env_.plan.latency);
}

void Wire::close() {
  wanted_ = false;
  ++attempt_;
  const PeerId peer = std::exchange(current_, PeerId());
  if (peer.empty()) return;
  // What was sent is on its way; then the master notices.
  env_.schedule.at(std::max(last_up_, env_.schedule.now()) + env_.between_ms(0, 3'000),
                   [this, peer] { hub_.gone(peer); });
}

void Wire::reopen() {
  const bool had = !current_.empty();
  close();
  wanted_ = true;
  if (had) client_.lost();
  connect_later(env_.plan.latency);
}

void Wire::connect_later(Duration span) {
  env_.schedule.in(span, [this, attempt = ++attempt_] {
    if (attempt == attempt_ && wanted_ && current_.empty()) try_connect();
  });
}

void Wire::try_connect() {
  const bool blocked = env_.schedule.now() < up_blocked_ || env_.schedule.now() < down_blocked_;
  if (!hub_.up() || blocked) {
    connect_later(env_.between_ms(100, 500));
    return;
  }
  current_ = hub_.accept(*this);
  client_.connected();
}

Instant Wire::arrival(Instant& last) {
  Duration span = env_.plan.latency;
  if (env_.plan.jitter.ns > 0) span = span + Duration{env_.rng.between(0, env_.plan.jitter.ns)};
  Instant when = env_.schedule.now() + span;
  if (!env_.plan.reorders || env_.healed) when = std::max(when, last);
  last = std::max(last, when);
  return when;
}

void Wire::send(std::string bytes) {
  if (current_.empty()) return;
  ++env_.messages;
  const PeerId peer = current_;
  if (peer == broken_ || env_.schedule.now() < up_blocked_) return;
  if (env_.fault(env_.plan.drop)) return;
  const int copies = env_.fault(env_.plan.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    env_.schedule.at(arrival(last_up_), [this, peer, bytes] {
      if (peer == broken_ || !hub_.live(peer)) return;
      env_.fingerprint.add(std::string_view(bytes));
      hub_.on_bytes(peer, kind_, bytes);
    });
  }
}

void Wire::carry_down(PeerId peer, std::string bytes) {
  ++env_.messages;
  if (peer == broken_ || env_.schedule.now() < down_blocked_) return;
  if (env_.fault(env_.plan.drop)) return;
  const int copies = env_.fault(env_.plan.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    env_.schedule.at(arrival(last_down_), [this, peer, bytes] {
      if (peer == broken_ || peer != current_) return;
      env_.fingerprint.add(std::string_view(bytes));
      client_.bytes(bytes);
    });
  }
}

void Wire::lose(PeerId peer) {
  if (peer != current_) return;
  current_ = PeerId();
  client_.lost();
  if (wanted_) connect_later(env_.between_ms(1, 500));
}

void Wire::snap() {
  if (current_.empty()) return;
  const PeerId peer = current_;
  broken_ = peer;
  env_.schedule.in(env_.between_ms(0, 5'000), [this, peer] { lose(peer); });
  env_.schedule.in(env_.between_ms(0, 20'000), [this, peer] { hub_.gone(peer); });
}

void Wire::block(bool up, bool down, Duration span) {
  const Instant end = env_.schedule.now() + span;
  if (up) up_blocked_ = end;
  if (down) down_blocked_ = end;
}

void Wire::closed_by_master(PeerId peer) {
  env_.schedule.at(std::max(last_down_, env_.schedule.now()) + env_.plan.latency,
                   [this, peer] { lose(peer); });
}

void Wire::master_died(PeerId peer) {
  env_.schedule.in(env_.between_ms(0, 1'000), [this, peer] { lose(peer); });
}

}  // namespace bourse::sim
