#include "sim/service_node.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"
#include "proto/codec/links.hpp"
#include "sim/decode.hpp"
#include "sim/judge.hpp"
#include "sim/service_form.hpp"
#include "sim/words.hpp"

namespace bourse::sim {

ServiceNode::ServiceNode(Env& env, const Network& network, ZooKeeperModel* zookeeper, int index)
    : env_(env),
      network_(network),
      zookeeper_(zookeeper),
      name_("service" + std::to_string(index)),
      clock_(env.draw_clock()) {
  if (zookeeper != nullptr && env.plan.service.in_ensemble) {
    book_ = std::make_unique<EnsembleBookNode>(env, *zookeeper, clock_, process_, name_);
  } else {
    book_ = std::make_unique<FileBookNode>(env, process_);
  }
}

void ServiceNode::start() {
  ++life_;
  up_ = true;
  BookNode::Handlers handlers;
  handlers.on_lead = [this](service::Book book) { lead(std::move(book)); };
  handlers.on_end = [this](const std::string& reason) { end(reason); };
  book_->start(std::move(handlers));
}

void ServiceNode::lead(service::Book book) {
  env_.trace(name_, "leads");
  leader_ = env_.judge->services().loaded(book, book_->coordination() != nullptr);
  core_ = std::make_unique<service::ServiceCore>(service::ServiceConfig{});
  armed_ = Instant::max();
  hasty_ = env_.plan.plant == Plant::hasty_scheduler;
  feed(service::Start{std::move(book), false});
}

void ServiceNode::crash(bool politely) {
  env_.trace(name_, politely ? "ends" : "dies");
  ++life_;
  up_ = false;
  core_.reset();
  machine_.reset();
  asked_.clear();
  batch_.clear();
  agent_of_offer_.clear();
  process_.forget();
  book_->stop(politely);
  if (watch_) {
    watch_->stop();
    buried_watches_.push_back(std::move(watch_));
  }
  if (!channel_) return;
  channel_->stop();
  buried_.push_back(std::move(channel_));
}

void ServiceNode::crash_and_return(Duration away) {
  if (up_) crash(false);
  env_.schedule.in(away, [this, life = life_] {
    if (life == life_ && !up_) start();
  });
}

// By its own word; its supervisor starts it again.
void ServiceNode::end(const std::string& reason) {
  env_.trace(name_, "gives up: " + reason);
  crash(true);
  env_.schedule.in(env_.between_ms(100, 2'000), [this, life = life_] {
    if (life == life_ && !up_) start();
  });
}

void ServiceNode::freeze(Duration span) {
  if (!up_ || process_.frozen()) return;
  env_.trace(name_, "stands still");
  process_.freeze();
  book_->freeze(true);
  env_.schedule.in(span, [this, stop = ++stops_] {
    if (stop == stops_) thaw();
  });
}

void ServiceNode::thaw() {
  if (!process_.frozen()) return;
  ++stops_;
  env_.trace(name_, "goes on");
  book_->freeze(false);
  process_.thaw();
}

void ServiceNode::later(Duration span, std::function<void()> action) {
  env_.schedule.in(span, [this, life = life_, action = std::move(action)] {
    process_.run([this, life, action] {
      if (life == life_) action();
    });
  });
}

std::uint64_t ServiceNode::fingerprint() const {
  Fingerprint fp;
  if (core_) fp.add(core_->fingerprint());
  if (machine_) fp.add(machine_->fingerprint());
  return fp.value();
}

// -- the core

void ServiceNode::ask(service::AppChange change, std::function<void(const Status&)> answered) {
  const RequestId request(++requests_);
  later({}, [this, request, change = std::move(change), answered = std::move(answered)] {
    if (answered) asked_[request] = answered;
    feed(service::FromClient{request, {}, change});
  });
}

void ServiceNode::feed(decltype(service::Event::body) body) {
  if (!core_) return;
  const service::Event event{clock_.stamp(env_.schedule.now()), std::move(body)};
  env_.count_event(name_, event.body.index());
  if (env_.tracing) {
    static constexpr const char* kNames[] = {"start",   "registered", "disconnected",
                                             "offered", "updated",    "stored",
                                             "refused", "people ask", "tick"};
    env_.trace(name_, kNames[event.body.index()]);
  }
  service::Effects effects;
  core_->step(event, effects);
  core_->check_invariants();
  if (env_.tracing) {
    for (const Note& note : effects.notes) env_.trace(name_, "  note " + text_of(note));
  }
  perform(effects.list);
  if (core_) arm();
}

struct ServiceNode::Perform {
  ServiceNode& node;

