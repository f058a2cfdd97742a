#include "master/view/answers.hpp"

#include <algorithm>
#include <set>

#include "master/view/answer_body.hpp"
#include "master/view/demands.hpp"
#include "master/view/rows.hpp"
#include "master/view/task_window.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::master {

namespace {

using v1::master::Response;

// {"type":"X",...} -> {"type":"X","sequence":N,...}
void insert_sequence(std::string& json, std::uint64_t sequence) {
  const std::size_t after_type = json.find('"', json.find(':') + 2) + 1;
  json.insert(after_type, ",\"sequence\":" + std::to_string(sequence));
}

void fill_tasks(const TaskWindow& window, Response::GetTasks& out) {
  for (const TaskRow* row : window.live) write_task_row(*row, *out.add_tasks());
  for (const TaskRow* row : window.unreachable) write_task_row(*row, *out.add_unreachable_tasks());
  for (const TaskRow* row : window.completed) write_task_row(*row, *out.add_completed_tasks());
  for (const TaskRow* row : window.orphans) write_task_row(*row, *out.add_orphan_tasks());
}

void fill_agents(const ViewState& state, const AgentQuery& query, Response::GetAgents& out) {
  const auto write = [&](const AgentRow& row) {
    if (is_visible(row.put.phase)) {
      write_agent_row(row, *out.add_agents());
    } else if (row.put.phase == AgentPhase::recovered) {
      codec::write_agent(*row.put.agent, *out.add_recovered_agents());
    }
  };
  if (query.ids.empty()) {
    for (const auto& [id, row] : state.agents()) write(row);
    return;
  }
  for (const AgentId& id : query.ids) {
    if (const auto it = state.agents().find(id); it != state.agents().end()) write(it->second);
  }
}

void fill_frameworks(const ViewState& state, const FrameworkQuery& query,
                     Response::GetFrameworks& out) {
  const auto wanted = [&](const FrameworkRow& row) {
    return query.ids.empty() ||
           std::find(query.ids.begin(), query.ids.end(), row.put.framework->id) != query.ids.end();
  };
  for (const auto& [id, row] : state.frameworks()) {
    if (wanted(row)) write_framework_row(state, row, query.offers, *out.add_frameworks());
  }
  for (const FrameworkRow& row : state.completed_frameworks()) {
    if (!query.completed) break;
    if (wanted(row)) write_framework_row(state, row, false, *out.add_completed_frameworks());
  }
  for (const FrameworkId& id : state.recovered_frameworks()) {
    const FrameworkRow& row = *state.framework(id);
    if (wanted(row)) codec::write_framework(*row.put.framework, *out.add_recovered_frameworks());
  }
}

void fill_executors(const ViewState& state, Response::GetExecutors& out) {
  const auto write = [](const ExecutorRow& row, Response::GetExecutors::Executor& executor) {
    codec::write_executor(*row.executor, *executor.mutable_executor_info());
    codec::hold_in(*row.role, *executor.mutable_executor_info()->mutable_resources());
    executor.mutable_agent_id()->set_value(row.agent_id.raw());
  };
  const std::set<FrameworkId> recovered = state.recovered_frameworks();
  for (const auto& [key, row] : state.executors()) {
    write(row, *out.add_executors());
    if (recovered.contains(row.framework_id)) write(row, *out.add_orphan_executors());
  }
}

// Beside the agents: whose drain waits, and for whom.
void insert_drains(const ViewState& state, std::string& json) {
  operator_extension::Response::GetAgents out;
  for (const auto& [id, row] : state.agents()) {
    if (row.put.waits.empty()) continue;
    auto& drain = *out.add_drains();
    drain.mutable_agent_id()->set_value(id.raw());
    for (const change::DrainWait& wait : row.put.waits) {
      auto& made = *drain.add_waits();
      made.mutable_framework_id()->set_value(wait.framework_id.raw());
      made.set_tasks(wait.tasks);
      made.set_running(wait.running);
      made.set_why(wait.why);
    }
  }
  if (out.drains().empty()) return;
  const std::string fields = codec::to_json(out);
  const std::size_t inner_end = json.size() - 2;  // before the two closing braces
  json.insert(inner_end, "," + fields.substr(1, fields.size() - 2));
}

}  // namespace

