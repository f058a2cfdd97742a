#include "sim/framework_node.hpp"

#include <algorithm>
#include <utility>

#include "model/disruption_budget.hpp"
#include "proto/codec/links.hpp"
#include "sim/decode.hpp"
#include "sim/host.hpp"
#include "sim/judge.hpp"
#include "sim/words.hpp"

namespace bourse::sim {

namespace {

TaskId task_id(int framework, std::size_t task, int attempt) {
  return TaskId("f" + std::to_string(framework) + "-t" + std::to_string(task) + "-a" +
                std::to_string(attempt));
}

}  // namespace

FrameworkNode::FrameworkNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index)
    : env_(env),
      network_(network),
      zookeeper_(zookeeper),
      clock_(env.draw_clock()),
      index_(index),
      plan_(env.plan.frameworks[static_cast<std::size_t>(index)]),
      name_("framework" + std::to_string(index)),
      operations_(env.plan.seed, index, plan_.role, plan_.principal) {
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    Row row;
    row.index = i;
    rows_.emplace(task_id(index_, i, 0), row);
  }
}

void FrameworkNode::start() {
  begin_instance();
  look_around();
  if (plan_.ending != Ending::stays) {
    env_.schedule.in(plan_.ends_at, [this] { end_for_good(); });
  }
}

FrameworkNode::Instance* FrameworkNode::current() {
  return down_ || instances_.empty() ? nullptr : instances_.back().get();
}

FrameworkNode::Instance* FrameworkNode::find(std::uint64_t number) {
  for (const auto& instance : instances_) {
    if (instance->number == number && !instance->dead) return instance.get();
  }
  return nullptr;
}

Wire* FrameworkNode::wire() {
  Instance* instance = current();
  return instance == nullptr ? nullptr : &instance->channel->wire();
}

void FrameworkNode::begin_instance() {
  down_ = false;
  begun_at_ = env_.schedule.now();
  sdk::SchedulerConfig config = env_.plan.scheduler;
  config.implicit_acknowledgements = plan_.implicit_acknowledgements;
  auto made = std::make_unique<Instance>(config);
  Instance* instance = made.get();
  instance->number = ++begun_;
  const std::uint64_t number = instance->number;
  Wire::Client client;
  client.connected = [this, number] {
    if (Instance* i = find(number)) step(*i, sdk::scheduler_event::Connected{});
  };
  client.lost = [this, number] {
    Instance* i = find(number);
    if (i == nullptr) return;
    i->batch.clear();
    step(*i, sdk::scheduler_event::Lost{});
  };
  client.bytes = [this, number](std::string_view bytes) {
    for (auto& message : decode_all(env_, bytes, codec::decode_master_to_framework)) {
      Instance* i = find(number);
      if (i != nullptr) step(*i, sdk::scheduler_event::FromMaster{std::move(message)});
    }
    Instance* i = find(number);
    if (i != nullptr && i->machine.subscribed()) i->channel->registered();
  };
  instance->channel =
      std::make_unique<Channel>(env_, network_, Hub::Kind::framework, clock_, std::move(client));
  instances_.push_back(std::move(made));
  FrameworkFacet facet;
  facet.id = id_;
  facet.user = "root";
  facet.name = name_;
  facet.principal = plan_.principal;
  facet.failover_timeout = plan_.failover_timeout;
  facet.checkpoint = true;
  facet.roles = {plan_.role};
  if (plan_.partition_aware) facet.capabilities.set(Capabilities::partition_aware);
  if (plan_.takes_lent) facet.capabilities.set(Capabilities::revocable_resources);
  if (plan_.killing_state) facet.capabilities.set(Capabilities::task_killing_state);
  if (plan_.min_running > 0 && env_.plan.plant != Plant::budget_unheard) {
    facet.labels = {
        {std::string(kDisruptionBudgetLabel), "min_running=" + std::to_string(plan_.min_running)}};
  }
  step(*instance, sdk::scheduler_event::Start{facet, {}, number});
  look_for_master(*instance);
}

