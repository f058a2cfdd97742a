// What a gateway has counted since it began, and how much it holds. Values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bourse::gateway {

// A message is one transport message of an agent, or for one, as it is carried.
struct GatewayCounts {
  std::uint64_t messages_from_agents = 0;  // carried
  std::uint64_t bytes_from_agents = 0;
  std::uint64_t messages_to_agents = 0;
  std::uint64_t bytes_to_agents = 0;

  // Messages that reach nobody, by their reason.
  std::uint64_t dropped_without_master = 0;  // its agent had not heard yet that nobody leads
  std::uint64_t dropped_of_closing = 0;      // its agent is being closed
  std::uint64_t dropped_for_gone = 0;        // for an agent that is here no more
  std::uint64_t dropped_with_master = 0;     // it waited for a master that was lost

  // Agents that were turned away or closed, by their reason.
  std::uint64_t refused_strangers = 0;  // the first message was not an agent's
  std::uint64_t refused_for_room = 0;   // limits::kMaxGatewayPeers
  std::uint64_t closed_unread = 0;      // it did not read what was said to it
  std::uint64_t closed_by_master = 0;

  std::uint64_t masters_joined = 0;  // times that one which leads took this gateway in
  std::uint64_t masters_lost = 0;    // times that one was lost which had
  std::uint64_t times_paused = 0;    // no agent was read from: the master did not read
};

struct GatewayHolds {
  std::size_t agents = 0;          // connections, all of them
  std::size_t agents_carried = 0;  // have a channel to the master
  std::size_t agents_unread = 0;   // leave more than limits::kPeerUnreadBytes unread
  std::size_t unread_bytes = 0;    // of these
  std::size_t waiting_bytes = 0;   // for the master, and not given to its connection yet
  bool paused = false;
};

}  // namespace bourse::gateway
