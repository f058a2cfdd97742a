#include "gateway/core/gateway_peers.hpp"

#include <utility>

namespace bourse::gateway {

using Kind = Envelope::Kind;

Status GatewayPeers::admit(PeerId gateway) {
  if (gateways_.size() >= limits::kMaxGateways) {
    return Error{ErrorCode::full, "there are " + std::to_string(limits::kMaxGateways) +
                                      " gateways, the limit of one master"};
  }
  put(gateway, gateways_[gateway], {Kind::welcome});
  return {};
}

Result<std::vector<GatewayPeers::Arrival>> GatewayPeers::take(PeerId id, std::string_view message) {
  const auto found = gateways_.find(id);
  if (found == gateways_.end()) return Error{ErrorCode::not_found, "it is no gateway"};
  Gateway& gateway = found->second;
  const auto envelopes = decode_envelopes(message);
  if (!envelopes.ok()) return envelopes.error();
  std::vector<Arrival> arrivals;
  arrivals.reserve(envelopes->size());
  for (const Envelope& envelope : envelopes.value()) {
    const auto it = gateway.by_channel.find(envelope.channel);
    const bool known = it != gateway.by_channel.end();  // else we closed it
    switch (envelope.kind) {
      case Kind::came:
        if (Status came = on_came(id, gateway, envelope, arrivals); !came.ok()) return came.error();
        break;
      case Kind::said:
        if (known) arrivals.push_back({it->second, false, envelope.bytes});
        break;
      case Kind::left:
        if (!known) break;
        arrivals.push_back({it->second, true});
        places_.erase(it->second);
        gateway.by_channel.erase(it);
        break;
      case Kind::slow:
      case Kind::reads:
        if (known) places_.at(it->second).slow = envelope.kind == Kind::slow;
        break;
      case Kind::ping:
        put(id, gateway, {Kind::pong});
        break;
      case Kind::welcome:
      case Kind::close:
      case Kind::pong:
        return invalid("a gateway said what only a master says");
    }
  }
  return arrivals;
}

Status GatewayPeers::on_came(PeerId id, Gateway& gateway, const Envelope& envelope,
                             std::vector<Arrival>& arrivals) {
  if (envelope.channel <= gateway.newest) {
    return invalid("channel " + std::to_string(envelope.channel) + " came again: the newest is " +
                   std::to_string(gateway.newest));
  }
  gateway.newest = envelope.channel;
  if (gateway.by_channel.size() >= limits::kMaxGatewayPeers) {
    put(id, gateway, {Kind::close, envelope.channel, "the gateway has too many agents"});
    return {};
  }
  const PeerId peer(kBehind | ++peers_made_);
  gateway.by_channel.emplace(envelope.channel, peer);
  places_.emplace(peer, Place{id, envelope.channel});
  arrivals.push_back({peer, false, envelope.bytes});
  return {};
}

bool GatewayPeers::is_slow(PeerId peer) const {
  const auto it = places_.find(peer);
  return it != places_.end() && it->second.slow;
}

std::vector<PeerId> GatewayPeers::drop(PeerId id) {
  std::vector<PeerId> gone;
  const auto it = gateways_.find(id);
  if (it == gateways_.end()) return gone;
  for (const auto& [channel, peer] : it->second.by_channel) {
    places_.erase(peer);
    gone.push_back(peer);
  }
  gateways_.erase(it);
  std::erase_if(ready_, [&](const auto& message) { return message.first == id; });
  return gone;
}

Status GatewayPeers::say(PeerId peer, std::string_view bytes) {
  const auto it = places_.find(peer);
  if (it == places_.end()) {
    return Error{ErrorCode::not_found, "no such peer: it disconnected or was closed"};
  }
  const Place& place = it->second;
  put(place.gateway, gateways_.at(place.gateway), {Kind::said, place.channel, bytes});
  return {};
}

void GatewayPeers::close(PeerId peer) {
  const auto it = places_.find(peer);
  if (it == places_.end()) return;
  const Place place = it->second;
  places_.erase(it);
  Gateway& gateway = gateways_.at(place.gateway);
  gateway.by_channel.erase(place.channel);
  put(place.gateway, gateway, {Kind::close, place.channel});
}

void GatewayPeers::put(PeerId id, Gateway& gateway, const Envelope& envelope) {
  const std::size_t bytes = envelope.bytes.size() + kEnvelopeHeadBytes;
  const bool fits = gateway.batched < limits::kMaxEnvelopes &&
                    gateway.batch.size() + bytes <= limits::kMaxEnvelopesBytes;
  if (!fits || gateway.batch.size() >= limits::kGatewayBatchBytes) {
    ready_.emplace_back(id, std::exchange(gateway.batch, {}));
    gateway.batched = 0;
  }
  append_envelope(envelope, gateway.batch);
  ++gateway.batched;
}

std::vector<std::pair<PeerId, std::string>> GatewayPeers::flush() {
  for (auto& [id, gateway] : gateways_) {
    gateway.batched = 0;
    if (!gateway.batch.empty()) ready_.emplace_back(id, std::exchange(gateway.batch, {}));
  }
  return std::exchange(ready_, {});
}

}  // namespace bourse::gateway
