// Facets -> public messages, for events, operator answers and descriptions. The inverse of
// facet_read.hpp, with the same rule about who includes it. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "model/facets.hpp"
#include "model/scheduler_event.hpp"
#include "model/task_status.hpp"

namespace google::protobuf {
template <typename T>
class RepeatedPtrField;
}
namespace mesos::v1 {
class AgentInfo;
class Attribute;
class ExecutorInfo;
class FrameworkInfo;
class MasterInfo;
class InverseOffer;
class Offer;
class Resource;
class TaskInfo;
class TaskStatus;
class Unavailability;
}  // namespace mesos::v1

namespace bourse::codec {

struct MasterDescription;

// How resources are written: frameworks without RESERVATION_REFINEMENT know only `role` and one
// `reservation`; the role they are held for (allocation_info) is written only when given.
struct ResourceForm {
  bool refined = true;            // `reservations` instead of `role` and `reservation`
  std::string_view allocated_to;  // empty: no allocation_info
  bool both = false;              // the older form, and `reservations` beside it: for operators
};

void write_resources(const Resources& resources, const ResourceForm& form,
                     google::protobuf::RepeatedPtrField<mesos::v1::Resource>& out);
// Says of each what role it is held in; an empty one says nothing.
void hold_in(std::string_view role, google::protobuf::RepeatedPtrField<mesos::v1::Resource>& list);
void write_attributes(const std::vector<Attribute>& attributes,
                      google::protobuf::RepeatedPtrField<mesos::v1::Attribute>& out);
void write_master(const MasterDescription& master, mesos::v1::MasterInfo& out);

// The canonical description of a facet: its blob, or one made from its fields when it was not read
// from one (a command task's executor, what tests make up).
Blob description_of(const AgentFacet& agent);
Blob description_of(const FrameworkFacet& framework);
Blob description_of(const ExecutorFacet& executor);
Blob description_of(const TaskFacet& task);

// The same as messages, with the id put back.
void write_agent(const AgentFacet& agent, mesos::v1::AgentInfo& out);
void write_framework(const FrameworkFacet& framework, mesos::v1::FrameworkInfo& out);
void write_executor(const ExecutorFacet& executor, mesos::v1::ExecutorInfo& out);
void write_task(const TaskFacet& task, mesos::v1::TaskInfo& out);

void write_status(const TaskStatus& status, mesos::v1::TaskStatus& out);
// `multi_role` and `refined` as the framework's capabilities say.
void write_offer(const OfferFacet& offer, const FrameworkId& framework_id,
                 const Capabilities& capabilities, mesos::v1::Offer& out);
void write_inverse_offer(const InverseOfferFacet& offer, const FrameworkId& framework_id,
                         mesos::v1::InverseOffer& out);
void write_unavailability(const Unavailability& unavailability, mesos::v1::Unavailability& out);
// What of its agent stands in it.
void write_offer_agent(const AgentFacet& agent, mesos::v1::Offer& out);

// The state a framework without PARTITION_AWARE is told instead (TASK_LOST), and without
// TASK_KILLING_STATE (TASK_RUNNING).
TaskState state_for(TaskState state, const Capabilities& capabilities);

}  // namespace bourse::codec
