#include "framework-sdk/link/task_form.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "framework-sdk/link/check_fields.hpp"
#include "framework-sdk/link/command_fields.hpp"
#include "framework-sdk/link/offer_pool.hpp"
#include "model/limits.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/v1/executor_info.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::sdk {

namespace {

namespace v1 = mesos::v1;

Status check_spec(const TaskSpec& task) {
  if (task.id.empty()) return invalid("task.id: is empty; give each task an id of your own");
  if (task.command.has_value() == task.executor.has_value()) {
    return invalid("task '" + task.id + "': give either a command or an executor, exactly one");
  }
  const Command& command = task.command ? *task.command : task.executor->command;
  if (command.shell.empty() == command.arguments.empty()) {
    return invalid("task '" + task.id +
                   "'.command: give either shell or arguments, exactly one of them");
  }
  if (task.executor && task.executor->id.empty()) {
    return invalid("task '" + task.id + "'.executor.id: is empty");
  }
  for (const PortRange& range : task.resources.ports) {
    if (range.begin > range.end) {
      return invalid("task '" + task.id + "'.resources.ports: " + std::to_string(range.begin) +
                     "-" + std::to_string(range.end) + " has its lower end last");
    }
  }
  return {};
}

std::string attribute_text(const Attribute& attribute) {
  switch (attribute.kind) {
    case Attribute::Kind::scalar:
      return milli_text(attribute.scalar_milli);
    case Attribute::Kind::text:
      return attribute.text;
    case Attribute::Kind::ranges: {
      std::string out;
      for (const Interval& range : attribute.ranges.ranges()) {
        if (!out.empty()) out += ", ";
        out += std::to_string(range.begin) + "-" + std::to_string(range.end);
      }
      return "[" + out + "]";
    }
    case Attribute::Kind::set: {
      std::string out;
      for (const std::string& item : attribute.items) out += (out.empty() ? "" : ", ") + item;
      return "{" + out + "}";
    }
  }
  return {};
}

}  // namespace

bourse::Resources model_resources(const Resources& from) {
  bourse::Resources out;
  const auto scalar = [&](const char* name, std::int64_t milli) {
    out.add(bourse::Resource::scalar(name, milli));
  };
  const auto thousandths = [](std::int64_t units) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
    return std::min(units, kMost) * 1000;
  };
  scalar("cpus", from.cpu_milli);
  scalar("mem", thousandths(from.memory_mb));
  scalar("disk", thousandths(from.disk_mb));
  scalar("gpus", thousandths(from.gpus));
  for (const auto& [name, milli] : from.other_milli) scalar(name.c_str(), milli);
  IntervalSet ports;
  for (const PortRange& range : from.ports) {
    if (range.begin <= range.end) ports.add(range.begin, range.end);
  }
  out.add(bourse::Resource::of_ranges("ports", std::move(ports)));
  return out;
}

Resources public_resources(const bourse::Resources& from) {
  Resources out;
  for (const bourse::Resource& resource : from.list()) {
    if (resource.kind == bourse::Resource::Kind::scalar) {
      if (resource.name == "cpus") {
        out.cpu_milli += resource.scalar_milli;
      } else if (resource.name == "mem") {
        out.memory_mb += resource.scalar_milli / 1000;
      } else if (resource.name == "disk") {
        out.disk_mb += resource.scalar_milli / 1000;
      } else if (resource.name == "gpus") {
        out.gpus += resource.scalar_milli / 1000;
      } else {
        out.other_milli[resource.name] += resource.scalar_milli;
      }
    } else if (resource.name == "ports") {
      for (const Interval& range : resource.ranges.ranges()) {
        out.ports.push_back(
            {static_cast<std::uint32_t>(range.begin), static_cast<std::uint32_t>(range.end)});
      }
    }
  }
  return out;
}

