// LinkBatches: what the core wants sent, as transport messages. The frames of one peer and turn
// travel together, peers in the order of their first message; a message that is full leaves early.
// Knows the codec and nothing of sockets. One owner, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "master/core/effect.hpp"
#include "proto/codec/scheduler.hpp"

namespace bourse::master {

// What the core wants sent or closed, in order.
using Outgoing = std::variant<SendToAgent, SendToFramework, ClosePeer>;

class LinkBatches {
 public:
  struct Sinks {
    std::function<void(PeerId, std::string&&)> send;
    // After what was sent to it before.
    std::function<void(const ClosePeer&)> close;
    // A message that cannot be sent at all.
    std::function<void(PeerId)> too_large;
  };

  explicit LinkBatches(Sinks sinks) : sinks_(std::move(sinks)) {}

  void send(std::vector<Outgoing>&& batch, const codec::MasterDescription& master);
  std::uint64_t frames() const { return frames_; }

 private:
  struct Batch {
    PeerId peer;
    std::string bytes;
    std::size_t frames = 0;
  };
  Batch& batch_of(PeerId peer);
  void append(const Outgoing& item, const codec::MasterDescription& master);
  void flush(Batch& batch);

  Sinks sinks_;
  std::vector<Batch> batches_;
  std::unordered_map<PeerId, std::size_t> index_;  // into batches_
  std::uint64_t frames_ = 0;
};

}  // namespace bourse::master
