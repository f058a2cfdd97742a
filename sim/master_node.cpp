#include "sim/master_node.hpp"

#include <map>
#include <utility>

#include "proto/codec/candidate.hpp"
#include "proto/codec/links.hpp"
#include "sim/decode.hpp"
#include "sim/judge.hpp"
#include "sim/planted.hpp"
#include "sim/words.hpp"

namespace bourse::sim {

namespace {

// One seed of so many records its masters. No draw: the other seeds stay what they were.
constexpr std::uint64_t kRecordedEvery = 16;
// One call of so many is said again by a stranger.
constexpr std::uint64_t kOverheardEvery = 16;

}  // namespace

MasterNode::MasterNode(Env& env, Network& network, ZooKeeperModel* zookeeper, int index)
    : env_(env),
      name_(zookeeper == nullptr ? "master" : "master" + std::to_string(index)),
      index_(index),
      clock_(env.draw_clock()),
      hub_(env, process_, "10.0.0." + std::to_string(index + 1) + ":5060") {
  network.hubs.emplace(hub_.address(), &hub_);
  hub_.on_bytes = [this](PeerId peer, Hub::Kind kind, std::string_view bytes) {
    on_bytes(peer, kind, bytes);
  };
  hub_.on_gone = [this](PeerId peer) { step(master::PeerGone{peer}); };
  if (zookeeper == nullptr) {
    registry_ = std::make_unique<LocalRegistryNode>(env_, process_);
    return;
  }
  auto registry = std::make_unique<EnsembleRegistryNode>(env_, *zookeeper, clock_, process_, name_);
  registry->on_transaction = [this] { stop_here(Moment::before_transaction); };
  registry_ = std::move(registry);
}

void MasterNode::start() {
  ++life_;
  up_ = true;
  hub_.open();
  codec::Candidate self;
  self.link = hub_.address();
  self.master.id = name_ + "-" + std::to_string(life_);
  self.master.hostname = name_;
  self.master.ip = hub_.address().substr(0, hub_.address().find(':'));
  self.master.version = "1.11.0";
  RegistryNode::Handlers handlers;
  handlers.on_lead = [this](Registry registry, Epoch epoch) { lead(std::move(registry), epoch); };
  handlers.on_leader = [this](const std::string& announced) {
    std::string link;
    if (!announced.empty()) {
      const auto read = codec::decode_candidate(announced);
      if (read.ok()) link = read->link;
    }
    hub_.follow(link);
  };
  handlers.on_end = [this](const std::string& reason) {
    if (!plants_zombie(env_.plan.plant)) end(reason);
  };
  registry_->start(codec::encode_candidate(self), std::move(handlers));
}

void MasterNode::lead(Registry registry, Epoch epoch) {
  if (env_.plan.plant == Plant::nobody_follows && life_ > 1) return;
  master::MasterConfig config = env_.plan.master;
  config.master_id = name_;
  config.epoch = epoch;
  config.seed = env_.rng.next();
  if (env_.plan.plant == Plant::lost_filter) config.reoffer_min = {};
  if (env_.plan.plant == Plant::time_out_forgotten) config.framework_recovery = {};
  if (env_.plan.plant == Plant::forgotten_too_soon) config.registry_max_agent_count = 0;
  core_ = std::make_unique<master::MasterCore>(config);
  if (env_.plan.seed % kRecordedEvery == 0 && env_.plan.plant == Plant::none) {
    recording_ = std::make_unique<Recording>(config);
  }
  armed_ = Instant::max();
  env_.judge->new_master(index_);
  hub_.lead();
  planted::forget(env_.plan.plant, registry);
  step(master::Lead{std::move(registry)});
}

bool MasterNode::is_zombie() const {
  const CoordinationNode* client = registry_->coordination();
  return core_ && client != nullptr && client->core().state().phase == coordination::Phase::stopped;
}

void MasterNode::crash(bool politely) {
  replay();
  ++life_;
  up_ = false;
  env_.settled = false;  // what it was asked is answered by nobody
  core_.reset();
  outgoing_.clear();
  stop_at_.reset();
  process_.forget();
  registry_->stop(politely);
  hub_.crash();
  env_.trace(name_, politely ? "ends" : "dies");
}

void MasterNode::replay() {
  if (!recording_ || !core_ || env_.judge->broken()) return;
  const std::string wrong = recording_->replay(*core_);
  if (!wrong.empty()) env_.judge->violate("S30", wrong);
  recording_.reset();
}

void MasterNode::crash_and_return(Duration away) {
  if (up_) crash(false);
  env_.schedule.in(away, [this, life = life_] {
    if (life == life_ && !up_) start();
  });
}

// The process ends by its own word; its supervisor starts it again.
void MasterNode::end(const std::string& reason) {
  env_.trace(name_, "abdicates: " + reason);
  crash(true);
  env_.schedule.in(env_.between_ms(100, 2'000), [this, life = life_] {
    if (life == life_ && !up_) start();
  });
}

void MasterNode::ask(RequestId request, decltype(master::FromOperator::body) operation) {
  process_.run([this, request, life = life_, operation = std::move(operation)] {
    if (life == life_) step(master::FromOperator{request, {}, operation});
  });
}

// -- standing still

void MasterNode::freeze(Duration span, Moment moment) {
  if (!up_ || process_.frozen()) return;
  stop_at_ = moment;
  stop_span_ = span;
  if (moment == Moment::now || !core_) stop_here(moment);
}

void MasterNode::stop_here(Moment moment) {
  if (stop_at_ != moment || env_.healed) return;
  stop_at_.reset();
  env_.trace(name_, "stands still");
  process_.freeze();
  registry_->freeze(true);
  env_.schedule.in(stop_span_, [this, stop = ++stops_] {
    if (stop == stops_) thaw();
  });
}

void MasterNode::thaw() {
  stop_at_.reset();
  if (!process_.frozen()) return;
  ++stops_;
  env_.trace(name_, "goes on");
  registry_->freeze(false);
  process_.thaw();
  if (core_) arm();
}

// -- the core

void MasterNode::on_bytes(PeerId peer, Hub::Kind kind, std::string_view bytes) {
  if (!core_) return;
  if (kind == Hub::Kind::agent) {
    for (auto& message : decode_all(env_, bytes, codec::decode_agent_to_master)) {
      if (env_.plan.plant == Plant::epoch_not_checked) planted::forget_epoch_seen(message);
      const bool deaf = env_.plan.plant == Plant::return_unheard;
      if (deaf && core_ && planted::comes_back(*core_, message)) continue;
      step(master::FromAgent{peer, {}, std::move(message)});
    }
    return;
  }
  for (auto& message : decode_all(env_, bytes, codec::decode_framework_to_master)) {
    env_.judge->offers().said(index_, message);
    env_.judge->demands().said(message);
    remember_call(peer, message);
    if (env_.plan.plant == Plant::question_unheard) planted::lose_question(message);
    if (env_.plan.plant == Plant::wants_halved) planted::halve_wants(message);
    if (env_.plan.plant == Plant::lost_filter) planted::forget_filters(message);
    overhear(peer, message);
    Principal principal = principal_of(peer, message);
    step(master::FromFramework{peer, std::move(principal), std::move(message), {}});
  }
}

namespace {

const SchedulerCall* call_of(const master::Event& event) {
  const auto* from = std::get_if<master::FromFramework>(&event.body);
  return from == nullptr ? nullptr : std::get_if<SchedulerCall>(&from->message.body);
}

// The connection that speaks for the framework of this call before the call is acted on.
PeerId speaker_of(const master::MasterState& state, const master::Event& event) {
  const SchedulerCall* call = call_of(event);
  if (call == nullptr) return PeerId();
  const auto it = state.framework_of.find(call->framework_id);
  return it == state.framework_of.end() ? PeerId() : state.frameworks.at(it->second).session.peer;
}

}  // namespace

// What a step decided, turned wrong before anybody sees it.
void MasterNode::plant_after(const master::Event& event, master::Effects& effects) {
  switch (env_.plan.plant) {
    case Plant::leak_ledger:
      return planted::leak_ledger(*core_, event);
    case Plant::change_swallowed:
      return planted::swallow(effects.changes);
    case Plant::freed_at_launch:
      return planted::free_at_launch(*core_, event, effects);
    case Plant::offers_stay:
      return planted::keep_offers(*core_, effects);
    case Plant::limits_unheard:
      return planted::forget_limits(*core_);
    default:
      return;
  }
}

template <typename Body>
void MasterNode::step(Body body) {
  if (!core_) return;
  const master::Event event{clock_.stamp(env_.schedule.now()), std::move(body)};
  env_.count_event(name_, event.body.index());
  if (env_.tracing) env_.trace(name_, text_of(event));
  const PeerId speaker = speaker_of(core_->state(), event);
  master::Effects effects;
  core_->step(event, effects);
  plant_after(event, effects);
  if (env_.tracing) {
    for (const Note& note : effects.notes) env_.trace(name_, "  note " + text_of(note));
  }
  if (recording_) {
    const std::string wrong = recording_->take(event, *core_);
    if (!wrong.empty()) env_.judge->violate("S30", wrong);
  }
  env_.judge->master_step(index_, *core_, event, effects);
  if (const SchedulerCall* said = call_of(event)) {
    const PeerId from = std::get<master::FromFramework>(event.body).stream;
    if (stranger_) {
      env_.judge->check_stranger(*said, from, effects);
    } else {
      env_.judge->check_speaker(*said, late_.empty() ? from : late_, speaker, effects);
    }
  }
  const std::uint64_t life = life_;
  for (master::Effect& effect : effects.list) {
    if (life != life_) return;
    perform(effect);
  }
  if (life != life_) return;
  if (env_.plan.plant == Plant::early_acknowledgement) {
    if (auto early = planted::acknowledge(*core_, event)) outgoing_.emplace_back(std::move(*early));
  }
  if (env_.plan.plant == Plant::lost_too_soon) {
    for (auto& lost : planted::say_lost(*core_, event)) outgoing_.emplace_back(std::move(lost));
  }
  hand_over();
}

// -- calls that come late: an instance that was taken over may have sent one by HTTP, on a
// connection of its own, whose stream is not the framework's any more

void MasterNode::remember_call(PeerId peer, const FrameworkToMaster& message) {
  const auto* said = std::get_if<SchedulerCall>(&message.body);
  if (said == nullptr || std::holds_alternative<call::Subscribe>(said->body)) return;
  last_calls_.insert_or_assign(peer, *said);
}

void MasterNode::speak_late(PeerId peer) {
  auto last = last_calls_.extract(peer);
  if (!last || env_.healed) return;
  // Not of the world's own source: the rest is what it is without such a call.
  Prng dice(env_.plan.seed ^ (peer.raw() * 0x9e3779b97f4a7c15ULL));
  const Duration later = Duration::milliseconds(dice.between(1, 3'000));
  env_.schedule.in(later, [this, peer, life = life_, said = std::move(last.mapped())] {
    process_.run([this, peer, life, said] {
      if (life == life_ && core_) late_call(peer, said);
    });
  });
}

void MasterNode::late_call(PeerId peer, const SchedulerCall& said) {
  const auto it = core_->state().framework_of.find(said.framework_id);
  if (it == core_->state().framework_of.end()) return;
  const PeerId current = core_->state().frameworks.at(it->second).session.peer;
  if (current == peer || current.empty()) return;
  late_ = peer;
  const bool obeyed = env_.plan.plant == Plant::old_instance_obeyed;
  // Answers to operators have small numbers.
  const RequestId request((1ULL << 40) + ++late_calls_);
  step(master::FromFramework{obeyed ? current : peer, {}, {{}, said}, request});
  late_ = PeerId();
}

// -- strangers: who has heard a call of a framework says it too, over HTTP and by the framework's
// own stream, but is known to be somebody else

Principal MasterNode::principal_of(PeerId peer, const FrameworkToMaster& message) {
  const auto* said = std::get_if<SchedulerCall>(&message.body);
  if (said != nullptr) {
    const auto* asks = std::get_if<call::Subscribe>(&said->body);
    if (asks != nullptr) principals_.insert_or_assign(peer, asks->framework.principal);
  }
  const auto known = principals_.find(peer);
  return known == principals_.end() ? Principal{} : Principal{known->second};
}

void MasterNode::overhear(PeerId peer, const FrameworkToMaster& message) {
  const auto* said = std::get_if<SchedulerCall>(&message.body);
  if (said == nullptr || env_.healed) return;
  // Not of the world's own source, as above.
  Prng dice(env_.plan.seed ^ (++strangers_ * 0xd1342543de82ef95ULL) ^ (peer.raw() << 32));
  if (!dice.chance(1, kOverheardEvery)) return;
  const Duration later = Duration::milliseconds(dice.between(1, 3'000));
  env_.schedule.in(later, [this, life = life_, said = *said] {
    process_.run([this, life, said] {
      if (life == life_ && core_) call_of_stranger(said);
    });
  });
}

void MasterNode::call_of_stranger(const SchedulerCall& said) {
  const auto* asks = std::get_if<call::Subscribe>(&said.body);
  const bool unnamed = asks != nullptr && said.framework_id.empty();
  const FrameworkId& id = unnamed ? asks->framework.id : said.framework_id;
  const auto it = core_->state().framework_of.find(id);
  if (it == core_->state().framework_of.end()) return;
  const master::Framework& framework = core_->state().frameworks.at(it->second);
  if (framework.facet->principal.empty()) return;  // whoever knows its id may speak for it
  const std::uint64_t number = ++strangers_;
  const PeerId stream = asks != nullptr ? PeerId((1ULL << 40) + number) : framework.session.peer;
  const bool obeyed = env_.plan.plant == Plant::stranger_obeyed;
  const Principal principal{obeyed ? "" : "stranger"};
  stranger_ = true;
  step(master::FromFramework{stream, principal, {{}, said}, RequestId((1ULL << 41) + number)});
  stranger_ = false;
}

void MasterNode::perform(master::Effect& effect) {
  if (auto* agent = std::get_if<master::SendToAgent>(&effect.body)) {
    if (env_.plan.plant == Plant::lost_kept) planted::spare_what_is_over(*core_, *agent);
    outgoing_.emplace_back(std::move(*agent));
  } else if (auto* framework = std::get_if<master::SendToFramework>(&effect.body)) {
    outgoing_.emplace_back(std::move(*framework));
  } else if (auto* close = std::get_if<master::ClosePeer>(&effect.body)) {
    speak_late(close->peer);
    outgoing_.emplace_back(std::move(*close));
  } else if (auto* answer = std::get_if<master::Answer>(&effect.body)) {
    outgoing_.emplace_back(std::move(*answer));
  } else if (auto* write = std::get_if<master::Persist>(&effect.body)) {
    persist(*write);
  } else if (auto* abdicate = std::get_if<master::Abdicate>(&effect.body)) {
    end(abdicate->reason);
  }
}

void MasterNode::persist(master::Persist& write) {
  if (env_.plan.plant == Plant::wrong_one_forgotten) {
    planted::forget_another(*core_, write.command);
  }
  std::vector<master::Effect> after = std::move(write.after);
  if (env_.plan.plant == Plant::early_promise) {
    for (master::Effect& effect : after) perform(effect);
    after.clear();
  }
  registry_->store(write.command, [this, id = write.id, after = std::move(after),
                                   life = life_](const Status& status) mutable {
    if (life != life_ || !core_) return;
    if (!status.ok()) return step(master::Rejected{id, status.error().message});
    for (master::Effect& effect : after) perform(effect);
    step(master::Stored{id});
  });
}

// What was decided leaves, if the lease says that it may.
void MasterNode::hand_over() {
  if (!registry_->may_act()) {
    end("the lease of this leadership is over");
    return;
  }
  // Where agents do not look at epochs, what they do is judged.
  if (registry_->coordination() != nullptr && env_.plan.plant != Plant::epoch_not_checked) {
    env_.judge->registry().acts(core_->state().epoch);
  }
  if (!outgoing_.empty()) {
    stop_here(Moment::before_messages);
    process_.run([this, life = life_, batch = std::exchange(outgoing_, {})]() mutable {
      if (life == life_) flush(std::move(batch));
    });
  }
  arm();
}

// As the daemon's link server does: what leaves together for one peer is one message.
void MasterNode::flush(std::vector<Outgoing> batch) {
  std::map<PeerId, std::string> messages;
  for (Outgoing& item : batch) {
    if (auto* agent = std::get_if<master::SendToAgent>(&item)) {
      if (codec::append_master_to_agent(agent->message, messages[agent->peer]) == 0) {
        env_.judge->violate("codec", "a message to an agent cannot be sent");
      }
      if (env_.tracing) env_.trace(name_, "  -> agent " + text_of(agent->message));
    } else if (auto* framework = std::get_if<master::SendToFramework>(&item)) {
      if (codec::append_master_to_framework(framework->message, {framework->capabilities, nullptr},
                                            messages[framework->stream]) == 0) {
        env_.judge->violate("codec", "a message to a framework cannot be sent");
      }
      if (env_.tracing) env_.trace(name_, "  -> framework " + text_of(framework->message));
    } else if (auto* answer = std::get_if<master::Answer>(&item)) {
      env_.judge->operators().answered(answer->request, answer->status);
    } else {
      const PeerId peer = std::get<master::ClosePeer>(item).peer;
      if (auto last = messages.extract(peer)) hub_.send(peer, std::move(last.mapped()));
      hub_.close(peer);
    }
  }
  for (auto& [peer, message] : messages) hub_.send(peer, std::move(message));
}

void MasterNode::arm() {
  const Instant next = core_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  env_.schedule.at(clock_.world(next), [this, next, life = life_] {
    process_.run([this, next, life] {
      if (life != life_ || armed_ != next) return;
      armed_ = Instant::max();
      step(master::Tick{});
    });
  });
}

}  // namespace bourse::sim