  void operator()(const service::Subscribe& e) const { node.subscribe(e.framework_id); }
  void operator()(const service::Launch& e) const { node.launch(e); }
  void operator()(const service::Decline& e) const {
    call::Decline decline{{}, Filters{e.refuse}};
    for (const std::string& id : e.offer_ids) decline.offer_ids.emplace_back(id);
    node.call(std::move(decline));
  }
  void operator()(const service::Kill& e) const {
    const FrameworkId framework = node.machine_->framework_id();
    node.env_.judge->services().kills(TaskId(e.task_id));
    node.env_.judge->kill_asked({framework, TaskId(e.task_id)});
    node.call(call::Kill{TaskId(e.task_id), AgentId(), std::nullopt});
  }
  void operator()(const service::Acknowledge& e) const {
    Uuid uuid;
    std::copy(e.update.uuid.begin(), e.update.uuid.end(), uuid.bytes.begin());
    node.call(call::Acknowledge{AgentId(e.update.agent_id), TaskId(e.update.task_id), uuid});
  }
  void operator()(const service::Reconcile& e) const {
    call::Reconcile reconcile;
    for (const sdk::TaskPlace& task : e.tasks) {
      reconcile.tasks.push_back({TaskId(task.task_id), AgentId(task.agent_id)});
    }
    node.call(std::move(reconcile));
  }
  // Before there is a driver these mean nothing.
  void operator()(const service::Suppress&) const {
    if (node.machine_) node.call(call::Suppress{});
  }
  void operator()(const service::Revive&) const {
    if (node.machine_) node.call(call::Revive{});
  }
  void operator()(const service::Persist& e) const { node.persist(e); }
  void operator()(const service::Answer& e) const {
    auto asked = node.asked_.extract(e.request);
    if (asked) asked.mapped()(e.status);
  }
};

void ServiceNode::perform(const std::vector<service::Effect>& effects) {
  if (!effects.empty() && !book_->may_act()) {
    end("the lease of this leadership is over");
    return;
  }
  const std::uint64_t life = life_;
  for (const service::Effect& effect : effects) {
    if (life != life_) return;
    std::visit(Perform{*this}, effect.body);
  }
}

void ServiceNode::persist(const service::Persist& effect) {
  env_.judge->services().issued(leader_, effect.commands);
  book_->store(effect.commands,
               [this, id = effect.id, after = effect.after, life = life_](const Status& status) {
                 if (life != life_) return;
                 env_.judge->services().told(leader_, status);
                 if (!status.ok()) return feed(service::Rejected{id, status.error().message});
                 perform(after);
                 feed(service::Stored{id});
               });
}

void ServiceNode::arm() {
  const Instant next = core_->next_deadline();
  if (next == armed_ || next == Instant::max()) return;
  armed_ = next;
  later(clock_.world(next) - env_.schedule.now(), [this, next] {
    if (armed_ != next) return;
    armed_ = Instant::max();
    feed(service::Tick{});
  });
}

// -- the driver

void ServiceNode::subscribe(const std::string& framework_id) {
  sdk::SchedulerConfig config = env_.plan.scheduler;
  config.implicit_acknowledgements = false;
  machine_ = std::make_unique<sdk::SchedulerMachine>(config);
  driver_armed_ = Instant::max();
  Wire::Client client;
  client.connected = [this] { later({}, [this] { drive(sdk::scheduler_event::Connected{}); }); };
  client.lost = [this] {
    ++connection_;
    later({}, [this] {
      batch_.clear();
      drive(sdk::scheduler_event::Lost{});
    });
  };
  client.bytes = [this](std::string_view bytes) {
    later({}, [this, copy = std::string(bytes), of = connection_] { on_bytes(copy, of); });
  };
  channel_ =
      std::make_unique<Channel>(env_, network_, Hub::Kind::framework, clock_, std::move(client));
  FrameworkFacet facet;
  facet.id = FrameworkId(framework_id);
  facet.user = "root";
  facet.name = "service";
  facet.failover_timeout = Duration::seconds(604'800);
  facet.checkpoint = true;
  facet.roles = {"*"};
  facet.capabilities.set(Capabilities::partition_aware);
  facet.capabilities.set(Capabilities::task_killing_state);
  const Stamp stamp = clock_.stamp(env_.schedule.now());
  drive(sdk::scheduler_event::Start{
      facet, {}, static_cast<std::uint64_t>(stamp.wall.ns / 1'000'000)});
  std::vector<std::string> masters;
  if (zookeeper_ != nullptr && env_.rng.chance(1, 2)) {
    watch_ = std::make_unique<LeaderWatchNode>(env_, *zookeeper_, clock_, name_ + ".watch");
  } else {
    for (const auto& [address, hub] : network_.hubs) masters.push_back(address);
  }
  channel_->start(std::move(masters));
  if (!watch_) return;
  watch_->start([this, life = life_](const std::string& link) {
    if (life == life_) channel_->learned(link);
  });
}

void ServiceNode::on_bytes(std::string_view bytes, std::uint64_t connection) {
  const std::uint64_t life = life_;
  for (auto& message : decode_all(env_, bytes, codec::decode_master_to_framework)) {
    if (life != life_) return;
    drive(sdk::scheduler_event::FromMaster{std::move(message)});
  }
  if (life != life_ || connection != connection_) return;
  if (machine_->subscribed()) channel_->registered();
}

void ServiceNode::launch(const service::Launch& effect) {
  call::Accept accept;
  accept.filters = Filters{effect.refuse};
  std::string agent;
  for (const std::string& id : effect.offer_ids) {
    const auto it = agent_of_offer_.find(id);
    if (it != agent_of_offer_.end()) {
      agent = it->second;
      accept.offer_ids.emplace_back(id);
      continue;
    }
    for (const sdk::TaskSpec& task : effect.tasks) {
      sdk::TaskUpdate update;
      update.task_id = task.id;
      update.state = sdk::TaskState::dropped;
      update.message = "the offer is not held any more";
      later({}, [this, update] { feed(service::Updated{update}); });
    }
    return;
  }
  for (const std::string& id : effect.offer_ids) agent_of_offer_.erase(id);
  LaunchOperation operation;
  for (const sdk::TaskSpec& task : effect.tasks) {
    operation.tasks.push_back(task_facet(task, AgentId(agent)));
    env_.judge->accepted({machine_->framework_id(), TaskId(task.id)}, AgentId(agent), true);
  }
  accept.operations.push_back({{}, std::move(operation)});
  call(std::move(accept));
}

void ServiceNode::call(decltype(SchedulerCall::body) body) {
  later({}, [this, body = std::move(body)] {
    if (machine_) drive(sdk::scheduler_event::Call{SchedulerCall{machine_->framework_id(), body}});
  });
}

void ServiceNode::drive(decltype(sdk::SchedulerInput::body) body) {
  if (!machine_) return;
  const sdk::SchedulerInput input{clock_.stamp(env_.schedule.now()), std::move(body)};
  env_.count_event(name_, 50 + input.body.index());
  if (env_.tracing) {
    static constexpr const char* kNames[] = {"start", "connected", "lost", "a message",
                                             "call",  "stop",      "tick"};
    env_.trace(name_, std::string("driver: ") + kNames[input.body.index()]);
  }
  std::vector<sdk::SchedulerOutput> outputs;
  machine_->step(input, outputs);
  const std::uint64_t life = life_;
  for (sdk::SchedulerOutput& output : outputs) {
    if (life == life_) perform(output);
  }
  if (life == life_) arm_driver();
}

void ServiceNode::perform(sdk::SchedulerOutput& output) {
  std::visit(Overloaded{
                 [&](sdk::scheduler_effect::Send& send) {
                   if (batch_.empty()) later({}, [this] { flush(); });
                   if (codec::append_framework_to_master(send.message, batch_) == 0) {
                     env_.judge->violate("codec", "a framework's call cannot be sent");
                   }
                   if (env_.tracing) env_.trace(name_, "  -> " + text_of(send.message));
                 },
                 [&](sdk::scheduler_effect::Deliver& deliver) { show(deliver.event); },
                 [&](sdk::scheduler_effect::Disconnected&) {
                   agent_of_offer_.clear();
                   later({}, [this] { feed(service::Disconnected{}); });
                 },
                 [&](sdk::scheduler_effect::Reconnect&) {
                   later({}, [this] {
                     batch_.clear();
                     channel_->give_up();
                     drive(sdk::scheduler_event::Lost{});
                   });
                 },
                 [&](sdk::scheduler_effect::Refused& refused) {
                   env_.judge->violate("SDK", name_ + " is refused a call: " + refused.reason);
                 },
                 [&](sdk::scheduler_effect::Finished&) {
                   later({}, [this] { end("its driver has ended"); });
                 },
                 [](auto&) {},
             },
             output);
}

void ServiceNode::show(const SchedulerEvent& event) {
  const auto post = [this](decltype(service::Event::body) body) {
    later({}, [this, body = std::move(body)] { feed(body); });
  };
  if (const auto* subscribed = std::get_if<event::Subscribed>(&event)) {
    agent_of_offer_.clear();
    env_.judge->services().is(subscribed->framework_id);
    post(service::Registered{subscribed->framework_id.raw()});
  } else if (const auto* offered = std::get_if<event::Offers>(&event)) {
    service::Offered out;
    for (const OfferFacet& offer : offered->offers) {
      out.offers.push_back(public_offer(offer));
      agent_of_offer_[out.offers.back().id] = out.offers.back().agent_id;
    }
    post(std::move(out));
  } else if (const auto* rescinded = std::get_if<event::Rescind>(&event)) {
    agent_of_offer_.erase(rescinded->offer_id.raw());
  } else if (const auto* update = std::get_if<event::Update>(&event)) {
    env_.judge->told(machine_->framework_id(), update->status, 1'000'000 + leader_);
    const bool ended = is_terminal(update->status->state);
    if (ended && env_.plan.plant == Plant::careless_scheduler) return;
    if (hasty_ && update->status->state == TaskState::running) {
      later({}, [this, task = update->status->task_id.raw()] {
        if (core_) perform(std::vector<service::Effect>{{service::Kill{task}}});
      });
    }
    post(service::Updated{public_update(update->status)});
  } else if (const auto* error = std::get_if<event::Error>(&event)) {
    env_.trace(name_, "the master says: " + error->message);
  }
}

void ServiceNode::flush() {
  if (!batch_.empty() && channel_) channel_->send(std::exchange(batch_, {}));
}

void ServiceNode::arm_driver() {
  const Instant next = machine_->next_deadline();
  if (next == driver_armed_ || next == Instant::max()) return;
  driver_armed_ = next;
  later(clock_.world(next) - env_.schedule.now(), [this, next] {
    if (driver_armed_ != next) return;
    driver_armed_ = Instant::max();
    drive(sdk::scheduler_event::Tick{});
  });
}

}  // namespace bourse::sim
