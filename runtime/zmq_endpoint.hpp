// ZeroMQ endpoints driven from a Loop: ZmqServer (ROUTER, many peers) and ZmqClient (DEALER, one
// server). Frames in, frames out; identity and liveness are the callers' messages.
//
// Ownership and thread: an endpoint belongs to its loop's thread, every method and callback runs
// there. Destroy it there, but not from inside one of its callbacks (post the destruction). Bytes
// given to on_message are valid during the call only (nothing is copied).
//
// Bounds: a message over max_message_bytes disconnects its sender inside libzmq. Bytes not yet
// taken by the network are counted per peer against queue_bytes; the send that would exceed it
// drops that peer (on_close with `full`), nobody else. Two limits of libzmq 4.3 itself remain, and
// are why strangers are kept out by CURVE on any network that is not loopback: frames of a
// multi-part message are unbounded until its last one, and a peer that guesses the number ROUTER
// gives out next (32 bits, random start, never told) and claims it as its own aborts the process.
// Callers batch messages to a peer: an
// unbatched round trip costs about 20x a batched message.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

// A connection, not an identity: a peer that reconnects gets a new one; never used twice by an
// endpoint.
struct ZmqPeerTag;  // not PeerTag: the name must not meet the one of model/
using PeerId = NumberId<ZmqPeerTag>;

// CURVE keys in Z85 text (40 characters), as curve_keygen prints them.
struct CurveKeys {
  std::string public_key;
  std::string secret_key;
};
Result<CurveKeys> make_curve_keys();

struct ZmqCurveServer {
  CurveKeys keys;
  // Who may connect: public key -> User-Id that on_open reports. Everybody else is refused.
  std::map<std::string, std::string> allowed = {};
  // False models a handler that is missing; then nobody at all gets in. For tests.
  bool answer_authentication = true;
};

struct ZmqCurveClient {
  CurveKeys keys;
  std::string server_public_key;
};

struct ZmqLimits {
  std::size_t max_message_bytes = 8u << 20;
  std::size_t queue_bytes = 16u << 20;  // per peer
  int high_water_mark = 256;            // messages to a peer that may wait inside libzmq
  // Messages from a peer that may wait there, each up to max_message_bytes: libzmq counts messages,
  // not bytes, so this times that is what a fast sender can make us hold while the loop is busy.
  int receive_high_water_mark = 32;
  Duration handshake_timeout = Duration::seconds(3);
};

struct ZmqServerOptions {
  std::string endpoint;  // "tcp://127.0.0.1:0", "ipc:///run/bourse/x/m.sock"
  ZmqLimits limits = {};
  std::size_t max_connections = 15000;  // further ones are closed at once
  // A connection that has not said anything by then is closed: it would hold a place for nothing.
  Duration first_message_timeout = Duration::seconds(10);
  std::optional<ZmqCurveServer> curve = {};
};

struct ZmqPeerInfo {
  std::string user_id;  // of the CURVE key; empty without CURVE
  std::string address;  // of the other end, as the network sees it
};

struct ZmqServerHandlers {
  // Before the first message of a peer. A connection that never says anything is not reported.
  UniqueFunction<void(PeerId, const ZmqPeerInfo&)> on_open;
  UniqueFunction<void(PeerId, std::string_view)> on_message;
  // Once per opened peer: `unavailable` it went away, `full` its queue was exceeded. Not called for
  // close().
  UniqueFunction<void(PeerId, const Error&)> on_close;
};

struct ZmqServerStats {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t connections_refused = 0;  // over max_connections
  std::uint64_t connections_silent = 0;   // closed, for they said nothing
  std::uint64_t peers_dropped = 0;        // over queue_bytes
  std::size_t connections = 0;
  std::size_t peers = 0;         // opened
  std::size_t queued_bytes = 0;  // waiting here, all peers
};

class ZmqServer {
 public:
  static Result<std::unique_ptr<ZmqServer>> open(Loop& loop, ZmqServerOptions options,
                                                 ZmqServerHandlers handlers);
  ~ZmqServer();
  ZmqServer(const ZmqServer&) = delete;
  ZmqServer& operator=(const ZmqServer&) = delete;

  // With the port that was taken: "tcp://127.0.0.1:41231".
  const std::string& endpoint() const;
  // The bound tcp port, 0 for ipc.
  std::uint16_t port() const;

  // Takes the bytes; order per peer is kept. not_found: no such peer (any more). full: the peer's
  // budget is exceeded, it has been dropped and on_close follows.
  Status send(PeerId peer, std::string bytes);
  // Bytes that the peer has not read yet, as far as they are here; 0 for an unknown one. Small ones
  // that libzmq holds are not counted (high_water_mark bounds them).
  std::size_t unread_bytes(PeerId peer) const;
  // Disconnects; unsent bytes are lost. Unknown peers are ignored.
  void close(PeerId peer);
  // While reading is off the network pushes back on the senders. For ingress under pressure.
  void set_reading(bool reading);
  // Replaces the allow-list; connections that stand are not touched.
  void set_allowed(std::map<std::string, std::string> allowed);
  ZmqServerStats stats() const;

 private:
  struct Impl;
  explicit ZmqServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct ZmqClientOptions {
  std::string endpoint;
  ZmqLimits limits = {};
  Duration reconnect_min = Duration::milliseconds(100);
  Duration reconnect_max = Duration::seconds(2);
  std::optional<ZmqCurveClient> curve = {};
};

struct ZmqClientHandlers {
  // Each time a connection stands (handshake done), the first included.
  UniqueFunction<void()> on_connected;
  UniqueFunction<void(std::string_view)> on_message;
  // The connection is gone; what was unsent is gone with it. Reconnecting goes on by itself.
  UniqueFunction<void()> on_disconnected;
};

class ZmqClient {
 public:
  static Result<std::unique_ptr<ZmqClient>> open(Loop& loop, ZmqClientOptions options,
                                                 ZmqClientHandlers handlers);
  ~ZmqClient();
  ZmqClient(const ZmqClient&) = delete;
  ZmqClient& operator=(const ZmqClient&) = delete;

  bool connected() const;
  // unavailable: not connected. full: over queue_bytes, the message was not taken.
  Status send(std::string bytes);
  // What is counted against queue_bytes now.
  std::size_t queued_bytes() const;
  void set_reading(bool reading);

 private:
  struct Impl;
  explicit ZmqClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bourse::runtime
