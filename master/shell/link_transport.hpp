// LinkTransport: the connections of the master's link, and the peers that gateways carry over
// theirs, as one set of peers: whoever sends to one need not know which it is. A connection is a
// peer until it is admitted as a gateway; from then on its channels are
// (gateway/core/gateway_peers.hpp).
//
// Ownership and thread: belongs to its loop's thread, callbacks run there. Errors and bounds are
// ZmqServer's; a gateway that breaks the protocol is disconnected, and all it carries with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gateway/core/gateway_peers.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::master {

class LinkTransport {
 public:
  struct Handlers {
    runtime::UniqueFunction<void(runtime::PeerId, std::string_view)> on_message;
    // Not for a peer that close() was called for.
    runtime::UniqueFunction<void(runtime::PeerId, const Error&)> on_close;
  };

  static Result<std::unique_ptr<LinkTransport>> open(runtime::Loop& loop,
                                                     runtime::ZmqServerOptions options,
                                                     Handlers handlers);
  ~LinkTransport() { *alive_ = false; }
  LinkTransport(const LinkTransport&) = delete;
  LinkTransport& operator=(const LinkTransport&) = delete;

  std::uint16_t port() const { return server_->port(); }
  Status send(runtime::PeerId peer, std::string bytes);
  // Of a peer behind a gateway only whether it is more than limits::kPeerUnreadBytes is known.
  std::size_t unread_bytes(runtime::PeerId peer) const;
  void close(runtime::PeerId peer);
  void set_reading(bool reading) { server_->set_reading(reading); }
  // This connection said that it is a gateway; it is no peer any more.
  void admit_gateway(runtime::PeerId connection);

  std::size_t gateways() const { return peers_.gateways(); }
  std::size_t peers_behind_gateways() const { return peers_.peers(); }

 private:
  LinkTransport(runtime::Loop& loop, Handlers handlers);
  void on_message(runtime::PeerId connection, std::string_view bytes);
  void on_close(runtime::PeerId connection, const Error& why);
  void disconnect_gateway(runtime::PeerId connection, const Error& why);
  void flush_soon();
  void flush();

  runtime::Loop& loop_;
  Handlers handlers_;
  gateway::GatewayPeers peers_;
  std::unique_ptr<runtime::ZmqServer> server_;
  bool flush_scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace bourse::master
