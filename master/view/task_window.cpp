#include "master/view/task_window.hpp"

#include <array>

namespace bourse::master {

namespace {

bool contains_folded(const std::string& text, const std::string& lower) {
  if (lower.empty()) return true;
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t begin = 0; begin + lower.size() <= text.size(); ++begin) {
    std::size_t i = 0;
    while (i < lower.size() && fold(text[begin + i]) == lower[i]) ++i;
    if (i == lower.size()) return true;
  }
  return false;
}

}  // namespace

bool matches(const TaskRow& row, const TaskQuery& query) {
  if (!query.framework_id.empty() && row.framework_id != query.framework_id) return false;
  if (!query.agent_id.empty() && row.task->agent_id != query.agent_id) return false;
  if (!query.task_id.empty() && row.task->id != query.task_id) return false;
  if (!query.states.empty() && !query.states.contains(row.state)) return false;
  return contains_folded(row.task->id.raw(), query.search) ||
         contains_folded(row.task->name, query.search);
}

bool is_orphan(const TaskRow& row, const std::set<FrameworkId>& recovered) {
  return !is_terminal(row.state) && recovered.contains(row.framework_id);
}

TaskWindow task_window(const ViewState& state, const TaskQuery& query) {
  TaskWindow window;
  Cursor from{0, ~std::uint64_t{0}};
  if (!query.after.empty()) from = parse_cursor(query.after).value();
  const std::array<const TaskTable*, 3> tables{&state.tasks(), &state.unreachable_tasks(),
                                               &state.completed_tasks()};
  const std::array<std::vector<const TaskRow*>*, 3> out{&window.live, &window.unreachable,
                                                        &window.completed};
  const std::set<FrameworkId> recovered = state.recovered_frameworks();
  std::size_t taken = 0;
  bool full = false;
  Cursor last;
  for (int list = 0; list < 3; ++list) {
    const auto index = static_cast<std::size_t>(list);
    for (const auto& [added, row] : *tables[index]) {
      if (!matches(row, query)) continue;
      const bool orphan = is_orphan(row, recovered);
      if (query.orphan && !orphan) continue;
      ++window.total;
      const bool before = list < from.list || (list == from.list && added >= from.added);
      if (before || full) {
        if (full && !window.next) window.next = last;
        continue;
      }
      out[index]->push_back(&row);
      if (orphan) window.orphans.push_back(&row);
      last = {list, added};
      full = query.limit && ++taken >= *query.limit;
    }
  }
  return window;
}

}  // namespace bourse::master
