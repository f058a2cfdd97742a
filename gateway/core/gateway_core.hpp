// GatewayCore: which agent is which channel of the one connection to the master that leads, what
// waits for that connection, and what agents are told while there is none. It carries transport
// messages as they are; what they mean is the agents' and the master's business. Event in, effects
// out; values; one owner.
//
// An agent that comes while there is a master gets a channel and is carried. While there is none,
// or when it is lost, agents are told that nobody leads, and wait with their connections; when a
// master welcomes us they are told to begin anew, here (model/leader_finder.hpp).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "gateway/core/gateway_counts.hpp"
#include "model/gateway_link.hpp"
#include "model/ids.hpp"
#include "model/note.hpp"

namespace bourse::gateway {

struct PeerSaid {
  PeerId peer;
  std::string_view bytes;  // during the step only
};
// It disconnected, or was closed on our word, or because it left too much unread.
struct PeerLeft {
  PeerId peer;
  bool unread = false;
};
// So much of what was sent to it is unread: told when it is more than limits::kPeerUnreadBytes, and
// in answer to AskUnread.
struct PeerUnread {
  PeerId peer;
  std::size_t bytes = 0;
};
// A connection to a master stands, our preamble is sent.
struct MasterThere {};
struct MasterSaid {
  std::string_view bytes;  // during the step only
};
struct MasterLost {
  std::string reason;
};
// The connection did not take these, the last of what it was given, in their order.
struct MasterFull {
  std::vector<std::string> messages;
};
// What came together has been told.
struct TurnEnded {};
struct Tick {};

struct Event {
  Instant now;
  std::variant<PeerSaid, PeerLeft, PeerUnread, MasterThere, MasterSaid, MasterLost, MasterFull,
               TurnEnded, Tick>
      body;
};

struct ToMaster {
  std::string bytes;
};
struct ToPeer {
  PeerId peer;
  std::string bytes;
};
// After what was sent to it. PeerLeft follows.
struct ClosePeer {
  PeerId peer;
  std::string reason;
};
struct AskUnread {
  PeerId peer;
};
// The one connected leads.
struct MasterFound {};
// Look for another one; MasterLost does not follow.
struct GiveUpMaster {
  std::string reason;
};
// Whether agents' sockets are read.
struct SetReading {
  bool wanted = true;
};

using Effect =
    std::variant<ToMaster, ToPeer, ClosePeer, AskUnread, MasterFound, GiveUpMaster, SetReading>;

struct Effects {
  std::vector<Effect> list;
  std::vector<Note> notes;
};

class GatewayCore {
 public:
  void step(const Event& event, Effects& effects);
  Instant next_deadline() const;

  // searching: for a master that leads. asking: one is connected. joined: it leads, and carries.
  enum class Phase : std::uint8_t { searching, asking, joined };

  Phase phase() const { return phase_; }
  bool joined() const { return phase_ == Phase::joined; }
  const GatewayCounts& counts() const { return counts_; }
  GatewayHolds holds() const;
  // Whether TurnEnded has something to do.
  bool has_batch() const { return !batch_.empty(); }

 private:
  struct Peer {
    std::uint64_t channel = 0;  // 0: it waits for a master
    bool closing = false;
    std::size_t unread = 0;  // once it is slow
  };

  void on(const PeerSaid& event, Effects& effects);
  void on(const PeerLeft& event, Effects& effects);
  void on(const PeerUnread& event, Effects& effects);
  void on(const MasterThere&, Effects& effects);
  void on(const MasterSaid& event, Effects& effects);
  void on(const MasterLost& event, Effects& effects);
  void on(const MasterFull& event, Effects& effects);
  void on(const TurnEnded&, Effects& effects);
  void on(const Tick&, Effects& effects);

  void on_newcomer(const PeerSaid& event, Effects& effects);
  // False: a master does not say such a thing.
  bool on_envelope(const Envelope& envelope, Effects& effects);
  void on_welcome(Effects& effects);
  void close(PeerId id, Peer& peer, std::string reason, Effects& effects);
  void join(PeerId id, Peer& peer, Effects& effects);
  void close_who_reads_least(Effects& effects);
  void tick_master(Effects& effects);
  void give_up(std::string reason, Effects& effects);
  void lose_master(const std::string& reason, Effects& effects);
  void count_lost(std::string_view message);
  void put(const Envelope& envelope, Effects& effects);
  void flush(Effects& effects);

  Instant now_;
  GatewayCounts counts_;
  Phase phase_ = Phase::searching;
  std::map<PeerId, Peer> peers_;
  std::map<std::uint64_t, PeerId> by_channel_;
  std::set<PeerId> slow_;
  std::uint64_t channels_made_ = 0;
  std::string batch_;
  std::size_t batched_ = 0;          // envelopes in it
  std::deque<std::string> backlog_;  // not taken by the connection
  bool stuck_ = false;               // it took less than it was given; agents are not read from
  Instant retry_at_ = Instant::max();
  Instant ping_at_ = Instant::max();
  Instant look_at_ = Instant::max();  // whether slow ones have read
  Instant heard_;
};

}  // namespace bourse::gateway
