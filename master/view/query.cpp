#include "master/view/query.hpp"

#include <algorithm>
#include <charconv>

#include "proto/codec/json.hpp"
#include "proto/internal/operator_extension.pb.h"

namespace bourse::master {

namespace {

constexpr std::uint32_t kMostTasksPerWindow = 1'000;
constexpr std::size_t kMostIds = 500;
constexpr std::size_t kMostSearchBytes = 256;
constexpr const char* kEventTypes[] = {"SUBSCRIBED",        "TASK_ADDED",        "TASK_UPDATED",
                                       "AGENT_ADDED",       "AGENT_REMOVED",     "FRAMEWORK_ADDED",
                                       "FRAMEWORK_UPDATED", "FRAMEWORK_REMOVED", "HEARTBEAT"};

using Extension = operator_extension::Call;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Status read_tasks(const Extension::GetTasks& from, TaskQuery& to) {
  if (from.has_limit()) {
    if (from.limit() == 0) {
      return invalid("get_tasks.limit: 0 is not at least 1");
    }
    to.limit = std::min(from.limit(), kMostTasksPerWindow);
  }
  to.after = from.after();
  if (!to.after.empty()) {
    if (const auto cursor = parse_cursor(to.after); !cursor.ok()) return cursor.error();
  }
  to.framework_id = FrameworkId(from.framework_id().value());
  to.agent_id = AgentId(from.agent_id().value());
  to.task_id = TaskId(from.task_id().value());
  for (const std::string& name : from.state()) {
    const auto state = task_state_from(name);
    if (!state) return invalid("get_tasks.state: '" + name + "' is no task state (TASK_RUNNING)");
    to.states.insert(*state);
  }
  if (from.search().size() > kMostSearchBytes) {
    return invalid("get_tasks.search: " + std::to_string(from.search().size()) +
                   " bytes, at most 256");
  }
  to.search = lower(from.search());
  to.orphan = from.orphan();
  return {};
}

Status read_subscribe(const Extension::Subscribe& from, SubscribeQuery& to) {
  if (from.has_since()) to.since = from.since();
  for (const std::string& type : from.types()) {
    if (std::find(std::begin(kEventTypes), std::end(kEventTypes), type) == std::end(kEventTypes)) {
      return invalid("subscribe.types: '" + type + "' is no event type (TASK_ADDED)");
    }
    to.types.insert(type);
  }
  to.framework_id = FrameworkId(from.framework_id().value());
  to.agent_id = AgentId(from.agent_id().value());
  to.task_id = TaskId(from.task_id().value());
  return {};
}

}  // namespace

Result<Queries> parse_queries(std::string_view json) {
  Extension extension;
  if (const Status parsed = codec::from_json(json, extension); !parsed.ok()) return parsed.error();
  Queries out;
  if (const Status good = read_tasks(extension.get_tasks(), out.tasks); !good.ok()) {
    return good.error();
  }
  if (const Status good = read_subscribe(extension.subscribe(), out.subscribe); !good.ok()) {
    return good.error();
  }
  const auto& agents = extension.get_agents().agent_id();
  const auto& frameworks = extension.get_frameworks().framework_id();
  if (static_cast<std::size_t>(std::max(agents.size(), frameworks.size())) > kMostIds) {
    return invalid("get_agents.agent_id, get_frameworks.framework_id: at most 500 ids");
  }
  for (const auto& id : agents) out.agents.ids.emplace_back(id.value());
  for (const auto& id : frameworks) out.frameworks.ids.emplace_back(id.value());
  out.frameworks.offers = extension.get_frameworks().offers();
  out.frameworks.completed = extension.get_frameworks().completed();
  return out;
}

std::string cursor_text(const Cursor& cursor) {
  return std::to_string(cursor.list) + "." + std::to_string(cursor.added);
}

Result<Cursor> parse_cursor(std::string_view text) {
  Cursor cursor;
  const char* end = text.data() + text.size();
  const auto [dot, list_error] = std::from_chars(text.data(), end, cursor.list);
  if (list_error == std::errc() && dot != end && *dot == '.' && cursor.list >= 0 &&
      cursor.list <= 2) {
    const auto [last, added_error] = std::from_chars(dot + 1, end, cursor.added);
    if (added_error == std::errc() && last == end) return cursor;
  }
  return invalid("get_tasks.after: '" + std::string(text) + "' is no `next` of an earlier answer");
}

}  // namespace bourse::master
