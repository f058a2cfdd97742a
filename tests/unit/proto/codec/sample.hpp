// Messages with every field set, for round trips.
#pragma once

#include <vector>

#include "model/agent_link.hpp"
#include "model/checkpoint_record.hpp"
#include "model/executor_link.hpp"
#include "model/framework_link.hpp"
#include "model/registry_command.hpp"
#include "model/service_command.hpp"

namespace bourse::sample {

Resources resources();  // scalar, ranges, set; reservation stack; disk; shared; revocable
AgentFacet agent();
FrameworkFacet framework();
ExecutorFacet executor();
TaskFacet task(const std::string& id = "task-1");
TaskStatus status();
Uuid uuid(std::uint8_t seed);

// One of each kind.
std::vector<ResourceOperation> resource_operations();
OperationOrder operation_order();
std::vector<SchedulerCall> scheduler_calls();
std::vector<SchedulerEvent> scheduler_events();
std::vector<ExecutorCall> executor_calls();
std::vector<ExecutorEvent> executor_events();
std::vector<AgentToMaster> agent_messages();
std::vector<MasterToAgent> master_messages();
std::vector<RegistryCommand> registry_commands();
std::vector<CheckpointRecord> checkpoint_records();
std::vector<ServiceCommand> service_commands();

service::AppVersion app_version();
service::InstanceRecord app_instance();

}  // namespace bourse::sample
