#include "bourse/types.hpp"

#include "base/assert.hpp"
#include "base/interval_set.hpp"
#include "model/operation_status.hpp"
#include "model/task_state.hpp"

namespace bourse::sdk {

namespace {

IntervalSet set_of(const std::vector<PortRange>& ports) {
  IntervalSet out;
  for (const PortRange& range : ports) {
    if (range.begin <= range.end) out.add(range.begin, range.end);
  }
  return out;
}

std::vector<PortRange> ranges_of(const IntervalSet& set) {
  std::vector<PortRange> out;
  for (const Interval& range : set.ranges()) {
    out.push_back({static_cast<std::uint32_t>(range.begin), static_cast<std::uint32_t>(range.end)});
  }
  return out;
}

}  // namespace

bool contains(const Resources& whole, const Resources& part) {
  if (whole.cpu_milli < part.cpu_milli || whole.memory_mb < part.memory_mb ||
      whole.disk_mb < part.disk_mb || whole.gpus < part.gpus) {
    return false;
  }
  for (const auto& [name, milli] : part.other_milli) {
    const auto it = whole.other_milli.find(name);
    if (milli > 0 && (it == whole.other_milli.end() || it->second < milli)) return false;
  }
  return set_of(whole.ports).contains(set_of(part.ports));
}

void subtract(Resources& whole, const Resources& part) {
  ASSERT(contains(whole, part));
  whole.cpu_milli -= part.cpu_milli;
  whole.memory_mb -= part.memory_mb;
  whole.disk_mb -= part.disk_mb;
  whole.gpus -= part.gpus;
  for (const auto& [name, milli] : part.other_milli) {
    if (milli > 0) whole.other_milli[name] -= milli;
  }
  IntervalSet ports = set_of(whole.ports);
  ports.subtract(set_of(part.ports));
  whole.ports = ranges_of(ports);
}

void add(Resources& whole, const Resources& part) {
  whole.cpu_milli += part.cpu_milli;
  whole.memory_mb += part.memory_mb;
  whole.disk_mb += part.disk_mb;
  whole.gpus += part.gpus;
  for (const auto& [name, milli] : part.other_milli) whole.other_milli[name] += milli;
  IntervalSet ports = set_of(whole.ports);
  ports.add(set_of(part.ports));
  whole.ports = ranges_of(ports);
}

const char* name_of(TaskState state) {
  return bourse::name_of(static_cast<bourse::TaskState>(state)).data();
}

bool is_terminal(TaskState state) {
  return bourse::is_terminal(static_cast<bourse::TaskState>(state));
}

const char* name_of(OperationState state) {
  return bourse::name_of(static_cast<bourse::OperationState>(state)).data();
}

Operation reserve(std::string id, Resources resources, std::map<std::string, std::string> labels) {
  Operation out;
  out.kind = Operation::Kind::reserve;
  out.id = std::move(id);
  out.resources = std::move(resources);
  out.labels = std::move(labels);
  return out;
}

Operation reserve_again(std::string id, Resources resources,
                        std::map<std::string, std::string> labels) {
  Operation out = reserve(std::move(id), std::move(resources), std::move(labels));
  out.kind = Operation::Kind::reserve_again;
  return out;
}

Operation unreserve(std::string id, Resources resources) {
  Operation out = reserve(std::move(id), std::move(resources));
  out.kind = Operation::Kind::unreserve;
  return out;
}

Operation create_volume(std::string id, Volume volume) {
  Operation out;
  out.kind = Operation::Kind::create;
  out.id = std::move(id);
  out.volume = std::move(volume);
  return out;
}

Operation destroy_volume(std::string id, std::string volume_id) {
  Operation out;
  out.kind = Operation::Kind::destroy;
  out.id = std::move(id);
  out.volume.id = std::move(volume_id);
  return out;
}

Operation grow_volume(std::string id, std::string volume_id, std::int64_t by_mb) {
  Operation out = destroy_volume(std::move(id), std::move(volume_id));
  out.kind = Operation::Kind::grow;
  out.by_mb = by_mb;
  return out;
}

Operation shrink_volume(std::string id, std::string volume_id, std::int64_t by_mb) {
  Operation out = grow_volume(std::move(id), std::move(volume_id), by_mb);
  out.kind = Operation::Kind::shrink;
  return out;
}

}  // namespace bourse::sdk
