// GatewayLink: how a gateway carries many peers' transport messages over its one connection to a
// master. A transport message there is a row of envelopes: a kind, the channel it is about and, for
// most kinds, bytes. What a peer says and hears stands in them as it is. Channels are numbered by
// the gateway from 1 and never again on one connection. Pure.
//
//   byte kind | channel, varint | length, varint | bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/limits.hpp"

namespace bourse {

// What a gateway says first, in a message of its own (model/link_session.hpp).
inline constexpr std::string_view kGatewayPreamble = "bourse-gateway/1";

// Both ends of a gateway's connection: it asks this often, and one that was not heard of for so
// long is given up.
inline constexpr Duration kGatewayPing = Duration::seconds(5);
inline constexpr Duration kGatewaySilence = Duration::seconds(15);

struct Envelope {
  enum class Kind : std::uint8_t {
    came = 1,     // gateway: a peer connected; the bytes are its preamble
    said = 2,     // both: a transport message of that peer, or for it
    left = 3,     // gateway: it disconnected
    close = 4,    // master: after what was said to it, disconnect it
    welcome = 5,  // master, channel 0, first: it leads, and carries what comes
    ping = 6,     // gateway, channel 0
    pong = 7,     // master, channel 0
    slow = 8,     // gateway: it has not read what was said to it, limits::kPeerUnreadBytes of it
    reads = 9,    // gateway: now it has, all but half of that
  };
  static constexpr std::uint8_t kKinds = 9;

  Kind kind = Kind::said;
  std::uint64_t channel = 0;
  std::string_view bytes = {};

  bool operator==(const Envelope&) const = default;
};

// The most that an envelope adds to its bytes: two varints and a byte.
inline constexpr std::size_t kEnvelopeHeadBytes = 1 + 10 + 5;
static_assert(limits::kMaxFrameBytes + kEnvelopeHeadBytes <= limits::kMaxEnvelopesBytes,
              "a peer's largest message must fit");

void append_envelope(const Envelope& envelope, std::string& to);

// Views into `message`. Refused: a kind that is none, a channel 0 where a peer is meant or another
// where none is, a number that is not in its shortest form, bytes past the end, and more than
// limits::kMaxEnvelopes.
Result<std::vector<Envelope>> decode_envelopes(std::string_view message);

}  // namespace bourse