Result<TaskFacet> task_facet(const TaskSpec& task, const std::string& agent_id,
                             const FrameworkId& framework_id, OfferPool& pool) {
  if (const Status status = check_spec(task); !status.ok()) return status.error();
  v1::TaskInfo info;
  info.set_name(task.name.empty() ? task.id : task.name);
  info.mutable_task_id()->set_value(task.id);
  info.mutable_agent_id()->set_value(agent_id);
  bourse::Resources held = pool.take(model_resources(task.resources), task.revocable);
  for (const std::string& id : task.volumes) {
    auto volume = pool.take(Volume{.id = id});
    if (!volume.ok()) {
      return invalid("task '" + task.id + "'.volumes: " + volume.error().message);
    }
    held.add(volume.value());
  }
  codec::write_resources(held, {}, *info.mutable_resources());
  if (task.command) fill_command(*task.command, *info.mutable_command());
  if (task.executor) {
    const ExecutorSpec& from = *task.executor;
    v1::ExecutorInfo& to = *info.mutable_executor();
    to.mutable_executor_id()->set_value(from.id);
    to.mutable_framework_id()->set_value(framework_id.raw());
    to.set_type(v1::ExecutorInfo::CUSTOM);
    if (!from.name.empty()) to.set_name(from.name);
    fill_command(from.command, *to.mutable_command());
    codec::write_resources(pool.take(model_resources(from.resources), task.revocable), {},
                           *to.mutable_resources());
    to.mutable_shutdown_grace_period()->set_nanoseconds(from.shutdown_grace_ms * 1'000'000);
  }
  if (!task.data.empty()) info.set_data(task.data);
  for (const auto& [key, value] : task.labels) {
    auto* label = info.mutable_labels()->add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  if (task.kill_grace_ms) {
    info.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(*task.kill_grace_ms *
                                                                        1'000'000);
  }
  if (task.max_run_ms) {
    info.mutable_max_completion_time()->set_nanoseconds(*task.max_run_ms * 1'000'000);
  }
  if (const Status checks = fill_checks(task, info); !checks.ok()) return checks.error();
  return codec::read_task(info, framework_id, "task");
}

Result<call::Request> request_of(const std::vector<Wanted>& wanted) {
  call::Request out;
  if (wanted.size() > limits::kMaxDemandShapes) {
    return invalid("request: " + std::to_string(wanted.size()) + " entries are more than " +
                   std::to_string(limits::kMaxDemandShapes));
  }
  std::int64_t count = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::string at = "request: entry " + std::to_string(i);
    const auto most = static_cast<std::int64_t>(limits::kMaxDemandRequests);
    if (wanted[i].count < 1 || (count += wanted[i].count) > most) {
      return invalid(at + " is wanted " + std::to_string(wanted[i].count) +
                     " times: at least once, and " + std::to_string(most) +
                     " times at most in all");
    }
    call::Request::Wanted made;
    made.role = wanted[i].role;
    made.shape.agent_id = AgentId(wanted[i].agent_id);
    made.shape.count = static_cast<std::uint32_t>(wanted[i].count);
    const bourse::Resources amounts = model_resources(wanted[i].resources);
    for (const bourse::Resource& resource : amounts.list()) {
      const std::int64_t amount = quantity_of(resource);
      if (resource.scalar_milli < 0 || amount > limits::kMaxScalarMilli) {
        return invalid(at + " wants " + milli_text(resource.scalar_milli) + " " + resource.name +
                       ": it must be 0 to " + milli_text(limits::kMaxScalarMilli));
      }
      if (amount > 0) made.shape.amounts[resource.name] = amount;
    }
    if (made.shape.amounts.empty()) return invalid(at + " wants nothing: say of what and how much");
    out.wanted.push_back(std::move(made));
  }
  return out;
}

