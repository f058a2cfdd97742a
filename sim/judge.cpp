#include "sim/judge.hpp"

#include <algorithm>

namespace bourse::sim {

namespace {

Resources amounts_of(const Resources& resources) {
  Resources out;
  for (const Resource& resource : resources.list()) out.add(resource.with({}));
  return out;
}

std::string text_of(const Judge::TaskKey& task) {
  return task.second.raw() + " of " + task.first.raw();
}

// As what a framework may hear an update: in the older words, if it knows no newer ones.
bool is_told_as(TaskState made, TaskState told) {
  if (made == told) return true;
  if (made == TaskState::killing) return told == TaskState::running;
  const bool newer = made == TaskState::dropped || made == TaskState::gone ||
                     made == TaskState::gone_by_operator || made == TaskState::unreachable ||
                     made == TaskState::unknown;
  return newer && told == TaskState::lost;
}

// Whether anything is passed on, stored, or told to others than `from`, or seen by anybody.
bool acts(const master::Effects& effects, PeerId from) {
  bool acted = !effects.changes.empty();
  for (const master::Effect& effect : effects.list) {
    const auto* told = std::get_if<master::SendToFramework>(&effect.body);
    const auto* closed = std::get_if<master::ClosePeer>(&effect.body);
    acted = acted || std::holds_alternative<master::SendToAgent>(effect.body) ||
            std::holds_alternative<master::Persist>(effect.body) ||
            (told != nullptr && told->stream != from) ||
            (closed != nullptr && closed->peer != from);
  }
  return acted;
}

// The full sweep over the master's tables: every so many steps.
constexpr std::uint64_t kSweepEvery = 64;

}  // namespace

void Judge::violate(const std::string& promise, const std::string& what) {
  env_.trace("judge", promise + " BROKEN: " + what);
  if (violation_.empty()) violation_ = promise + ": " + what;
}

void Judge::accepted(const TaskKey& task, const AgentId& agent, bool partition_aware) {
  Truth& truth = tasks_[task];
  truth.accepted = true;
  truth.agent = agent;
  truth.partition_aware = partition_aware;
}

void Judge::kill_asked(const TaskKey& task) {
  tasks_[task].kill_asked = true;
}

void Judge::preempted(const TaskKey& task) {
  tasks_[task].preempted = true;
}

void Judge::framework_ended(const FrameworkId& id) {
  ended_frameworks_.insert(id);
}

bool Judge::runs(const TaskKey& task) const {
  const auto it = tasks_.find(task);
  return it != tasks_.end() && it->second.running;
}

std::string Judge::running_on(const AgentId& agent) const {
  for (const auto& [key, truth] : tasks_) {
    if (truth.running && truth.agent == agent) return text_of(key);
  }
  return {};
}

std::vector<TaskId> Judge::running_of(const FrameworkId& framework) const {
  std::vector<TaskId> out;
  for (auto it = tasks_.lower_bound({framework, TaskId()});
       it != tasks_.end() && it->first.first == framework; ++it) {
    if (it->second.running) out.push_back(it->first.second);
  }
  return out;
}

void Judge::disk_forgot(const AgentId& agent) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent == agent) truth.forgotten = true;
  }
  reservations_.forgot(agent);
  forgetful_.insert(agent);
}

void Judge::wiped(const AgentId& agent) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent == agent) truth.wiped = true;
  }
}

void Judge::renamed(const AgentId& from, const AgentId& to) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent != from) continue;
    truth.agent = to;
    truth.renamed = true;
  }
  reservations_.renamed(from, to);
  if (forgetful_.contains(from)) forgetful_.insert(to);
}

// Of one that was marked gone the end was told, to whoever was there, and its agent tells no other.
bool Judge::may_stay_unknown(const TaskKey& task, const AgentId& agent) const {
  if (!forgetting_.is_forgotten(agent)) return false;
  const auto it = tasks_.find(task);
  const bool ran = it != tasks_.end() && !it->second.containers.empty();
  return !ran || it->second.forgotten || it->second.wiped || operators_.is_gone(agent);
}