void FrameworkNode::look_for_master(Instance& instance) {
  std::vector<std::string> masters;
  if (zookeeper_ != nullptr && env_.rng.chance(1, 2)) {
    instance.watch = std::make_unique<LeaderWatchNode>(env_, *zookeeper_, clock_, name_);
  } else {
    for (const auto& [address, hub] : network_.hubs) masters.push_back(address);
  }
  instance.channel->start(std::move(masters));
  if (!instance.watch) return;
  instance.watch->start(
      [channel = instance.channel.get()](const std::string& link) { channel->learned(link); });
}

void FrameworkNode::leave(Instance& instance) {
  instance.channel->stop();
  if (instance.watch) instance.watch->stop();
}

template <typename Body>
void FrameworkNode::step(Instance& instance, Body body) {
  if (instance.dead) return;
  const sdk::SchedulerInput input{clock_.stamp(env_.schedule.now()), std::move(body)};
  env_.count_event(name_, input.body.index());
  std::vector<sdk::SchedulerOutput> outputs;
  instance.machine.step(input, outputs);
  for (sdk::SchedulerOutput& output : outputs) {
    if (!instance.dead) perform(instance, output);
  }
  if (!instance.dead) arm(instance);
}

void FrameworkNode::call(Instance& instance, decltype(SchedulerCall::body) body) {
  step(instance, sdk::scheduler_event::Call{SchedulerCall{id_, std::move(body)}});
}

void FrameworkNode::perform(Instance& instance, sdk::SchedulerOutput& output) {
  if (auto* send = std::get_if<sdk::scheduler_effect::Send>(&output)) {
    if (env_.plan.plant == Plant::kill_said_once) {
      auto* said = std::get_if<SchedulerCall>(&send->message.body);
      const auto* kill = said == nullptr ? nullptr : std::get_if<call::Kill>(&said->body);
      if (kill != nullptr && !instance.kills_said.insert(kill->task_id).second) {
        said->body = call::Revive{};
      }
    }
    if (instance.batch.empty()) {
      env_.schedule.in({}, [this, number = instance.number] {
        Instance* i = find(number);
        if (i != nullptr && !i->batch.empty()) i->channel->send(std::exchange(i->batch, {}));
      });
    }
    if (codec::append_framework_to_master(send->message, instance.batch) == 0) {
      env_.judge->violate("codec", "a framework's call cannot be sent");
    }
    if (env_.tracing) env_.trace(name_, "  -> " + text_of(send->message));
  } else if (auto* deliver = std::get_if<sdk::scheduler_effect::Deliver>(&output)) {
    on_event(instance, deliver->event);
  } else if (std::holds_alternative<sdk::scheduler_effect::Disconnected>(output)) {
    instance.offers.clear();
    instance.asked_about.clear();
  } else if (std::holds_alternative<sdk::scheduler_effect::Reconnect>(output)) {
    env_.schedule.in(Duration{}, [this, number = instance.number] {
      if (find(number) == nullptr) return;
      find(number)->batch.clear();
      find(number)->channel->give_up();
      if (Instance* i = find(number)) step(*i, sdk::scheduler_event::Lost{});
    });
  } else if (auto* refused = std::get_if<sdk::scheduler_effect::Refused>(&output)) {
    env_.judge->violate("SDK", name_ + " is refused a call: " + refused->reason);
  } else if (std::holds_alternative<sdk::scheduler_effect::Finished>(output)) {
    instance.dead = true;
    // A TEARDOWN is said before its process goes.
    if (!instance.batch.empty()) instance.channel->send(std::exchange(instance.batch, {}));
    leave(instance);
    const bool torn_down = env_.judge->operators().may_be_torn_down(id_);
    if (removed_ && (torn_down || plan_.ending != Ending::stays)) {
      over_ = true;  // away for longer than its failover_timeout, or ended by an operator
    } else if (&instance == current() && !over_) {
      // Ended by an error: the work goes on in a new process, as after any other crash.
      down_ = true;
      env_.schedule.in(env_.between_ms(100, 3'000), [this] {
        if (down_ && !over_) begin_instance();
      });
    }
    env_.schedule.in(Duration{}, [this] { bury(); });
  }
}

void FrameworkNode::bury() {
  for (auto& instance : instances_) {
    if (instance->dead) buried_.push_back(std::move(instance));
  }
  std::erase(instances_, nullptr);
}

