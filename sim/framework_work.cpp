// What the small framework does with what it hears: offers, updates, its own kills.
#include <algorithm>
#include <utility>

#include "model/limits.hpp"
#include "sim/framework_node.hpp"
#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

constexpr int kMostAttempts = 4;

bool may_try_again(TaskState state) {
  return state == TaskState::dropped || state == TaskState::lost || state == TaskState::gone ||
         state == TaskState::gone_by_operator || state == TaskState::error;
}

}  // namespace

void FrameworkNode::on_event(Instance& instance, const SchedulerEvent& event) {
  if (const auto* subscribed = std::get_if<event::Subscribed>(&event)) {
    if (id_.empty()) id_ = subscribed->framework_id;
    if (plan_.ending == Ending::stays) env_.judge->framework_stays(id_);
    on_subscribed(instance);
  } else if (const auto* offers = std::get_if<event::Offers>(&event)) {
    for (const OfferFacet& offer : offers->offers) {
      instance.offers.insert_or_assign(offer.id, offer);
      const Duration thought =
          env_.rng.chance(1, 20) ? env_.between_ms(0, 10'000) : env_.between_ms(0, 200);
      env_.schedule.in(thought,
                       [this, number = instance.number, id = offer.id] { consider(number, id); });
    }
  } else if (const auto* asked = std::get_if<event::InverseOffers>(&event)) {
    on_inverse_offers(instance, *asked);
  } else if (const auto* rescind = std::get_if<event::Rescind>(&event)) {
    instance.offers.erase(rescind->offer_id);
  } else if (const auto* update = std::get_if<event::Update>(&event)) {
    on_update(instance, update->status);
  } else if (const auto* operation = std::get_if<event::UpdateOperation>(&event)) {
    on_operation(instance, operation->status);
  } else if (const auto* error = std::get_if<event::Error>(&event)) {
    removed_ = removed_ || error->message == "Framework has been removed";
  }
}

void FrameworkNode::on_subscribed(Instance& instance) {
  if (instance.greeted || &instance != current()) return;
  instance.greeted = true;
  // This instance's machine knows nothing of what earlier ones did: ask, and kill again.
  call::Reconcile reconcile;
  std::vector<TaskId> kills;
  for (const auto& [id, row] : rows_) {
    if (!row.launched || row.ended) continue;
    reconcile.tasks.push_back({id, row.agent});
    if (row.kill_wanted) kills.push_back(id);
  }
  env_.schedule.in(Duration{}, [this, number = instance.number, reconcile, kills] {
    Instance* i = find(number);
    if (i == nullptr) return;
    if (!reconcile.tasks.empty()) call(*i, reconcile);
    for (const TaskId& id : kills) kill(id);
    say_wants(*i);
  });
}

void FrameworkNode::say_wants(Instance& instance) {
  if (!plan_.says_wants) return;
  call::Request request;
  for (const auto& [id, row] : rows_) {
    if (!waits(row)) continue;
    const TaskPlan& plan = plan_.tasks[row.index];
    call::Request::Wanted one;
    one.shape.amounts = {{"cpus", plan.cpu_milli}, {"mem", plan.memory_milli}};
    const auto same =
        std::find_if(request.wanted.begin(), request.wanted.end(),
                     [&](const auto& wanted) { return wanted.shape.amounts == one.shape.amounts; });
    if (same != request.wanted.end()) {
      ++same->shape.count;
    } else if (request.wanted.size() < limits::kMaxDemandShapes) {
      request.wanted.push_back(std::move(one));
    }
  }
  if (request.wanted == instance.wanted) return;
  instance.wanted = request.wanted;
  call(instance, std::move(request));
}

void FrameworkNode::on_update(Instance& instance, const TaskStatus& status) {
  if (env_.plan.plant == Plant::swallow_terminal && is_terminal(status.state) &&
      env_.rng.chance(1, 4)) {
    return;
  }
  env_.judge->told(id_, status, instance.number);
  instance.asked_about.erase(status.task_id);
  const auto it = rows_.find(status.task_id);
  if (it == rows_.end()) {
    env_.judge->violate("S13", name_ + " hears of a task that it does not have");
    return;
  }
  Row& row = it->second;
  if (!row.ended) {
    row.last = status.state;
    row.forgotten =
        status.state == TaskState::unknown && env_.judge->forgetting().is_forgotten(row.agent);
    row.ended = is_terminal(status.state);
    if (row.ended && may_try_again(status.state)) try_again(row);
  }
  if (plan_.implicit_acknowledgements || !status.uuid) return;
  env_.schedule.in(env_.between_ms(0, 2'000), [this, number = instance.number, status] {
    Instance* i = find(number);
    if (i == nullptr) return;
    call(*i, call::Acknowledge{status.agent_id, status.task_id, *status.uuid});
  });
}

// It answers most, and keeps to none.
void FrameworkNode::on_inverse_offers(Instance& instance, const event::InverseOffers& asked) {
  call::AnswerInverseOffers answer;
  answer.accept = env_.rng.chance(1, 2);
  answer.filters.refuse = env_.between_ms(0, 20'000);
  for (const InverseOfferFacet& offer : asked.offers) {
    if (env_.rng.chance(3, 4)) answer.offer_ids.push_back(offer.id);
  }
  env_.schedule.in(env_.between_ms(0, 2'000), [this, number = instance.number, answer] {
    if (Instance* i = find(number)) call(*i, answer);
  });
}

void FrameworkNode::on_operation(Instance& instance, const OperationStatus& status) {
  operations_.heard(status, *env_.judge);
  if (!status.uuid) return;
  env_.schedule.in(Duration{}, [this, number = instance.number, status] {
    Instance* i = find(number);
    if (i == nullptr) return;
    call(*i, call::AcknowledgeOperation{status.agent_id, status.id, *status.uuid});
  });
}

void FrameworkNode::try_again(const Row& ended) {
  if (ended.attempt + 1 >= kMostAttempts || over_) return;
  Row row;
  row.index = ended.index;
  row.attempt = ended.attempt + 1;
  rows_.emplace(TaskId("f" + std::to_string(index_) + "-t" + std::to_string(row.index) + "-a" +
                       std::to_string(row.attempt)),
                row);
}

ExecutorFacet FrameworkNode::executor_on(const OfferFacet& offer) const {
  ExecutorFacet executor;
  executor.id = ExecutorId("x" + std::to_string(index_) + "-" + offer.agent->hostname + "-" +
                           std::to_string(generation_ / 8));
  executor.framework_id = id_;
  executor.name = executor.id.raw();
  executor.resources = Resources({Resource::scalar("cpus", 100), Resource::scalar("mem", 32'000),
                                  Resource::scalar("disk", 10'000)});
  return executor;
}

TaskFacet FrameworkNode::facet_of(const TaskId& id, const TaskPlan& plan, const OfferFacet& offer,
                                  const Resources& left) const {
  TaskFacet task;
  task.id = id;
  task.name = id.raw();
  task.agent_id = offer.agent->id;
  Resource cpus = Resource::scalar("cpus", plan.cpu_milli);
  ResourceMeta meta;
  meta.revocable = true;
  if (!plan.custom && left.contains(cpus.with(meta))) cpus = cpus.with(meta);
  std::vector<Resource> wanted{cpus, Resource::scalar("mem", plan.memory_milli)};
  const IntervalSet ports = left.ranges("ports");
  if (plan.wants_port && !ports.ranges().empty()) {
    IntervalSet one;
    one.add(ports.ranges().front().begin, ports.ranges().front().begin);
    wanted.push_back(Resource::of_ranges("ports", one));
  }
  task.resources = Resources(wanted);
  task.kill_grace = Duration::seconds(2);
  if (plan.custom) {
    task.executor = executor_on(offer);
  } else {
    task.has_command = true;
  }
  return task;
}

bool FrameworkNode::place(Row& row, const TaskId& id, const OfferFacet& offer, Resources& left,
                          std::map<ExecutorId, bool>& executors,
                          std::vector<OfferOperation>& operations, Resources& volume) {
  const TaskPlan& plan = plan_.tasks[row.index];
  TaskFacet task = facet_of(id, plan, offer, left);
  if (task.has_command) task.resources.add(std::exchange(volume, {}));
  Resources wanted = task.resources;
  if (task.executor && !executors[task.executor->id]) wanted.add(task.executor->resources);
  if (!left.contains(wanted)) return false;
  left.subtract(wanted);
  row.launched = true;
  row.agent = offer.agent->id;
  env_.judge->accepted({id_, id}, offer.agent->id, plan_.partition_aware);
  if (plan.kill_after.ns > 0) kill_later(id, plan.kill_after);
  if (plan.group) {
    const ExecutorFacet executor = *task.executor;
    executors[executor.id] = true;
    task.executor.reset();
    operations.push_back({{}, LaunchGroupOperation{executor, {std::move(task)}}});
    return true;
  }
  if (task.executor) executors[task.executor->id] = true;
  operations.push_back({{}, LaunchOperation{{std::move(task)}}});
  return true;
}

void FrameworkNode::consider(std::uint64_t number, const OfferId& id) {
  Instance* instance = find(number);
  if (instance == nullptr || instance != current() || over_) return;
  const auto it = instance->offers.find(id);
  if (it == instance->offers.end()) return;
  const OfferFacet offer = it->second;
  instance->offers.erase(it);
  Resources left = offer.resources;
  ++generation_;
  Resources volume;
  std::vector<OfferOperation> operations = operations_.draw(offer, left, volume, *env_.judge);
  const std::size_t most = operations.size() + 8;
  std::map<ExecutorId, bool> executors;
  for (auto& [task, row] : rows_) {
    if (!waits(row)) continue;
    if (operations.size() >= most || env_.rng.chance(1, 10)) break;
    (void)place(row, task, offer, left, executors, operations, volume);
  }
  const Filters filters{env_.between_ms(0, 3'000)};
  // First what it wants beside what it launches here.
  say_wants(*instance);
  if (operations.empty()) {
    call(*instance, call::Decline{{id}, filters});
  } else {
    call(*instance, call::Accept{{id}, std::move(operations), filters});
  }
}

void FrameworkNode::kill_later(const TaskId& id, Duration span) {
  env_.schedule.in(span, [this, id] {
    Row& row = rows_.at(id);
    row.kill_wanted = true;
    env_.judge->kill_asked({id_, id});
    kill(id);
  });
}

void FrameworkNode::kill(const TaskId& id) {
  Instance* instance = current();
  const Row& row = rows_.at(id);
  if (instance == nullptr || row.ended || over_) return;
  call::Kill kill{id, row.agent, std::nullopt};
  if (env_.rng.chance(1, 4)) {
    kill.agent_id = AgentId();
    instance->kills_without_agent.insert(id);
  }
  if (env_.rng.chance(1, 4)) kill.grace = env_.between_ms(0, 3'000);
  call(*instance, std::move(kill));
}

void FrameworkNode::look_around() {
  if (over_) return;
  env_.schedule.in(env_.between_ms(3'000, 12'000), [this] { look_around(); });
  Instance* instance = current();
  if (instance == nullptr || !instance->machine.subscribed()) return;
  const bool waiting = std::any_of(rows_.begin(), rows_.end(),
                                   [&](const auto& entry) { return waits(entry.second); });
  if (waiting == instance->suppressed) {
    instance->suppressed = !waiting;
    if (waiting) {
      call(*instance, call::Revive{});
    } else {
      call(*instance, call::Suppress{});
    }
  } else if (waiting && env_.rng.chance(1, 4)) {
    call(*instance, call::Revive{});
  }
  say_wants(*instance);
  ask(*instance);
}

void FrameworkNode::ask(Instance& instance) {
  call::Reconcile reconcile;
  for (const auto& [id, row] : rows_) {
    if (row.launched && !row.ended) reconcile.tasks.push_back({id, row.agent});
  }
  if (reconcile.tasks.empty() || !instance.machine.subscribed()) return;
  if (env_.settled && &instance == current()) {
    // There and back, each at its slowest: nothing is lost any more, and a master answers at once.
    const Duration round_trip = (env_.plan.latency + env_.plan.jitter) * 2;
    const std::uint64_t question = ++questions_;
    for (const auto& task : reconcile.tasks) {
      instance.asked_about.try_emplace(task.task_id, question);
    }
    env_.schedule.in(
        round_trip + Duration::milliseconds(1),
        [this, number = instance.number, question] { check_answers(number, question); });
  }
  call(instance, std::move(reconcile));
}

void FrameworkNode::check_answers(std::uint64_t instance, std::uint64_t question) {
  const Instance* asked = find(instance);
  if (asked == nullptr || asked != current() || !env_.settled || over_) return;
  for (const auto& [task, of] : asked->asked_about) {
    if (of != question) continue;
    env_.judge->violate("L4", name_ + " asked about " + task.raw() + " and was not answered");
  }
}

std::vector<FrameworkNode::Request> FrameworkNode::requests() const {
  std::vector<Request> out;
  if (down() || over_ || plan_.ending != Ending::stays) return out;
  for (const auto& [id, row] : rows_) {
    if (!row.launched || row.ended) continue;
    if (!row.last) out.push_back({"the launch of " + id.raw(), row.agent});
    const bool unreachable = row.last == TaskState::unreachable;
    if (row.forgotten) continue;  // that is the answer
    if (row.kill_wanted) out.push_back({"the kill of " + id.raw(), row.agent, true, unreachable});
  }
  return out;
}

}  // namespace bourse::sim