void Judge::rebooted(const AgentId& agent) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent == agent && !truth.containers.empty()) truth.rebooted = true;
  }
}

void Judge::claims_task(const AgentId& agent, const TaskKey& task, TaskState state) {
  const Truth& truth = tasks_[task];
  if (!truth.rebooted || truth.forgotten || is_terminal(state)) return;
  // It says what it has stored: that the task ended with the machine is on its way to the disk.
  if (!truth.updates.empty() && is_terminal(truth.updates.back().state)) return;
  violate("S15", agent.raw() + " was booted and says that it has " + text_of(task) +
                     " of before as " + std::string(name_of(state)));
}

void Judge::given_up(const AgentId& agent) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent == agent) truth.given_up = true;
  }
}

void Judge::gone(const AgentId& agent) {
  for (auto& [key, truth] : tasks_) {
    if (truth.agent == agent) truth.gone = true;
  }
}

// LOST says that the master gave its agent up: the task may run until the agent is back. Of an
// agent that an operator marked gone nobody knows better; a framework that is not partition aware
// hears that as LOST too.
bool Judge::may_be_lost(const Truth& truth, TaskState state) const {
  if (truth.forgotten) return true;
  const bool gone = truth.gone || operators_.may_be_gone(truth.agent);
  if (state == TaskState::lost) return truth.given_up || gone;
  return state == TaskState::gone_by_operator && gone;
}

std::string Judge::lost_and_running_on(const AgentId& agent) const {
  for (const auto& [key, truth] : tasks_) {
    const bool lost = truth.terminal_told == TaskState::lost;
    if (truth.running && lost && truth.agent == agent) return text_of(key);
  }
  return {};
}

void Judge::told(const FrameworkId& framework, const TaskStatus& status, std::uint64_t instance) {
  const TaskKey key{framework, status.task_id};
  Truth& truth = tasks_[key];
  const std::string state(name_of(status.state));
  env_.decisions.add(std::string_view(status.task_id.raw()));
  env_.decisions.add(static_cast<std::uint64_t>(status.state));
  // An update that was heard before may come again, whenever its acknowledgement was lost.
  if (status.uuid && !told_with_uuid(key, truth, status)) return;
  if (truth.terminal_told) {
    // An older state may be repeated when its acknowledgement was lost, but nothing may revive.
    const bool stale = !is_terminal(status.state) && !truth.running;
    // An answer to a question of an instance that was not there to hear of the end.
    const bool answer = is_terminal(status.state) || status.state == TaskState::unknown;
    const bool lost = *truth.terminal_told == TaskState::lost;
    const bool other = answer && (!status.uuid || lost) && truth.told_to != instance;
    // A later leader does not know of whom it was said, and passes on how it really ended.
    const bool truer = is_terminal(status.state) && truth.renamed && (truth.gone || lost);
    const bool fine = truth.forgotten || stale || other || truer;
    if (*truth.terminal_told != status.state && !fine) {
      violate("S7", text_of(key) + " was told " + std::string(name_of(*truth.terminal_told)) +
                        " and then " + state + " (" + status.message + ")");
    }
    return;
  }
  if (!is_terminal(status.state)) return;
  truth.terminal_told = status.state;
  truth.told_to = instance;
  ++ended_;
  if (truth.running && !may_be_lost(truth, status.state)) {
    violate("S22", text_of(key) + " runs and was told " + state + " (" + status.message + ")");
  }
}

