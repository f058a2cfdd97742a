#include "sim/service_form.hpp"

#include <utility>
#include <vector>

namespace bourse::sim {

namespace {

Resources model_resources(const sdk::Resources& from) {
  std::vector<Resource> out{Resource::scalar("cpus", from.cpu_milli),
                            Resource::scalar("mem", from.memory_mb * 1000)};
  if (from.disk_mb > 0) out.push_back(Resource::scalar("disk", from.disk_mb * 1000));
  IntervalSet ports;
  for (const sdk::PortRange& range : from.ports) ports.add(range.begin, range.end);
  if (!ports.ranges().empty()) out.push_back(Resource::of_ranges("ports", std::move(ports)));
  return Resources(std::move(out));
}

sdk::Resources public_resources(const Resources& from) {
  sdk::Resources out;
  for (const Resource& resource : from.list()) {
    if (resource.name == "cpus") out.cpu_milli += resource.scalar_milli;
    if (resource.name == "mem") out.memory_mb += resource.scalar_milli / 1000;
    if (resource.name == "disk") out.disk_mb += resource.scalar_milli / 1000;
    if (resource.name != "ports") continue;
    for (const Interval& range : resource.ranges.ranges()) {
      out.ports.push_back(
          {static_cast<std::uint32_t>(range.begin), static_cast<std::uint32_t>(range.end)});
    }
  }
  return out;
}

}  // namespace

TaskFacet task_facet(const sdk::TaskSpec& task, const AgentId& agent) {
  TaskFacet out;
  out.id = TaskId(task.id);
  out.name = task.name.empty() ? task.id : task.name;
  out.agent_id = agent;
  out.resources = model_resources(task.resources);
  if (task.kill_grace_ms) out.kill_grace = Duration::milliseconds(*task.kill_grace_ms);
  out.has_command = true;
  return out;
}

sdk::Offer public_offer(const OfferFacet& offer) {
  sdk::Offer out;
  out.id = offer.id.raw();
  out.role = *offer.role;
  out.resources = public_resources(offer.resources);
  out.agent_id = offer.agent->id.raw();
  out.hostname = offer.agent->hostname;
  return out;
}

sdk::TaskUpdate public_update(const TaskStatus& status) {
  sdk::TaskUpdate out;
  out.task_id = status.task_id.raw();
  out.state = static_cast<sdk::TaskState>(status.state);
  out.message = status.message;
  if (status.reason) out.reason = bourse::name_of(*status.reason);
  out.agent_id = status.agent_id.raw();
  out.executor_id = status.executor_id.raw();
  if (status.uuid) {
    out.uuid.assign(reinterpret_cast<const char*>(status.uuid->bytes.data()),
                    status.uuid->bytes.size());
  }
  return out;
}

}  // namespace bourse::sim
