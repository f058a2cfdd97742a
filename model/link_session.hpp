// LinkSession: what both ends of a Bourse link (agent or SDK to master) agree on beside the
// messages.
//
// The transport may drop, repeat or delay a frame across reconnects. Each side numbers its frames
// of a session from 1; the receiver applies a number once and in order. A gap means that something
// was lost: the receiver ends the session and the peer registers anew, which reconciles everything.
// Heartbeats carry the last number sent, so that a lost last frame is noticed too. A session number
// is drawn by the peer that registers and grows with each attempt, so old frames are recognised.
// Values; pure.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace bourse {

// The first transport message of every connection says who speaks and in which version of the link;
// the frames follow in messages of their own. A master disconnects whoever says anything else.
inline constexpr std::string_view kAgentPreamble = "bourse-agent/1";
inline constexpr std::string_view kFrameworkPreamble = "bourse-framework/1";

// What a master says between messages of frames; no frame begins like these. A peer that sends
// faster than it is served is told to hold, and later to go on; one that is closed is told why.
inline constexpr std::string_view kHoldMessage = "bourse-hold/1";
inline constexpr std::string_view kGoOnMessage = "bourse-go-on/1";
inline constexpr std::string_view kClosingPreamble = "bourse-closing/1 ";

struct LinkHeader {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;  // 0: unsequenced (register, heartbeat)
  std::uint64_t epoch = 0;     // master's fencing epoch; 0 from a peer that knows none

  auto operator<=>(const LinkHeader&) const = default;
};

enum class Arrival : std::uint8_t { fresh, repeat, gap };

// The receiving half of a session.
class LinkReceiver {
 public:
  Arrival arrive(std::uint64_t sequence) {
    if (sequence == 0) return Arrival::fresh;
    if (sequence <= last_) return Arrival::repeat;
    if (sequence != last_ + 1) return Arrival::gap;
    last_ = sequence;
    return Arrival::fresh;
  }
  // A heartbeat says how many were sent: more than arrived is a gap.
  bool complete(std::uint64_t last_sent) const { return last_sent <= last_; }
  std::uint64_t last() const { return last_; }

 private:
  std::uint64_t last_ = 0;
};

// The sending half.
class LinkSender {
 public:
  std::uint64_t next() { return ++last_; }
  std::uint64_t last() const { return last_; }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace bourse
