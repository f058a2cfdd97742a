#include "master/shell/link_server.hpp"

#include <algorithm>

#include "model/gateway_link.hpp"
#include "model/leader_finder.hpp"
#include "model/limits.hpp"
#include "model/link_session.hpp"
#include "proto/codec/frames.hpp"
#include "proto/codec/links.hpp"
#include "runtime/daemon.hpp"
#include "runtime/log.hpp"

namespace bourse::master {

namespace {

// A peer that is told why it is closed gets this long to read it.
constexpr Duration kClosing = Duration::seconds(1);
// Looked at in one turn of the loop, before sockets and answers have theirs.
constexpr std::size_t kPumpBytes = 1u << 20;
// Between two looks whether peers that were set aside have read their answers.
constexpr Duration kUnreadEvery = Duration::milliseconds(10);
constexpr std::uint64_t kOtherDescriptors = 1'000;

runtime::PeerId transport_peer(PeerId peer) {
  return runtime::PeerId(peer.raw());
}
PeerId core_peer(runtime::PeerId peer) {
  return PeerId(peer.raw());
}

}  // namespace

LinkServer::LinkServer(runtime::Loop& loop, Push push, codec::MasterDescription master)
    : loop_(loop), push_(std::move(push)), master_(std::move(master)), batches_(sinks()) {}

LinkServer::~LinkServer() = default;

LinkBatches::Sinks LinkServer::sinks() {
  return {.send =
              [this](PeerId peer, std::string&& bytes) {
                // A peer that is gone or does not read reports itself through on_close.
                (void)server_->send(transport_peer(peer), std::move(bytes));
              },
          .close =
              [this](const ClosePeer& close) {
                runtime::log_info("closing peer",
                                  {{"peer", close.peer.raw()}, {"reason", close.reason}});
                say_why(transport_peer(close.peer), close.reason);
                close_after_flush(transport_peer(close.peer));
              },
          .too_large =
              [](PeerId peer) {
                runtime::log_error("a message was too large to send", {{"peer", peer.raw()}});
              }};
}

Status LinkServer::listen(const std::string& ip, std::uint16_t port) {
  runtime::ZmqServerOptions options;
  options.endpoint = "tcp://" + ip + ":" + std::to_string(port);
  options.limits.max_message_bytes = limits::kMaxEnvelopesBytes;  // frames are checked after
  options.limits.queue_bytes = limits::kPeerQueueBytes;
  // What this process may open, less what it needs itself and HTTP has a use for.
  const std::uint64_t descriptors = runtime::raise_descriptor_limit();
  options.max_connections = descriptors - std::min(kOtherDescriptors, descriptors / 2);
  LinkTransport::Handlers handlers;
  handlers.on_message = [this](runtime::PeerId peer, std::string_view bytes) {
    on_message(peer, bytes);
  };
  handlers.on_close = [this](runtime::PeerId peer, const Error& why) { on_close(peer, why); };
  auto opened = LinkTransport::open(loop_, std::move(options), std::move(handlers));
  if (!opened.ok()) return opened.error();
  server_ = std::move(opened).value();
  return {};
}

std::uint16_t LinkServer::port() const {
  return server_->port();
}

LinkStats LinkServer::stats() const {
  LinkStats out = stats_;
  out.peers = peers_.size();
  out.inbox_bytes = inboxes_.bytes();
  out.peers_unread = inboxes_.set_aside().size();
  out.gateways = server_->gateways();
  out.peers_behind_gateways = server_->peers_behind_gateways();
  return out;
}

void LinkServer::resume() {
  core_busy_ = false;
  pump();
}

void LinkServer::schedule_pump() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  loop_.post([this] {
    pump_scheduled_ = false;
    pump();
  });
}

bool LinkServer::reads_answers(PeerId peer) const {
  return server_->unread_bytes(transport_peer(peer)) <= limits::kPeerUnreadBytes;
}

