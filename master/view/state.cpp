#include "master/view/state.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

constexpr std::size_t kStatusesPerTask = 32;

}  // namespace

bool is_visible(AgentPhase phase) {
  switch (phase) {
    case AgentPhase::active:
    case AgentPhase::silent:
    case AgentPhase::draining:
    case AgentPhase::drained:
    case AgentPhase::deactivated:
      return true;
    default:
      return false;
  }
}

struct ViewState::Applier {
  ViewState& v;
  Applied applied;

  void operator()(const change::ClusterStarted& c) { v.cluster_ = c; }

  void operator()(const change::AgentPut& c) {
    AgentRow& row = v.agents_[c.agent->id];
    const bool was_visible = row.put.agent && is_visible(row.put.phase);
    if (!row.put.agent && is_visible(c.phase)) ++v.counters_.agents_registered;
    if (row.put.agent) count_removal(row.put, c);
    row.put = c;
    applied.fresh = !was_visible && is_visible(c.phase);
    applied.left = was_visible && !is_visible(c.phase);
  }
  void count_removal(const change::AgentPut& before, const change::AgentPut& now) {
    const bool marked =
        now.phase == AgentPhase::unreachable && before.phase != AgentPhase::unreachable;
    ViewCounters& counters = v.counters_;
    if ((marked || now.removal_waits) && !before.removal_waits) ++counters.removals_scheduled;
    if (marked) ++counters.removals_completed;
    // One whose turn came waits no more in its next Change, which is that it is marked or back.
    if (before.removal_waits && !now.removal_waits && !marked) ++counters.removals_canceled;
  }
  void operator()(const change::AgentRemoved& c) {
    const auto it = v.agents_.find(c.agent_id);
    if (it == v.agents_.end()) return;
    applied.left = is_visible(it->second.put.phase);
    v.agents_.erase(it);
  }

  void operator()(const change::FrameworkPut& c) {
    const auto [it, fresh] = v.frameworks_.try_emplace(c.framework->id);
    it->second.put = c;
    applied.fresh = fresh;
  }
  void operator()(const change::FrameworkRemoved& c) {
    const auto it = v.frameworks_.find(c.framework_id);
    if (it == v.frameworks_.end()) return;
    it->second.unregistered_at = c.at;
    it->second.put.active = false;
    it->second.put.connected = false;
    it->second.published.clear();
    v.completed_frameworks_.push_back(std::move(it->second));
    v.frameworks_.erase(it);
    if (v.completed_frameworks_.size() <= limits::kMaxCompletedFrameworks) return;
    const FrameworkId oldest = v.completed_frameworks_.front().put.framework->id;
    v.completed_frameworks_.pop_front();
    v.counters_.history_evicted += std::erase_if(
        v.completed_, [&](const auto& row) { return row.second.framework_id == oldest; });
  }

  void operator()(const change::TaskAdded& c) {
    TaskRow row;
    row.added = v.sequence_;
    row.framework_id = c.framework_id;
    row.task = c.task;
    row.executor = c.executor;
    row.state = c.state;
    row.role = c.role;
    ++v.counters_.tasks_launched;
    if (const auto agent = v.agents_.find(c.task->agent_id); agent != v.agents_.end()) {
      agent->second.used.add(*c.role, c.task->resources);
    }
    if (const auto framework = v.frameworks_.find(c.framework_id);
        framework != v.frameworks_.end()) {
      framework->second.used.add(*c.role, c.task->resources);
    }
    v.task_index_[{c.framework_id, c.task->id}] = row.added;
    TaskTable& table = c.state == TaskState::unreachable ? v.unreachable_ : v.live_;
    table.emplace(row.added, std::move(row));
  }

  void operator()(const change::TaskUpdated& c) {
    const TaskKey key{c.framework_id, c.status->task_id};
    TaskRow* row = v.find_task(key);
    if (row == nullptr) return;
    const TaskState before = row->state;
    row->state = c.state;
    if (row->statuses.size() >= kStatusesPerTask) row->statuses.erase(row->statuses.begin() + 1);
    row->statuses.push_back(c.status);
    if (is_terminal(c.state)) {
      if (!is_terminal(before)) ++v.counters_.tasks_ended[c.state];
      v.release(*row);
    }
    const bool away = c.state == TaskState::unreachable;
    if ((before == TaskState::unreachable) == away) return;
    const std::uint64_t added = row->added;
    TaskTable& from = away ? v.live_ : v.unreachable_;
    TaskTable& to = away ? v.unreachable_ : v.live_;
    to.insert(from.extract(added));
  }
  void operator()(const change::TaskRemoved& c) { v.end_task({c.framework_id, c.task_id}); }

  void operator()(const change::ExecutorAdded& c) {
    v.executors_[{c.framework_id, c.agent_id, c.executor->id}] = {c.framework_id, c.agent_id,
                                                                  c.executor, c.role};
    if (const auto agent = v.agents_.find(c.agent_id); agent != v.agents_.end()) {
      agent->second.used.add(*c.role, c.executor->resources);
    }
    if (const auto framework = v.frameworks_.find(c.framework_id);
        framework != v.frameworks_.end()) {
      framework->second.used.add(*c.role, c.executor->resources);
    }
  }
  void operator()(const change::ExecutorRemoved& c) {
    const auto it = v.executors_.find({c.framework_id, c.agent_id, c.executor_id});
    if (it == v.executors_.end()) return;
    const Resources freed = it->second.executor->resources;
    const std::string& role = *it->second.role;
    if (const auto agent = v.agents_.find(c.agent_id); agent != v.agents_.end()) {
      agent->second.used.take(role, freed);
    }
    if (const auto framework = v.frameworks_.find(c.framework_id);
        framework != v.frameworks_.end()) {
      framework->second.used.take(role, freed);
    }
    v.executors_.erase(it);
  }

