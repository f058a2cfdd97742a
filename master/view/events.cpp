#include "master/view/events.hpp"

#include "master/view/rows.hpp"
#include "master/view/task_window.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/json.hpp"

namespace bourse::master {

namespace {

using v1::master::Event;
constexpr double kHeartbeatSeconds = 15.0;

std::string record_of(const Event& event, std::uint64_t sequence, codec::Encoding encoding) {
  if (encoding == codec::Encoding::protobuf) return event.SerializeAsString();
  std::string json = codec::to_json(event);
  const std::size_t after_type = json.find('"', json.find(':') + 2) + 1;
  json.insert(after_type, ",\"sequence\":" + std::to_string(sequence));
  return json;
}

bool wants(const SubscribeQuery& query, const char* type) {
  return query.types.empty() || query.types.contains(type);
}

bool wants_any(const SubscribeQuery& query, const char* prefix) {
  if (query.types.empty()) return true;
  const auto it = query.types.lower_bound(prefix);
  return it != query.types.end() && it->rfind(prefix, 0) == 0;
}

bool task_matches(const SubscribeQuery& query, const FrameworkId& framework, const TaskId& task,
                  const AgentId& agent) {
  return (query.framework_id.empty() || query.framework_id == framework) &&
         (query.task_id.empty() || query.task_id == task) &&
         (query.agent_id.empty() || query.agent_id == agent);
}

// One Change as an event, or nothing (false) for this subscriber.
struct Writer {
  const ViewState& state;
  ViewState::Applied applied;
  const SubscribeQuery& query;
  Event& event;

  bool operator()(const change::TaskAdded& c) const {
    if (!wants(query, "TASK_ADDED") ||
        !task_matches(query, c.framework_id, c.task->id, c.task->agent_id)) {
      return false;
    }
    TaskRow row;
    row.framework_id = c.framework_id;
    row.task = c.task;
    row.executor = c.executor;
    row.state = c.state;
    row.role = c.role;
    event.set_type(Event::TASK_ADDED);
    write_task_row(row, *event.mutable_task_added()->mutable_task());
    return true;
  }
  bool operator()(const change::TaskUpdated& c) const {
    if (!wants(query, "TASK_UPDATED") ||
        !task_matches(query, c.framework_id, c.status->task_id, c.status->agent_id)) {
      return false;
    }
    event.set_type(Event::TASK_UPDATED);
    auto& out = *event.mutable_task_updated();
    out.mutable_framework_id()->set_value(c.framework_id.raw());
    codec::write_status(*c.status, *out.mutable_status());
    out.set_state(static_cast<v1::TaskState>(c.state));
    return true;
  }
  bool operator()(const change::AgentPut& c) const {
    const AgentId& id = c.agent->id;
    if (!query.agent_id.empty() && query.agent_id != id) return false;
    if (applied.left) return removed(id);
    if (!applied.fresh || !wants(query, "AGENT_ADDED")) return false;
    event.set_type(Event::AGENT_ADDED);
    AgentRow row;
    row.put = c;
    if (const auto it = state.agents().find(id); it != state.agents().end()) row = it->second;
    row.put = c;
    write_agent_row(row, *event.mutable_agent_added()->mutable_agent());
    return true;
  }
  bool operator()(const change::AgentRemoved& c) const {
    if (!query.agent_id.empty() && query.agent_id != c.agent_id) return false;
    return applied.left && removed(c.agent_id);
  }
  bool operator()(const change::FrameworkPut& c) const {
    const char* type = applied.fresh ? "FRAMEWORK_ADDED" : "FRAMEWORK_UPDATED";
    if (!wants(query, type)) return false;
    if (!query.framework_id.empty() && query.framework_id != c.framework->id) return false;
    FrameworkRow row;
    if (const FrameworkRow* now = state.framework(c.framework->id)) row = *now;
    row.put = c;
    if (applied.fresh) {
      event.set_type(Event::FRAMEWORK_ADDED);
      write_framework(row, *event.mutable_framework_added()->mutable_framework());
    } else {
      event.set_type(Event::FRAMEWORK_UPDATED);
      write_framework(row, *event.mutable_framework_updated()->mutable_framework());
    }
    return true;
  }
  // Events say of a framework what answers leave out, and leave out what there is none of.
  void write_framework(const FrameworkRow& row,
                       v1::master::Response::GetFrameworks::Framework& out) const {
    write_framework_row(state, row, false, out);
    if (!out.has_unregistered_time()) out.mutable_unregistered_time()->set_nanoseconds(0);
    if (!row.put.offer_constraints) out.clear_offer_constraints();
  }
  bool operator()(const change::FrameworkRemoved& c) const {
    if (!wants(query, "FRAMEWORK_REMOVED")) return false;
    if (!query.framework_id.empty() && query.framework_id != c.framework_id) return false;
    event.set_type(Event::FRAMEWORK_REMOVED);
    auto& info = *event.mutable_framework_removed()->mutable_framework_info();
    for (const FrameworkRow& row : state.completed_frameworks()) {
      if (row.put.framework->id == c.framework_id) codec::write_framework(*row.put.framework, info);
    }
    if (!info.has_name()) {  // evicted meanwhile: the id is what matters
      info.set_user("");
      info.set_name("");
      info.mutable_id()->set_value(c.framework_id.raw());
    }
    return true;
  }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;  // Mesos' stream has no event for it
  }

