#include "examples/crawler/scheduler/crew.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace bourse::crawler {
namespace {

constexpr Duration kAfterFailure = Duration::seconds(1);

std::size_t index_of(Stage stage) {
  return static_cast<std::size_t>(stage);
}

}  // namespace

std::uint32_t Crew::present(Stage stage) const {
  return static_cast<std::uint32_t>(
      std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
        return entry.second.stage == stage && entry.second.state != WorkerState::leaving;
      }));
}

std::uint32_t Crew::running(Stage stage) const {
  return static_cast<std::uint32_t>(endpoints(stage).size());
}

std::vector<std::string> Crew::endpoints(Stage stage) const {
  std::vector<std::string> out;
  for (const auto& [id, worker] : workers_) {
    if (worker.stage == stage && worker.state == WorkerState::running) {
      out.push_back(worker.endpoint);
    }
  }
  return out;
}

sdk::Shape Crew::shape_of(Stage stage, const StageSettings& settings) {
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "%04llu",
                static_cast<unsigned long long>(next_number_++));
  const std::string stage_name = name_of(stage);
  sdk::Shape shape;
  shape.task.id = "crawl-" + stage_name + "-" + life_ + "-" + number.data();
  shape.task.name = stage_name;
  shape.task.resources.cpu_milli = settings.cpu_milli;
  shape.task.resources.memory_mb = settings.memory_mb;
  shape.task.resources.disk_mb = settings.disk_mb;
  shape.task.labels["stage"] = stage_name;
  shape.ports = 1;
  shape.group = stage_name;
  sdk::ExecutorSpec executor;
  executor.id = shape.task.id;  // a process of its own for every worker
  executor.name = "crawl " + stage_name;
  executor.command.arguments = {program_, stage_name};
  executor.resources.cpu_milli = 10;
  executor.resources.memory_mb = 32;
  shape.task.executor = std::move(executor);
  return shape;
}

bool Crew::wants_offers(const StageTable& stages, Instant now) const {
  return std::any_of(kStages.begin(), kStages.end(), [&](Stage stage) {
    return present(stage) < stages[index_of(stage)].workers && not_before_[index_of(stage)] <= now;
  });
}

sdk::Plan Crew::place(const StageTable& stages, const std::vector<sdk::Offer>& offers,
                      Instant now) {
  // One of each stage first: the flow needs all of them before any more of one.
  std::array<std::uint32_t, kStages.size()> missing{};
  for (const Stage stage : kStages) {
    const std::size_t i = index_of(stage);
    if (not_before_[i] <= now && stages[i].workers > present(stage)) {
      missing[i] = stages[i].workers - present(stage);
    }
  }
  std::vector<sdk::Shape> shapes;
  std::map<std::string, Stage> stage_of_task;
  while (std::any_of(missing.begin(), missing.end(), [](std::uint32_t n) { return n > 0; })) {
    for (const Stage stage : kStages) {
      if (missing[index_of(stage)] == 0) continue;
      --missing[index_of(stage)];
      shapes.push_back(shape_of(stage, stages[index_of(stage)]));
      stage_of_task[shapes.back().task.id] = stage;
    }
  }
  sdk::Plan plan = sdk::match(shapes, offers, {.strategy = sdk::Strategy::spread});
  for (const sdk::Placement& placement : plan.placements) {
    for (const sdk::TaskSpec& task : placement.tasks) {
      workers_[task.id] =
          Worker{task.id, stage_of_task[task.id], WorkerState::launching, "", placement.agent_id};
    }
  }
  unplaced_ = plan.unplaced;
  return plan;
}

Crew::Change Crew::on_update(const sdk::TaskUpdate& update, Instant now) {
  const auto it = workers_.find(update.task_id);
  const bool over = sdk::is_terminal(update.state);
  if (it == workers_.end()) {
    return {over ? Change::Kind::none : Change::Kind::stranger, update.task_id};
  }
  Worker& worker = it->second;
  if (over || update.state == sdk::TaskState::unreachable) {
    // An unreachable worker may come back; its stream is gone all the same, and so is its work.
    if (worker.state != WorkerState::leaving) {
      not_before_[index_of(worker.stage)] = now + kAfterFailure;
      trouble_[index_of(worker.stage)] =
          std::string("a worker ended: ") + sdk::name_of(update.state) + " " + update.message;
    }
    workers_.erase(it);
    return {Change::Kind::down, update.task_id};
  }
  if (update.state == sdk::TaskState::running && worker.state == WorkerState::launching &&
      !update.data.empty()) {
    worker.state = WorkerState::running;
    worker.endpoint = update.data;
    trouble_[index_of(worker.stage)].clear();
    return {Change::Kind::up, update.task_id};
  }
  return {};
}

std::vector<std::string> Crew::dismiss_surplus(const StageTable& stages) {
  std::vector<std::string> dismissed;
  for (const Stage stage : kStages) {
    std::uint32_t surplus = present(stage);
    surplus -= std::min(surplus, stages[index_of(stage)].workers);
    for (auto it = workers_.rbegin(); it != workers_.rend() && surplus > 0; ++it) {
      if (it->second.stage != stage || it->second.state == WorkerState::leaving) continue;
      it->second.state = WorkerState::leaving;
      dismissed.push_back(it->first);
      --surplus;
    }
  }
  return dismissed;
}

}  // namespace bourse::crawler
