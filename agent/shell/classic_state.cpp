#include "agent/shell/classic_state.hpp"

#include "agent/shell/container_spec.hpp"
#include "model/version.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/quantity.hpp"

namespace bourse::agent {

namespace {

using codec::JsonList;
using codec::JsonObject;

enum class TaskList : std::uint8_t { queued, running, ended };

TaskList list_of(const Task& task) {
  if (task.phase == TaskPhase::ended) return TaskList::ended;
  return task.phase == TaskPhase::delivered ? TaskList::running : TaskList::queued;
}

void write_tasks(const AgentState& state, const ExecutorKey& key, const Executor& executor,
                 TaskList which, std::string& out) {
  JsonList list(out);
  for (const TaskId& id : executor.tasks) {
    const auto it = state.tasks.find({key.first, id});
    if (it == state.tasks.end() || list_of(it->second) != which) continue;
    const Task& task = it->second;
    codec::FlatTask flat{key.first, {}, *task.facet, task.state, task.role, {}};
    if (!executor.command_task) flat.executor_id = key.second.raw();
    if (task.latest) flat.statuses.push_back(&*task.latest);
    codec::write_flat_task(flat, list.entry());
  }
  list.end();
}

void write_executor(const AgentState& state, const ClassicAgent& self, const ExecutorKey& key,
                    const Executor& executor, std::string& out) {
  JsonObject object(out);
  object.text("id", key.second.raw());
  object.text("name", executor.facet->name);
  object.text("source", source_of(executor));
  object.text("container", executor.container_id.raw());
  object.text("directory",
              sandbox_of(self.options.work_dir, state.identity->id.raw(), key.first.raw(),
                         key.second.raw(), executor.container_id.raw()));
  codec::write_flat(held_by(state, key, executor), object.field("resources"));
  if (!executor.role.empty()) object.text("role", executor.role);
  const auto task = executor.tasks.empty() ? state.tasks.end()
                                           : state.tasks.find({key.first, *executor.tasks.begin()});
  if (!executor.command_task) {
    codec::write_labels_of(*executor.facet, object);
  } else if (task != state.tasks.end()) {
    codec::write_labels_of(*task->second.facet, object);
  }
  write_tasks(state, key, executor, TaskList::running, object.field("tasks"));
  write_tasks(state, key, executor, TaskList::queued, object.field("queued_tasks"));
  write_tasks(state, key, executor, TaskList::ended, object.field("completed_tasks"));
  object.end();
}

// Its container is gone, or never was; what stands here waits for acknowledgements.
bool is_over(const Executor& executor) {
  return executor.phase == ExecutorPhase::exited;
}

void write_executors(const AgentState& state, const ClassicAgent& self, const FrameworkId& id,
                     bool over, std::string& out) {
  JsonList list(out);
  for (auto it = state.executors.lower_bound({id, {}}); it != state.executors.end(); ++it) {
    if (it->first.first != id) break;
    if (is_over(it->second) != over) continue;
    write_executor(state, self, it->first, it->second, list.entry());
  }
  list.end();
}

void write_framework(const AgentState& state, const ClassicAgent& self,
                     const FrameworkFacet& framework, std::string& out) {
  JsonObject object(out);
  object.text("id", framework.id.raw());
  object.text("name", framework.name);
  object.text("user", framework.user);
  object.number("failover_timeout", codec::seconds_from_duration(framework.failover_timeout));
  object.boolean("checkpoint", framework.checkpoint);
  object.text("hostname", framework.hostname);
  if (!framework.principal.empty()) object.text("principal", framework.principal);
  if (framework.capabilities.has(Capabilities::multi_role)) {
    JsonList roles(object.field("roles"));
    for (const std::string& role : framework.roles) roles.text(role);
    roles.end();
  } else {
    object.text("role", framework.roles.empty() ? "*" : framework.roles.front());
  }
  write_executors(state, self, framework.id, false, object.field("executors"));
  write_executors(state, self, framework.id, true, object.field("completed_executors"));
  object.end();
}

void write_allocated(const AgentState& state, JsonObject& out) {
  std::map<std::string, Resources> reserved;
  Resources unreserved;
  for (const auto& [key, executor] : state.executors) {
    const Resources held = held_by(state, key, executor);  // its list lives as long as it
    for (const Resource& resource : held.list()) {
      if (resource.is_reserved()) {
        reserved[std::string(resource.role())].add(resource);
      } else {
        unreserved.add(resource);
      }
    }
  }
  JsonObject roles(out.field("reserved_resources_allocated"));
  for (const auto& [role, resources] : reserved) codec::write_flat(resources, roles.field(role));
  roles.end();
  codec::write_flat(unreserved, out.field("unreserved_resources_allocated"));
}

}  // namespace

Resources held_by(const AgentState& state, const ExecutorKey& key, const Executor& executor) {
  Resources out;
  if (executor.phase != ExecutorPhase::exited) out.add(executor.facet->resources);
  for (const TaskId& id : executor.tasks) {
    const auto it = state.tasks.find({key.first, id});
    if (it == state.tasks.end() || it->second.phase == TaskPhase::ended) continue;
    out.add(it->second.facet->resources);
  }
  return out;
}

std::string source_of(const Executor& executor) {
  return executor.command_task ? executor.facet->id.raw() : std::string();
}

std::string classic_state(const AgentState& state, const ClassicAgent& self) {
  const AgentFacet& agent = *state.identity;
  std::string text;
  JsonObject out(text);
  out.text("version", kApiVersion);
  out.text("bourse_version", kVersion);
  out.number("start_time", codec::seconds_from_wall(self.started_at));
  out.text("id", agent.id.raw());
  out.text("pid", "slave(1)@" + agent.http.ip + ":" + std::to_string(agent.http.port));
  out.text("hostname", agent.hostname);
  codec::write_agent_capabilities(out.field("capabilities"));
  codec::write_flat(state.total, out.field("resources"));
  codec::write_flat_reservations(state.total, out);
  codec::write_full_reservations(state.total, out);
  write_allocated(state, out);
  out.raw("resource_providers", "[]");
  codec::write_flat_attributes(agent.attributes, out.field("attributes"));
  if (!agent.domain.region.empty()) codec::write_flat_domain(agent.domain, out.field("domain"));
  if (!self.master_host.empty()) out.text("master_hostname", self.master_host);
  codec::write_flat_flags(self.options.flags, out.field("flags"));
  JsonList here(out.field("frameworks"));
  for (const auto& [id, framework] : state.frameworks) {
    if (!framework.shutting_down) write_framework(state, self, *framework.facet, here.entry());
  }
  here.end();
  JsonList leaving(out.field("completed_frameworks"));
  for (const auto& [id, framework] : state.frameworks) {
    if (framework.shutting_down) write_framework(state, self, *framework.facet, leaving.entry());
  }
  leaving.end();
  out.end();
  return text;
}

}  // namespace bourse::agent
