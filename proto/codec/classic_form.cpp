#include "proto/codec/classic_form.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "proto/codec/capabilities.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/agent_info.pb.h"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/master_info.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace {

namespace v1 = mesos::v1;

std::string text_of(const IntervalSet& ranges) {
  std::string out = "[";
  for (const Interval& one : ranges.ranges()) {
    if (out.size() > 1) out += ", ";
    out += std::to_string(one.begin) + "-" + std::to_string(one.end);
  }
  return out + "]";
}

std::string text_of(const std::set<std::string>& items) {
  std::string out = "{";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    out += item;
  }
  return out + "}";
}

std::map<std::string, Resources> by_role(const Resources& total) {
  std::map<std::string, Resources> out;
  for (const Resource& resource : total.list()) {
    if (resource.is_reserved()) out[std::string(resource.role())].add(resource);
  }
  return out;
}

void write_labels(const v1::Labels& labels, std::string& out) {
  JsonList list(out);
  for (const v1::Label& label : labels.labels()) write_json(label, list.entry());
  list.end();
}

void write_flat_status(const TaskStatus& status, std::string& out) {
  v1::TaskStatus message;
  write_status(status, message);
  JsonObject object(out);
  object.text("state", v1::TaskState_Name(message.state()));
  object.number("timestamp", message.timestamp());
  if (message.has_labels()) write_labels(message.labels(), object.field("labels"));
  if (message.has_container_status()) {
    write_json(message.container_status(), object.field("container_status"));
  }
  if (message.has_healthy()) object.boolean("healthy", message.healthy());
  object.end();
}

void write_limits(const std::map<std::string, std::int64_t>& limits_milli, std::string& out) {
  JsonObject object(out);
  for (const auto& [name, milli] : limits_milli) {
    const bool none = milli == std::numeric_limits<std::int64_t>::max();
    object.number(name, none ? std::numeric_limits<double>::infinity() : double_from_milli(milli));
  }
  object.end();
}

void write_flat_command(const v1::CommandInfo& command, std::string& out) {
  JsonObject object(out);
  object.boolean("shell", command.shell());
  if (command.has_value()) object.text("value", command.value());
  JsonList arguments(object.field("argv"));
  for (const std::string& argument : command.arguments()) arguments.text(argument);
  arguments.end();
  if (command.has_environment()) write_json(command.environment(), object.field("environment"));
  JsonList uris(object.field("uris"));
  for (const auto& uri : command.uris()) write_json(uri, uris.entry());
  uris.end();
  object.end();
}

}  // namespace

void write_flat(const Resources& resources, std::string& out) {
  std::map<std::string, std::int64_t> scalars = {{"disk", 0}, {"mem", 0}, {"gpus", 0}, {"cpus", 0}};
  std::map<std::string, IntervalSet> ranges;
  std::map<std::string, std::set<std::string>> sets;
  for (const Resource& resource : resources.list()) {
    const std::string name = resource.name + (resource.is_revocable() ? "_revocable" : "");
    switch (resource.kind) {
      case Resource::Kind::scalar:
        scalars[name] += resource.scalar_milli * resource.copies;
        break;
      case Resource::Kind::ranges:
        ranges[name].add(resource.ranges);
        break;
      case Resource::Kind::set:
        sets[name].insert(resource.items.begin(), resource.items.end());
        break;
    }
  }
  JsonObject object(out);
  for (const auto& [name, milli] : scalars) object.number(name, double_from_milli(milli));
  for (const auto& [name, set] : ranges) object.text(name, text_of(set));
  for (const auto& [name, set] : sets) object.text(name, text_of(set));
  object.end();
}

void write_flat_reservations(const Resources& total, JsonObject& out) {
  JsonObject roles(out.field("reserved_resources"));
  for (const auto& [role, reserved] : by_role(total)) write_flat(reserved, roles.field(role));
  roles.end();
  write_flat(total.unreserved(), out.field("unreserved_resources"));
}

void write_full_reservations(const Resources& total, JsonObject& out) {
  JsonObject roles(out.field("reserved_resources_full"));
  for (const auto& [role, reserved] : by_role(total)) {
    JsonList list(roles.field(role));
    write_full(reserved, {}, list);
    list.end();
  }
  roles.end();
  JsonList list(out.field("unreserved_resources_full"));
  write_full(total.unreserved(), {}, list);
  list.end();
}

void write_full(const Resources& resources, std::string_view held_in, JsonList& out) {
  v1::AgentInfo holder;
  write_resources(resources, {false, held_in, true}, *holder.mutable_resources());
  for (const v1::Resource& resource : holder.resources()) write_json(resource, out.entry());
}