bool Judge::told_with_uuid(const TaskKey& key, Truth& truth, const TaskStatus& status) {
  const auto it = std::find_if(truth.updates.begin(), truth.updates.end(),
                               [&](const Update& update) { return update.uuid == *status.uuid; });
  if (it == truth.updates.end()) {
    violate(truth.forgotten ? "D2" : "S10",
            text_of(key) + " was told an update that its agent never made");
    return false;
  }
  if (!is_told_as(it->state, status.state)) {
    violate("S10", text_of(key) + " was told as " + std::string(name_of(status.state)) +
                       " what its agent calls " + std::string(name_of(it->state)));
    return false;
  }
  const auto index = static_cast<std::size_t>(it - truth.updates.begin());
  // A repeat, which may still be under way when its acknowledgement is stored: that its agent sends
  // none afterwards is judged where it leaves (promises_update).
  if (index < truth.heard) return false;
  for (std::size_t i = truth.heard; i < index; ++i) {
    // A lost LOST: what a master acknowledged for nobody is not repeated, and the end still is
    // told.
    if (!truth.updates[i].stored || truth.updates[i].nobodys || truth.terminal_told) continue;
    if (truth.forgotten) continue;
    violate("S10", text_of(key) + " heard its update " + std::to_string(index + 1) +
                       " before update " + std::to_string(i + 1));
  }
  truth.heard = index + 1;
  return true;
}

void Judge::task_starts(const TaskKey& task, const ContainerId& container) {
  Truth& truth = tasks_[task];
  if (!truth.accepted) violate("S13", text_of(task) + " starts and nobody launched it");
  truth.running = true;
  const bool again = !truth.containers.insert(container).second;
  if (truth.forgotten) return;
  if (again) violate("S13", text_of(task) + " starts a second time in its container");
  if (truth.containers.size() > 1) violate("S8", text_of(task) + " starts in a second container");
  if (truth.rebooted) violate("S15", text_of(task) + " starts after its machine was booted");
  if (operators_.is_drained(truth.agent)) {
    violate("O4", text_of(task) + " starts on " + truth.agent.raw() + ", which is drained");
  }
  if (truth.terminal_told && !may_be_lost(truth, *truth.terminal_told)) {
    violate(truth.kill_asked ? "S9" : "S22", text_of(task) + " starts after " +
                                                 std::string(name_of(*truth.terminal_told)) +
                                                 " was told");
  }
}

void Judge::task_stops(const TaskKey& task) {
  tasks_[task].running = false;
}

void Judge::container_starts(const std::string& agent, const ContainerId& container,
                             const Resources& total, const Resources& sum) {
  // What it means was changed by operations; how much there is, by nothing. What is lent has a sum
  // of its own, and is never more than the machine.
  if (!amounts_of(total).contains(amounts_of(sum.non_revocable())) ||
      !amounts_of(total).contains(amounts_of(sum.revocable()))) {
    violate("S1", agent + " runs " + sum.to_text() + " of " + total.to_text() + " with container " +
                      container.raw());
  }
}

void Judge::rests_are_withheld(const std::string& agent, const ContainerId& container,
                               const Resources& total, const Resources& sum) {
  if (amounts_of(total).contains(amounts_of(sum.non_revocable())) &&
      amounts_of(total).contains(amounts_of(sum.revocable()))) {
    return;
  }
  violate("L6", agent + " gives container " + container.raw() +
                    " what is still held by the rest of another: " + sum.to_text() + " of " +
                    total.to_text());
}

void Judge::container_is_killed(const TaskKey& command_task) {
  const Truth& truth = tasks_[command_task];
  if (truth.kill_asked || truth.preempted || truth.terminal_told || !truth.running) return;
  if (truth.forgotten) return;
  if (ended_frameworks_.contains(command_task.first)) return;
  if (!truth.partition_aware && truth.given_up) return;  // it is LOST
  if (operators_.may_be_emptied(truth.agent)) return;
  if (forgetting_.is_nameless(truth.agent)) return;
  violate("S14", text_of(command_task) + " is killed and nobody asked for it");
}

void Judge::update_issued(const TaskKey& task, const TaskStatus& status) {
  Truth& truth = tasks_[task];
  auto& updates = truth.updates;
  const auto known = std::find_if(updates.begin(), updates.end(), [&](const Update& update) {
    return update.uuid == *status.uuid;
  });
  if (known != updates.end()) {
    // Its executor repeats what could not be stored, and a later life of the agent may not know any
    // more what led to it: nobody was told the first.
    if (!known->stored) known->state = status.state;
    return;
  }
  updates.push_back({*status.uuid, status.state});
  claims_task(truth.agent, task, status.state);
}

