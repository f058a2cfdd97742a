// Counts of the cluster under the names that Mesos' exporters and dashboards read.
#include <algorithm>
#include <map>

#include "master/view/answer_body.hpp"
#include "master/view/answers.hpp"
#include "master/view/roles.hpp"
#include "master/view/task_window.hpp"

namespace bourse::master {

namespace {

double part_of(double used, double total) {
  return total > 0 ? used / total : 0;
}

// As Mesos: what may be taken away is counted apart.
void add_resources(const ViewState& state, Metrics& out) {
  Resources total;
  Resources used;
  Resources offered;
  for (const auto& [id, row] : state.agents()) {
    if (row.put.phase != AgentPhase::active) continue;
    total.add(row.put.agent->total);
    total.add(row.put.oversubscribed);
    used.add(row.used.all());
    offered.add(row.offered.all());
  }
  const Resources lent = total.revocable();
  const Resources lent_used = used.revocable();
  total = total.non_revocable();
  used = used.non_revocable();
  for (const char* name : {"cpus", "mem", "disk", "gpus"}) {
    const double whole = units(total.scalar_milli(name));
    const double part = units(used.scalar_milli(name));
    const std::string prefix = std::string("master/") + name;
    out.emplace_back(prefix + "_total", whole);
    out.emplace_back(prefix + "_used", part);
    out.emplace_back(prefix + "_percent", part_of(part, whole));
    const double lent_whole = units(lent.scalar_milli(name));
    const double lent_part = units(lent_used.scalar_milli(name));
    out.emplace_back(prefix + "_revocable_total", lent_whole);
    out.emplace_back(prefix + "_revocable_used", lent_part);
    out.emplace_back(prefix + "_revocable_percent", part_of(lent_part, lent_whole));
    const std::string allocator = std::string("allocator/mesos/resources/") + name;
    out.emplace_back(allocator + "/total", whole + lent_whole);
    out.emplace_back(allocator + "/offered_or_allocated",
                     part + lent_part + units(offered.scalar_milli(name)));
  }
}

void add_agents(const ViewState& state, Metrics& out) {
  double active = 0, inactive = 0, connected = 0, disconnected = 0, unreachable = 0;
  double recovering = 0;
  for (const auto& [id, row] : state.agents()) {
    switch (row.put.phase) {
      case AgentPhase::active:
        ++active;
        ++connected;
        break;
      case AgentPhase::silent:
        ++inactive;
        ++disconnected;
        break;
      case AgentPhase::unreachable:
        ++unreachable;
        break;
      case AgentPhase::recovered:
        ++recovering;
        break;
      case AgentPhase::draining:
      case AgentPhase::drained:
      case AgentPhase::deactivated:
        ++inactive;
        ++connected;
        break;
      default:
        break;
    }
  }
  out.emplace_back("master/slaves_active", active);
  out.emplace_back("master/slaves_inactive", inactive);
  out.emplace_back("master/slaves_connected", connected);
  out.emplace_back("master/slaves_disconnected", disconnected);
  out.emplace_back("master/slaves_unreachable", unreachable);
  // Until it is nothing, reconciliation is silent about tasks that nobody has a row for.
  out.emplace_back("bourse/master/agents_recovering", recovering);
  out.emplace_back("master/slave_registrations",
                   static_cast<double>(state.counters().agents_registered));
  out.emplace_back("master/slave_unreachable_scheduled",
                   static_cast<double>(state.counters().removals_scheduled));
  out.emplace_back("master/slave_unreachable_canceled",
                   static_cast<double>(state.counters().removals_canceled));
  out.emplace_back("master/slave_unreachable_completed",
                   static_cast<double>(state.counters().removals_completed));
}

void add_frameworks(const ViewState& state, Metrics& out) {
  double active = 0, inactive = 0, connected = 0, disconnected = 0;
  for (const auto& [id, row] : state.frameworks()) {
    ++(row.put.active ? active : inactive);
    ++(row.put.connected ? connected : disconnected);
  }
  out.emplace_back("master/frameworks_active", active);
  out.emplace_back("master/frameworks_inactive", inactive);
  out.emplace_back("master/frameworks_connected", connected);
  out.emplace_back("master/frameworks_disconnected", disconnected);
}

void add_orphans(const ViewState& state, Metrics& out) {
  const std::set<FrameworkId> recovered = state.recovered_frameworks();
  std::size_t orphans = 0;
  for (const TaskTable* table : {&state.tasks(), &state.unreachable_tasks()}) {
    if (recovered.empty()) break;
    for (const auto& [added, row] : *table) orphans += is_orphan(row, recovered) ? 1 : 0;
  }
  out.emplace_back("bourse/master/frameworks_recovered", static_cast<double>(recovered.size()));
  out.emplace_back("bourse/master/tasks_orphaned", static_cast<double>(orphans));
}

void add_tasks(const ViewState& state, Metrics& out) {
  std::map<TaskState, double> counts;
  for (const auto& [added, row] : state.tasks()) {
    if (!is_terminal(row.state)) ++counts[row.state];
  }
  counts[TaskState::unreachable] = static_cast<double>(state.unreachable_tasks().size());
  for (const auto& [ended, count] : state.counters().tasks_ended) {
    counts[ended] = static_cast<double>(count);
  }
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    const auto state_i = static_cast<TaskState>(i);
    if (state_i == TaskState::unknown) continue;
    std::string name(name_of(state_i).substr(5));  // without TASK_
    for (char& c : name) c = c == '_' ? c : static_cast<char>(c + 32);
    out.emplace_back("master/tasks_" + name, counts[state_i]);
  }
}

// Of the operations that are not over, or not acknowledged.
void add_operations(const ViewState& state, Metrics& out) {
  using Type = ResourceOperation::Type;
  std::map<OperationState, double> counts;
  std::map<Type, double> pending;
  for (const auto& [uuid, row] : state.operations()) {
    ++counts[row.status.state];
    if (row.status.state == OperationState::pending) ++pending[row.order->operation.type];
  }
  out.emplace_back("master/operations/pending", counts[OperationState::pending]);
  out.emplace_back("master/operations/unreachable", counts[OperationState::unreachable]);
  out.emplace_back("master/operations/recovering", counts[OperationState::recovering]);
  for (const Type type : {Type::reserve, Type::unreserve, Type::create, Type::destroy,
                          Type::grow_volume, Type::shrink_volume}) {
    std::string name(name_of(type));
    for (char& c : name) c = c == '_' ? c : static_cast<char>(c + 32);
    out.emplace_back("master/operations/" + name + "/pending", pending[type]);
  }
}

void add_quotas(const ViewState& state, Metrics& out) {
  for (const auto& [role, quota] : state.quotas()) {
    const std::string prefix = "allocator/mesos/quota/roles/" + role + "/resources/";
    for (const auto& [name, milli] : quota.guarantees) {
      out.emplace_back(prefix + name + "/guarantee", units(milli));
    }
    for (const auto& [name, milli] : quota.limits) {
      out.emplace_back(prefix + name + "/limit", units(milli));
    }
  }
}

// Of each role that somebody is in: the largest part that it and those below it have of anything,
// handed out or on offer, by its weight.
void add_shares(const ViewState& state, Metrics& out) {
  Resources total;
  for (const auto& [id, row] : state.agents()) {
    if (row.put.phase == AgentPhase::active) total.add(row.put.agent->total);
  }
  std::map<std::string, double> whole;
  for (const Resource& resource : total.list()) {
    if (resource.kind == Resource::Kind::scalar)
      whole[resource.name] += units(resource.scalar_milli);
  }
  for (const RoleRow& row : role_rows(state)) {
    if (row.frameworks.empty()) continue;
    std::map<std::string, double> has;
    for (const Resources* part : {&row.allocated, &row.offered}) {
      for (const Resource& resource : part->list())
        has[resource.name] += units(resource.scalar_milli);
    }
    double share = 0;
    for (const auto& [name, there] : whole) share = std::max(share, part_of(has[name], there));
    const auto weight = state.weights_milli().find(row.name);
    if (weight != state.weights_milli().end()) share = part_of(share, units(weight->second));
    out.emplace_back("allocator/mesos/roles/" + row.name + "/shares/dominant", share);
  }
}

}  // namespace

