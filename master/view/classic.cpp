#include "master/view/classic.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "master/view/classic_rows.hpp"
#include "model/version.hpp"
#include "proto/codec/classic_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::master {

namespace {

using codec::JsonList;
using codec::JsonObject;

// How many tasks are in each state, and where or whose they are.
struct Counts {
  std::map<TaskState, std::int64_t> states;
  std::set<std::string> others;
};
struct Summary {
  std::map<std::string, Counts> agents;
  std::map<std::string, Counts> frameworks;
};

std::string_view value_of(const ClassicQuestion& question, const char* name) {
  const auto it = question.query.find(name);
  return it == question.query.end() ? std::string_view() : std::string_view(it->second);
}

Error too_large(const ClassicText& text, const std::string& instead) {
  return {ErrorCode::too_large, "this cluster is too large for one answer of " +
                                    std::to_string(text.most_bytes) + " bytes: " + instead};
}

Result<std::string> finished(ClassicText& text, const char* instead) {
  if (text.full()) return too_large(text, instead);
  return std::move(text.text);
}

void write_slaves(const ViewState& state, std::string_view only, bool full, ClassicText& text,
                  JsonObject& out) {
  const auto wanted = [&](const AgentId& id) { return only.empty() || id.raw() == only; };
  JsonList here(out.field("slaves"));
  for (const auto& [id, row] : state.agents()) {
    if (!is_visible(row.put.phase) || !wanted(id)) continue;
    if (text.full()) break;
    JsonObject agent(here.entry());
    write_classic_agent(row, agent);
    if (full) write_classic_agent_full(row, agent);
    agent.end();
  }
  here.end();
  JsonList recovered(out.field("recovered_slaves"));
  for (const auto& [id, row] : state.agents()) {
    if (row.put.phase != AgentPhase::recovered || !wanted(id)) continue;
    if (text.full()) break;
    write_classic_recovered_agent(row, recovered.entry());
  }
  recovered.end();
}

void write_frameworks(const ViewState& state, std::string_view only, ClassicText& text,
                      JsonObject& out) {
  const FrameworksParts parts = parts_of_frameworks(state, only);
  const auto write = [&](const FrameworkRow& row, JsonList& list) {
    const FrameworkId& id = row.put.framework->id;
    if ((!only.empty() && id.raw() != only) || text.full()) return;
    JsonObject framework(list.entry());
    write_classic_framework(row, framework);
    const auto it = parts.find(id);
    write_classic_framework_parts(state, row, it == parts.end() ? FrameworkParts() : it->second,
                                  text, framework);
    framework.end();
  };
  JsonList here(out.field("frameworks"));
  for (const auto& [id, row] : state.frameworks()) write(row, here);
  here.end();
  JsonList completed(out.field("completed_frameworks"));
  for (const FrameworkRow& row : state.completed_frameworks()) write(row, completed);
  completed.end();
}

void write_counts_of_agents(const ViewState& state, JsonObject& out) {
  std::size_t active = 0;
  std::size_t inactive = 0;
  std::size_t unreachable = 0;
  for (const auto& [id, row] : state.agents()) {
    active += row.put.phase == AgentPhase::active;
    inactive += is_visible(row.put.phase) && row.put.phase != AgentPhase::active;
    unreachable += row.put.phase == AgentPhase::unreachable;
  }
  out.number("activated_slaves", static_cast<double>(active));
  out.number("deactivated_slaves", static_cast<double>(inactive));
  out.number("unreachable_slaves", static_cast<double>(unreachable));
}

void write_master(const ViewState& state, const ClassicMaster& self, JsonObject& out) {
  const codec::MasterDescription& master = self.master;
  const std::string pid = "master@" + master.ip + ":" + std::to_string(master.port);
  out.text("version", kApiVersion);
  out.text("bourse_version", kVersion);
  out.number("start_time", codec::seconds_from_wall(self.started_at));
  out.number("elected_time", codec::seconds_from_wall(self.elected_at));
  out.text("id", master.id);
  out.text("pid", pid);
  out.text("hostname", master.hostname);
  codec::write_master_capabilities(out.field("capabilities"));
  write_counts_of_agents(state, out);
  // Who answers leads: the others send clients on.
  out.text("leader", pid);
  JsonObject leader(out.field("leader_info"));
  leader.text("id", master.id);
  leader.text("pid", pid);
  leader.whole("port", master.port);
  leader.text("hostname", master.hostname);
  leader.end();
  if (!master.domain.region.empty()) codec::write_flat_domain(master.domain, out.field("domain"));
  if (!state.cluster().cluster_name.empty()) out.text("cluster", state.cluster().cluster_name);
  codec::write_flat_flags(self.flags, out.field("flags"));
}

Summary summary_of(const ViewState& state) {
  Summary out;
  for (const TaskTable* table :
       {&state.tasks(), &state.unreachable_tasks(), &state.completed_tasks()}) {
    for (const auto& [added, row] : *table) {
      const std::string& framework = row.framework_id.raw();
      const std::string& agent = row.task->agent_id.raw();
      if (state.framework(row.framework_id) == nullptr) continue;
      ++out.agents[agent].states[row.state];
      ++out.frameworks[framework].states[row.state];
      out.agents[agent].others.insert(framework);
      out.frameworks[framework].others.insert(agent);
    }
  }
  return out;
}

void write_counts(const Counts& counts, const char* others, JsonObject& out) {
  for (const TaskState state :
       {TaskState::staging, TaskState::starting, TaskState::running, TaskState::killing,
        TaskState::finished, TaskState::killed, TaskState::failed, TaskState::lost,
        TaskState::error, TaskState::unreachable}) {
    const auto it = counts.states.find(state);
    out.whole(mesos::v1::TaskState_Name(static_cast<mesos::v1::TaskState>(state)),
              it == counts.states.end() ? 0 : it->second);
  }
  JsonList list(out.field(others));
  for (const std::string& one : counts.others) list.text(one);
  list.end();
}

Result<std::size_t> read_count(const ClassicQuestion& question, const char* name,
                               std::size_t unless_given, bool all_by_minus_one) {
  const std::string_view text = value_of(question, name);
  if (text.empty()) return unless_given;
  if (all_by_minus_one && text == "-1") return std::string::npos;
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size()) return out;
  return invalid(std::string(name) + ": '" + std::string(text) +
                 "' is not a whole number from 0 on" +
                 (all_by_minus_one ? "; -1 asks for all" : ""));
}