void Judge::update_stored(const TaskKey& task, const Uuid& uuid) {
  for (Update& update : tasks_[task].updates) {
    if (update.uuid == uuid) update.stored = true;
  }
}

void Judge::acknowledgement_stored(const TaskKey& task, const Uuid& uuid) {
  for (Update& update : tasks_[task].updates) {
    if (update.uuid == uuid) update.acknowledged = true;
  }
}

void Judge::promises_update(const TaskKey& task, const Uuid& uuid) {
  const Truth& truth = tasks_[task];
  for (const Update& update : truth.updates) {
    if (update.uuid != uuid || !update.stored) continue;
    if (!update.acknowledged || truth.forgotten) return;
    return violate("S10", "an update of " + text_of(task) +
                              " leaves again, whose acknowledgement its agent has stored");
  }
  violate("S25", "an update of " + text_of(task) + " leaves before it is stored");
}

void Judge::promises_container(const ContainerId& container) {
  if (stored_containers_.contains(container)) return;
  violate("S25", "container " + container.raw() + " starts before its launch is stored");
}

void Judge::acknowledged_to_agent(const TaskKey& task, const Uuid& uuid) {
  if (ended_frameworks_.contains(task.first)) return;
  Truth& truth = tasks_[task];
  if (truth.terminal_told || truth.forgotten) return;
  // Given up or gone: LOST or GONE_BY_OPERATOR was said, or will be to whoever asks. What the agent
  // says later, of one that is gone when it was forgotten and is back, is nobody's.
  const bool lost = truth.gone || (!truth.partition_aware && truth.given_up);
  for (std::size_t i = 0; i < truth.updates.size(); ++i) {
    if (truth.updates[i].uuid != uuid) continue;
    truth.updates[i].nobodys = lost && i >= truth.heard;
    if (i >= truth.heard && !lost) {
      violate("S11", "an update of " + text_of(task) + " is acknowledged that nobody saw");
    }
    return;
  }
}

void Judge::master_step(int index, const master::MasterCore& core, const master::Event& event,
                        const master::Effects& effects) {
  offers_.step(index, event, effects);
  forgetting_.step(index, env_.plan.master, event, effects);
  operators_.step(core, effects);
  quotas_.step(core.state(), effects);
  demands_.step(index, core.state(), effects);
  budgets_.step(core.state(), event, effects);
  std::uint64_t& last = last_change_[index];
  std::set<AgentId> offered;
  for (const Change& change : effects.changes) {
    if (change.sequence != last + 1) {
      violate("S27",
              "change " + std::to_string(change.sequence) + " follows " + std::to_string(last));
    }
    last = change.sequence;
    if (const auto* gone = std::get_if<change::FrameworkRemoved>(&change.body)) {
      removed(gone->framework_id);
    }
    if (const auto* added = std::get_if<change::OfferAdded>(&change.body)) {
      opened_[index].emplace(added->number, event.stamp.now);
      offered.insert(added->agent->id);
    } else if (const auto* over = std::get_if<change::OfferRemoved>(&change.body)) {
      opened_[index].erase(over->number);
    }
    const auto* put = std::get_if<change::AgentPut>(&change.body);
    if (put && put->phase == AgentPhase::unreachable) given_up(put->agent->id);
    if (put && put->phase == AgentPhase::gone) gone(put->agent->id);
  }
  // Where something is offered: what is held twice may be released before the next sweep.
  for (const AgentId& id : offered) {
    const auto slot = core.state().agent_of.find(id);
    if (slot != core.state().agent_of.end()) {
      check_agent_rows(core.state(), core.state().agents.at(slot->second));
    }
  }
  if (++steps_ % kSweepEvery == 0 && !broken()) check_master(index, core, event.stamp.now);
}

// One that is away comes back long before its failover time-out is over.
void Judge::removed(const FrameworkId& id) {
  ended_frameworks_.insert(id);
  if (!staying_.contains(id) || operators_.may_be_torn_down(id)) return;
  violate("S18", id.raw() + " is removed before its failover time-out is over");
}

