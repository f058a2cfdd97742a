// RegistryCommand: each change to what a master must not forget (which agents and frameworks may be
// here), as a value with a stable number. Recovery is replay of the same apply(). The codec encodes
// a command as a versioned record; never renumber. Values, pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/maintenance.hpp"
#include "model/maintenance_schedule.hpp"
#include "model/quota.hpp"

namespace bourse {

namespace registry {

enum class AgentStanding : std::uint8_t { admitted = 1, unreachable = 2, gone = 3 };

struct SetCluster {  // 1: first record of a registry, and each new leadership
  std::string cluster_id;
  Epoch epoch = 0;
};
struct AdmitAgent {  // 2
  AgentFacet agent;  // with its id
  WallTime at;
};
struct UpdateAgent {  // 3: came back with another description
  AgentFacet agent;
};
struct MarkAgent {  // 4
  AgentId agent_id;
  AgentStanding standing = AgentStanding::admitted;
  WallTime at;
};
struct RemoveAgent {  // 5: forgotten (garbage collection of gone agents)
  AgentId agent_id;
};
struct PutFramework {  // 6: first subscribed, or changed, or away for so long by now
  FrameworkFacet framework;
  WallTime at;
  Duration away = {};  // of its failover_timeout, as leaders have counted it; none: it is here
};
struct RemoveFramework {  // 7: torn down or its failover_timeout passed
  FrameworkId framework_id;
  WallTime at;
};
struct SetWeight {  // 8
  std::string role;
  std::int64_t weight_milli = 1000;
};
struct SetMaintenance {  // 9: what an operator wants with an agent; `serving` ends it
  AgentId agent_id;
  Maintenance maintenance;
};
struct SetQuotas {  // 10: all or none; a role with an empty one has none any more
  std::vector<RoleQuota> quotas;
};
struct SetWeights {  // 11: all or none
  std::vector<RoleWeight> weights;
};
struct SetSchedule {  // 12: the whole of it; an empty one ends it
  MaintenanceSchedule schedule;
};

}  // namespace registry

// The alternative's index + 1 is its number on disk.
using RegistryCommand =
    std::variant<registry::SetCluster, registry::AdmitAgent, registry::UpdateAgent,
                 registry::MarkAgent, registry::RemoveAgent, registry::PutFramework,
                 registry::RemoveFramework, registry::SetWeight, registry::SetMaintenance,
                 registry::SetQuotas, registry::SetWeights, registry::SetSchedule>;

// The durable set itself. Ordered tables, so that a dump is stable.
struct Registry {
  struct Agent {
    AgentFacet facet;
    registry::AgentStanding standing = registry::AgentStanding::admitted;
    WallTime admitted_at;
    WallTime standing_at;
    Maintenance maintenance = {};

    bool operator==(const Agent&) const = default;
  };
  struct Framework {
    FrameworkFacet facet;
    WallTime registered_at;
    Duration away = {};

    bool operator==(const Framework&) const = default;
  };

  std::string cluster_id;
  Epoch epoch = 0;
  std::map<AgentId, Agent> agents;
  std::map<FrameworkId, Framework> frameworks;
  std::map<FrameworkId, WallTime> removed_frameworks;  // their ids are refused for ever; bounded
  std::map<std::string, std::int64_t> weights_milli;
  std::map<std::string, Quota> quotas;
  MaintenanceSchedule schedule;

  bool operator==(const Registry&) const = default;
};

// Applies one command. An error means the command does not fit this registry (a bug or a foreign
// writer); the registry is then unchanged.
Status apply(Registry& registry, const RegistryCommand& command);
// The removed framework that is forgotten when one more is removed and the list is full.
std::optional<FrameworkId> oldest_removed(const Registry& registry);
// The fewest commands that rebuild this registry: what compaction writes.
std::vector<RegistryCommand> snapshot(const Registry& registry);

}  // namespace bourse
