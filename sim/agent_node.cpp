#include "sim/agent_node.hpp"

#include <algorithm>
#include <utility>

#include "proto/codec/links.hpp"
#include "proto/codec/records.hpp"
#include "sim/decode.hpp"
#include "sim/judge.hpp"
#include "sim/planted.hpp"
#include "sim/words.hpp"

namespace bourse::sim {

namespace {

constexpr Duration kAgentSocket = Duration::microseconds(100);
// More lives in a row than this, none of which was registered, are a loop.
constexpr int kMostStops = 4;

AgentFacetPtr facet_of(const Plan& plan, int index) {
  AgentFacet facet;
  facet.hostname = "host" + std::to_string(index);
  facet.http = {facet.hostname, "127.0.0.1", static_cast<std::uint16_t>(5051 + index)};
  facet.total = Resources::parse(plan.agent_resources[static_cast<std::size_t>(index)]).value();
  facet.version = "0.1.0";
  return std::make_shared<const AgentFacet>(std::move(facet));
}

}  // namespace

AgentNode::AgentNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index)
    : env_(env),
      name_("agent" + std::to_string(index)),
      lends_(!env.plan.lending.empty() && env.plan.lending[static_cast<std::size_t>(index)]),
      detected_(facet_of(env.plan, index)),
      disk_(env, env.plan.agent_write_rejected),
      network_(network),
      clock_(env.draw_clock()),
      channel_(env, network, Hub::Kind::agent, clock_,
               {[this] { step(agent::MasterConnected{}); },
                [this] {
                  batch_.clear();
                  step(agent::MasterLost{});
                },
                [this](std::string_view bytes) { on_bytes(bytes); }}),
      host_(env, clock_, name_, detected_->total, agent_of_host()) {
  if (zookeeper != nullptr && env.rng.chance(1, 2)) {
    watch_ = std::make_unique<LeaderWatchNode>(env, *zookeeper, clock_, name_);
  }
}

Host::Agent AgentNode::agent_of_host() {
  Host::Agent out;
  out.up = [this] { return up(); };
  out.report = [this](const decltype(agent::Event::body)& body) {
    std::visit([this](const auto& event) { step(event); }, body);
  };
  out.accept = [this](const std::shared_ptr<ExecutorProcess>& process) {
    const PeerId peer(++peers_made_);
    executors_[peer] = process;
    return peer;
  };
  out.executor_bytes = [this](PeerId peer, const std::string& bytes) {
    on_executor_bytes(peer, bytes);
  };
  out.executor_gone = [this](PeerId peer) { on_executor_gone(peer); };
  return out;
}

void AgentNode::start() {
  ++life_;
  started_at_ = env_.schedule.now();
  std::optional<std::vector<CheckpointRecord>> records = stored_records();
  if (!records) return;
  agent::Started started;
  started.detected = detected_;
  const Stamp stamp = clock_.stamp(env_.schedule.now());
  started.incarnation = static_cast<std::uint64_t>(stamp.wall.ns / 1'000'000);
  if (env_.plan.plant == Plant::lives_counted_down) {
    started.incarnation = planted::count_down(life_);
  }
  started.seed = env_.rng.next() ^ planted::bias(env_.plan.plant, stamp.wall);
  started.token_key = {env_.rng.next(), env_.rng.next()};
  started.boot_id = "boot-" + std::to_string(boots_);
  planted::forget(env_.plan.plant, *records);
  started.records = std::move(*records);
  started.containers = host_.found();
  for (const auto& found : started.containers) {
    if (env_.plan.plant == Plant::restart_kills) host_.kill(found.container_id, {});
  }
  core_ = std::make_unique<agent::AgentCore>(config());
  armed_ = Instant::max();
  step(std::move(started));
  // It died before it had stored the name that it heard.
  if (core_ && core_->state().identity->id.empty() && gave_up_.empty()) gave_up_ = named_;
  if (core_ && core_->state().incarnation <= newest_incarnation_) env_.life_named_again = true;
  // What it had not stored it need not remember: nothing was ordered on it.
  highest_epoch_ = obeying_ = core_ ? core_->state().epoch : 0;
  look_for_master();
}

agent::AgentConfig AgentNode::config() const {
  agent::AgentConfig out = env_.plan.agent;
  if (!lends_) return out;
  out.oversubscription.estimator = "usage";
  out.oversubscription.controller = "pressure";
  return out;
}

void AgentNode::sample_usage() {
  env_.schedule.in({}, [this, life = life_] {
    if (life != life_ || !core_) return;
    const Instant now = clock_.stamp(env_.schedule.now()).now;
    step(agent::UsageSampled{host_.usage(now), {}});
  });
}

