// MasterConfig: everything a master core is told once, at its making. Value; never changes.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "model/ids.hpp"

namespace bourse::master {

struct MasterConfig {
  std::string master_id;     // this process; for people and MasterInfo
  std::string cluster_name;  // for people
  // For a registry that is empty; empty: one is made from the seed.
  std::string cluster_id;
  // The fencing epoch that an election gave; 0: one more than the registry remembers.
  Epoch epoch = 0;
  std::uint64_t seed = 0;  // drawn by the shell; names and tie-breaks come from it
  std::string region;      // the master's own; agents elsewhere are for region-aware frameworks

  // -- agents
  Duration agent_heartbeat = Duration::seconds(5);   // each side sends one this often
  Duration agent_silence = Duration::seconds(15);    // heard nothing: silent
  Duration agent_timeout = Duration::seconds(75);    // silent for so long: unreachable
  Duration agent_recovery = Duration::seconds(600);  // in the registry, not seen since we lead
  // Between two that are marked unreachable; 0: as many at once as there are.
  Duration agent_removal_interval;
  Duration agent_retry = Duration::seconds(10);  // a refused agent asks again after this
  // Those that are unreachable or gone are forgotten: looked for this often, once they are so for
  // that long, and of more than so many of either kind those that are so longest.
  Duration registry_gc_interval = Duration::seconds(15 * 60);
  Duration registry_max_agent_age = Duration::seconds(14 * 24 * 3600);
  // Both kinds together leave room for most of limits::kMaxAgents.
  std::int64_t registry_max_agent_count = 20'000;

  // -- frameworks
  Duration framework_heartbeat = Duration::seconds(15);  // on HTTP, as Mesos
  // SDK links: as with agents, each side sends one this often and notices three that are missing.
  Duration framework_link_heartbeat = Duration::seconds(5);
  Duration framework_silence = Duration::seconds(15);  // SDK links only: HTTP has its connection
  // A new leader gives a framework at least this long to come back, whatever its failover_timeout.
  Duration framework_recovery = Duration::seconds(60);
  Duration removal_retry = Duration::seconds(10);  // after the registry refused the removal

  // -- offers
  Duration offer_lifetime = Duration::seconds(60);
  Duration offer_tick = Duration::milliseconds(5);  // from the first touch to the round
  Duration reoffer_min = Duration::milliseconds(1'000);
  // Filters end on multiples of this, so that a thousand of them wake the master once.
  Duration filter_grain = Duration::milliseconds(100);
  // Offers a second, over the whole cluster, to claims that declined their last few offers whole:
  // what frameworks that want nothing may cost. Claims that use what they get are not held back.
  std::int64_t idle_offers_per_second = 1'000;
};

}  // namespace bourse::master
