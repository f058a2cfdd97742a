// One window of the list of tasks: all that live, then the unreachable, then the completed, each
// newest first (docs/operator-extensions.md section 3). Pure.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "master/view/query.hpp"
#include "master/view/state.hpp"

namespace bourse::master {

struct TaskWindow {
  std::vector<const TaskRow*> live;
  std::vector<const TaskRow*> unreachable;
  std::vector<const TaskRow*> completed;
  std::vector<const TaskRow*> orphans;  // of the first two
  std::optional<Cursor> next;           // more follow
  std::uint64_t total = 0;              // that match the filter, in this window or not
};

// REQUIRES that query.after, if any, parses.
TaskWindow task_window(const ViewState& state, const TaskQuery& query);
bool matches(const TaskRow& row, const TaskQuery& query);
// It may run, and its framework has not been seen since this master leads.
bool is_orphan(const TaskRow& row, const std::set<FrameworkId>& recovered);

}  // namespace bourse::master