// Only what holds something lent may be ended by the agent of its own accord.
void AgentNode::judge_kill(const agent::KillContainer& kill) {
  const auto key = core_->state().by_container.find(kill.container_id);
  if (key == core_->state().by_container.end()) return;
  const agent::Executor& executor = core_->state().executors.at(key->second);
  const Host::Container* container = host_.find(kill.container_id);
  if (executor.preempted.empty() || container == nullptr) return;
  if (container->resources.revocable().empty()) {
    env_.judge->violate("S14", name_ + " preempts " + key->second.second.raw() +
                                   ", which holds nothing that was lent");
  }
  for (const TaskId& task : executor.tasks) env_.judge->preempted({key->second.first, task});
}

void AgentNode::look_for_master() {
  std::vector<std::string> masters;
  for (const auto& [address, hub] : network_.hubs) masters.push_back(address);
  channel_.start(watch_ ? std::vector<std::string>() : std::move(masters));
  if (watch_) watch_->start([this](const std::string& link) { channel_.learned(link); });
}

void AgentNode::crash_and_return(Duration away, Machine machine) {
  if (!core_) return;
  const bool reboot = machine != Machine::stays;
  env_.trace(name_, reboot ? "reboots" : "dies");
  const AgentId id = named_ = last_name();
  ++life_;
  newest_incarnation_ = std::max(newest_incarnation_, core_->state().incarnation);
  std::vector<Judge::TaskKey> had;
  for (const auto& [key, task] : core_->state().tasks) had.push_back(key);
  core_.reset();
  if (machine != Machine::loses_power) {
    disk_.crash();
  } else if (disk_.lose_power()) {
    env_.trace(name_, "has lost what its disk said was stored");
    env_.judge->disk_forgot(id);
    forgotten_.insert(had.begin(), had.end());
  }
  batch_.clear();
  channel_.stop();
  if (watch_) watch_->stop();
  const auto executors = std::move(executors_);
  executors_.clear();
  for (const auto& [peer, process] : executors) {
    env_.schedule.in(kAgentSocket, [peer = peer, process = process] {
      if (const auto alive = process.lock()) alive->lose(peer);
    });
  }
  if (reboot) {
    const bool unnoticed = env_.plan.plant == Plant::boot_unnoticed;
    if (!unnoticed) ++boots_;
    env_.judge->rebooted(id);
    host_.reboot(unnoticed);
  }
  if (env_.plan.plant == Plant::amnesia) {
    host_.hide_all();
    disk_.forget_if([](const std::string& bytes) {
      return codec::decode_checkpoint_record(bytes).value().index() != 0;
    });
  }
  env_.schedule.in(away, [this, life = life_] {
    if (life == life_) start();
  });
}

void AgentNode::on_bytes(std::string_view bytes) {
  const std::uint64_t life = life_;
  for (auto& message : decode_all(env_, bytes, codec::decode_master_to_agent)) {
    if (life != life_ || !core_) return;
    after_master_message(message);
    obeying_ = message.header.epoch;
    launching_ = std::holds_alternative<to_agent::Launch>(message.body);
    if (env_.plan.plant == Plant::epoch_not_checked) {
      message.header.epoch = std::max(message.header.epoch, core_->state().epoch);
    }
    if (env_.plan.plant == Plant::lives_counted_down) planted::forget_newest(message);
    step(agent::FromMaster{std::move(message)});
    if (life != life_) return;
    note_epoch();
  }
  if (life == life_ && core_ && core_->state().link.registered) channel_.registered();
}

// The judge's own memory of which epochs this agent obeyed.
void AgentNode::note_epoch() {
  const bool registered = core_->state().link.registered;
  if (registered && obeying_ < highest_epoch_) {
    env_.judge->violate("S6", name_ + " is registered by epoch " + std::to_string(obeying_) +
                                  " after epoch " + std::to_string(highest_epoch_));
  }
  if (registered) highest_epoch_ = obeying_;
  if (registered) stops_in_a_row_ = 0;
  obeying_ = highest_epoch_;
  launching_ = false;
}

// An acknowledgement that the core will act on: of the update that it waits for.
void AgentNode::after_master_message(const MasterToAgent& message) {
  const auto* ack = std::get_if<to_agent::Acknowledge>(&message.body);
  if (ack == nullptr || !core_ || message.header.session != core_->state().link.session) return;
  const auto it = core_->state().tasks.find({ack->framework_id, ack->task_id});
  if (it == core_->state().tasks.end() || it->second.pending.empty()) return;
  if (it->second.pending.front().status.uuid != ack->uuid) return;
  env_.judge->acknowledged_to_agent({ack->framework_id, ack->task_id}, ack->uuid);
}