void LinkServer::pump() {
  const std::function<bool(PeerId)> reads = [this](PeerId peer) { return reads_answers(peer); };
  std::size_t bytes = 0;
  while (!core_busy_ && bytes < kPumpBytes) {
    const auto item = inboxes_.next(reads);
    if (!item) break;
    const auto it = peers_.find(item->peer.raw());
    if (it == peers_.end()) continue;
    if (item->end) {
      forget(transport_peer(item->peer));
      continue;
    }
    bytes += PeerInboxes::weight(item->bytes);
    on_frames(transport_peer(item->peer), it->second.kind, item->bytes);
  }
  obey_inboxes();
  if (!core_busy_ && inboxes_.ready()) schedule_pump();
}

void LinkServer::obey_inboxes() {
  const PeerInboxes::Orders orders = inboxes_.take_orders();
  for (const PeerId peer : orders.hold) {
    ++stats_.peers_held;
    (void)server_->send(transport_peer(peer), std::string(kHoldMessage));
  }
  for (const PeerId peer : orders.go_on) {
    (void)server_->send(transport_peer(peer), std::string(kGoOnMessage));
  }
  for (const auto& [peer, reason] : orders.close) {
    ++stats_.peers_flooding;
    runtime::log_warning("peer disconnected", {{"peer", peer.raw()}, {"reason", reason}});
    forget(transport_peer(peer));
    say_why(transport_peer(peer), reason);
    close_after_flush(transport_peer(peer));
  }
  const bool was_crowded = crowded_;
  crowded_ = inboxes_.crowded();
  if (crowded_ && !was_crowded) ++stats_.times_paused;
  server_->set_reading(!crowded_);
  watch_unread();
}

// Reading tells nobody: it is looked at again and again, while anybody is set aside.
void LinkServer::watch_unread() {
  if (unread_.armed() || !inboxes_.any_set_aside()) return;
  unread_ = loop_.after(kUnreadEvery, [this] {
    for (const PeerId peer : inboxes_.set_aside()) {
      const std::size_t unread = server_->unread_bytes(transport_peer(peer));
      if (unread <= limits::kPeerUnreadBytes / 2) inboxes_.hears(peer);
    }
    pump();
  });
}

void LinkServer::note_outcome(runtime::PeerId peer, runtime::PushOutcome outcome) {
  switch (outcome) {
    case runtime::PushOutcome::accepted:
    case runtime::PushOutcome::closed:
      return;
    case runtime::PushOutcome::accepted_nearly_full:
      core_busy_ = true;
      return;
    case runtime::PushOutcome::full:
      // What is not taken would leave a hole in the session: the peer begins a new one.
      refuse(peer, "the master is overloaded");
      return;
  }
}

void LinkServer::refuse(runtime::PeerId peer, const std::string& reason) {
  runtime::log_warning("peer disconnected", {{"peer", peer.raw()}, {"reason", reason}});
  forget(peer);
  say_why(peer, reason);
  close_after_flush(peer);
}

// Its author shall read it there, not in our log.
void LinkServer::say_why(runtime::PeerId peer, const std::string& reason) {
  (void)server_->send(peer, std::string(kClosingPreamble) + reason);
}

void LinkServer::forget(runtime::PeerId peer) {
  const auto it = peers_.find(peer.raw());
  if (it == peers_.end()) return;
  const bool core_knows = it->second.kind != Kind::standby;
  peers_.erase(it);
  inboxes_.forget(core_peer(peer));
  if (core_knows) (void)push_(PeerGone{core_peer(peer)}, 0);
}

void LinkServer::follow(const std::string& leader) {
  leader_ = leader;
  tell_waiting(leader);
}

void LinkServer::lead(const std::string& own) {
  leading_ = true;
  tell_waiting(own);
}

void LinkServer::tell_waiting(const std::string& leader) {
  for (const auto& [peer, row] : peers_) {
    if (row.kind != Kind::standby) continue;
    (void)server_->send(runtime::PeerId(peer), std::string(kElsewherePreamble) + leader);
  }
}

