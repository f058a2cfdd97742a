#include "examples/crawler/stages/forwarder.hpp"

#include <algorithm>

namespace bourse::crawler {

Forwarder::Forwarder(runtime::Loop& loop, std::string name, batch::StreamLimits limits,
                     OnResult on_result)
    : loop_(loop), name_(std::move(name)), limits_(limits), on_result_(std::move(on_result)) {}

Forwarder::~Forwarder() = default;

std::unique_ptr<Forwarder::Peer> Forwarder::open(const std::string& endpoint) {
  auto peer = std::make_unique<Peer>();
  peer->endpoint = endpoint;
  batch::BatchClientHandlers handlers;
  handlers.on_ready = [this] { pump_soon(); };
  handlers.on_result = [this](std::uint64_t id, bool ok, std::string_view payload) {
    on_result_(id, ok, payload);
    pump_soon();
  };
  handlers.on_lost = [this](std::vector<std::uint64_t> ids) {
    for (const std::uint64_t id : ids) on_result_(id, false, "the next stage's worker was lost");
    pump_soon();
  };
  auto client = batch::BatchClient::open(loop_, endpoint, name_, limits_, std::move(handlers));
  // An endpoint that cannot even be parsed stays without a client and gets no work.
  if (client.ok()) peer->client = std::move(client).value();
  return peer;
}

void Forwarder::set_peers(const std::vector<std::string>& endpoints) {
  std::vector<std::unique_ptr<Peer>> next;
  for (const std::string& endpoint : endpoints) {
    const auto it = std::find_if(peers_.begin(), peers_.end(), [&](const auto& peer) {
      return peer != nullptr && peer->endpoint == endpoint;
    });
    if (it != peers_.end()) {
      (*it)->leaving = false;
      next.push_back(std::move(*it));
    } else {
      next.push_back(open(endpoint));
    }
  }
  for (auto& peer : peers_) {
    if (peer == nullptr) continue;
    peer->leaving = true;
    next.push_back(std::move(peer));
  }
  peers_ = std::move(next);
  pump_soon();
}

void Forwarder::send(std::uint64_t id, std::string payload, std::uint32_t shard) {
  waiting_.push_back({id, std::move(payload), shard});
  if (waiting_.size() == 1) pump();
}

Forwarder::Peer* Forwarder::choose(std::uint32_t shard) {
  if (shard != kAnyPeer) {
    const auto staying = static_cast<std::size_t>(std::count_if(
        peers_.begin(), peers_.end(), [](const auto& peer) { return !peer->leaving; }));
    if (staying == 0) return nullptr;
    Peer* const peer = peers_[shard % staying].get();
    return peer->client != nullptr && peer->client->credit() > 0 ? peer : nullptr;
  }
  Peer* best = nullptr;
  std::uint64_t most = 0;
  for (const auto& peer : peers_) {
    if (peer->leaving || peer->client == nullptr) continue;
    // Credit comes in steps; what a peer has not answered yet tells sooner how busy it is.
    const std::uint64_t credit = peer->client->credit();
    const std::uint64_t busy = std::min<std::uint64_t>(peer->client->in_flight(), 1'000'000);
    const std::uint64_t room = credit == 0 ? 0 : 1'000'001 - busy;
    if (room > most) {
      most = room;
      best = peer.get();
    }
  }
  return best;
}

void Forwarder::pump() {
  // Work for a peer without room must not hold up work for others: one pass over all that waits.
  std::deque<Work> kept;
  while (!waiting_.empty()) {
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    Peer* const peer = choose(work.shard);
    if (peer == nullptr) {
      kept.push_back(std::move(work));
      if (work.shard == kAnyPeer) break;
      continue;
    }
    const Status status = peer->client->submit(work.id, work.payload);
    if (status.ok()) continue;
    if (status.error().code == ErrorCode::unavailable) {
      kept.push_back(std::move(work));
    } else {
      on_result_(work.id, false, status.error().message);
    }
  }
  for (auto it = kept.rbegin(); it != kept.rend(); ++it) waiting_.push_front(std::move(*it));
  let_go();
}

void Forwarder::pump_soon() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  loop_.post([this, weak = std::weak_ptr<bool>(alive_)] {
    if (weak.expired()) return;
    pump_scheduled_ = false;
    pump();
  });
}

// Runs from the loop or from send(), never from inside a client's callback that would be destroyed.
void Forwarder::let_go() {
  for (auto it = peers_.begin(); it != peers_.end();) {
    const bool over = (*it)->leaving && ((*it)->client == nullptr || !(*it)->client->connected() ||
                                         (*it)->client->in_flight() == 0);
    if (!over) {
      ++it;
      continue;
    }
    // Destroyed by the loop: this may be inside a callback of that very client.
    loop_.post([gone = std::shared_ptr<Peer>(std::move(*it))] {});
    it = peers_.erase(it);
  }
}

}  // namespace bourse::crawler
