// Public descriptions -> facets. Each function validates the whole description, fills what a sender
// may leave out, and keeps the canonical form as a Blob. Errors name the field by its path from
// `at`. Private to those who hold protobuf messages (the codec, the view, SDK and shells in .cpp
// files); the protobuf types are only declared here. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/facets.hpp"
#include "model/task_status.hpp"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace mesos::v1 {
class AgentInfo;
class ExecutorInfo;
class FrameworkInfo;
class Resource;
class TaskInfo;
class TaskStatus;
}  // namespace mesos::v1

namespace bourse::codec {

// Where in a message something is, for error texts: "accept.operations[0].launch.task_infos[1]".
using FieldPath = std::string;

// Total, attributes and domain come from the description; id, http and version are the caller's.
Result<AgentFacet> read_agent(const mesos::v1::AgentInfo& info, const FieldPath& at = "agent_info");
Result<FrameworkFacet> read_framework(const mesos::v1::FrameworkInfo& info,
                                      const FieldPath& at = "framework_info");
// `framework_id` is filled in when the sender left it out.
Result<ExecutorFacet> read_executor(const mesos::v1::ExecutorInfo& info,
                                    const FrameworkId& framework_id,
                                    const FieldPath& at = "executor");
Result<TaskFacet> read_task(const mesos::v1::TaskInfo& info, const FrameworkId& framework_id,
                            const FieldPath& at = "task");
Result<TaskStatus> read_status(const mesos::v1::TaskStatus& status, const FieldPath& at = "status");
Result<Resources> read_resources(
    const google::protobuf::RepeatedPtrField<mesos::v1::Resource>& list, const FieldPath& at);

// From the canonical blob of a facet, as it was stored or came from a peer.
Result<AgentFacet> agent_from_blob(Blob description);
Result<FrameworkFacet> framework_from_blob(Blob description, FrameworkId id);
Result<ExecutorFacet> executor_from_blob(Blob description);
Result<TaskFacet> task_from_blob(Blob description);

}  // namespace bourse::codec