void LinkServer::on_message(runtime::PeerId peer, std::string_view bytes) {
  const auto it = peers_.find(peer.raw());
  if (it == peers_.end()) return on_preamble(peer, bytes);
  const Kind kind = it->second.kind;
  if (kind == Kind::standby) return;  // sent before it heard that this is not the leader
  if (!core_busy_ && inboxes_.idle() && reads_answers(core_peer(peer))) {
    return on_frames(peer, kind, bytes);
  }
  inboxes_.put(core_peer(peer),
               kind == Kind::agent ? PeerInboxes::Lane::agents : PeerInboxes::Lane::frameworks,
               bytes);
  obey_inboxes();
  if (!core_busy_) schedule_pump();
}

void LinkServer::on_preamble(runtime::PeerId peer, std::string_view bytes) {
  if (closing_.contains(peer.raw())) return;  // it was told that it is closed
  const bool gateway = bytes == kGatewayPreamble;
  if (gateway && leading_) return server_->admit_gateway(peer);
  Kind kind = gateway ? Kind::standby : Kind::unknown;
  if (bytes == kAgentPreamble) kind = Kind::agent;
  if (bytes == kFrameworkPreamble) kind = Kind::framework;
  if (kind == Kind::unknown) {
    ++stats_.peers_refused;
    return refuse(peer, "its first message is not a preamble this master knows");
  }
  peers_.emplace(peer.raw(), Peer{leading_ ? kind : Kind::standby});
  if (!leading_) (void)server_->send(peer, std::string(kElsewherePreamble) + leader_);
}

void LinkServer::on_frames(runtime::PeerId peer, Kind kind, std::string_view bytes) {
  auto frames = codec::decode_frames(bytes);
  if (!frames.ok()) {
    ++stats_.frames_refused;
    return refuse(peer, frames.error().message);
  }
  for (const std::string_view frame : frames.value()) {
    ++stats_.frames_in;
    runtime::PushOutcome outcome = runtime::PushOutcome::accepted;
    if (kind == Kind::agent) {
      auto message = codec::decode_agent_to_master(frame);
      if (!message.ok()) {
        ++stats_.frames_refused;
        return refuse(peer, message.error().message);
      }
      outcome =
          push_(FromAgent{core_peer(peer), Principal(), std::move(message).value()}, frame.size());
    } else {
      auto message = codec::decode_framework_to_master(frame);
      if (!message.ok()) {
        ++stats_.frames_refused;
        return refuse(peer, message.error().message);
      }
      outcome = push_(
          FromFramework{core_peer(peer), Principal(), std::move(message).value(), RequestId()},
          frame.size());
    }
    note_outcome(peer, outcome);
    if (outcome == runtime::PushOutcome::full) return;
  }
}

void LinkServer::on_close(runtime::PeerId peer, const Error& why) {
  closing_.erase(peer.raw());
  const auto it = peers_.find(peer.raw());
  if (it == peers_.end()) return;
  // One that went away may have said good-bye; of one that did not read nothing is wanted.
  if (why.code == ErrorCode::unavailable && !inboxes_.end(core_peer(peer))) {
    it->second.ended = true;
    if (!core_busy_) schedule_pump();
    return;
  }
  if (why.code != ErrorCode::unavailable) {
    runtime::log_warning("peer disconnected", {{"peer", peer.raw()}, {"reason", why.message}});
  }
  forget(peer);
}

void LinkServer::close_after_flush(runtime::PeerId peer) {
  closing_[peer.raw()] = loop_.after(kClosing, [this, peer] {
    peers_.erase(peer.raw());
    inboxes_.forget(core_peer(peer));
    server_->close(peer);
    loop_.post([this, peer] { closing_.erase(peer.raw()); });
  });
}

void LinkServer::send(std::vector<Outgoing>&& batch) {
  // What a flood asked for is not even written once its sender is gone.
  std::erase_if(batch, [&](const Outgoing& item) {
    const auto* agent = std::get_if<SendToAgent>(&item);
    const auto* framework = std::get_if<SendToFramework>(&item);
    if (agent == nullptr && framework == nullptr) return false;
    const auto it = peers_.find((agent != nullptr ? agent->peer : framework->stream).raw());
    return it == peers_.end() || it->second.ended;
  });
  const std::uint64_t before = batches_.frames();
  batches_.send(std::move(batch), master_);
  stats_.frames_out += batches_.frames() - before;
}

}  // namespace bourse::master
