// What master and agents say they can do, as numbers of MasterInfo.Capability.Type and
// AgentInfo.Capability.Type: no more than is true, since clients choose their calls by it. Values.
#pragma once

#include <span>

namespace bourse::codec {

std::span<const int> master_capabilities();
std::span<const int> agent_capabilities();

}  // namespace bourse::codec
