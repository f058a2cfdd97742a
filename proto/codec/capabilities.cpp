#include "proto/codec/capabilities.hpp"

#include "proto/v1/agent_info.pb.h"
#include "proto/v1/master_info.pb.h"

namespace bourse::codec {

std::span<const int> master_capabilities() {
  using Capability = mesos::v1::MasterInfo::Capability;
  static constexpr int kAll[] = {Capability::AGENT_UPDATE, Capability::AGENT_DRAINING,
                                 Capability::QUOTA_V2};
  return kAll;
}

// Without RESOURCE_PROVIDER: there are no storage plug-ins.
std::span<const int> agent_capabilities() {
  using Capability = mesos::v1::AgentInfo::Capability;
  static constexpr int kAll[] = {Capability::MULTI_ROLE,
                                 Capability::HIERARCHICAL_ROLE,
                                 Capability::RESERVATION_REFINEMENT,
                                 Capability::RESIZE_VOLUME,
                                 Capability::AGENT_OPERATION_FEEDBACK,
                                 Capability::AGENT_DRAINING,
                                 Capability::TASK_RESOURCE_LIMITS};
  return kAll;
}

}  // namespace bourse::codec
