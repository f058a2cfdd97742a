// What operators plan with machines: windows in which they are to be unavailable, and machines that
// are down. The whole plan is one entry of the registry.
//
//   UP        in no window
//   DRAINING  in a window: offers of its agents say when, frameworks there are asked to leave
//   DOWN      its agents may not register; those that were here are told to end what runs, and are
//             given up at once
#include <algorithm>
#include <set>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

constexpr std::size_t kMaxHostnameBytes = 253;  // of a DNS name

bool is_address(const std::string& ip) {
  return std::all_of(ip.begin(), ip.end(), [](char ch) {
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F') ||
           ch == '.' || ch == ':';
  });
}

bool is_hostname(const std::string& name) {
  return name.size() <= kMaxHostnameBytes &&
         std::all_of(name.begin(), name.end(), [](char ch) { return ch > 0x20 && ch < 0x7f; });
}

// What is wrong with a machine's name, or nothing. It is brought into its one form.
std::optional<Error> normalise(MachineId& id, const std::string& at) {
  if (id.hostname.empty() && id.ip.empty()) {
    return invalid(at + ": names neither hostname nor ip; give one or both");
  }
  if (!is_hostname(id.hostname)) {
    return invalid(at + ".hostname: '" + id.hostname.substr(0, 64) +
                   "' is no host name; give up to 253 printable characters");
  }
  if (!is_address(id.ip) || id.ip.size() > 45) {
    return invalid(at + ".ip: '" + id.ip.substr(0, 64) + "' is no address; give one as 10.0.0.1");
  }
  id.hostname = lower_case(std::move(id.hostname));
  return std::nullopt;
}

Status allowed_for(const FromOperator& event, const MachineId& id) {
  return authorize(event.principal, Action::maintain_machine,
                   id.hostname.empty() ? id.ip : id.hostname);
}

// Brings the windows into their one form, or says what is wrong with them.
std::optional<Error> check_windows(const FromOperator& event,
                                   std::vector<MaintenanceWindow>& windows) {
  std::set<MachineId> seen;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const std::string at = "schedule.windows[" + std::to_string(i) + "]";
    MaintenanceWindow& window = windows[i];
    if (window.machines.empty()) {
      return invalid(at + ".machine_ids: is empty; name at least one machine");
    }
    const auto& duration = window.unavailability.duration;
    if (duration && *duration < Duration{}) {
      return invalid(at + ".unavailability.duration: is negative; give none for good");
    }
    for (std::size_t j = 0; j < window.machines.size(); ++j) {
      const std::string its = at + ".machine_ids[" + std::to_string(j) + "]";
      MachineId& id = window.machines[j];
      if (auto wrong = normalise(id, its)) return wrong;
      if (const Status allowed = allowed_for(event, id); !allowed.ok()) return allowed.error();
      if (!seen.insert(id).second) {
        return invalid(its + ": machine " + words_of(id) + " is given twice; give each once");
      }
    }
  }
  return std::nullopt;
}

bool is_planned(const MaintenanceSchedule& schedule, const MachineId& id) {
  return std::any_of(schedule.windows.begin(), schedule.windows.end(), [&](const auto& window) {
    return std::find(window.machines.begin(), window.machines.end(), id) != window.machines.end();
  });
}

// The machines of a start or a stop, each in its one form and planned, or what is wrong with them.
std::optional<Error> check_machines(const Context& c, const FromOperator& event,
                                    std::vector<MachineId>& machines, bool down) {
  if (machines.empty()) return invalid("machines: is empty; name at least one machine");
  std::set<MachineId> seen;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const std::string at = "machines[" + std::to_string(i) + "]";
    MachineId& id = machines[i];
    if (auto wrong = normalise(id, at)) return wrong;
    if (const Status allowed = allowed_for(event, id); !allowed.ok()) return allowed.error();
    if (!seen.insert(id).second) {
      return invalid(at + ": machine " + words_of(id) + " is given twice; give each once");
    }
    if (!is_planned(c.state.schedule_wanted, id)) {
      return Error{ErrorCode::conflict, at + ": machine " + words_of(id) +
                                            " is in no window of the maintenance schedule; name "
                                            "it as it stands there, or schedule it first"};
    }
    const bool is_down = c.state.schedule_wanted.down.contains(id);
    if (is_down == down) continue;
    return Error{ErrorCode::conflict,
                 at + ": machine " + words_of(id) +
                     (is_down ? " is DOWN already; stop its maintenance to have it back"
                              : " is DRAINING and not DOWN; to call its maintenance off, leave it "
                                "out of the schedule")};
  }
  return std::nullopt;
}

void write(Context& c, RequestId request, MaintenanceSchedule schedule) {
  c.state.schedule_wanted = schedule;
  persist(c, registry::SetSchedule{schedule}, pending::Schedule{request, schedule});
}

bool same(const UnavailabilityPtr& a, const UnavailabilityPtr& b) {
  return a == b || (a && b && *a == *b);
}

std::string reason_of_down(const AgentFacet& agent) {
  return "the machine of " + agent.hostname + " is down for maintenance";
}