  bool removed(const AgentId& id) const {
    if (!wants(query, "AGENT_REMOVED")) return false;
    event.set_type(Event::AGENT_REMOVED);
    event.mutable_agent_removed()->mutable_agent_id()->set_value(id.raw());
    return true;
  }
};

void fill_tasks(const ViewState& state, const SubscribeQuery& query,
                v1::master::Response::GetState& out) {
  const auto matching = [&](const TaskRow& row) {
    return task_matches(query, row.framework_id, row.task->id, row.task->agent_id);
  };
  auto& tasks = *out.mutable_get_tasks();
  for (const auto& [added, row] : state.tasks()) {
    if (matching(row)) write_task_row(row, *tasks.add_tasks());
  }
  for (const auto& [added, row] : state.unreachable_tasks()) {
    if (matching(row)) write_task_row(row, *tasks.add_unreachable_tasks());
  }
  for (const auto& [added, row] : state.completed_tasks()) {
    if (matching(row)) write_task_row(row, *tasks.add_completed_tasks());
  }
  const std::set<FrameworkId> recovered = state.recovered_frameworks();
  for (const TaskTable* table : {&state.tasks(), &state.unreachable_tasks()}) {
    for (const auto& [added, row] : *table) {
      if (!recovered.empty() && matching(row) && is_orphan(row, recovered)) {
        write_task_row(row, *tasks.add_orphan_tasks());
      }
    }
  }
  for (const auto& [key, row] : state.executors()) {
    auto* executor = out.mutable_get_executors()->add_executors();
    codec::write_executor(*row.executor, *executor->mutable_executor_info());
    executor->mutable_agent_id()->set_value(row.agent_id.raw());
  }
}

void fill_state(const ViewState& state, const SubscribeQuery& query,
                v1::master::Response::GetState& out) {
  if (wants_any(query, "TASK_")) fill_tasks(state, query, out);
  if (wants_any(query, "FRAMEWORK_")) {
    for (const auto& [id, row] : state.frameworks()) {
      if (!query.framework_id.empty() && query.framework_id != id) continue;
      write_framework_row(state, row, true, *out.mutable_get_frameworks()->add_frameworks());
    }
    for (const FrameworkRow& row : state.completed_frameworks()) {
      if (!query.framework_id.empty() && query.framework_id != row.put.framework->id) continue;
      write_framework_row(state, row, false,
                          *out.mutable_get_frameworks()->add_completed_frameworks());
    }
  }
  if (!wants_any(query, "AGENT_")) return;
  for (const auto& [id, row] : state.agents()) {
    if (!query.agent_id.empty() && query.agent_id != id) continue;
    if (is_visible(row.put.phase)) write_agent_row(row, *out.mutable_get_agents()->add_agents());
  }
}

}  // namespace

std::optional<std::string> event_record(const ViewState& state, const Change& change,
                                        ViewState::Applied applied, const SubscribeQuery& query,
                                        codec::Encoding encoding) {
  Event event;
  if (!std::visit(Writer{state, applied, query, event}, change.body)) return std::nullopt;
  return record_of(event, change.sequence, encoding);
}

std::string subscribed_record(const ViewState& state, const SubscribeQuery& query, bool resumed,
                              codec::Encoding encoding) {
  Event event;
  event.set_type(Event::SUBSCRIBED);
  auto& subscribed = *event.mutable_subscribed();
  subscribed.set_heartbeat_interval_seconds(kHeartbeatSeconds);
  auto& all = *subscribed.mutable_get_state();
  // The four parts stand there even when empty: clients reach into them.
  all.mutable_get_tasks();
  all.mutable_get_executors();
  all.mutable_get_frameworks();
  all.mutable_get_agents();
  if (!resumed) fill_state(state, query, all);
  std::string record = record_of(event, resumed ? *query.since : state.sequence(), encoding);
  if (resumed && encoding == codec::Encoding::json) {
    const std::string key = "\"subscribed\":{";
    record.insert(record.find(key) + key.size(), "\"resumed\":true,");
  }
  return record;
}

std::string heartbeat_record(std::uint64_t sequence, codec::Encoding encoding) {
  Event event;
  event.set_type(Event::HEARTBEAT);
  return record_of(event, sequence, encoding);
}

}  // namespace bourse::master