void insert_in_lists(std::string& body, std::string extra) {
  if (extra.empty()) return;
  const std::size_t inner_end = body.size() - 2;  // before the two closing braces
  if (body[inner_end - 1] != '{') extra.insert(0, ",");
  body.insert(inner_end, extra);
}

std::string body_of(const Response& response, codec::Encoding encoding, std::uint64_t sequence) {
  if (encoding == codec::Encoding::protobuf) return response.SerializeAsString();
  std::string json = codec::to_json(response);
  insert_sequence(json, sequence);
  return json;
}

std::string answer_agents(const ViewState& state, codec::Encoding encoding,
                          const AgentQuery& query) {
  Response response;
  response.set_type(Response::GET_AGENTS);
  fill_agents(state, query, *response.mutable_get_agents());
  std::string body = body_of(response, encoding, state.sequence());
  if (encoding == codec::Encoding::json && !response.get_agents().agents().empty()) {
    insert_drains(state, body);
  }
  return body;
}

std::string answer_frameworks(const ViewState& state, codec::Encoding encoding,
                              const FrameworkQuery& query) {
  Response response;
  response.set_type(Response::GET_FRAMEWORKS);
  fill_frameworks(state, query, *response.mutable_get_frameworks());
  std::string body = body_of(response, encoding, state.sequence());
  if (encoding == codec::Encoding::json) insert_in_lists(body, demands_json(state, query.ids));
  return body;
}

std::string answer_tasks(const ViewState& state, codec::Encoding encoding, const TaskQuery& query) {
  const TaskWindow window = task_window(state, query);
  Response response;
  response.set_type(Response::GET_TASKS);
  fill_tasks(window, *response.mutable_get_tasks());
  std::string body = body_of(response, encoding, state.sequence());
  if (encoding != codec::Encoding::json || !query.windowed()) return body;
  // Beside the lists, within get_tasks: where the next window begins, and how many there are.
  std::string extra = "\"total\":" + std::to_string(window.total);
  if (window.next) extra += ",\"next\":\"" + cursor_text(*window.next) + "\"";
  insert_in_lists(body, std::move(extra));
  return body;
}

std::string answer_executors(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_EXECUTORS);
  fill_executors(state, *response.mutable_get_executors());
  return body_of(response, encoding, state.sequence());
}

std::string answer_operations(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_OPERATIONS);
  auto& out = *response.mutable_get_operations();
  for (const auto& [uuid, row] : state.operations()) {
    v1::Operation& made = *out.add_operations();
    if (!row.order->framework_id.empty()) {
      made.mutable_framework_id()->set_value(row.order->framework_id.raw());
    }
    made.mutable_agent_id()->set_value(row.agent_id.raw());
    codec::write_operation_info(*row.order, *made.mutable_info());
    codec::write_operation_status(row.status, *made.mutable_latest_status());
    *made.add_statuses() = made.latest_status();
    made.mutable_uuid()->set_value(uuid.bytes.data(), uuid.bytes.size());
  }
  return body_of(response, encoding, state.sequence());
}

std::string answer_state(const ViewState& state, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_STATE);
  auto& all = *response.mutable_get_state();
  fill_tasks(task_window(state, {}), *all.mutable_get_tasks());
  fill_executors(state, *all.mutable_get_executors());
  fill_frameworks(state, {}, *all.mutable_get_frameworks());
  fill_agents(state, {}, *all.mutable_get_agents());
  return body_of(response, encoding, state.sequence());
}

std::string answer_metrics(const Metrics& metrics, codec::Encoding encoding) {
  Response response;
  response.set_type(Response::GET_METRICS);
  for (const auto& [name, value] : metrics) {
    auto* metric = response.mutable_get_metrics()->add_metrics();
    metric->set_name(name);
    metric->set_value(value);
  }
  return encoding == codec::Encoding::json ? codec::to_json(response)
                                           : response.SerializeAsString();
}

Result<std::string> published_document(const ViewState& state, const FrameworkId& framework_id,
                                       const std::string& name) {
  const FrameworkRow* row = state.framework(framework_id);
  if (row == nullptr) {
    return Error{ErrorCode::not_found, "path: framework '" + framework_id.raw() + "' is not here"};
  }
  const auto it = row->published.find(name);
  if (it == row->published.end()) {
    return Error{ErrorCode::not_found,
                 "path: framework '" + framework_id.raw() + "' has published no '" + name + "'"};
  }
  return *it->second;
}

}  // namespace bourse::master
