#include "model/peer_inboxes.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace bourse {

void PeerInboxes::put(PeerId peer, Lane lane, std::string_view bytes) {
  Inbox& inbox = inboxes_[peer];
  ASSERT(!inbox.ended);
  inbox.lane = lane;
  const bool waited = waits(inbox);
  inbox.messages.emplace_back(bytes);
  const std::size_t size = weight(bytes);
  inbox.bytes += size;
  bytes_ += size;
  ++messages_;
  if (!waited && !inbox.aside) ++ready_;
  enqueue(peer, inbox);
  if (inbox.bytes > limits_.peer_bytes || inbox.messages.size() > limits_.peer_messages) {
    return close(peer, "it goes on sending although it was told to hold: " +
                           std::to_string(inbox.messages.size()) + " messages of " +
                           std::to_string(inbox.bytes) + " bytes wait, at most " +
                           std::to_string(limits_.peer_messages) + " of " +
                           std::to_string(limits_.peer_bytes) + " may");
  }
  if (!inbox.held &&
      (inbox.bytes > limits_.hold_bytes || inbox.messages.size() > limits_.hold_messages)) {
    inbox.held = true;
    orders_.hold.push_back(peer);
  }
  check_room();
}

void PeerInboxes::check_room() {
  while (bytes_ > limits_.total_bytes) {
    auto fullest = inboxes_.end();
    for (auto it = inboxes_.begin(); it != inboxes_.end(); ++it) {
      if (!it->second.held && !it->second.aside) continue;
      if (fullest == inboxes_.end() || it->second.bytes > fullest->second.bytes) fullest = it;
    }
    if (fullest == inboxes_.end()) break;
    close(fullest->first, "the master has too much to do, most of it for this peer: " +
                              std::to_string(fullest->second.bytes) + " bytes of it wait");
  }
  if (bytes_ > limits_.total_bytes) crowded_ = true;
  if (bytes_ <= limits_.total_bytes / 2) crowded_ = false;
}

void PeerInboxes::enqueue(PeerId peer, Inbox& inbox) {
  if (inbox.queued || inbox.aside) return;
  inbox.queued = true;
  ring(inbox.lane).push_back(peer);
}

bool PeerInboxes::end(PeerId peer) {
  const auto it = inboxes_.find(peer);
  if (it == inboxes_.end() || it->second.messages.empty()) {
    forget(peer);
    return true;
  }
  Inbox& inbox = it->second;
  inbox.ended = true;
  inbox.held = false;
  ++ends_;
  hears(peer);
  return false;
}

void PeerInboxes::drop_messages(Inbox& inbox) {
  if (waits(inbox) && !inbox.aside) --ready_;
  if (inbox.ended) --ends_;
  if (inbox.aside) --asides_;
  bytes_ -= inbox.bytes;
  messages_ -= inbox.messages.size();
  inbox.messages.clear();
  inbox.bytes = 0;
  inbox.ended = false;
  inbox.aside = false;
}

void PeerInboxes::forget(PeerId peer) {
  const auto it = inboxes_.find(peer);
  if (it == inboxes_.end()) return;
  drop_messages(it->second);
  inboxes_.erase(it);  // its place in a ring is skipped when its turn comes
  check_room();
}

void PeerInboxes::close(PeerId peer, std::string reason) {
  const auto it = inboxes_.find(peer);
  drop_messages(it->second);
  inboxes_.erase(it);  // its place in a ring is skipped when its turn comes
  std::erase(orders_.hold, peer);
  std::erase(orders_.go_on, peer);
  orders_.close.emplace_back(peer, std::move(reason));
}

PeerInboxes::Lane PeerInboxes::next_lane() const {
  if (frameworks_.empty()) return Lane::agents;
  if (agents_.empty() || agent_turns_ >= kAgentTurns) return Lane::frameworks;
  return Lane::agents;
}

void PeerInboxes::finish_turn(PeerId peer, Inbox& inbox) {
  agent_turns_ = inbox.lane == Lane::agents ? agent_turns_ + 1 : 0;
  inbox.in_turn = false;
  Ring& row = ring(inbox.lane);
  row.pop_front();
  if (inbox.messages.empty()) inbox.credit = std::min<std::int64_t>(inbox.credit, 0);
  if (waits(inbox) || inbox.credit < 0) {
    row.push_back(peer);
  } else {
    inboxes_.erase(peer);
  }
}

PeerInboxes::Item PeerInboxes::take(PeerId peer, Inbox& inbox) {
  Item item{peer, std::move(inbox.messages.front()), false};
  inbox.messages.pop_front();
  const std::size_t size = weight(item.bytes);
  inbox.bytes -= size;
  inbox.credit -= static_cast<std::int64_t>(size);
  bytes_ -= size;
  --messages_;
  if (!waits(inbox)) --ready_;
  if (inbox.held && inbox.bytes <= limits_.hold_bytes / 2 &&
      inbox.messages.size() <= limits_.hold_messages / 2) {
    inbox.held = false;
    orders_.go_on.push_back(peer);
  }
  check_room();
  return item;
}

std::optional<PeerInboxes::Item> PeerInboxes::next(const std::function<bool(PeerId)>& reads) {
  while (ready_ > 0) {
    Ring& row = ring(next_lane());
    const PeerId peer = row.front();
    const auto it = inboxes_.find(peer);
    if (it == inboxes_.end()) {
      row.pop_front();
      continue;
    }
    Inbox& inbox = it->second;
    if (!inbox.in_turn) {
      inbox.in_turn = true;
      inbox.credit += static_cast<std::int64_t>(limits_.turn_bytes);
    }
    if (inbox.messages.empty() && inbox.ended) {
      forget(peer);
      return Item{peer, {}, true};
    }
    if (inbox.credit <= 0 || inbox.messages.empty()) {
      finish_turn(peer, inbox);
      continue;
    }
    if (inbox.ended || reads(peer)) return take(peer, inbox);
    inbox.aside = true;
    inbox.in_turn = false;
    inbox.queued = false;
    inbox.credit = std::min<std::int64_t>(inbox.credit, 0);
    --ready_;
    ++asides_;
    row.pop_front();
  }
  return std::nullopt;
}

std::vector<PeerId> PeerInboxes::set_aside() const {
  std::vector<PeerId> out;
  for (const auto& [peer, inbox] : inboxes_) {
    if (inbox.aside) out.push_back(peer);
  }
  return out;
}

void PeerInboxes::hears(PeerId peer) {
  const auto it = inboxes_.find(peer);
  if (it == inboxes_.end() || !it->second.aside) return;
  it->second.aside = false;
  --asides_;
  if (waits(it->second)) ++ready_;
  enqueue(peer, it->second);
}

}  // namespace bourse
