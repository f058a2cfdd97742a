// MasterChannel: one peer's connection to whichever master leads, for agents and for frameworks. It
// carries transport messages only; whom to connect to is LeaderFinder's word, what they mean the
// owner's. While the master asks to hold, what is sent waits here.
//
// Ownership and thread: belongs to its loop's thread; callbacks run there, never inside a call of
// the owner. Destroy it there, not from inside a callback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::link {

struct MasterChannelOptions {
  std::vector<std::string> masters;  // "host:port"
  std::string_view preamble;         // what kind of peer this is (model/link_session.hpp)
  std::uint64_t seed = 0;            // of the jitter
  runtime::ZmqLimits limits = {};
};

struct MasterChannelHandlers {
  // A connection stands, its preamble is sent. The one before, if any, was lost.
  runtime::UniqueFunction<void()> on_connected = {};
  runtime::UniqueFunction<void(std::string_view)> on_message = {};
  // The master says why it will close this connection; on_lost follows.
  runtime::UniqueFunction<void(const std::string& reason)> on_closing = {};
  // The connection is over, or the master there does not lead; another is being looked for.
  runtime::UniqueFunction<void(const std::string& reason)> on_lost = {};
};

class MasterChannel {
 public:
  MasterChannel(runtime::Loop& loop, MasterChannelOptions options, MasterChannelHandlers handlers);
  ~MasterChannel();
  MasterChannel(const MasterChannel&) = delete;
  MasterChannel& operator=(const MasterChannel&) = delete;

  void start();
  // unavailable: not connected. full: over the budget, not taken; the session has a hole.
  Status send(std::string bytes);
  // The master there took this peer in: it leads.
  void registered();
  // The owner wants no more of this connection. on_lost is not called for it.
  void give_up();
  // ZooKeeper says who leads; empty: nobody.
  void learned(const std::string& leader);
  // Taken from the owner and not yet by the network.
  std::size_t queued_bytes() const;
  // Connected or connecting to.
  const std::string& address() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bourse::link
