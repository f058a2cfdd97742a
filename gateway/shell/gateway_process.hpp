// GatewayProcess: the sockets around GatewayCore: one server for agents, one channel to the master.
// It decides nothing. Ownership and thread: belongs to its loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "coordination/link/leader_watch.hpp"
#include "gateway/core/gateway_core.hpp"
#include "gateway/shell/gateway_metrics.hpp"
#include "gateway/shell/options.hpp"
#include "link/master_channel.hpp"
#include "runtime/loop.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::gateway {

class GatewayProcess {
 public:
  GatewayProcess(runtime::Loop& loop, GatewayOptions options);
  ~GatewayProcess();

  // invalid: a flag. unavailable: the port is taken.
  Status start();
  std::uint16_t port() const { return server_->port(); }
  const GatewayCore& core() const { return core_; }
  // Of the master that carries the agents, or that is asked.
  const std::string& master_address() const { return master_->address(); }
  GatewayFigures figures() const;

 private:
  Status open_server();
  Status open_channel();
  template <typename Body>
  void feed(Body body);
  void perform(Effect& effect);
  void send(ToMaster& message);
  void close_after_flush(PeerId peer, const std::string& reason);
  void after_step();

  runtime::Loop& loop_;
  GatewayOptions options_;
  GatewayCore core_;
  Effects effects_;
  std::vector<std::string> not_taken_;  // of the effects being performed
  std::vector<PeerUnread> unread_;      // to be told, likewise
  bool turn_ends_ = false;              // it is posted
  runtime::Timer timer_;
  Instant armed_for_;
  std::unique_ptr<runtime::ZmqServer> server_;
  std::unique_ptr<link::MasterChannel> master_;
  std::unique_ptr<coordination::LeaderWatch> leader_watch_;
  std::map<PeerId, runtime::Timer> closing_;
};

}  // namespace bourse::gateway