void AgentNode::on_executor_bytes(PeerId peer, std::string_view bytes) {
  if (!core_ || !executors_.contains(peer)) return;
  for (auto& call : decode_all(env_, bytes, codec::decode_executor_call_frame)) {
    // Each second connection is one over HTTP.
    if (peer.raw() % 2 == 1) {
      call_over_http(peer, std::move(call));
    } else {
      step(agent::FromExecutor{peer, std::move(call)});
    }
  }
}

// A call that names no connection, unless it opens one, and is answered once.
void AgentNode::call_over_http(PeerId peer, ExecutorCall call) {
  const bool subscribes = std::holds_alternative<executor_call::Subscribe>(call.body);
  const std::uint64_t life = life_;
  http_answers_.clear();
  step(agent::FromExecutor{subscribes ? peer : PeerId(), std::move(call), RequestId(++http_calls_),
                           true});
  if (life != life_ || !core_) return;
  if (http_answers_.size() != 1) {
    env_.judge->violate("executor-api", "a call over HTTP has " +
                                            std::to_string(http_answers_.size()) + " answers");
  } else if (!http_answers_.front().ok()) {
    close_executor({peer, http_answers_.front().error().message});
  }
}

void AgentNode::on_executor_gone(PeerId peer) {
  if (core_ && executors_.erase(peer) > 0) step(agent::ExecutorGone{peer});
}

