#include "gateway/core/gateway_core.hpp"

#include <algorithm>
#include <utility>

#include "model/leader_finder.hpp"
#include "model/link_session.hpp"

namespace bourse::gateway {

namespace {

constexpr Duration kLookEvery = Duration::milliseconds(10);  // reading tells nobody

std::string nobody_leads() {
  return std::string(kElsewherePreamble);
}

}  // namespace

void GatewayCore::step(const Event& event, Effects& effects) {
  now_ = event.now;
  std::visit([&](const auto& body) { on(body, effects); }, event.body);
}

Instant GatewayCore::next_deadline() const {
  if (phase_ != Phase::joined) return look_at_;
  return std::min({look_at_, retry_at_, ping_at_, heard_ + kGatewaySilence});
}

GatewayHolds GatewayCore::holds() const {
  GatewayHolds out;
  out.agents = peers_.size();
  out.agents_carried = by_channel_.size();
  out.agents_unread = slow_.size();
  for (const PeerId id : slow_) out.unread_bytes += peers_.at(id).unread;
  out.waiting_bytes = batch_.size();
  for (const std::string& message : backlog_) out.waiting_bytes += message.size();
  out.paused = stuck_;
  return out;
}

// -- agents

void GatewayCore::on(const PeerSaid& event, Effects& effects) {
  const auto it = peers_.find(event.peer);
  if (it == peers_.end()) return on_newcomer(event, effects);
  Peer& peer = it->second;
  if (peer.closing) {
    ++counts_.dropped_of_closing;
  } else if (peer.channel != 0) {
    ++counts_.messages_from_agents;
    counts_.bytes_from_agents += event.bytes.size();
    put({Envelope::Kind::said, peer.channel, event.bytes}, effects);
  } else if (joined() && event.bytes == kAgentPreamble) {
    join(event.peer, peer, effects);
  } else {
    // Sent before it heard that nobody leads, or that it is to begin anew.
    ++counts_.dropped_without_master;
  }
}

void GatewayCore::on_newcomer(const PeerSaid& event, Effects& effects) {
  Peer& peer = peers_[event.peer];
  if (event.bytes != kAgentPreamble) {
    ++counts_.refused_strangers;
    return close(event.peer, peer, "its first message is not an agent's preamble", effects);
  }
  if (peers_.size() > limits::kMaxGatewayPeers) {
    ++counts_.refused_for_room;
    return close(
        event.peer, peer,
        "this gateway has " + std::to_string(limits::kMaxGatewayPeers) + " agents, its limit",
        effects);
  }
  if (!joined()) {
    effects.list.emplace_back(ToPeer{event.peer, nobody_leads()});
    return;
  }
  join(event.peer, peer, effects);
}

void GatewayCore::join(PeerId id, Peer& peer, Effects& effects) {
  peer.channel = ++channels_made_;
  by_channel_.emplace(peer.channel, id);
  put({Envelope::Kind::came, peer.channel, kAgentPreamble}, effects);
  if (slow_.contains(id)) put({Envelope::Kind::slow, peer.channel}, effects);
}

void GatewayCore::close(PeerId id, Peer& peer, std::string reason, Effects& effects) {
  by_channel_.erase(peer.channel);
  slow_.erase(id);
  peer = {0, true};
  effects.list.emplace_back(ClosePeer{id, std::move(reason)});
}

void GatewayCore::on(const PeerLeft& event, Effects& effects) {
  const auto it = peers_.find(event.peer);
  if (it == peers_.end()) return;
  if (event.unread && !it->second.closing) ++counts_.closed_unread;
  const std::uint64_t channel = it->second.channel;
  peers_.erase(it);
  slow_.erase(event.peer);
  if (channel == 0) return;
  by_channel_.erase(channel);
  put({Envelope::Kind::left, channel}, effects);
}

void GatewayCore::on(const PeerUnread& event, Effects& effects) {
  const auto it = peers_.find(event.peer);
  if (it == peers_.end() || it->second.closing) return;
  Peer& peer = it->second;
  const bool was_slow = slow_.contains(event.peer);
  const bool is_slow =
      event.bytes > (was_slow ? limits::kPeerUnreadBytes / 2 : limits::kPeerUnreadBytes);
  peer.unread = is_slow ? event.bytes : 0;
  if (is_slow != was_slow && peer.channel != 0) {
    put({is_slow ? Envelope::Kind::slow : Envelope::Kind::reads, peer.channel}, effects);
  }
  if (!is_slow) {
    slow_.erase(event.peer);
    return;
  }
  slow_.insert(event.peer);
  look_at_ = std::min(look_at_, now_ + kLookEvery);
  close_who_reads_least(effects);
}

void GatewayCore::close_who_reads_least(Effects& effects) {
  std::size_t all = 0;
  PeerId most;
  for (const PeerId id : slow_) {
    const std::size_t unread = peers_.at(id).unread;
    all += unread;
    if (most.empty() || unread > peers_.at(most).unread) most = id;
  }
  if (all <= limits::kGatewayUnreadBytes) return;
  Peer& peer = peers_.at(most);
  const std::uint64_t channel = peer.channel;
  ++counts_.closed_unread;
  close(most, peer,
        "agents leave " + std::to_string(all) + " bytes unread, and it " +
            std::to_string(peer.unread) + " of them",
        effects);
  if (channel != 0) put({Envelope::Kind::left, channel}, effects);
}

// -- the master

void GatewayCore::on(const MasterThere&, Effects&) {
  phase_ = Phase::asking;
}

void GatewayCore::on(const MasterSaid& event, Effects& effects) {
  if (phase_ == Phase::searching) return;
  const auto envelopes = decode_envelopes(event.bytes);
  if (!envelopes.ok()) return give_up(envelopes.error().message, effects);
  heard_ = now_;
  for (const Envelope& envelope : envelopes.value()) {
    if (on_envelope(envelope, effects)) continue;
    return give_up("the master said what only a gateway says", effects);
  }
}

bool GatewayCore::on_envelope(const Envelope& envelope, Effects& effects) {
  using Kind = Envelope::Kind;
  const auto it = by_channel_.find(envelope.channel);
  const bool known = it != by_channel_.end();  // else it left while this was under way
  switch (envelope.kind) {
    case Kind::welcome:
      on_welcome(effects);
      return true;
    case Kind::said:
      if (!known) {
        ++counts_.dropped_for_gone;
        return true;
      }
      ++counts_.messages_to_agents;
      counts_.bytes_to_agents += envelope.bytes.size();
      effects.list.emplace_back(ToPeer{it->second, std::string(envelope.bytes)});
      return true;
    case Kind::close:
      if (!known) return true;
      ++counts_.closed_by_master;
      close(it->second, peers_.at(it->second), std::string(envelope.bytes), effects);
      return true;
    case Kind::pong:
      return true;
    case Kind::came:
    case Kind::left:
    case Kind::ping:
    case Kind::slow:
    case Kind::reads:
      return false;
  }
  return false;
}

void GatewayCore::on_welcome(Effects& effects) {
  if (phase_ == Phase::joined) return;
  phase_ = Phase::joined;
  ++counts_.masters_joined;
  ping_at_ = now_ + kGatewayPing;
  effects.list.emplace_back(MasterFound{});
  effects.notes.push_back(
      {Note::Level::info, "gateway.joined", {{"agents_waiting", std::to_string(peers_.size())}}});
  for (const auto& [id, peer] : peers_) {
    if (!peer.closing) effects.list.emplace_back(ToPeer{id, std::string(kHereMessage)});
  }
}

void GatewayCore::on(const MasterLost& event, Effects& effects) {
  if (phase_ != Phase::searching) lose_master(event.reason, effects);
}

void GatewayCore::give_up(std::string reason, Effects& effects) {
  lose_master(reason, effects);
  effects.list.emplace_back(GiveUpMaster{std::move(reason)});
}

void GatewayCore::lose_master(const std::string& reason, Effects& effects) {
  if (joined()) ++counts_.masters_lost;
  phase_ = Phase::searching;
  effects.notes.push_back({Note::Level::warning,
                           "gateway.master_lost",
                           {{"reason", reason}, {"agents", std::to_string(by_channel_.size())}}});
  for (const std::string& message : backlog_) count_lost(message);
  count_lost(batch_);
  batch_.clear();
  batched_ = 0;
  backlog_.clear();
  by_channel_.clear();
  retry_at_ = ping_at_ = Instant::max();
  if (std::exchange(stuck_, false)) effects.list.emplace_back(SetReading{true});
  for (auto& [id, peer] : peers_) {
    if (std::exchange(peer.channel, 0) != 0) {
      effects.list.emplace_back(ToPeer{id, nobody_leads()});
    }
  }
}

void GatewayCore::on(const Tick&, Effects& effects) {
  if (now_ >= look_at_) {
    look_at_ = slow_.empty() ? Instant::max() : now_ + kLookEvery;
    for (const PeerId id : slow_) effects.list.emplace_back(AskUnread{id});
  }
  if (joined()) tick_master(effects);
}

}  // namespace bourse::gateway