Metrics cluster_metrics(const ViewState& state) {
  Metrics out;
  add_resources(state, out);
  add_agents(state, out);
  add_frameworks(state, out);
  add_tasks(state, out);
  add_orphans(state, out);
  add_operations(state, out);
  add_quotas(state, out);
  add_shares(state, out);
  const ViewCounters& counters = state.counters();
  out.emplace_back("master/outstanding_offers", static_cast<double>(state.offers().size()));
  out.emplace_back("bourse/master/tasks_launched", static_cast<double>(counters.tasks_launched));
  out.emplace_back("bourse/master/offers_made", static_cast<double>(counters.offers_made));
  out.emplace_back("bourse/master/offers_accepted", static_cast<double>(counters.offers_accepted));
  out.emplace_back("bourse/master/offers_declined", static_cast<double>(counters.offers_declined));
  out.emplace_back("bourse/master/offers_expired", static_cast<double>(counters.offers_expired));
  out.emplace_back("bourse/master/offers_rescinded",
                   static_cast<double>(counters.offers_rescinded));
  out.emplace_back("bourse/master/history_evicted", static_cast<double>(counters.history_evicted));
  out.emplace_back("bourse/master/sequence", static_cast<double>(state.sequence()));
  return out;
}

}  // namespace bourse::master
