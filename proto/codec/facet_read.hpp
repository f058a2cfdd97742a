// Public descriptions -> facets. Each function validates the whole description, fills what a sender
// may leave out, brings it into canonical form in place, and keeps that as a Blob. Errors name the
// field by its path from `at`. For those who hold protobuf messages (the codec, the view, SDK and
// shells in .cpp files); the protobuf types are only declared here. Any thread.
#pragma once

#include "base/result.hpp"
#include "model/facets.hpp"
#include "model/maintenance_schedule.hpp"
#include "model/task_status.hpp"
#include "proto/codec/field_path.hpp"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace mesos::v1 {
class AgentInfo;
class Attribute;
class ExecutorInfo;
class FrameworkInfo;
class Resource;
class TaskInfo;
class TaskStatus;
class Unavailability;
}  // namespace mesos::v1

namespace bourse::codec {

// Everything but http.ip and version, which AgentInfo does not have.
Result<AgentFacet> read_agent(mesos::v1::AgentInfo& info, const FieldPath& at);
Result<FrameworkFacet> read_framework(mesos::v1::FrameworkInfo& info, const FieldPath& at);
// The framework id is filled in when the sender left it out; another one than `framework_id` is
// refused, unless that is empty.
Result<ExecutorFacet> read_executor(mesos::v1::ExecutorInfo& info, const FrameworkId& framework_id,
                                    const FieldPath& at);
Result<TaskFacet> read_task(mesos::v1::TaskInfo& info, const FrameworkId& framework_id,
                            const FieldPath& at);
// Leaves in `status` only what the model has no field for.
Result<TaskStatus> read_status(mesos::v1::TaskStatus& status, const FieldPath& at);

// Times that no clock shows are refused.
Result<Unavailability> read_unavailability(const mesos::v1::Unavailability& message,
                                           const FieldPath& at);

// Entries are named `at`.resources[i].
Result<Resources> read_resources(
    const google::protobuf::RepeatedPtrField<mesos::v1::Resource>& list, const FieldPath& at);
Result<std::vector<Attribute>> read_attributes(
    const google::protobuf::RepeatedPtrField<mesos::v1::Attribute>& list, const FieldPath& at);

// From the canonical blob of a facet, as it was stored or came from one of our own processes.
Result<AgentFacet> agent_from_blob(Blob description);
Result<FrameworkFacet> framework_from_blob(Blob description, FrameworkId id);
Result<ExecutorFacet> executor_from_blob(Blob description);
Result<TaskFacet> task_from_blob(Blob description);

}  // namespace bourse::codec
