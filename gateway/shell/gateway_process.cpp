#include "gateway/shell/gateway_process.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "link/notes.hpp"
#include "model/limits.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"
#include "runtime/entropy.hpp"
#include "runtime/log.hpp"

namespace bourse::gateway {

namespace {

// An agent that is told why it is closed gets this long to read it.
constexpr Duration kClosing = Duration::seconds(1);
constexpr std::uint64_t kOtherDescriptors = 100;

PeerId core_id(runtime::PeerId peer) {
  return PeerId(peer.raw());
}
runtime::PeerId transport_id(PeerId peer) {
  return runtime::PeerId(peer.raw());
}

}  // namespace

GatewayProcess::GatewayProcess(runtime::Loop& loop, GatewayOptions options)
    : loop_(loop), options_(std::move(options)) {}

GatewayProcess::~GatewayProcess() = default;

Status GatewayProcess::start() {
  if (Status opened = open_channel(); !opened.ok()) return opened;
  if (Status opened = open_server(); !opened.ok()) return opened;
  master_->start();
  return {};
}

Status GatewayProcess::open_server() {
  runtime::ZmqServerOptions options;
  options.endpoint = "tcp://" + options_.ip + ":" + std::to_string(options_.port);
  options.limits.max_message_bytes = limits::kMaxFrameBytes;
  options.limits.queue_bytes = limits::kGatewayPeerBytes;
  const std::uint64_t descriptors = runtime::raise_descriptor_limit();
  options.max_connections = descriptors - std::min(kOtherDescriptors, descriptors / 2);
  runtime::ZmqServerHandlers handlers;
  handlers.on_message = [this](runtime::PeerId peer, std::string_view bytes) {
    feed(PeerSaid{core_id(peer), bytes});
  };
  handlers.on_close = [this](runtime::PeerId peer, const Error& why) {
    if (why.code != ErrorCode::unavailable) {
      runtime::log_warning("agent disconnected", {{"peer", peer.raw()}, {"reason", why.message}});
    }
    closing_.erase(core_id(peer));
    feed(PeerLeft{core_id(peer), why.code == ErrorCode::full});
  };
  auto opened = runtime::ZmqServer::open(loop_, std::move(options), std::move(handlers));
  if (!opened.ok()) return opened.error();
  server_ = std::move(opened).value();
  return {};
}

Status GatewayProcess::open_channel() {
  auto masters = coordination::parse_masters_or_ensemble(options_.master, "--master");
  if (!masters.ok()) return masters.error();
  link::MasterChannelOptions channel;
  channel.masters = masters->addresses;
  channel.preamble = kGatewayPreamble;
  channel.seed = runtime::random_u64();
  channel.limits.max_message_bytes = limits::kMaxEnvelopesBytes;
  channel.limits.queue_bytes = limits::kPeerQueueBytes;
  link::MasterChannelHandlers handlers;
  handlers.on_connected = [this] { feed(MasterThere{}); };
  handlers.on_message = [this](std::string_view bytes) { feed(MasterSaid{bytes}); };
  handlers.on_lost = [this](const std::string& reason) { feed(MasterLost{reason}); };
  master_ = std::make_unique<link::MasterChannel>(loop_, std::move(channel), std::move(handlers));
  if (!masters->ensemble) return {};
  leader_watch_ = std::make_unique<coordination::LeaderWatch>(
      loop_, *masters->ensemble, runtime::random_u64(), coordination::LeaderAddress::link,
      [this](const std::string& leader) { master_->learned(leader); });
  return leader_watch_->start();
}

GatewayFigures GatewayProcess::figures() const {
  return {core_.joined(), core_.counts(), core_.holds(), master_->queued_bytes(), server_->stats()};
}

template <typename Body>
void GatewayProcess::feed(Body body) {
  effects_.list.clear();
  effects_.notes.clear();
  core_.step({runtime::monotonic_now(), std::move(body)}, effects_);
  link::write_notes(effects_.notes);
  // None of the effects feeds an event: their consequences come by the loop, or right after.
  for (Effect& effect : effects_.list) perform(effect);
  if (!not_taken_.empty()) return feed(MasterFull{std::exchange(not_taken_, {})});
  if (!unread_.empty()) {
    const PeerUnread next = unread_.back();
    unread_.pop_back();
    return feed(next);
  }
  after_step();
}

void GatewayProcess::after_step() {
  if (core_.has_batch() && !std::exchange(turn_ends_, true)) {
    loop_.post([this] {
      turn_ends_ = false;
      feed(TurnEnded{});
    });
  }
  const Instant at = core_.next_deadline();
  if (at == Instant::max()) return timer_.cancel();
  if (timer_.armed() && armed_for_ <= at) return;  // it fires early, and is armed again
  armed_for_ = at;
  timer_ =
      loop_.after(std::max(at - runtime::monotonic_now(), Duration{}), [this] { feed(Tick{}); });
}

void GatewayProcess::perform(Effect& effect) {
  std::visit(Overloaded{
                 [&](ToMaster& e) { send(e); },
                 [&](ToPeer& e) {
                   // One that is gone or does not read reports itself through on_close.
                   (void)server_->send(transport_id(e.peer), std::move(e.bytes));
                   const std::size_t unread = server_->unread_bytes(transport_id(e.peer));
                   if (unread > limits::kPeerUnreadBytes) unread_.push_back({e.peer, unread});
                 },
                 [&](AskUnread& e) {
                   unread_.push_back({e.peer, server_->unread_bytes(transport_id(e.peer))});
                 },
                 [&](ClosePeer& e) { close_after_flush(e.peer, e.reason); },
                 [&](MasterFound&) { loop_.post([this] { master_->registered(); }); },
                 [&](GiveUpMaster&) { loop_.post([this] { master_->give_up(); }); },
                 [&](SetReading& e) { server_->set_reading(e.wanted); },
             },
             effect);
}

void GatewayProcess::send(ToMaster& message) {
  // Behind one that was not taken no other is, or their order would change.
  if (not_taken_.empty()) {
    const Status sent = master_->send(message.bytes);
    if (sent.ok() || sent.error().code != ErrorCode::full) return;
  }
  not_taken_.push_back(std::move(message.bytes));
}

void GatewayProcess::close_after_flush(PeerId peer, const std::string& reason) {
  runtime::log_info("closing agent", {{"peer", peer.raw()}, {"reason", reason}});
  closing_[peer] = loop_.after(kClosing, [this, peer] {
    server_->close(transport_id(peer));
    loop_.post([this, peer] {
      closing_.erase(peer);
      feed(PeerLeft{peer});
    });
  });
}

}  // namespace bourse::gateway