// Nobody may believe in what runs there any longer: it is told to end, and the agent is given up
// without waiting for its turn.
void take_down(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.phase == AgentPhase::active) {
    PROBE("master.machine_taken_down");
    for (const TaskSlot task : agent.tasks) {
      if (c.state.tasks.at(task).standing != TaskStanding::live) continue;
      kill_task(c, task, std::nullopt, KillCause::asked);
    }
    const std::string reason = reason_of_down(*agent.facet);
    send_to_peer(c, agent.session.peer, agent.session.number,
                 to_agent::Refused{reason, c.config.agent_retry, false});
    become_silent(c, slot, reason);
  }
  if (agent.phase == AgentPhase::silent || agent.phase == AgentPhase::recovered) {
    give_up_now(c, slot);
  }
}

void place(Context& c, AgentSlot slot, Agent& agent, const Planned& planned) {
  const bool moved = !same(agent.unavailability, planned.unavailability);
  if (!moved && agent.machine_down == planned.down) return;
  agent.machine_down = planned.down;
  if (moved) {
    drop_asks(c, slot);
    agent.unavailability = planned.unavailability;
    // They come back, and say so.
    rescind_offers_of(c, agent);
    touch_room(c, slot);
  }
  touch_agent(c, slot);
}

}  // namespace

void on_update_schedule(Context& c, const FromOperator& event,
                        const operation::UpdateSchedule& call) {
  MaintenanceSchedule next{call.windows, c.state.schedule_wanted.down};
  if (auto wrong = check_windows(event, next.windows)) {
    PROBE("master.schedule_refused");
    return c.answer(event.request, std::move(*wrong));
  }
  for (const MachineId& id : next.down) {
    if (is_planned(next, id)) continue;
    return c.answer(event.request,
                    Error{ErrorCode::conflict, "schedule: machine " + words_of(id) +
                                                   " is DOWN and is left out; stop its "
                                                   "maintenance first, or keep it in a window"});
  }
  if (const std::size_t bytes = stored_bytes(next); bytes > limits::kMaxScheduleBytes) {
    return c.answer(event.request,
                    Error{ErrorCode::too_large, "schedule: takes about " + std::to_string(bytes) +
                                                    " bytes, at most " +
                                                    std::to_string(limits::kMaxScheduleBytes) +
                                                    " are kept; plan fewer machines at a time"});
  }
  write(c, event.request, std::move(next));
}

void on_start_maintenance(Context& c, const FromOperator& event,
                          const operation::StartMaintenance& call) {
  std::vector<MachineId> machines = call.machines;
  if (auto wrong = check_machines(c, event, machines, false)) {
    return c.answer(event.request, std::move(*wrong));
  }
  MaintenanceSchedule next = c.state.schedule_wanted;
  next.down.insert(machines.begin(), machines.end());
  write(c, event.request, std::move(next));
}

void on_stop_maintenance(Context& c, const FromOperator& event,
                         const operation::StopMaintenance& call) {
  std::vector<MachineId> machines = call.machines;
  if (auto wrong = check_machines(c, event, machines, true)) {
    return c.answer(event.request, std::move(*wrong));
  }
  MaintenanceSchedule next = c.state.schedule_wanted;
  for (const MachineId& id : machines) {
    next.down.erase(id);
    for (MaintenanceWindow& window : next.windows) std::erase(window.machines, id);
  }
  std::erase_if(next.windows, [](const auto& window) { return window.machines.empty(); });
  write(c, event.request, std::move(next));
}

void on_schedule_stored(Context& c, const pending::Schedule& write) {
  c.state.schedule = write.schedule;
  c.publish(change::ScheduleSet{write.schedule});
  const ScheduleIndex index(write.schedule);
  c.state.agents.for_each([&](AgentSlot slot, Agent& agent) {
    const UnavailabilityPtr before = agent.unavailability;
    place(c, slot, agent, index.find(agent.facet->hostname, agent.facet->http.ip));
    if (before != agent.unavailability) publish_agent(c, agent);
  });
  c.note(Note::Level::info, "maintenance.schedule",
         {{"windows", std::to_string(write.schedule.windows.size())},
          {"down", std::to_string(write.schedule.down.size())}});
  c.answer(write.request, {});
}

void on_schedule_rejected(Context& c, const pending::Schedule& write, const std::string& reason) {
  // What was asked for after it was checked against it, and is whole: the newest of that counts.
  c.state.schedule_wanted = c.state.schedule;
  for (const auto& [id, what] : c.state.writes) {
    if (const auto* later = std::get_if<pending::Schedule>(&what)) {
      c.state.schedule_wanted = later->schedule;
    }
  }
  c.answer(write.request,
           Error{ErrorCode::full, "the maintenance schedule was not stored: " + reason});
}

void plan_agent(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  place(c, slot, agent, planned_for(c.state.schedule, agent.facet->hostname, agent.facet->http.ip));
}

std::optional<std::string> down_for_maintenance(const MasterState& state, const AgentFacet& agent) {
  if (!planned_for(state.schedule, agent.hostname, agent.http.ip).down) return std::nullopt;
  return reason_of_down(agent) + "; it may register once that is stopped";
}

void settle_machines(Context& c) {
  for (std::size_t i = 0; i < c.state.touched_agents.size(); ++i) {
    const AgentSlot slot = c.state.touched_agents[i];
    const Agent* agent = c.state.agents.find(slot);
    if (agent != nullptr && agent->machine_down) take_down(c, slot);
  }
}

}  // namespace bourse::master
