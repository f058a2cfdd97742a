// The metrics of a gateway by their names (docs/operators.md has the list). Pure; any thread.
#pragma once

#include <cstddef>

#include "api/metrics_answer.hpp"
#include "gateway/core/gateway_counts.hpp"
#include "runtime/zmq_endpoint.hpp"

namespace bourse::gateway {

struct GatewayFigures {
  bool connected = false;  // a master that leads carries its agents
  GatewayCounts counts;
  GatewayHolds holds;
  std::size_t master_queue_bytes = 0;  // given to the connection to the master, and not taken
  runtime::ZmqServerStats connections;
};

api::Metrics gateway_metrics(const GatewayFigures& figures);

}  // namespace bourse::gateway
