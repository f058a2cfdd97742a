// tasks: what runs, and what ran.
#include <algorithm>
#include <cstdio>
#include <set>

#include "cli/api.hpp"
#include "cli/invocation.hpp"
#include "cli/listing.hpp"
#include "cli/table.hpp"
#include "model/task_state.hpp"
#include "proto/internal/operator_extension.pb.h"
#include "proto/v1/master_response.pb.h"

namespace bourse::cli {

namespace {

namespace v1 = mesos::v1;
using v1::master::Response;

constexpr std::int64_t kMostInOneAnswer = 1'000;  // what the master gives at most

struct Wanted {
  std::string framework, agent, state, search;
  std::int64_t limit = 0;
  bool all = false;
  bool orphans = false;
};

// Ended tasks must not use up what may be shown of those that live, so the master leaves them out.
std::string living_states() {
  std::string out;
  for (std::size_t i = 0; i < kTaskStates; ++i) {
    const auto state = static_cast<TaskState>(i);
    if (is_terminal(state)) continue;
    out += (out.empty() ? "" : ",") + json_text(name_of(state));
  }
  return out;
}

// `limit` 0: all in one answer.
std::string call_for(const Wanted& wanted, std::int64_t limit, const std::string& after) {
  std::string query;
  const auto add = [&](const char* field, const std::string& value) {
    query += (query.empty() ? "\"" : ",\"") + std::string(field) + "\":" + value;
  };
  if (limit > 0) add("limit", std::to_string(limit));
  if (!after.empty()) add("after", json_text(after));
  if (!wanted.framework.empty()) {
    add("framework_id", "{\"value\":" + json_text(wanted.framework) + "}");
  }
  if (!wanted.agent.empty()) add("agent_id", "{\"value\":" + json_text(wanted.agent) + "}");
  if (!wanted.state.empty()) add("state", "[" + json_text(wanted.state) + "]");
  if (wanted.state.empty() && !wanted.all) add("state", "[" + living_states() + "]");
  if (!wanted.search.empty()) add("search", json_text(wanted.search));
  if (wanted.orphans) add("orphan", "true");
  return R"({"type":"GET_TASKS","get_tasks":{)" + query + "}}";
}

using Names = std::map<std::string, std::string>;

std::size_t add_rows(const Response& response, const Names& hosts, Table& table) {
  std::set<std::pair<std::string, std::string>> orphaned;
  for (const auto& task : response.get_tasks().orphan_tasks()) {
    orphaned.emplace(task.framework_id().value(), task.task_id().value());
  }
  const auto add = [&](const v1::Task& task) {
    const auto host = hosts.find(task.agent_id().value());
    const std::string message =
        task.statuses_size() > 0 ? task.statuses(task.statuses_size() - 1).message() : "";
    const bool orphan = orphaned.contains({task.framework_id().value(), task.task_id().value()});
    table.add({task.task_id().value(), task.name(),
               v1::TaskState_Name(task.state()) + (orphan ? " (orphan)" : ""),
               task.framework_id().value(),
               host == hosts.end() ? task.agent_id().value() : host->second,
               amount_text(both_of(task.resources(), "cpus")),
               megabytes_text(both_of(task.resources(), "mem")), message});
  };
  const auto& tasks = response.get_tasks();
  for (const auto* list : {&tasks.tasks(), &tasks.unreachable_tasks(), &tasks.completed_tasks()}) {
    for (const auto& task : *list) add(task);
  }
  return static_cast<std::size_t>(tasks.tasks_size() + tasks.unreachable_tasks_size() +
                                  tasks.completed_tasks_size());
}

// All of them, answer after answer, or as many as the limit lets.
int print_tasks(Api& api, const Wanted& wanted) {
  Table table({"TASK", "NAME", "STATE", "FRAMEWORK", "HOST", ">CPUS", ">MEMORY", "MESSAGE"});
  Names hosts;
  std::string after;
  std::uint64_t shown = 0;
  std::uint64_t total = 0;
  do {
    std::int64_t most = kMostInOneAnswer;
    if (wanted.limit > 0) most = std::min(most, wanted.limit - static_cast<std::int64_t>(shown));
    Response response;
    operator_extension::Response window;
    const Status ok = api.call(call_for(wanted, most, after), response, window);
    if (!ok.ok()) return failed(ok.error());
    if (shown == 0) hosts = names_of_agents(api);
    shown += add_rows(response, hosts, table);
    after = window.get_tasks().next();
    total = window.get_tasks().total();
  } while (!after.empty() &&
           (wanted.limit <= 0 || shown < static_cast<std::uint64_t>(wanted.limit)));
  std::fputs(table.empty() ? "no tasks\n" : table.text().c_str(), stdout);
  if (!after.empty()) {
    std::printf("%llu of %llu tasks; a larger --limit shows more\n",
                static_cast<unsigned long long>(shown), static_cast<unsigned long long>(total));
  }
  return 0;
}

}  // namespace

int tasks_command(const Arguments& arguments) {
  Invocation invocation("tasks", "The tasks, newest first.");
  Wanted wanted;
  invocation.flags().add("framework", wanted.framework, "only this framework's");
  invocation.flags().add("agent", wanted.agent, "only on this agent");
  invocation.flags().add("state", wanted.state, "only in this state (TASK_RUNNING)");
  invocation.flags().add("search", wanted.search, "only with this in id or name");
  invocation.flags().add("orphans", wanted.orphans,
                         "only those whose framework has not been seen since the master leads");
  invocation.flags().add("limit", wanted.limit,
                         "at most so many, 0 for all; with --json up to 1000 of them");
  invocation.flags().add("all", wanted.all, "also those that have ended");
  if (const auto code = invocation.parse(arguments)) return *code;
  if (wanted.limit < 0) {
    std::fprintf(stderr, "bourse tasks: --limit: %lld is less than 0, which is for all\n",
                 static_cast<long long>(wanted.limit));
    return 2;
  }
  Api api(invocation);
  const std::string whole = call_for(wanted, wanted.limit, "");
  if (const auto code = answered_as_json(invocation, api, whole)) return *code;
  return print_tasks(api, wanted);
}

}  // namespace bourse::cli
