// PeerInboxes: what peers have sent and the master has not looked at yet. Who sends much waits for
// itself: each peer has an inbox of its own, and they are emptied in turn, so many bytes at a time,
// agents before frameworks eight to one (an agent that is not heard in time is given up).
//
// What happens to one that sends faster than it is served, in this order:
//   over the hold mark      it is told to hold, and to go on at half of that (link/MasterChannel
//                           obeys); what was under way till then fits in the rest of its inbox
//   over its inbox          it does not obey, and is closed with the reason
//   its answers are unread  it is not served until it has read them; the two lines above follow
//   all inboxes are full    the fullest of those that were told to hold, or do not read, is closed;
//                           if there is none, the peers are simply many: no socket is read until
//                           half of it is worked off
//
// Decides, and moves no byte of the world. Value; one owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.hpp"
#include "model/limits.hpp"

namespace bourse {

struct InboxLimits {
  std::size_t hold_bytes = limits::kPeerHoldBytes;
  std::size_t hold_messages = limits::kPeerHoldMessages;
  std::size_t peer_bytes = limits::kPeerInboxBytes;
  std::size_t peer_messages = limits::kPeerInboxMessages;
  std::size_t total_bytes = limits::kInboxesBytes;
  std::size_t turn_bytes = limits::kInboxTurnBytes;
};

class PeerInboxes {
 public:
  enum class Lane : std::uint8_t { agents, frameworks };

  struct Item {
    PeerId peer;
    std::string bytes;
    bool end = false;  // no message: the peer is gone and all it sent was taken
  };

  // What the owner has to tell peers, each once.
  struct Orders {
    std::vector<PeerId> hold;
    std::vector<PeerId> go_on;
    std::vector<std::pair<PeerId, std::string>> close;  // with the reason; its inbox is empty
  };

  explicit PeerInboxes(InboxLimits limits = {}) : limits_(limits) {}

  void put(PeerId peer, Lane lane, std::string_view bytes);
  // The peer is gone. True: nothing of it waits. False: what waits comes first, then its end.
  bool end(PeerId peer);
  // The peer is of no interest any more, nor what it sent. Its id never comes again.
  void forget(PeerId peer);

  // The next message. A peer of which `reads` says no is set aside until hears().
  std::optional<Item> next(const std::function<bool(PeerId)>& reads);
  std::vector<PeerId> set_aside() const;
  void hears(PeerId peer);

  Orders take_orders() { return std::exchange(orders_, {}); }
  // Nothing waits at all / something waits that next() would look at.
  bool idle() const { return messages_ == 0 && ends_ == 0; }
  bool ready() const { return ready_ > 0; }
  bool any_set_aside() const { return asides_ > 0; }
  // No socket shall be read.
  bool crowded() const { return crowded_; }
  std::size_t bytes() const { return bytes_; }
  // What a message counts for: even an empty one costs.
  static std::size_t weight(std::string_view bytes) { return bytes.size() + kOverhead; }

 private:
  static constexpr std::size_t kOverhead = 128;
  // So many turns of agents for one of a framework, while both wait.
  static constexpr std::uint32_t kAgentTurns = 8;

  struct Inbox {
    Lane lane = Lane::frameworks;
    std::deque<std::string> messages;
    std::size_t bytes = 0;
    std::int64_t credit = 0;  // of its turn; below zero it still pays for a large message
    bool in_turn = false;
    bool queued = false;  // in its lane's ring
    bool held = false;
    bool aside = false;
    bool ended = false;
  };
  using Ring = std::deque<PeerId>;

  Ring& ring(Lane lane) { return lane == Lane::agents ? agents_ : frameworks_; }
  Lane next_lane() const;
  bool waits(const Inbox& inbox) const { return !inbox.messages.empty() || inbox.ended; }
  void enqueue(PeerId peer, Inbox& inbox);
  void finish_turn(PeerId peer, Inbox& inbox);
  Item take(PeerId peer, Inbox& inbox);
  void drop_messages(Inbox& inbox);
  void close(PeerId peer, std::string reason);
  void check_room();

  InboxLimits limits_;
  std::map<PeerId, Inbox> inboxes_;  // of peers of whom something waits, or is owed
  Ring agents_;
  Ring frameworks_;
  std::uint32_t agent_turns_ = 0;
  std::size_t bytes_ = 0;
  std::size_t messages_ = 0;
  std::size_t ends_ = 0;
  std::size_t ready_ = 0;  // inboxes that wait and are not set aside
  std::size_t asides_ = 0;
  bool crowded_ = false;
  Orders orders_;
};

}  // namespace bourse
