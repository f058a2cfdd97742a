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
    AgentRow& row = v.agents_.edit_or_add(c.agent->id);
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
    const auto row = v.agents_.take(c.agent_id);
    applied.left = row && is_visible(row->put.phase);
  }

  void operator()(const change::FrameworkPut& c) {
    applied.fresh = !v.frameworks_.contains(c.framework->id);
    v.frameworks_.edit_or_add(c.framework->id).put = c;
  }
  void operator()(const change::FrameworkRemoved& c) {
    auto row = v.frameworks_.take(c.framework_id);
    if (!row) return;
    row->unregistered_at = c.at;
    row->put.active = false;
    row->put.connected = false;
    row->published.clear();
    v.completed_frameworks_.push_back(std::move(*row));
    if (v.completed_frameworks_.size() <= limits::kMaxCompletedFrameworks) return;
    const FrameworkId oldest = v.completed_frameworks_.front().put.framework->id;
    v.completed_frameworks_.pop_front();
    v.forget_history_of(oldest);
  }
  // By whoever of the two is there.
  void hold(const AgentId& agent_id, const FrameworkId& framework_id, const std::string& role,
            const Resources& resources) {
    if (AgentRow* agent = v.agents_.edit(agent_id)) agent->used.add(role, resources);
    if (FrameworkRow* row = v.frameworks_.edit(framework_id)) row->used.add(role, resources);
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
    hold(c.task->agent_id, c.framework_id, *c.role, c.task->resources);
    v.task_index_.put({c.framework_id, c.task->id}, row.added);
    TaskTable& table = c.state == TaskState::unreachable ? v.unreachable_ : v.live_;
    table.put(row.added, std::move(row));
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
    to.put(added, std::move(*from.take(added)));
  }
  void operator()(const change::TaskRemoved& c) { v.end_task({c.framework_id, c.task_id}); }

  void operator()(const change::ExecutorAdded& c) {
    v.executors_.put({c.framework_id, c.agent_id, c.executor->id},
                     {c.framework_id, c.agent_id, c.executor, c.role});
    hold(c.agent_id, c.framework_id, *c.role, c.executor->resources);
  }
  void operator()(const change::ExecutorRemoved& c) {
    const auto row = v.executors_.take({c.framework_id, c.agent_id, c.executor_id});
    if (row) v.release_used(c.agent_id, c.framework_id, *row->role, row->executor->resources);
  }

  void operator()(const change::OfferAdded& c) {
    v.offers_.put(c.number, c);
    ++v.counters_.offers_made;
    if (AgentRow* agent = v.agents_.edit(c.agent->id)) agent->offered.add(*c.role, c.resources);
    if (FrameworkRow* row = v.frameworks_.edit(c.framework->id)) {
      row->offered.add(*c.role, c.resources);
    }
  }
  void operator()(const change::OfferRemoved& c) {
    const auto offer = v.offers_.take(c.number);
    if (!offer) return;
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
    if (AgentRow* agent = v.agents_.edit(offer->agent->id)) {
      agent->offered.take(*offer->role, offer->resources);
    }
    if (FrameworkRow* row = v.frameworks_.edit(offer->framework->id)) {
      row->offered.take(*offer->role, offer->resources);
    }
  }
  void operator()(const change::WeightSet& c) { v.weights_.put(c.role, c.weight_milli); }
  void operator()(const change::OperationPut& c) { v.operations_.put(c.order->uuid, c); }
  void operator()(const change::OperationRemoved& c) { v.operations_.erase(c.uuid); }
  void operator()(const change::QuotaSet& c) {
    if (c.quota.empty()) {
      v.quotas_.erase(c.role);
    } else {
      v.quotas_.put(c.role, c.quota);
    }
  }
  void operator()(const change::ScheduleSet& c) { v.schedule_ = c.schedule; }
  void operator()(const change::InverseOfferPut& c) {
    v.inverse_offers_.put({c.agent_id, c.framework_id}, c);
  }
  void operator()(const change::InverseOfferRemoved& c) {
    v.inverse_offers_.erase({c.agent_id, c.framework_id});
  }
  void operator()(const change::Published& c) {
    FrameworkRow* row = v.frameworks_.edit(c.framework_id);
    if (row != nullptr) row->published[c.name] = c.content;
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
  TaskRow* live = live_.edit(it->second);
  return live != nullptr ? live : unreachable_.edit(it->second);
}

void ViewState::release_used(const AgentId& agent_id, const FrameworkId& framework_id,
                             const std::string& role, const Resources& resources) {
  if (AgentRow* agent = agents_.edit(agent_id)) agent->used.take(role, resources);
  if (FrameworkRow* row = frameworks_.edit(framework_id)) row->used.take(role, resources);
}

void ViewState::release(TaskRow& row) {
  if (!row.holds_resources) return;
  row.holds_resources = false;
  release_used(row.task->agent_id, row.framework_id, *row.role, row.task->resources);
}

void ViewState::end_task(const TaskKey& key) {
  TaskRow* row = find_task(key);
  if (row == nullptr) return;
  release(*row);
  const std::uint64_t added = row->added;
  TaskTable& from = live_.contains(added) ? live_ : unreachable_;
  completed_.put(added, std::move(*from.take(added)));
  task_index_.erase(key);
  evict_history(key.first);
}

void ViewState::evict_history(const FrameworkId& framework_id) {
  FrameworkRow* framework = frameworks_.edit(framework_id);
  if (framework == nullptr) return;
  if (++framework->completed_tasks <= limits::kMaxCompletedTasksPerFramework) return;
  for (auto it = completed_.rbegin(); it != completed_.rend(); ++it) {
    if (it->second.framework_id != framework_id) continue;
    completed_.erase(std::uint64_t{it->first});
    break;
  }
  --framework->completed_tasks;
  ++counters_.history_evicted;
}

void ViewState::forget_history_of(const FrameworkId& framework_id) {
  std::vector<std::uint64_t> its;
  for (const auto& [added, row] : completed_) {
    if (row.framework_id == framework_id) its.push_back(added);
  }
  for (const std::uint64_t added : its) completed_.erase(added);
  counters_.history_evicted += its.size();
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
