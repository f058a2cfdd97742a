#include "gateway/shell/gateway_metrics.hpp"

#include <string>

#include "model/limits.hpp"

namespace bourse::gateway {

namespace {

class Names {
 public:
  explicit Names(api::Metrics& out) : out_(out) {}

  template <typename Number>
  void operator()(const char* name, Number value) {
    out_.emplace_back(std::string("bourse/gateway/") + name, static_cast<double>(value));
  }

 private:
  api::Metrics& out_;
};

void add_counts(const GatewayCounts& counts, Names& put) {
  put("messages_from_agents", counts.messages_from_agents);
  put("bytes_from_agents", counts.bytes_from_agents);
  put("messages_to_agents", counts.messages_to_agents);
  put("bytes_to_agents", counts.bytes_to_agents);
  put("dropped/without_master", counts.dropped_without_master);
  put("dropped/of_closing", counts.dropped_of_closing);
  put("dropped/for_gone", counts.dropped_for_gone);
  put("dropped/with_master", counts.dropped_with_master);
  put("refused/strangers", counts.refused_strangers);
  put("refused/for_room", counts.refused_for_room);
  put("closed/unread", counts.closed_unread);
  put("closed/by_master", counts.closed_by_master);
  put("masters_joined", counts.masters_joined);
  put("masters_lost", counts.masters_lost);
  put("times_paused", counts.times_paused);
}

void add_holds(const GatewayHolds& holds, Names& put) {
  put("agents", holds.agents);
  put("agents_limit", limits::kMaxGatewayPeers);
  put("agents_carried", holds.agents_carried);
  put("agents_unread", holds.agents_unread);
  put("unread_bytes", holds.unread_bytes);
  put("unread_bytes_limit", limits::kGatewayUnreadBytes);
  put("waiting_bytes", holds.waiting_bytes);
  put("paused", holds.paused ? 1 : 0);
}

}  // namespace

api::Metrics gateway_metrics(const GatewayFigures& figures) {
  api::Metrics out;
  Names put(out);
  put("connected", figures.connected ? 1 : 0);
  add_counts(figures.counts, put);
  add_holds(figures.holds, put);
  put("master_queue_bytes", figures.master_queue_bytes);
  put("master_queue_bytes_limit", limits::kPeerQueueBytes);
  put("connections", figures.connections.connections);
  put("refused/for_descriptors", figures.connections.connections_refused);
  put("refused/silent", figures.connections.connections_silent);
  return out;
}

}  // namespace bourse::gateway
