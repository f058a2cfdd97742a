// GatewayPeers: the master's end of gateways. Which peer of the master is which channel of which
// gateway, and what waits to be sent to each gateway. A peer behind a gateway has a number that no
// connection of the master's own has. Values; one owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/gateway_link.hpp"
#include "model/ids.hpp"

namespace bourse::gateway {

class GatewayPeers {
 public:
  struct Arrival {
    PeerId peer;
    bool left = false;
    std::string_view bytes = {};  // of the message that was taken
  };

  static bool is_behind_gateway(PeerId peer) { return (peer.raw() & kBehind) != 0; }

  bool is_gateway(PeerId connection) const { return gateways_.contains(connection); }
  // From now on this connection carries peers. full: there are limits::kMaxGateways.
  Status admit(PeerId gateway);
  // What a gateway said. An error: it broke the protocol, disconnect it.
  Result<std::vector<Arrival>> take(PeerId gateway, std::string_view message);
  // The gateway is gone, and with it these.
  std::vector<PeerId> drop(PeerId gateway);

  // not_found: no such peer (any more).
  Status say(PeerId peer, std::string_view bytes);
  // After what was said to it. Nothing of it arrives any more.
  void close(PeerId peer);
  // What waits, as messages for gateways; none of a gateway's is over
  // limits::kMaxEnvelopesBytes.
  std::vector<std::pair<PeerId, std::string>> flush();

  // It leaves unread what was said to it; then it is not to be served.
  bool is_slow(PeerId peer) const;
  bool knows(PeerId peer) const { return places_.contains(peer); }
  std::size_t gateways() const { return gateways_.size(); }
  std::size_t peers() const { return places_.size(); }

 private:
  static constexpr std::uint64_t kBehind = std::uint64_t{1} << 63;

  struct Gateway {
    std::map<std::uint64_t, PeerId> by_channel;
    std::uint64_t newest = 0;  // channel
    std::string batch;
    std::size_t batched = 0;
  };
  struct Place {
    PeerId gateway;
    std::uint64_t channel = 0;
    bool slow = false;
  };

  Status on_came(PeerId id, Gateway& gateway, const Envelope& envelope,
                 std::vector<Arrival>& arrivals);
  void put(PeerId id, Gateway& gateway, const Envelope& envelope);

  std::map<PeerId, Gateway> gateways_;
  std::map<PeerId, Place> places_;
  std::uint64_t peers_made_ = 0;
  std::vector<std::pair<PeerId, std::string>> ready_;  // batches that were full
};

}  // namespace bourse::gateway
