#include "model/maintenance_schedule.hpp"

namespace bourse {

std::string words_of(const MachineId& id) {
  if (id.hostname.empty()) return "'" + id.ip + "'";
  return "'" + id.hostname + "'" + (id.ip.empty() ? "" : " (" + id.ip + ")");
}

bool covers(const MachineId& id, const std::string& hostname, const std::string& ip) {
  return (id.hostname.empty() || id.hostname == hostname) && (id.ip.empty() || id.ip == ip);
}

std::size_t stored_bytes(const MaintenanceSchedule& schedule) {
  constexpr std::size_t kFraming = 16;
  std::size_t bytes = 0;
  for (const MaintenanceWindow& window : schedule.windows) {
    bytes += 2 * kFraming;
    for (const MachineId& id : window.machines) {
      bytes += kFraming + id.hostname.size() + id.ip.size();
      if (schedule.down.contains(id)) bytes += kFraming + id.hostname.size() + id.ip.size();
    }
  }
  return bytes;
}

std::string lower_case(std::string text) {
  for (char& ch : text) {
    if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
  }
  return text;
}

Planned planned_for(const MaintenanceSchedule& schedule, const std::string& hostname,
                    const std::string& ip) {
  Planned out;
  if (schedule.empty()) return out;
  const std::string name = lower_case(hostname);
  for (const MaintenanceWindow& window : schedule.windows) {
    for (const MachineId& id : window.machines) {
      if (!covers(id, name, ip)) continue;
      if (schedule.down.contains(id)) {
        out.down = true;
      } else if (!out.unavailability || window.unavailability.start < out.unavailability->start) {
        out.unavailability = std::make_shared<const Unavailability>(window.unavailability);
      }
    }
  }
  return out;
}

ScheduleIndex::ScheduleIndex(const MaintenanceSchedule& schedule) {
  for (const MaintenanceWindow& window : schedule.windows) {
    const auto shared = std::make_shared<const Unavailability>(window.unavailability);
    for (const MachineId& id : window.machines) {
      auto& place = id.hostname.empty() ? by_ip_ : by_hostname_;
      place.emplace(id.hostname.empty() ? id.ip : id.hostname, entries_.size());
      entries_.push_back({id, shared, schedule.down.contains(id)});
    }
  }
}

Planned ScheduleIndex::find(const std::string& hostname, const std::string& ip) const {
  Planned out;
  const auto take = [&](const Entry& entry) {
    if (!entry.machine.ip.empty() && entry.machine.ip != ip) return;
    if (entry.down) {
      out.down = true;
    } else if (!out.unavailability || entry.unavailability->start < out.unavailability->start) {
      out.unavailability = entry.unavailability;
    }
  };
  const auto named = by_hostname_.equal_range(lower_case(hostname));
  for (auto it = named.first; it != named.second; ++it) take(entries_[it->second]);
  const auto addressed = by_ip_.equal_range(ip);
  for (auto it = addressed.first; it != addressed.second; ++it) take(entries_[it->second]);
  return out;
}

}  // namespace bourse
