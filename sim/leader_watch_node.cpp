#include "sim/leader_watch_node.hpp"

#include <utility>

#include "proto/codec/candidate.hpp"

namespace bourse::sim {

void LeaderWatchNode::start(std::function<void(const std::string& link)> on_leader) {
  coordination::CoordinationConfig config;
  config.stand = false;
  CoordinationNode::Handlers on;
  on.on_lead = [](const coordination::BecameLeader&) {};
  on.on_leader = [on_leader = std::move(on_leader)](const coordination::Leader& leader) {
    std::string link;
    if (leader.info) {
      const auto read = codec::decode_candidate(*leader.info);
      if (read.ok()) link = read->link;
    }
    on_leader(link);
  };
  on.on_end = [](const std::string&) {};
  coordination_.start(std::move(config), std::move(on));
}

}  // namespace bourse::sim