  void operator()(const change::OfferAdded& c) {
    v.offers_[c.number] = c;
    ++v.counters_.offers_made;
    if (const auto agent = v.agents_.find(c.agent->id); agent != v.agents_.end()) {
      agent->second.offered.add(*c.role, c.resources);
    }
    if (const auto framework = v.frameworks_.find(c.framework->id);
        framework != v.frameworks_.end()) {
      framework->second.offered.add(*c.role, c.resources);
    }
  }
  void operator()(const change::OfferRemoved& c) {
    const auto it = v.offers_.find(c.number);
    if (it == v.offers_.end()) return;
    switch (c.why) {
      case change::OfferRemoved::Why::accepted:
        ++v.counters_.offers_accepted;
        break;
      case change::OfferRemoved::Why::declined:
        ++v.counters_.offers_declined;
        break;
      case change::OfferRemoved::Why::expired:
        ++v.counters_.offers_expired;
        break;
      case change::OfferRemoved::Why::rescinded:
        ++v.counters_.offers_rescinded;
        break;
    }
    const change::OfferAdded& offer = it->second;
    if (const auto agent = v.agents_.find(offer.agent->id); agent != v.agents_.end()) {
      agent->second.offered.take(*offer.role, offer.resources);
    }
    if (const auto framework = v.frameworks_.find(offer.framework->id);
        framework != v.frameworks_.end()) {
      framework->second.offered.take(*offer.role, offer.resources);
    }
    v.offers_.erase(it);
  }
  void operator()(const change::WeightSet& c) { v.weights_[c.role] = c.weight_milli; }
  void operator()(const change::OperationPut& c) { v.operations_[c.order->uuid] = c; }
  void operator()(const change::OperationRemoved& c) { v.operations_.erase(c.uuid); }
  void operator()(const change::QuotaSet& c) {
    if (c.quota.empty()) {
      v.quotas_.erase(c.role);
    } else {
      v.quotas_[c.role] = c.quota;
    }
  }
  void operator()(const change::ScheduleSet& c) { v.schedule_ = c.schedule; }
  void operator()(const change::InverseOfferPut& c) {
    v.inverse_offers_[{c.agent_id, c.framework_id}] = c;
  }
  void operator()(const change::InverseOfferRemoved& c) {
    v.inverse_offers_.erase({c.agent_id, c.framework_id});
  }
  void operator()(const change::Published& c) {
    const auto it = v.frameworks_.find(c.framework_id);
    if (it != v.frameworks_.end()) it->second.published[c.name] = c.content;
  }
  void operator()(const change::Explained& c) {
    std::erase_if(v.explanations_, [&](const auto& older) {
      return older->framework_id == c.explanation->framework_id;
    });
    v.explanations_.push_back(c.explanation);
    if (v.explanations_.size() > limits::kMaxExplanationsKept) v.explanations_.pop_front();
  }
};

ViewState::Applied ViewState::apply(const Change& change) {
  ASSERT(sequence_ == 0 || change.sequence == sequence_ + 1);
  sequence_ = change.sequence;
  Applier applier{*this, {}};
  std::visit(applier, change.body);
  return applier.applied;
}

TaskRow* ViewState::find_task(const TaskKey& key) {
  const auto it = task_index_.find(key);
  if (it == task_index_.end()) return nullptr;
  if (const auto live = live_.find(it->second); live != live_.end()) return &live->second;
  const auto away = unreachable_.find(it->second);
  return away == unreachable_.end() ? nullptr : &away->second;
}

void ViewState::release(TaskRow& row) {
  if (!row.holds_resources) return;
  row.holds_resources = false;
  if (const auto agent = agents_.find(row.task->agent_id); agent != agents_.end()) {
    agent->second.used.take(*row.role, row.task->resources);
  }
  if (const auto framework = frameworks_.find(row.framework_id); framework != frameworks_.end()) {
    framework->second.used.take(*row.role, row.task->resources);
  }
}

void ViewState::end_task(const TaskKey& key) {
  TaskRow* row = find_task(key);
  if (row == nullptr) return;
  release(*row);
  const std::uint64_t added = row->added;
  TaskTable& from = live_.contains(added) ? live_ : unreachable_;
  completed_.insert(from.extract(added));
  task_index_.erase(key);
  evict_history(key.first);
}

void ViewState::evict_history(const FrameworkId& framework_id) {
  const auto framework = frameworks_.find(framework_id);
  if (framework == frameworks_.end()) return;
  if (++framework->second.completed_tasks <= limits::kMaxCompletedTasksPerFramework) return;
  for (auto it = completed_.rbegin(); it != completed_.rend(); ++it) {
    if (it->second.framework_id != framework_id) continue;
    completed_.erase(it->first);
    break;
  }
  --framework->second.completed_tasks;
  ++counters_.history_evicted;
}

std::set<FrameworkId> ViewState::recovered_frameworks() const {
  std::set<FrameworkId> out;
  for (const auto& [id, row] : frameworks_) {
    if (row.put.recovered) out.insert(id);
  }
  return out;
}

std::shared_ptr<const Explanation> ViewState::explanation(const FrameworkId& id) const {
  for (const auto& one : explanations_) {
    if (one->framework_id == id) return one;
  }
  return nullptr;
}

const FrameworkRow* ViewState::framework(const FrameworkId& id) const {
  const auto it = frameworks_.find(id);
  return it == frameworks_.end() ? nullptr : &it->second;
}

}  // namespace bourse::master