void FrameworkNode::crash_and_return(Duration away) {
  Instance* instance = current();
  if (instance == nullptr || over_) return;
  env_.trace(name_, "dies");
  instance->dead = true;
  leave(*instance);
  down_ = true;
  bury();
  env_.schedule.in(away, [this] {
    if (down_ && !over_) begin_instance();
  });
}

void FrameworkNode::take_over() {
  if (current() == nullptr || over_ || id_.empty()) return;
  env_.trace(name_, "is taken over by a second instance");
  begin_instance();
}

void FrameworkNode::end_for_good() {
  if (over_) return;
  over_ = true;
  Instance* instance = current();
  env_.trace(name_, "ends for good");
  if (!id_.empty()) env_.judge->framework_ended(id_);
  if (instance != nullptr && plan_.ending == Ending::teardown) {
    if (!instance->machine.subscribed()) {
      // Teardown must be said in a session: wait for one.
      over_ = false;
      env_.schedule.in(Duration::milliseconds(200), [this] { end_for_good(); });
      return;
    }
    step(*instance, sdk::scheduler_event::Stop{false});
  } else if (instance == nullptr && plan_.ending == Ending::teardown) {
    over_ = false;
    env_.schedule.in(Duration::milliseconds(200), [this] { end_for_good(); });
    return;
  }
  for (auto& any : instances_) {
    if (!any->dead) leave(*any);
    any->dead = true;
  }
}

void FrameworkNode::arm(Instance& instance) {
  const Instant next = instance.machine.next_deadline();
  if (next == instance.armed || next == Instant::max()) return;
  instance.armed = next;
  env_.schedule.at(clock_.world(next), [this, next, number = instance.number] {
    Instance* i = find(number);
    if (i == nullptr || i->armed != next) return;
    i->armed = Instant::max();
    step(*i, sdk::scheduler_event::Tick{});
  });
}

bool FrameworkNode::waits(const Row& row) const {
  const TaskPlan& plan = plan_.tasks[row.index];
  const bool ready = Instant{1'000'000'000} + plan.ready_at <= env_.schedule.now();
  return !row.launched && !row.ended && (ready || env_.healed);
}

std::string FrameworkNode::missing(const std::set<AgentId>& agents, bool given_up) const {
  if (over_ && env_.judge->operators().may_be_torn_down(id_)) return "";
  if (plan_.ending != Ending::stays) return over_ ? "" : name_ + " has not ended";
  if (down_ || instances_.empty()) return name_ + " is down";
  const Instance& instance = *instances_.back();
  if (!instance.machine.subscribed()) return name_ + " is not subscribed";
  std::size_t beyond = 0;
  for (const auto& [id, row] : rows_) {
    if (row.ended) continue;
    // Its agent lost its name in a crash before it was stored, and will never be back under it.
    const bool away = row.last == TaskState::unreachable && !agents.contains(row.agent);
    if (away || (row.forgotten && env_.judge->may_stay_unknown({id_, id}, row.agent))) {
      ++beyond;
      continue;
    }
    return name_ + ": " + id.raw() +
           (row.launched ? " was launched and last heard as " +
                               std::string(row.last ? name_of(*row.last) : "nothing")
                         : " was never launched");
  }
  // Kills of what is beyond reach are kept, as promised; nothing else may wait. One that names no
  // agent is kept while an agent is given up, also when another instance heard of the task's end.
  for (const TaskId& id : instance.kills_without_agent) {
    if (given_up && rows_.at(id).ended) ++beyond;
  }
  // Likewise one of what runs, or not, where an agent was that is forgotten.
  for (const auto& [id, row] : rows_) {
    const bool forgotten = env_.judge->forgetting().is_forgotten(row.agent);
    if (row.ended && row.kill_wanted && forgotten) ++beyond;
  }
  if (instance.machine.pending_calls() > beyond) return name_ + " has pending calls";
  return "";
}

std::uint64_t FrameworkNode::fingerprint() const {
  Fingerprint fp;
  for (const auto& instance : instances_) fp.add(instance->machine.fingerprint());
  for (const auto& [id, row] : rows_) {
    fp.add(std::string_view(id.raw()));
    fp.add(row.ended);
  }
  return fp.value();
}

}  // namespace bourse::sim
