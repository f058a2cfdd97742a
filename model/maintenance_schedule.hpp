// MaintenanceSchedule: when which machines are to be unavailable, and which are down now. A machine
// is named by host name, address or both; what is named must be so of an agent, to be one of it.
// Values, pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace bourse {

struct MachineId {
  std::string hostname;  // in lower case; empty: whatever its name
  std::string ip;        // empty: whatever its address

  auto operator<=>(const MachineId&) const = default;
};
std::string words_of(const MachineId& id);  // "a.example (10.0.0.1)", for people

// Whether an agent of that host name, in lower case, and that address runs on it.
bool covers(const MachineId& id, const std::string& hostname, const std::string& ip);

struct Unavailability {
  WallTime start;
  std::optional<Duration> duration;  // none: for good

  bool operator==(const Unavailability&) const = default;
};
// Many agents and offers share one; null: nothing is planned.
using UnavailabilityPtr = std::shared_ptr<const Unavailability>;

struct MaintenanceWindow {
  std::vector<MachineId> machines;
  Unavailability unavailability;

  bool operator==(const MaintenanceWindow&) const = default;
};

struct MaintenanceSchedule {
  std::vector<MaintenanceWindow> windows;
  std::set<MachineId> down;  // each stands in a window; all others there are to be emptied

  bool empty() const { return windows.empty(); }
  bool operator==(const MaintenanceSchedule&) const = default;
};

// About what it takes in a registry.
std::size_t stored_bytes(const MaintenanceSchedule& schedule);
// Host names are the same whatever the case of their letters.
std::string lower_case(std::string text);

// What a schedule says of an agent.
struct Planned {
  UnavailabilityPtr unavailability;  // the earliest, of its machines that are not down
  bool down = false;                 // any is
};
Planned planned_for(const MaintenanceSchedule& schedule, const std::string& hostname,
                    const std::string& ip);

// The same for many agents.
class ScheduleIndex {
 public:
  explicit ScheduleIndex(const MaintenanceSchedule& schedule);

  Planned find(const std::string& hostname, const std::string& ip) const;

 private:
  struct Entry {
    MachineId machine;
    UnavailabilityPtr unavailability;
    bool down = false;
  };
  std::vector<Entry> entries_;
  std::multimap<std::string, std::size_t> by_hostname_;
  std::multimap<std::string, std::size_t> by_ip_;  // those without a host name
};

}  // namespace bourse
