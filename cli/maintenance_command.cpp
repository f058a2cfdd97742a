// maintenance schedule|status|start|stop: what is planned with machines.
#include <cstdint>
#include <cstdio>
#include <string>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/invocation.hpp"
#include "cli/table.hpp"
#include "proto/codec/json.hpp"
#include "proto/v1/master_response.pb.h"
#include "runtime/clock.hpp"

namespace bourse::cli {

namespace {

using Response = mesos::v1::master::Response;
using mesos::v1::MachineID;
using mesos::v1::maintenance::Schedule;

constexpr std::int64_t kSecondNs = 1'000'000'000;

int wrong_words(const std::string& sentence) {
  std::fprintf(stderr, "bourse %s\n", sentence.c_str());
  return 2;
}

std::string name_of(const MachineID& id) {
  if (!id.has_ip()) return id.hostname();
  return id.hostname() + "/" + id.ip();
}

// HOST, HOST/IP or /IP.
MachineID machine_of(const std::string& text) {
  MachineID out;
  const std::size_t slash = text.find('/');
  if (slash != 0) out.set_hostname(text.substr(0, slash));
  if (slash != std::string::npos) out.set_ip(text.substr(slash + 1));
  return out;
}

bool same(const MachineID& a, const MachineID& b) {
  return a.hostname() == b.hostname() && a.ip() == b.ip();
}

Status fetch(Api& api, const char* type, Response& response) {
  return api.call(std::string("{\"type\":\"") + type + "\"}", response);
}

std::string these_are(const std::vector<std::string>& machines) {
  if (machines.size() == 1) return "1 machine is";
  return std::to_string(machines.size()) + " machines are";
}

std::string hours_text(std::int64_t ns) {
  const std::int64_t minutes = ns / kSecondNs / 60;
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string start_text(std::int64_t start_ns) {
  const std::int64_t left = start_ns - runtime::wall_now().ns;
  return left > 0 ? "in " + hours_text(left) : hours_text(-left) + " ago";
}

int show_schedule(const Invocation& invocation, Api& api) {
  Response response;
  if (const Status asked = fetch(api, "GET_MAINTENANCE_SCHEDULE", response); !asked.ok()) {
    return failed(asked.error());
  }
  const Schedule& schedule = response.get_maintenance_schedule().schedule();
  if (invocation.json()) {
    std::printf("%s\n", codec::to_json(schedule).c_str());
    return 0;
  }
  Table table({"MACHINE", "BEGINS", "LASTS"});
  for (const auto& window : schedule.windows()) {
    const auto& planned = window.unavailability();
    for (const MachineID& id : window.machine_ids()) {
      table.add(
          {printable(name_of(id)), start_text(planned.start().nanoseconds()),
           planned.has_duration() ? hours_text(planned.duration().nanoseconds()) : "for good"});
    }
  }
  std::printf("%s", table.empty() ? "no maintenance is planned\n" : table.text().c_str());
  return 0;
}

// Without its machines; a window without any goes.
Schedule without(const Schedule& schedule, const std::vector<std::string>& machines) {
  Schedule out;
  for (const auto& window : schedule.windows()) {
    auto kept = window;
    kept.clear_machine_ids();
    for (const MachineID& id : window.machine_ids()) {
      bool named = false;
      for (const std::string& machine : machines) named = named || same(machine_of(machine), id);
      if (!named) *kept.add_machine_ids() = id;
    }
    if (!kept.machine_ids().empty()) *out.add_windows() = kept;
  }
  return out;
}

// The API replaces the whole plan: what stands there is read first, and these machines are moved.
int schedule(const Arguments& arguments) {
  Invocation invocation("maintenance schedule",
                        "Shows what is planned with machines, or plans it for these: --in or "
                        "--remove. A machine is HOST, HOST/IP or /IP.");
  double in = -1;
  double lasting = -1;
  bool remove = false;
  std::vector<std::string> machines;
  invocation.flags().add("in", in, "hours from now when they become unavailable");
  invocation.flags().add("for", lasting, "hours for which; for good if less than 0");
  invocation.flags().add("remove", remove, "nothing is planned with them any more");
  invocation.flags().positional("MACHINE", machines, "the machines");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  Api api(invocation);
  if (machines.empty()) return show_schedule(invocation, api);
  constexpr double kMostHours = 24 * 366 * 10;
  if ((in < 0) != remove || in > kMostHours || lasting > kMostHours) {
    return wrong_words("maintenance schedule: give --in=HOURS (and --for=HOURS), or --remove");
  }
  Response response;
  if (const Status asked = fetch(api, "GET_MAINTENANCE_SCHEDULE", response); !asked.ok()) {
    return failed(asked.error());
  }
  Schedule next = without(response.get_maintenance_schedule().schedule(), machines);
  if (!remove) {
    auto& window = *next.add_windows();
    for (const std::string& machine : machines) *window.add_machine_ids() = machine_of(machine);
    const auto nanos = [](double hours) {
      return static_cast<std::int64_t>(hours * 3600) * kSecondNs;
    };
    auto& planned = *window.mutable_unavailability();
    planned.mutable_start()->set_nanoseconds(runtime::wall_now().ns + nanos(in));
    if (lasting >= 0) planned.mutable_duration()->set_nanoseconds(nanos(lasting));
  }
  const std::string these = these_are(machines);
  return call_and_say(invocation, api,
                      "{\"type\":\"UPDATE_MAINTENANCE_SCHEDULE\",\"update_maintenance_schedule\":"
                      "{\"schedule\":" +
                          codec::to_json(next) + "}}",
                      these + (remove ? " in no plan any more" : " planned to be unavailable"));
}

int show_status(const Arguments& arguments) {
  Invocation invocation("maintenance status",
                        "Machines that are to be unavailable, or down, and what frameworks say.");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  Api api(invocation);
  Response response;
  if (const Status asked = fetch(api, "GET_MAINTENANCE_STATUS", response); !asked.ok()) {
    return failed(asked.error());
  }
  const auto& status = response.get_maintenance_status().status();
  if (invocation.json()) {
    std::printf("%s\n", codec::to_json(status).c_str());
    return 0;
  }
  using Said = mesos::v1::allocator::InverseOfferStatus;
  Table table({"MACHINE", "MODE", "FRAMEWORK", "SAYS"});
  for (const auto& machine : status.draining_machines()) {
    const std::string name = printable(name_of(machine.id()));
    if (machine.statuses().empty()) table.add({name, "DRAINING", "-", "-"});
    for (const auto& one : machine.statuses()) {
      const char* says = one.status() == Said::ACCEPT    ? "it leaves"
                         : one.status() == Said::DECLINE ? "it stays"
                                                         : "nothing yet";
      table.add({name, "DRAINING", printable(one.framework_id().value()), says});
    }
  }
  for (const MachineID& id : status.down_machines()) {
    table.add({printable(name_of(id)), "DOWN", "-", "-"});
  }
  std::printf("%s", table.empty() ? "no maintenance is planned\n" : table.text().c_str());
  return 0;
}

int turn(const Arguments& arguments, bool down) {
  const std::string word = "maintenance " + arguments.front();
  Invocation invocation(word, down
                                  ? "The machines are down: their agents are given up and may not "
                                    "register."
                                  : "The machines are up again, and nothing is planned with them.");
  std::vector<std::string> machines;
  invocation.flags().positional("MACHINE", machines, "the machines, as they stand in the schedule");
  if (const auto code = invocation.parse({arguments.begin() + 1, arguments.end()})) return *code;
  if (machines.empty()) return wrong_words(word + ": name at least one machine");
  std::string list;
  for (const std::string& machine : machines) {
    if (!list.empty()) list += ',';
    list += codec::to_json(machine_of(machine));
  }
  Api api(invocation);
  return call_and_say(invocation, api,
                      std::string(down ? "{\"type\":\"START_MAINTENANCE\",\"start_maintenance\":"
                                       : "{\"type\":\"STOP_MAINTENANCE\",\"stop_maintenance\":") +
                          "{\"machines\":[" + list + "]}}",
                      these_are(machines) + (down ? " down" : " up"));
}

constexpr char kMaintenanceUsage[] =
    "usage: bourse maintenance VERB [FLAGS]\n\n"
    "  schedule                       what is planned with machines\n"
    "  schedule MACHINE... --in=HOURS [--for=HOURS]   plans it; --remove takes it back\n"
    "  status                         which are to be emptied or down, and what frameworks say\n"
    "  start MACHINE...               they are down now\n"
    "  stop MACHINE...                they are up again\n\n"
    "A machine is HOST, HOST/IP or /IP.\n"
    "Every verb takes --help, --master=HOST:PORT (or BOURSE_MASTER) and --json.\n";

}  // namespace

int maintenance_command(const Arguments& arguments) {
  const std::string word = arguments.empty() ? "" : arguments.front();
  if (word == "help" || word == "--help" || word == "-h") {
    std::fputs(kMaintenanceUsage, stdout);
    return 0;
  }
  if (word == "schedule") return schedule(arguments);
  if (word == "status") return show_status(arguments);
  if (word == "start") return turn(arguments, true);
  if (word == "stop") return turn(arguments, false);
  return wrong_words("maintenance: give schedule, status, start MACHINE or stop MACHINE");
}

}  // namespace bourse::cli
