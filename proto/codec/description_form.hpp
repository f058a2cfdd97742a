// Descriptions as our own messages and records carry them: canonical bytes with an id beside them.
// Private to the codec; any thread.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/facets.hpp"
#include "proto/codec/field_path.hpp"

namespace bourse::internal {
class AgentDescription;
class Description;
class LaunchNumber;
}  // namespace bourse::internal

namespace bourse::codec {

Result<AgentFacet> read_agent_description(const internal::AgentDescription& message);
void write_agent_description(const AgentFacet& agent, internal::AgentDescription& out);

Result<FrameworkFacet> read_framework_description(const internal::Description& message);
void write_framework_description(const FrameworkFacet& framework, internal::Description& out);

Result<ExecutorFacet> read_executor_bytes(const std::string& bytes);
Result<TaskFacet> read_task_bytes(const std::string& bytes);

LaunchId read_launch_number(const internal::LaunchNumber& message);
void write_launch_number(const LaunchId& id, internal::LaunchNumber& out);

// Ids between our own processes: a missing one is refused where `what` must be named.
Status require_ids(std::initializer_list<std::pair<const char*, const std::string*>> ids);

}  // namespace bourse::codec
