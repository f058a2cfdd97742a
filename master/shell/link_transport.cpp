#include "master/shell/link_transport.hpp"

#include <utility>

#include "model/limits.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

PeerId core_id(runtime::PeerId peer) {
  return PeerId(peer.raw());
}
runtime::PeerId transport_id(PeerId peer) {
  return runtime::PeerId(peer.raw());
}

}  // namespace

LinkTransport::LinkTransport(runtime::Loop& loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

Result<std::unique_ptr<LinkTransport>> LinkTransport::open(runtime::Loop& loop,
                                                           runtime::ZmqServerOptions options,
                                                           Handlers handlers) {
  std::unique_ptr<LinkTransport> out(new LinkTransport(loop, std::move(handlers)));
  runtime::ZmqServerHandlers on;
  on.on_message = [raw = out.get()](runtime::PeerId connection, std::string_view bytes) {
    raw->on_message(connection, bytes);
  };
  on.on_close = [raw = out.get()](runtime::PeerId connection, const Error& why) {
    raw->on_close(connection, why);
  };
  auto opened = runtime::ZmqServer::open(loop, std::move(options), std::move(on));
  if (!opened.ok()) return opened.error();
  out->server_ = std::move(opened).value();
  return out;
}

Status LinkTransport::send(runtime::PeerId peer, std::string bytes) {
  if (!gateway::GatewayPeers::is_behind_gateway(core_id(peer))) {
    return server_->send(peer, std::move(bytes));
  }
  flush_soon();
  return peers_.say(core_id(peer), bytes);
}

std::size_t LinkTransport::unread_bytes(runtime::PeerId peer) const {
  if (!gateway::GatewayPeers::is_behind_gateway(core_id(peer))) return server_->unread_bytes(peer);
  return peers_.is_slow(core_id(peer)) ? limits::kPeerUnreadBytes + 1 : 0;
}

void LinkTransport::close(runtime::PeerId peer) {
  if (!gateway::GatewayPeers::is_behind_gateway(core_id(peer))) return server_->close(peer);
  peers_.close(core_id(peer));
  flush_soon();
}

void LinkTransport::admit_gateway(runtime::PeerId connection) {
  if (const Status admitted = peers_.admit(core_id(connection)); !admitted.ok()) {
    runtime::log_warning("gateway refused", {{"reason", admitted.error().message}});
    return server_->close(connection);
  }
  runtime::log_info("a gateway joined", {{"peer", connection.raw()}});
  flush_soon();
}

void LinkTransport::on_message(runtime::PeerId connection, std::string_view bytes) {
  if (!peers_.is_gateway(core_id(connection))) return handlers_.on_message(connection, bytes);
  const auto arrivals = peers_.take(core_id(connection), bytes);
  flush_soon();
  if (!arrivals.ok()) {
    server_->close(connection);
    return disconnect_gateway(connection, arrivals.error());
  }
  const Error left{ErrorCode::unavailable, "the peer disconnected"};
  for (const auto& arrival : arrivals.value()) {
    if (arrival.left) {
      handlers_.on_close(transport_id(arrival.peer), left);
    } else if (peers_.knows(arrival.peer)) {  // else it was closed on the message before
      handlers_.on_message(transport_id(arrival.peer), arrival.bytes);
    }
  }
}

void LinkTransport::on_close(runtime::PeerId connection, const Error& why) {
  if (!peers_.is_gateway(core_id(connection))) return handlers_.on_close(connection, why);
  disconnect_gateway(connection, why);
}

void LinkTransport::disconnect_gateway(runtime::PeerId connection, const Error& why) {
  const auto gone = peers_.drop(core_id(connection));
  runtime::log_warning(
      "a gateway is gone",
      {{"peer", connection.raw()}, {"agents", gone.size()}, {"reason", why.message}});
  const Error theirs{ErrorCode::unavailable, "its gateway is gone"};
  for (const PeerId peer : gone) handlers_.on_close(transport_id(peer), theirs);
}

void LinkTransport::flush_soon() {
  if (std::exchange(flush_scheduled_, true)) return;
  loop_.post([this, token = alive_] {
    if (*token) flush();
  });
}

void LinkTransport::flush() {
  flush_scheduled_ = false;
  for (auto& [gateway, bytes] : peers_.flush()) {
    // One that does not read reports itself through on_close.
    (void)server_->send(transport_id(gateway), std::move(bytes));
  }
}

}  // namespace bourse::master
