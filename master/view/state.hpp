// ViewState: the cluster as readers see it, built from nothing but Changes. What can be summed up
// (used, offered, counts) is summed here. History is bounded: what was evicted is counted.
// Value; one owner, one thread. A copy shares the rows (base/paged_map.hpp): it is made in a
// fraction of a millisecond however large the cluster, and may be read by another thread while the
// original goes on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/paged_map.hpp"
#include "master/view/holdings.hpp"
#include "model/change.hpp"

namespace bourse::master {

using TaskKey = std::pair<FrameworkId, TaskId>;

struct TaskRow {
  std::uint64_t added = 0;  // sequence of its TaskAdded: the order of lists, newest first
  FrameworkId framework_id;
  TaskFacetPtr task;
  ExecutorFacetPtr executor;  // null: a command task
  TaskState state = TaskState::staging;
  std::vector<SharedStatus> statuses;  // bounded: the first, and the newest
  bool holds_resources = true;
  SharedValue<std::string> role;
};
// Newest first.
using TaskTable = PagedMap<std::uint64_t, TaskRow, std::greater<>>;

struct AgentRow {
  change::AgentPut put;
  Holdings used;
  Holdings offered;
};

struct FrameworkRow {
  change::FrameworkPut put;
  Holdings used;
  Holdings offered;
  WallTime unregistered_at;
  std::uint64_t completed_tasks = 0;  // still held in history
  std::map<std::string, std::shared_ptr<const std::string>> published;
};

struct ExecutorRow {
  FrameworkId framework_id;
  AgentId agent_id;
  ExecutorFacetPtr executor;
  SharedValue<std::string> role;
};

using ExecutorTable = PagedMap<std::tuple<FrameworkId, AgentId, ExecutorId>, ExecutorRow>;
using InverseOfferTable = PagedMap<std::pair<AgentId, FrameworkId>, change::InverseOfferPut>;

// Totals since this leadership began.
struct ViewCounters {
  std::map<TaskState, std::uint64_t> tasks_ended;
  std::uint64_t tasks_launched = 0;
  std::uint64_t offers_made = 0;
  std::uint64_t offers_accepted = 0;
  std::uint64_t offers_declined = 0;
  std::uint64_t offers_expired = 0;
  std::uint64_t offers_rescinded = 0;
  std::uint64_t agents_registered = 0;
  // To be marked unreachable: silent for too long; back in time; marked.
  std::uint64_t removals_scheduled = 0;
  std::uint64_t removals_canceled = 0;
  std::uint64_t removals_completed = 0;
  std::uint64_t history_evicted = 0;
};

class ViewState {
 public:
  // What a Change meant beside its own words.
  struct Applied {
    bool fresh = false;  // the row was not there before (agents: not visible before)
    bool left = false;   // an agent that is not visible any more
  };
  // REQUIRES the next sequence.
  Applied apply(const Change& change);

  std::uint64_t sequence() const { return sequence_; }
  const change::ClusterStarted& cluster() const { return cluster_; }
  const PagedMap<AgentId, AgentRow>& agents() const { return agents_; }
  const PagedMap<FrameworkId, FrameworkRow>& frameworks() const { return frameworks_; }
  const std::deque<FrameworkRow>& completed_frameworks() const { return completed_frameworks_; }
  const TaskTable& tasks() const { return live_; }
  const TaskTable& unreachable_tasks() const { return unreachable_; }
  const TaskTable& completed_tasks() const { return completed_; }
  const ExecutorTable& executors() const { return executors_; }
  // By number.
  const PagedMap<std::uint64_t, change::OfferAdded>& offers() const { return offers_; }
  const PagedMap<std::string, std::int64_t>& weights_milli() const { return weights_; }
  const PagedMap<Uuid, change::OperationPut>& operations() const { return operations_; }
  const PagedMap<std::string, Quota>& quotas() const { return quotas_; }
  const MaintenanceSchedule& schedule() const { return *schedule_; }
  const InverseOfferTable& inverse_offers() const { return inverse_offers_; }
  const ViewCounters& counters() const { return counters_; }
  // The newest of it; null: nobody asked, or it is too long ago.
  std::shared_ptr<const Explanation> explanation(const FrameworkId& id) const;
  const FrameworkRow* framework(const FrameworkId& id) const;
  // In the registry, and not seen since this master leads: what they run are orphans, till they are
  // back or their time is over.
  std::set<FrameworkId> recovered_frameworks() const;

 private:
  struct Applier;
  TaskRow* find_task(const TaskKey& key);
  void end_task(const TaskKey& key);
  void release(TaskRow& row);
  void release_used(const AgentId& agent_id, const FrameworkId& framework_id,
                    const std::string& role, const Resources& resources);
  void evict_history(const FrameworkId& framework_id);
  void forget_history_of(const FrameworkId& framework_id);

  std::uint64_t sequence_ = 0;
  change::ClusterStarted cluster_;
  PagedMap<AgentId, AgentRow> agents_;
  PagedMap<FrameworkId, FrameworkRow> frameworks_;
  std::deque<FrameworkRow> completed_frameworks_;
  TaskTable live_;
  TaskTable unreachable_;
  TaskTable completed_;
  PagedMap<TaskKey, std::uint64_t> task_index_;  // live and unreachable
  ExecutorTable executors_;
  PagedMap<std::uint64_t, change::OfferAdded> offers_;
  PagedMap<std::string, std::int64_t> weights_;
  PagedMap<Uuid, change::OperationPut> operations_;
  std::deque<std::shared_ptr<const Explanation>> explanations_;  // oldest first
  PagedMap<std::string, Quota> quotas_;
  SharedValue<MaintenanceSchedule> schedule_;
  InverseOfferTable inverse_offers_;
  ViewCounters counters_;
};

// Whether readers count the agent among those that are here (Mesos' "registered").
bool is_visible(AgentPhase phase);

}  // namespace bourse::master