// All that match, oldest first.
std::vector<const TaskRow*> matching_tasks(const ViewState& state,
                                           const ClassicQuestion& question) {
  const std::string_view framework_id = value_of(question, "framework_id");
  const std::string_view task_id = value_of(question, "task_id");
  std::vector<const TaskRow*> out;
  for (const TaskTable* table :
       {&state.tasks(), &state.unreachable_tasks(), &state.completed_tasks()}) {
    for (const auto& [added, row] : *table) {
      if (!framework_id.empty() && row.framework_id.raw() != framework_id) continue;
      if (!task_id.empty() && row.task->id.raw() != task_id) continue;
      out.push_back(&row);
    }
  }
  std::sort(out.begin(), out.end(),
            [](const TaskRow* a, const TaskRow* b) { return a->added < b->added; });
  return out;
}

}  // namespace

Result<std::string> classic_state(const ViewState& state, const ClassicQuestion& question) {
  ClassicText text{{}, question.most_bytes};
  JsonObject out(text.text);
  write_master(state, question.self, out);
  write_slaves(state, {}, false, text, out);
  write_frameworks(state, {}, text, out);
  // Tasks belong to frameworks that are here or recovered from their agents, as in Mesos.
  out.raw("orphan_tasks", "[]");
  out.raw("unregistered_frameworks", "[]");
  out.end();
  return finished(text, "ask /slaves, /frameworks?framework_id=ID and /tasks?limit=N&offset=N");
}

Result<std::string> classic_state_summary(const ViewState& state, const ClassicQuestion& question) {
  ClassicText text{{}, question.most_bytes};
  const Summary summary = summary_of(state);
  const auto counts = [](const std::map<std::string, Counts>& of, const std::string& id) {
    const auto it = of.find(id);
    return it == of.end() ? Counts() : it->second;
  };
  JsonObject out(text.text);
  out.text("hostname", question.self.master.hostname);
  if (!state.cluster().cluster_name.empty()) out.text("cluster", state.cluster().cluster_name);
  JsonList agents(out.field("slaves"));
  for (const auto& [id, row] : state.agents()) {
    if (!is_visible(row.put.phase) || text.full()) continue;
    JsonObject agent(agents.entry());
    write_classic_agent(row, agent);
    write_counts(counts(summary.agents, id.raw()), "framework_ids", agent);
    agent.end();
  }
  agents.end();
  JsonList frameworks(out.field("frameworks"));
  for (const auto& [id, row] : state.frameworks()) {
    if (text.full()) break;
    JsonObject framework(frameworks.entry());
    write_classic_framework(row, framework);
    write_counts(counts(summary.frameworks, id.raw()), "slave_ids", framework);
    framework.end();
  }
  frameworks.end();
  out.end();
  return finished(text, "ask /slaves?slave_id=ID and /frameworks?framework_id=ID");
}

Result<std::string> classic_slaves(const ViewState& state, const ClassicQuestion& question) {
  ClassicText text{{}, question.most_bytes};
  JsonObject out(text.text);
  write_slaves(state, value_of(question, "slave_id"), true, text, out);
  out.end();
  return finished(text, "ask for one agent, with slave_id=ID");
}

Result<std::string> classic_frameworks(const ViewState& state, const ClassicQuestion& question) {
  ClassicText text{{}, question.most_bytes};
  JsonObject out(text.text);
  write_frameworks(state, value_of(question, "framework_id"), text, out);
  out.raw("unregistered_frameworks", "[]");
  out.end();
  return finished(text, "ask for one framework, with framework_id=ID, or for /tasks?limit=N");
}

Result<std::string> classic_tasks(const ViewState& state, const ClassicQuestion& question) {
  const auto limit = read_count(question, "limit", kTasksUnlessAsked, true);
  if (!limit.ok()) return limit.error();
  const auto offset = read_count(question, "offset", 0, false);
  if (!offset.ok()) return offset.error();
  std::vector<const TaskRow*> rows = matching_tasks(state, question);
  if (value_of(question, "order") != "asc") std::reverse(rows.begin(), rows.end());
  const std::size_t first = std::min(offset.value(), rows.size());
  const std::size_t last = first + std::min(limit.value(), rows.size() - first);
  ClassicText text{{}, question.most_bytes};
  JsonObject out(text.text);
  JsonList tasks(out.field("tasks"));
  for (std::size_t i = first; i < last && !text.full(); ++i) {
    write_classic_task(*rows[i], tasks.entry());
  }
  tasks.end();
  out.end();
  return finished(text, "ask for fewer tasks, with limit=N&offset=N");
}

}  // namespace bourse::master
