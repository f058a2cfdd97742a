#include "sim/wire.hpp"

#include <algorithm>
#include <utility>

namespace bourse::sim {

void Wire::dial(Hub* hub) {
  hang_up();
  hub_ = hub;
  if (hub != nullptr) connect_later(env_.plan.latency);
}

void Wire::hang_up() {
  ++attempt_;
  const PeerId peer = std::exchange(current_, PeerId());
  if (peer.empty()) return;
  // What was sent is on its way; then the master notices.
  env_.schedule.at(std::max(last_up_, env_.schedule.now()) + env_.between_ms(0, 3'000),
                   [hub = hub_, peer] { hub->gone(peer); });
}

void Wire::connect_later(Duration span) {
  env_.schedule.in(span, [this, attempt = ++attempt_] {
    if (attempt == attempt_ && current_.empty()) try_connect();
  });
}

void Wire::try_connect() {
  if (!hub_->answers() || up_blocked() || down_blocked()) {
    connect_later(env_.between_ms(100, 500));
    return;
  }
  current_ = hub_->accept(*this);
  client_.connected();
}

const Blocked& Wire::way() const {
  static const Blocked kOpen;
  const auto it = ways_.find(hub_);
  return it == ways_.end() ? kOpen : it->second;
}

bool Wire::up_blocked() const {
  return env_.schedule.now() < std::max({blocked_.up, hub_->blocked().up, way().up});
}

bool Wire::down_blocked() const {
  return env_.schedule.now() < std::max({blocked_.down, hub_->blocked().down, way().down});
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
  if (peer == broken_ || up_blocked()) return;
  if (env_.fault(env_.plan.drop)) return;
  const int copies = env_.fault(env_.plan.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    env_.schedule.at(arrival(last_up_), [this, hub = hub_, peer, bytes] {
      if (peer == broken_ || !hub->live(peer)) return;
      env_.fingerprint.add(std::string_view(bytes));
      hub->arrive(peer, kind_, bytes);
    });
  }
}

void Wire::carry_down(PeerId peer, std::string bytes) {
  ++env_.messages;
  if (peer == broken_ || down_blocked()) return;
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
}

void Wire::snap() {
  if (current_.empty()) return;
  const PeerId peer = current_;
  broken_ = peer;
  env_.schedule.in(env_.between_ms(0, 5'000), [this, peer] { lose(peer); });
  env_.links_tell = env_.schedule.now() + Duration::seconds(20);
  env_.schedule.in(env_.between_ms(0, 20'000), [hub = hub_, peer] { hub->gone(peer); });
}

void Wire::block(bool up, bool down, Duration span) {
  blocked_.until(up, down, env_.schedule.now() + span);
}

void Wire::block_to(const Hub& hub, bool up, bool down, Duration span) {
  ways_[&hub].until(up, down, env_.schedule.now() + span);
}

void Wire::heal() {
  blocked_ = {};
  ways_.clear();
}

void Wire::closed_by_master(PeerId peer) {
  env_.schedule.at(std::max(last_down_, env_.schedule.now()) + env_.plan.latency,
                   [this, peer] { lose(peer); });
}

void Wire::master_died(PeerId peer) {
  env_.schedule.in(env_.between_ms(0, 1'000), [this, peer] { lose(peer); });
}

}  // namespace bourse::sim
