#include "agent/shell/agent_metrics.hpp"

#include <algorithm>

#include "agent/shell/classic_state.hpp"
#include "proto/codec/quantity.hpp"

namespace bourse::agent {

namespace {

using Metrics = std::vector<std::pair<std::string, double>>;

void add_amounts(const Resources& total, const Resources& lent, const Resources& used,
                 Metrics& out) {
  const auto add = [&](const std::string& name, std::int64_t have, std::int64_t taken) {
    out.emplace_back(name + "_total", codec::double_from_milli(have));
    out.emplace_back(name + "_used", codec::double_from_milli(taken));
    out.emplace_back(name + "_percent",
                     have == 0 ? 0.0 : static_cast<double>(taken) / static_cast<double>(have));
  };
  const Resources own = used.non_revocable();
  const Resources borrowed = used.revocable();
  for (const std::string name : {"cpus", "gpus", "mem", "disk"}) {
    add("slave/" + name, total.scalar_milli(name), own.scalar_milli(name));
    add("slave/" + name + "_revocable", lent.scalar_milli(name), borrowed.scalar_milli(name));
  }
}

void add_tasks(const AgentState& state, const EndedTasks& ended, Metrics& out) {
  constexpr std::pair<TaskState, const char*> kLiving[] = {{TaskState::staging, "staging"},
                                                           {TaskState::starting, "starting"},
                                                           {TaskState::running, "running"},
                                                           {TaskState::killing, "killing"}};
  for (const auto& [wanted, name] : kLiving) {
    const auto count = std::count_if(
        state.tasks.begin(), state.tasks.end(),
        [wanted = wanted](const auto& entry) { return entry.second.state == wanted; });
    out.emplace_back(std::string("slave/tasks_") + name, static_cast<double>(count));
  }
  constexpr std::pair<TaskState, const char*> kEnded[] = {
      {TaskState::finished, "finished"}, {TaskState::failed, "failed"},
      {TaskState::killed, "killed"},     {TaskState::lost, "lost"},
      {TaskState::gone, "gone"},         {TaskState::error, "error"}};
  const auto count_of = [&](TaskState end) {
    const auto it = ended.find(end);
    return it == ended.end() ? 0.0 : static_cast<double>(it->second);
  };
  for (const auto& [wanted, name] : kEnded) {
    // Killed for a drain that ends in gone: there is no name of its own for those.
    const double more = wanted == TaskState::killed ? count_of(TaskState::gone_by_operator) : 0.0;
    out.emplace_back(std::string("slave/tasks_") + name, count_of(wanted) + more);
  }
}

void add_executors(const AgentState& state, Metrics& out) {
  std::uint64_t registering = 0;
  std::uint64_t running = 0;
  std::uint64_t terminating = 0;
  for (const auto& [key, executor] : state.executors) {
    if (executor.phase == ExecutorPhase::exited) continue;
    if (executor.shutting_down) {
      ++terminating;
    } else if (executor.phase == ExecutorPhase::running) {
      ++running;
    } else {
      ++registering;
    }
  }
  out.emplace_back("slave/executors_registering", static_cast<double>(registering));
  out.emplace_back("slave/executors_running", static_cast<double>(running));
  out.emplace_back("slave/executors_terminating", static_cast<double>(terminating));
}

void add_counts(const AgentCounts& counts, Metrics& out) {
  const std::pair<const char*, std::uint64_t> all[] = {
      {"container_launch_errors", counts.launch_errors},
      {"executors_preempted", counts.preempted},
      {"invalid_status_updates", counts.invalid_updates},
      {"valid_status_updates", counts.valid_updates}};
  for (const auto& [name, count] : all) {
    out.emplace_back(std::string("slave/") + name, static_cast<double>(count));
  }
}

}  // namespace

EndedTasks ended_in(const std::vector<CheckpointRecord>& records) {
  EndedTasks out;
  for (const CheckpointRecord& record : records) {
    const auto* update = std::get_if<checkpoint::UpdateStored>(&record);
    if (update != nullptr && is_terminal(update->status.state)) ++out[update->status.state];
  }
  return out;
}

Metrics agent_metrics(const AgentState& state, const EndedTasks& ended, Duration uptime) {
  Metrics out;
  out.emplace_back("slave/registered", state.link.registered ? 1.0 : 0.0);
  out.emplace_back("slave/uptime_secs", static_cast<double>(uptime.ms()) / 1e3);
  out.emplace_back("slave/frameworks_active", static_cast<double>(state.frameworks.size()));
  Resources used;
  for (const auto& [key, executor] : state.executors) used.add(held_by(state, key, executor));
  add_amounts(state.total, state.oversubscription.lent, used, out);
  add_executors(state, out);
  add_counts(state.counts, out);
  add_tasks(state, ended, out);
  return out;
}

}  // namespace bourse::agent