bool AgentNode::break_executor() {
  const auto process = host_.pick_executor();
  if (!process || process->peer().empty()) return false;
  const PeerId peer = process->peer();
  process->lose(peer);
  env_.schedule.in(env_.between_ms(0, 2'000), [this, peer] { on_executor_gone(peer); });
  return true;
}

const AgentId& AgentNode::last_name() const {
  const AgentId& own = core_->state().identity->id;
  return own.empty() ? gave_up_ : own;
}

std::optional<Instant> AgentNode::nameless_since() const {
  if (gave_up_.empty()) return std::nullopt;
  return std::max(gave_up_at_, started_at_);
}

void AgentNode::note_name(const AgentId& before) {
  const AgentId& now = core_->state().identity->id;
  if (now.empty()) {
    if (before.empty()) return;
    env_.judge->forgetting().gave_up_name(name_, before);
    gave_up_ = before;
    gave_up_at_ = env_.schedule.now();
    return;
  }
  // The same one, where it died before it had stored that.
  if (!gave_up_.empty() && gave_up_ != now) env_.judge->renamed(gave_up_, now);
  gave_up_ = AgentId();
}

template <typename Body>
void AgentNode::step(Body body) {
  if (!core_) return;
  const agent::Event event{clock_.stamp(env_.schedule.now()), std::move(body)};
  env_.count_event(name_, event.body.index());
  if (env_.tracing) env_.trace(name_, text_of(event));
  agent::Effects effects;
  const AgentId name = core_->state().identity ? core_->state().identity->id : AgentId();
  core_->step(event, effects);
  note_name(name);
  core_->check_invariants();  // of all rows: by itself it looks at those that it touched
  env_.judge->reservations().check(core_->state().identity->id, core_->state().total);
  if (env_.tracing) {
    for (const Note& note : effects.notes) env_.trace(name_, "  note " + text_of(note));
  }
  const std::uint64_t life = life_;
  for (agent::Effect& effect : effects.list) {
    if (life != life_) return;
    perform(effect);
  }
  if (life == life_ && core_) arm();
}

void AgentNode::perform(agent::Effect& effect) {
  if (auto* message = std::get_if<agent::SendToMaster>(&effect.body)) {
    send(*message);
  } else if (auto* write = std::get_if<agent::Checkpoint>(&effect.body)) {
    perform_checkpoint(*write);
  } else if (auto* start = std::get_if<agent::StartContainer>(&effect.body)) {
    const Resources share = start->resources;
    if (env_.plan.plant == Plant::double_share) start->resources.add(share);
    host_.order(*start);
    if (const auto also = planted::start_also(env_.plan.plant, *start)) {
      env_.judge->container_stored(also->container_id);
      host_.start(*also);
    }
  } else if (const auto* resize = std::get_if<agent::ResizeContainer>(&effect.body)) {
    host_.resize(resize->container_id, resize->resources);
  } else if (const auto* kill = std::get_if<agent::KillContainer>(&effect.body)) {
    if (env_.tracing) env_.trace(name_, "  kills container " + kill->container_id.raw());
    if (env_.plan.plant == Plant::forgotten_kept && !gave_up_.empty()) return;
    judge_kill(*kill);
    host_.kill(kill->container_id, kill->grace);
  } else if (const auto* release = std::get_if<agent::ReleaseContainer>(&effect.body)) {
    host_.release(release->container_id);
  } else if (const auto* tell = std::get_if<agent::SendToExecutor>(&effect.body)) {
    std::string batch;
    if (codec::append_executor_event(tell->event, batch) == 0) {
      env_.judge->violate("codec", "an event to an executor cannot be sent");
    }
    env_.schedule.in(kAgentSocket, [this, peer = tell->peer, batch = std::move(batch)] {
      const auto it = executors_.find(peer);
      const auto process = it == executors_.end() ? nullptr : it->second.lock();
      if (process) process->on_bytes(peer, batch);
    });
  } else if (const auto* answer = std::get_if<agent::AnswerExecutor>(&effect.body)) {
    if (answer->request == RequestId(http_calls_)) http_answers_.push_back(answer->status);
  } else if (const auto* close = std::get_if<agent::CloseExecutor>(&effect.body)) {
    close_executor(*close);
  } else if (std::holds_alternative<agent::SampleUsage>(effect.body)) {
    sample_usage();
  } else if (std::holds_alternative<agent::ReconnectMaster>(effect.body)) {
    env_.schedule.in(Duration{}, [this, life = life_] {
      if (life != life_) return;
      batch_.clear();
      channel_.give_up();
      step(agent::MasterLost{});
    });
  } else if (const auto* stop = std::get_if<agent::Stop>(&effect.body)) {
    this->stop(stop->reason);
  }
}

void AgentNode::stop(const std::string& reason) {
  env_.trace(name_, "stops: " + reason);
  const bool gone = env_.judge->operators().is_gone(core_->state().identity->id);
  if (!gone && ++stops_in_a_row_ > kMostStops) {
    env_.judge->violate("D3", name_ + " stops again and again: " + reason);
  }
  // An operator starts it again, or another machine in its place.
  const bool replaced = gone && (env_.healed || env_.rng.chance(1, 2));
  crash_and_return(env_.between_ms(100, 5'000), replaced ? Machine::reboots : Machine::stays);
  if (!replaced) return;
  wipe();
  newest_incarnation_ = 0;  // it will have another id
}

void AgentNode::wipe() {
  env_.judge->wiped(named_);
  disk_.wipe();
  gave_up_ = named_ = AgentId();
}

void AgentNode::close_executor(const agent::CloseExecutor& close) {
  env_.schedule.in(kAgentSocket, [this, peer = close.peer] {
    const auto it = executors_.find(peer);
    const auto process = it == executors_.end() ? nullptr : it->second.lock();
    if (it != executors_.end()) executors_.erase(it);
    if (process) process->lose(peer);
  });
}

void AgentNode::send(agent::SendToMaster& send) {
  if (auto* update = std::get_if<to_master::StatusUpdate>(&send.message.body)) {
    if (update->status->uuid) {
      env_.judge->promises_update({update->framework_id, update->status->task_id},
                                  *update->status->uuid);
      const bool forgot = forgotten_.contains({update->framework_id, update->status->task_id});
      if (forgot && env_.plan.plant == Plant::update_invented) {
        update->status = planted::invent(update->status);
      }
    }
  } else if (const auto* here = std::get_if<to_master::Register>(&send.message.body)) {
    for (const to_master::KnownTask& task : here->tasks) {
      env_.judge->claims_task(here->agent->id, {task.framework_id, task.task->id}, task.state);
    }
  }
  if (batch_.empty()) env_.schedule.in({}, [this] { flush(); });
  if (codec::append_agent_to_master(send.message, batch_) == 0) {
    env_.judge->violate("codec", "a message to the master cannot be sent");
  }
  if (env_.tracing) env_.trace(name_, "  -> " + text_of(send.message));
}

void AgentNode::flush() {
  if (!batch_.empty()) channel_.send(std::exchange(batch_, {}));
}

void AgentNode::arm() {
  const Instant next = core_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  env_.schedule.at(clock_.world(next), [this, next, life = life_] {
    if (life != life_ || armed_ != next) return;
    armed_ = Instant::max();
    step(agent::Tick{});
  });
}

}  // namespace bourse::sim
