// Queries: operator calls that read, as values with the additions of docs/operator-extensions.md.
// Value; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/ids.hpp"
#include "model/task_state.hpp"
#include "proto/codec/encoding.hpp"

namespace bourse::master {

struct TaskQuery {
  std::optional<std::uint32_t> limit;  // 1 to 1,000
  std::string after;                   // cursor; empty: from the start
  FrameworkId framework_id;            // empty: any, as all below
  AgentId agent_id;
  TaskId task_id;
  std::set<TaskState> states;
  std::string search;   // lower case
  bool orphan = false;  // only orphans

  bool windowed() const {
    return limit || !after.empty() || !framework_id.empty() || !agent_id.empty() ||
           !task_id.empty() || !states.empty() || !search.empty() || orphan;
  }
};

struct AgentQuery {
  std::vector<AgentId> ids;  // empty: all
};

struct FrameworkQuery {
  std::vector<FrameworkId> ids;  // empty: all
  bool offers = true;
  bool completed = true;  // also those that have ended
};

struct SubscribeQuery {
  std::optional<std::uint64_t> since;
  std::set<std::string> types;  // empty: all
  FrameworkId framework_id;
  AgentId agent_id;
  TaskId task_id;
};

// The additions in a call's JSON body; a plain call gives plain queries. Errors name the field.
struct Queries {
  TaskQuery tasks;
  AgentQuery agents;
  FrameworkQuery frameworks;
  SubscribeQuery subscribe;
};
Result<Queries> parse_queries(std::string_view json);

// A cursor names the last task sent: which list, and its sequence.
struct Cursor {
  int list = 0;  // 0 live, 1 unreachable, 2 completed
  std::uint64_t added = 0;
};
std::string cursor_text(const Cursor& cursor);
Result<Cursor> parse_cursor(std::string_view text);

}  // namespace bourse::master