void write_flat_attributes(const std::vector<Attribute>& attributes, std::string& out) {
  JsonObject object(out);
  for (const Attribute& attribute : attributes) {
    switch (attribute.kind) {
      case Attribute::Kind::scalar:
        object.number(attribute.name, double_from_milli(attribute.scalar_milli));
        break;
      case Attribute::Kind::ranges:
        object.text(attribute.name, text_of(attribute.ranges));
        break;
      case Attribute::Kind::set:
        object.text(attribute.name, text_of({attribute.items.begin(), attribute.items.end()}));
        break;
      case Attribute::Kind::text:
        object.text(attribute.name, attribute.text);
        break;
    }
  }
  object.end();
}

void write_flat_domain(const Domain& domain, std::string& out) {
  JsonObject object(out);
  JsonObject fault(object.field("fault_domain"));
  for (const auto& [level, name] : {std::pair("region", &domain.region), {"zone", &domain.zone}}) {
    JsonObject named(fault.field(level));
    named.text("name", *name);
    named.end();
  }
  fault.end();
  object.end();
}

void write_flat_labels(const std::vector<Label>& labels, std::string& out) {
  JsonList list(out);
  for (const Label& label : labels) {
    JsonObject object(list.entry());
    object.text("key", label.key);
    if (label.value) object.text("value", *label.value);
    object.end();
  }
  list.end();
}

void write_flat_flags(const std::vector<std::pair<std::string, std::string>>& flags,
                      std::string& out) {
  JsonObject object(out);
  for (const auto& [name, value] : flags) object.text(classic_flag_name(name), value);
  object.end();
}

std::string classic_flags(const std::vector<std::pair<std::string, std::string>>& flags) {
  std::string out;
  JsonObject object(out);
  write_flat_flags(flags, object.field("flags"));
  object.end();
  return out;
}

std::string classic_flag_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void write_master_capabilities(std::string& out) {
  using Capability = v1::MasterInfo::Capability;
  JsonList list(out);
  for (const int type : master_capabilities()) {
    list.text(Capability::Type_Name(static_cast<Capability::Type>(type)));
  }
  list.end();
}

void write_agent_capabilities(std::string& out) {
  using Capability = v1::AgentInfo::Capability;
  JsonList list(out);
  for (const int type : agent_capabilities()) {
    list.text(Capability::Type_Name(static_cast<Capability::Type>(type)));
  }
  list.end();
}

void write_flat_task(const FlatTask& task, std::string& out) {
  v1::TaskInfo info;
  write_task(task.task, info);
  JsonObject object(out);
  object.text("id", task.task.id.raw());
  object.text("name", task.task.name);
  object.text("framework_id", task.framework_id.raw());
  object.text("executor_id", task.executor_id);
  object.text("slave_id", task.task.agent_id.raw());
  object.text("state", v1::TaskState_Name(static_cast<v1::TaskState>(task.state)));
  write_flat(task.task.resources, object.field("resources"));
  if (!task.role.empty()) object.text("role", task.role);
  JsonList statuses(object.field("statuses"));
  for (const TaskStatus* status : task.statuses) write_flat_status(*status, statuses.entry());
  statuses.end();
  if (!task.task.user.empty()) object.text("user", task.task.user);
  if (info.has_labels()) write_labels(info.labels(), object.field("labels"));
  if (info.has_discovery()) write_json(info.discovery(), object.field("discovery"));
  if (info.has_container()) write_json(info.container(), object.field("container"));
  if (info.has_health_check()) write_json(info.health_check(), object.field("health_check"));
  if (!task.task.limits_milli.empty()) write_limits(task.task.limits_milli, object.field("limits"));
  object.end();
}

void write_labels_of(const TaskFacet& task, JsonObject& out) {
  v1::TaskInfo info;
  write_task(task, info);
  if (info.has_labels()) write_labels(info.labels(), out.field("labels"));
}

void write_labels_of(const ExecutorFacet& executor, JsonObject& out) {
  v1::ExecutorInfo info;
  write_executor(executor, info);
  if (info.has_labels()) write_labels(info.labels(), out.field("labels"));
}

void write_flat_executor(const ExecutorFacet& executor, std::string_view role, JsonObject& out) {
  v1::ExecutorInfo info;
  write_executor(executor, info);
  out.text("name", executor.name);
  out.text("framework_id", executor.framework_id.raw());
  write_flat_command(info.command(), out.field("command"));
  write_flat(executor.resources, out.field("resources"));
  if (!role.empty()) out.text("role", role);
  if (info.has_labels()) write_labels(info.labels(), out.field("labels"));
  if (info.has_type()) out.text("type", v1::ExecutorInfo::Type_Name(info.type()));
}

}  // namespace bourse::codec
