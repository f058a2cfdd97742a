// state, agents, frameworks: what there is.
#include <cstdio>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/listing.hpp"
#include "cli/table.hpp"
#include "proto/internal/operator_extension.pb.h"
#include "proto/v1/master_response.pb.h"
#include "runtime/clock.hpp"

namespace bourse::cli {

namespace {

namespace v1 = mesos::v1;
using v1::master::Response;
double scalar_of(const ResourceList& resources, const char* name) {
  return sum_of(resources, name, false);
}

// "0.5/1.75": of the cpus that the agent lends.
std::string lent_text(const ResourceList& used, const ResourceList& total) {
  const double part = sum_of(used, "cpus", true);
  const double whole = sum_of(total, "cpus", true);
  if (part == 0 && whole == 0) return "-";
  return amount_text(part) + "/" + amount_text(whole);
}

std::string part_text(double used, double total) {
  return amount_text(used) + "/" + amount_text(total);
}

std::string age_of(const v1::TimeInfo& time) {
  return time.nanoseconds() == 0 ? "-" : age_text(time.nanoseconds(), runtime::wall_now().ns);
}

double metric(const Response& response, const std::string& name) {
  for (const auto& entry : response.get_metrics().metrics()) {
    if (entry.name() == name) return entry.value();
  }
  return 0;
}

void print_summary(const Response& metrics, const Response& master) {
  const auto number = [&](const char* name) { return amount_text(metric(metrics, name)); };
  const auto& info = master.get_master().master_info();
  std::printf("master      %s:%u  (%s)\n", info.hostname().c_str(), info.port(), info.id().c_str());
  std::printf(
      "up          %s\n",
      age_text(0, static_cast<std::int64_t>(metric(metrics, "master/uptime_secs") * 1e9)).c_str());
  std::printf("agents      %s active, %s silent, %s unreachable\n",
              number("master/slaves_active").c_str(), number("master/slaves_disconnected").c_str(),
              number("master/slaves_unreachable").c_str());
  std::printf("frameworks  %s active, %s inactive\n", number("master/frameworks_active").c_str(),
              number("master/frameworks_inactive").c_str());
  std::printf("tasks       %s staging, %s running; ended: %s finished, %s failed, %s killed\n",
              number("master/tasks_staging").c_str(), number("master/tasks_running").c_str(),
              number("master/tasks_finished").c_str(), number("master/tasks_failed").c_str(),
              number("master/tasks_killed").c_str());
  for (const char* name : {"cpus", "mem", "disk", "gpus"}) {
    const double total = metric(metrics, std::string("master/") + name + "_total");
    if (total <= 0) continue;
    const double used = metric(metrics, std::string("master/") + name + "_used");
    const bool megabytes = std::string(name) == "mem" || std::string(name) == "disk";
    std::printf("%-11s %s of %s used (%.0f %%)\n", name,
                megabytes ? megabytes_text(used).c_str() : amount_text(used).c_str(),
                megabytes ? megabytes_text(total).c_str() : amount_text(total).c_str(),
                100 * used / total);
  }
  std::printf("offers      %s outstanding\n", number("master/outstanding_offers").c_str());
}

template <typename Demands>
void print_demands(const Demands& demands) {
  if (demands.empty()) return;
  Table table({"FRAMEWORK", "ROLE", "WANTS", ">COUNT", ">FIT NOW", ">UNMET"});
  for (const auto& demand : demands) {
    std::string shape;
    for (const auto& resource : demand.resources()) {
      shape += (shape.empty() ? "" : ", ") + amount_text(resource.scalar().value()) + " " +
               resource.name();
    }
    if (demand.has_agent_id()) shape += " on " + demand.agent_id().value();
    table.add({demand.framework_id().value(), demand.role(), shape, std::to_string(demand.count()),
               demand.has_fits() ? std::to_string(demand.fits()) : "-",
               demand.has_unmet() ? std::to_string(demand.unmet()) : "-"});
  }
  std::printf("\n%s", table.text().c_str());
}

const char* state_of(const Response::GetAgents::Agent& agent) {
  if (!agent.active() && !agent.deactivated()) return "silent";
  if (agent.has_drain_info()) {
    return agent.drain_info().state() == v1::DRAINED ? "drained" : "draining";
  }
  return agent.deactivated() ? "deactivated" : "active";
}

}  // namespace

int state_command(const Arguments& arguments) {
  Invocation invocation("state", "The cluster in a few lines.");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  if (const auto code = answered_as_json(invocation, api, R"({"type":"GET_STATE"})")) return *code;
  Response metrics;
  Response master;
  if (const Status ok = api.call(R"({"type":"GET_METRICS"})", metrics); !ok.ok()) {
    return failed(ok.error());
  }
  if (const Status ok = api.call(R"({"type":"GET_MASTER"})", master); !ok.ok()) {
    return failed(ok.error());
  }
  print_summary(metrics, master);
  return 0;
}

int agents_command(const Arguments& arguments) {
  if (!arguments.empty() && is_upkeep(arguments.front())) return upkeep_command(arguments);
  Invocation invocation("agents",
                        "The agents and how much of each is used. To take one out of service: "
                        "bourse agents drain|deactivate|reactivate|gone ID");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  const std::string call = R"({"type":"GET_AGENTS"})";
  if (const auto code = answered_as_json(invocation, api, call)) return *code;
  Response response;
  operator_extension::Response extension;
  if (const Status ok = api.call(call, response, extension); !ok.ok()) return failed(ok.error());
  const auto names = names_of(response);
  Table table({"AGENT", "HOST", "STATE", ">CPUS", ">LENT", ">MEMORY", ">DISK", ">UP"});
  for (const auto& agent : response.get_agents().agents()) {
    const auto& total = agent.total_resources();
    const auto& used = agent.allocated_resources();
    table.add(
        {agent.agent_info().id().value(), names.at(agent.agent_info().id().value()),
         state_of(agent), part_text(scalar_of(used, "cpus"), scalar_of(total, "cpus")),
         lent_text(used, total),
         megabytes_text(scalar_of(used, "mem")) + " of " + megabytes_text(scalar_of(total, "mem")),
         megabytes_text(scalar_of(used, "disk")) + " of " +
             megabytes_text(scalar_of(total, "disk")),
         age_of(agent.registered_time())});
  }
  for (const auto& agent : response.get_agents().recovered_agents()) {
    table.add({agent.id().value(), names.at(agent.id().value()), "not seen yet", "-", "-", "-", "-",
               "-"});
  }
  std::fputs(table.empty() ? "no agents\n" : table.text().c_str(), stdout);
  for (const auto& drain : extension.get_agents().drains()) {
    for (const auto& wait : drain.waits()) {
      std::printf("%s: its drain %s (%llu tasks there)\n",
                  printable(drain.agent_id().value()).c_str(), printable(wait.why()).c_str(),
                  static_cast<unsigned long long>(wait.tasks()));
    }
  }
  return 0;
}

int frameworks_command(const Arguments& arguments) {
  Invocation invocation("frameworks", "The frameworks and what each holds.");
  bool all = false;
  invocation.flags().add("all", all, "also those that have ended");
  if (const auto code = invocation.parse(arguments)) return *code;
  Api api(invocation);
  const std::string call =
      std::string(R"({"type":"GET_FRAMEWORKS","get_frameworks":{"offers":false,"completed":)") +
      (all ? "true}}" : "false}}");
  if (const auto code = answered_as_json(invocation, api, call)) return *code;
  Response response;
  operator_extension::Response wanted;
  if (const Status ok = api.call(call, response, wanted); !ok.ok()) return failed(ok.error());
  Table table({"FRAMEWORK", "NAME", "ROLES", "STATE", ">CPUS", ">MEMORY", ">OFFERED CPUS", ">UP"});
  const auto add = [&](const Response::GetFrameworks::Framework& framework, const char* ended) {
    const auto& info = framework.framework_info();
    std::string roles;
    for (const std::string& role : info.roles()) roles += (roles.empty() ? "" : ",") + role;
    std::string state = framework.active() ? "active" : "inactive";
    if (!framework.connected()) state = framework.recovered() ? "not seen yet" : "disconnected";
    if (*ended != 0) state = ended;
    table.add({info.id().value(), info.name(), roles.empty() ? info.role() : roles, state,
               amount_text(both_of(framework.allocated_resources(), "cpus")),
               megabytes_text(both_of(framework.allocated_resources(), "mem")),
               amount_text(both_of(framework.offered_resources(), "cpus")),
               age_of(framework.registered_time())});
  };
  for (const auto& framework : response.get_frameworks().frameworks()) add(framework, "");
  if (all) {
    for (const auto& framework : response.get_frameworks().completed_frameworks()) {
      add(framework, "ended");
    }
  }
  std::fputs(table.empty() ? "no frameworks\n" : table.text().c_str(), stdout);
  print_demands(wanted.get_frameworks().demands());
  return 0;
}

}  // namespace bourse::cli
