// What the state endpoints that Mesos had before its v1 operator API say of resources, attributes
// and tasks, for master and agent: flat objects, doubles for times, `slave_id`, command tasks
// without an executor. Each appends one JSON value to `out`. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/facets.hpp"
#include "model/task_status.hpp"
#include "proto/codec/json_object.hpp"

namespace bourse::codec {

// {"disk":..,"mem":..,"gpus":..,"cpus":..}, always with these four; ranges and sets as text;
// revocable ones under a name of their own ("cpus_revocable").
void write_flat(const Resources& resources, std::string& out);
// "reserved_resources" and "unreserved_resources", by the role that is innermost.
void write_flat_reservations(const Resources& total, JsonObject& out);
// Likewise "..._full": whole resources, in both forms of reservations.
void write_full_reservations(const Resources& total, JsonObject& out);
// A list of whole resources; `held_in`: their role, if they are held.
void write_full(const Resources& resources, std::string_view held_in, JsonList& out);

void write_flat_attributes(const std::vector<Attribute>& attributes, std::string& out);
// {"fault_domain":..}
void write_flat_domain(const Domain& domain, std::string& out);
// [{"key":..,"value":..}]
void write_flat_labels(const std::vector<Label>& labels, std::string& out);
// {"name_of_flag":"value"}, as it was given.
void write_flat_flags(const std::vector<std::pair<std::string, std::string>>& flags,
                      std::string& out);
// The same within {"flags":..}, and one name.
std::string classic_flags(const std::vector<std::pair<std::string, std::string>>& flags);
std::string classic_flag_name(std::string name);
// What master and agent can do here, as names.
void write_master_capabilities(std::string& out);
void write_agent_capabilities(std::string& out);

struct FlatTask {
  const FrameworkId& framework_id;
  std::string_view executor_id;  // empty: a command task
  const TaskFacet& task;
  TaskState state = TaskState::staging;
  std::string_view role;
  std::vector<const TaskStatus*> statuses;
};
void write_flat_task(const FlatTask& task, std::string& out);

// "labels", if the description has any.
void write_labels_of(const TaskFacet& task, JsonObject& out);
void write_labels_of(const ExecutorFacet& executor, JsonObject& out);

// The fields of an ExecutorInfo but for its id.
void write_flat_executor(const ExecutorFacet& executor, std::string_view role, JsonObject& out);

}  // namespace bourse::codec