namespace {

enum class Part : std::uint8_t { lasting, reserved, lent };

// Without volumes. What is lent is never reserved.
bourse::Resources part_of(const bourse::Resources& offered, Part part) {
  bourse::Resources out;
  for (const bourse::Resource& resource : offered.list()) {
    if (is_volume(resource) || resource.is_revocable() != (part == Part::lent)) continue;
    if (part != Part::reserved || resource.is_reserved()) out.add(resource);
  }
  return out;
}

// One entry for each kind of reservation, in the order of the offer.
std::vector<Reserved> public_reservations(const bourse::Resources& offered) {
  std::vector<std::pair<const std::vector<Reservation>*, bourse::Resources>> kinds;
  const bourse::Resources reserved = part_of(offered, Part::reserved);
  for (const bourse::Resource& resource : reserved.list()) {
    const auto& stack = resource.meta->reservations;
    const auto same = [&](const auto& kind) { return *kind.first == stack; };
    auto it = std::find_if(kinds.begin(), kinds.end(), same);
    if (it == kinds.end()) it = kinds.insert(kinds.end(), {&stack, {}});
    it->second.add(resource);
  }
  std::vector<Reserved> out;
  for (const auto& [stack, resources] : kinds) {
    Reserved& made = out.emplace_back();
    made.role = stack->back().role;
    made.by_operation = stack->back().type == Reservation::Type::dynamically;
    for (const Label& label : stack->back().labels) {
      made.labels[label.key] = label.value.value_or("");
    }
    made.resources = public_resources(resources);
  }
  return out;
}

Volume public_volume(const bourse::Resource& resource) {
  Volume out;
  out.id = resource.meta->disk->persistence_id;
  out.role = std::string(resource.role());
  out.size_mb = resource.scalar_milli / 1000;
  out.path = resource.meta->disk->volume_path;
  out.read_only = resource.meta->disk->volume_read_only;
  out.shared = resource.is_shared();
  return out;
}

// Of an offer of either kind.
template <typename Public>
void show_planned(const UnavailabilityPtr& planned, Public& out) {
  if (!planned) return;
  out.unavailable_from_ms = planned->start.ns / 1'000'000;
  if (planned->duration) out.unavailable_for_ms = planned->duration->ms();
}

}  // namespace

InverseOffer public_inverse_offer(const InverseOfferFacet& offer) {
  InverseOffer out;
  out.id = offer.id.raw();
  if (offer.agent) {
    out.agent_id = offer.agent->id.raw();
    out.hostname = offer.agent->hostname;
  }
  show_planned(offer.unavailability, out);
  return out;
}

Offer public_offer(const OfferFacet& offer) {
  Offer out;
  out.id = offer.id.raw();
  out.role = *offer.role;
  out.resources = public_resources(part_of(offer.resources, Part::lasting));
  out.reserved = public_resources(part_of(offer.resources, Part::reserved));
  out.revocable = public_resources(part_of(offer.resources, Part::lent));
  out.reservations = public_reservations(offer.resources);
  for (const bourse::Resource& resource : offer.resources.list()) {
    if (is_volume(resource)) out.volumes.push_back(public_volume(resource));
  }
  show_planned(offer.unavailability, out);
  if (offer.agent) {
    out.agent_id = offer.agent->id.raw();
    out.hostname = offer.agent->hostname;
    out.region = offer.agent->domain.region;
    out.zone = offer.agent->domain.zone;
    for (const Attribute& attribute : offer.agent->attributes) {
      out.attributes[attribute.name] = attribute_text(attribute);
    }
  }
  return out;
}

TaskUpdate public_update(const TaskStatus& status) {
  TaskUpdate out;
  out.task_id = status.task_id.raw();
  out.state = static_cast<TaskState>(status.state);
  out.message = status.message;
  if (status.reason) out.reason = bourse::name_of(*status.reason);
  out.agent_id = status.agent_id.raw();
  out.executor_id = status.executor_id.raw();
  out.container_id = status.container_id.raw();
  out.data = status.data;
  out.healthy = status.healthy;
  out.check = public_check_status(status.extra);
  if (status.uuid) {
    out.uuid.assign(reinterpret_cast<const char*>(status.uuid->bytes.data()),
                    status.uuid->bytes.size());
  }
  return out;
}

OperationUpdate public_operation(const OperationStatus& status) {
  OperationUpdate out;
  out.operation_id = status.id.raw();
  out.state = static_cast<OperationState>(status.state);
  out.message = status.message;
  out.agent_id = status.agent_id.raw();
  if (status.uuid) {
    out.uuid.assign(reinterpret_cast<const char*>(status.uuid->bytes.data()),
                    status.uuid->bytes.size());
  }
  return out;
}

LaunchedTask public_task(const TaskFacet& task) {
  LaunchedTask out;
  out.id = task.id.raw();
  out.name = task.name;
  out.agent_id = task.agent_id.raw();
  out.resources = public_resources(task.resources);
  v1::TaskInfo info;
  codec::write_task(task, info);
  out.data = info.data();
  if (info.has_command()) out.command = read_command(info.command());
  for (const auto& label : info.labels().labels()) out.labels[label.key()] = label.value();
  return out;
}

}  // namespace bourse::sdk
