// Forwarder: sends work to the workers of the next stage over batch streams, to whom credit allows;
// what no one has room for waits here, and the owner sees how much (it passes the pressure on by
// not answering upstream). Belongs to its loop's thread.
//
// Every send() is answered by exactly one on_result, unless the Forwarder is destroyed first. When
// a worker is lost, its work is answered with ok = false: upstream asks again (at least once).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "executors/batch/batch_stream.hpp"
#include "runtime/loop.hpp"

namespace bourse::crawler {

class Forwarder {
 public:
  using OnResult = std::function<void(std::uint64_t id, bool ok, std::string_view payload)>;

  Forwarder(runtime::Loop& loop, std::string name, batch::StreamLimits limits, OnResult on_result);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // A peer that is no longer named gets no new work and is let go once it has answered all it has.
  void set_peers(const std::vector<std::string>& endpoints);

  // kAnyPeer: to whoever has most room. Otherwise to peer number shard % peers, so that work of one
  // shard goes one way as long as the peers stay the same.
  static constexpr std::uint32_t kAnyPeer = 0xffffffffU;
  void send(std::uint64_t id, std::string payload, std::uint32_t shard = kAnyPeer);

  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Peer {
    std::string endpoint;
    std::unique_ptr<batch::BatchClient> client;
    bool leaving = false;
  };
  struct Work {
    std::uint64_t id = 0;
    std::string payload;
    std::uint32_t shard = kAnyPeer;
  };

  std::unique_ptr<Peer> open(const std::string& endpoint);
  Peer* choose(std::uint32_t shard);
  void pump();
  void pump_soon();
  void let_go();

  runtime::Loop& loop_;
  std::string name_;
  batch::StreamLimits limits_;
  OnResult on_result_;
  std::vector<std::unique_ptr<Peer>> peers_;  // in the order they were named; leaving ones last
  std::deque<Work> waiting_;
  bool pump_scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace bourse::crawler