// What it may do is take over, and be told no: nothing is passed on, stored or told to others, and
// nobody's view of the cluster changes.
void Judge::check_speaker(const SchedulerCall& call, PeerId from, PeerId current,
                          const master::Effects& effects) {
  if (from == current || std::holds_alternative<call::Subscribe>(call.body)) return;
  if (!acts(effects, from)) return;
  violate("S17", "a call of an instance that does not speak for " + call.framework_id.raw() +
                     " was acted on");
}

// It may be told no, on a stream of its own; what it said on the framework's, nobody answers there.
void Judge::check_stranger(const SchedulerCall& call, PeerId from, const master::Effects& effects) {
  const bool own = std::holds_alternative<call::Subscribe>(call.body);
  if (!acts(effects, own ? from : PeerId())) return;
  violate("S21", "a call for " + call.framework_id.raw() + " under another principal was acted on");
}

void Judge::check_agent_rows(const master::MasterState& state, const master::Agent& agent) {
  const Resources& total = agent.ledger.total();
  if (!total.contains(agent.oversubscribed)) {
    violate("S1", "the ledger of " + agent.id.raw() + " has not all that it lends");
    return;
  }
  Resources own = total;
  own.subtract(agent.oversubscribed);
  if (agent.phase == AgentPhase::active && !same_amounts(own, agent.facet->total)) {
    violate("S1", "operations changed how much " + agent.id.raw() + " has");
  }
  check_rows_of(state, agent, false);
  check_rows_of(state, agent, true);
}

// Its own resources and what it lends, each against their own sum.
void Judge::check_rows_of(const master::MasterState& state, const master::Agent& agent, bool lent) {
  const auto of = [lent](const Resources& resources) {
    return lent ? resources.revocable() : resources.non_revocable();
  };
  // What a disk forgot comes back as it was before, beside what has its place by now. A deficit
  // does not tell of ports that two have: they are a set.
  const bool lacking = !of(agent.ledger.deficit()).empty() || forgetful_.contains(agent.id);
  if (lacking && !lent) return;
  Resources left = of(agent.ledger.total());
  const auto take = [&](const Resources& all, const char* what, bool may_lack) {
    const Resources resources = of(all);
    if (may_lack) {
      left.subtract_up_to(resources);
    } else if (!left.contains(resources)) {
      violate("S2", std::string(what) + " holds " + resources.to_text() + " and of " +
                        agent.id.raw() + " only " + left.to_text() + " is left");
    } else {
      left.subtract(resources);
    }
  };
  for (const master::TaskSlot slot : agent.tasks) {
    const master::Task& task = state.tasks.at(slot);
    if (!task.released) take(task.facet->resources, "a task", lacking);
  }
  for (const auto& [key, executor] : agent.executors) {
    take(executor.facet->resources, "an executor", lacking);
  }
  // What is lacking is not offered either.
  for (const master::OfferSlot slot : agent.offers) {
    take(state.offers.at(slot).resources, "an offer", false);
  }
}

void Judge::check_master(int index, const master::MasterCore& core, Instant now) {
  core.check_invariants();
  const master::MasterState& state = core.state();
  state.agents.for_each(
      [&](master::AgentSlot, const master::Agent& agent) { check_agent_rows(state, agent); });
  operators_.sweep(state);
  check_lifetimes(index, core, now);
}

// Counted from when it was opened, whatever the master's own row says. A process that stood still
// first hears what came meanwhile.
void Judge::check_lifetimes(int index, const master::MasterCore& core, Instant now) {
  if (core.next_deadline() <= now || opened_[index].empty()) return;
  const auto& [number, since] = *opened_[index].begin();  // numbers grow: the oldest
  if (since + env_.plan.master.offer_lifetime + Duration::seconds(1) < now) {
    violate("L5", "offer O" + std::to_string(number) + " is past its lifetime");
  }
}

}  // namespace bourse::sim
