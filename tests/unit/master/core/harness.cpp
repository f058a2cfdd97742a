#include "tests/unit/master/core/harness.hpp"

#include <algorithm>

namespace bourse::master::test {

Resources res(const std::string& text) {
  return Resources::parse(text).value();
}

std::string short_name(TaskState state) {
  return std::string(name_of(state).substr(5));
}

std::vector<TaskStatus> FakeFramework::updates() const {
  std::vector<TaskStatus> out;
  for (const event::Update& update : heard_of<event::Update>()) out.push_back(update.status);
  return out;
}

std::string FakeFramework::told() const {
  std::string out;
  for (const TaskStatus& status : updates()) {
    out += (out.empty() ? "" : ", ") + status.task_id.raw() + " " + short_name(status.state);
  }
  return out;
}

MasterConfig Harness::default_config() {
  MasterConfig config;
  config.master_id = "m1";
  config.cluster_name = "test";
  config.cluster_id = "c";
  config.seed = 7;
  return config;
}

Harness::Harness(MasterConfig c) : config(std::move(c)), core(config) {
  now = {Instant{1'000'000'000}, WallTime{1'000'000'000'000}};
}
Harness::~Harness() = default;

void Harness::lead(const Registry& stored) {
  registry = stored;
  step(Lead{stored});
}

void Harness::step(decltype(Event::body) body) {
  effects_.clear();
  const Event event{now, std::move(body)};
  core.step(event, effects_);
  core.check_invariants();
  if (on_step) on_step(event, effects_);
  const Effects produced = std::move(effects_);
  effects_ = {};
  std::uint64_t expected = changes.empty() ? 0 : changes.back().sequence;
  for (const Change& change : produced.changes) {
    if (change.sequence != ++expected) std::abort();  // sequences have no gaps
    changes.push_back(change);
    if (on_change) on_change(change);
  }
  for (const Note& note : produced.notes) {
    notes.push_back(note);
    if (on_note) on_note(note);
  }
  for (const Effect& effect : produced.list) perform(effect);
  settle();
}

// Writes are stored one after the other; what a Stored causes is performed before the next.
void Harness::settle() {
  static thread_local bool busy = false;
  if (busy || hold_writes) return;
  busy = true;
  store_all();
  busy = false;
}

void Harness::store_all() {
  while (!writes.empty()) store_one();
}

void Harness::store_one() {
  const Persist write = std::move(writes.front());
  writes.pop_front();
  if (!apply(registry, write.command).ok()) std::abort();
  for (const Effect& effect : write.after) perform(effect);
  step(Stored{write.id});
}

void Harness::reject_one(const std::string& reason) {
  const Persist write = std::move(writes.front());
  writes.pop_front();
  step(Rejected{write.id, reason});
}

void Harness::perform(const Effect& effect) {
  if (on_effect) on_effect(effect);
  if (const auto* e = std::get_if<SendToAgent>(&effect.body)) deliver(*e);
  if (const auto* e = std::get_if<SendToFramework>(&effect.body)) deliver(*e);
  if (const auto* e = std::get_if<Answer>(&effect.body)) answers[e->request] = *e;
  if (const auto* e = std::get_if<Abdicate>(&effect.body)) abdicated.push_back(e->reason);
  if (const auto* e = std::get_if<ClosePeer>(&effect.body)) {
    closed.push_back(e->peer);
    for (FakeFramework& framework : frameworks) {
      if (framework.stream == e->peer) framework.closed = true;
    }
  }
  if (const auto* e = std::get_if<Persist>(&effect.body)) {
    ++persists;
    writes.push_back(*e);
  }
}

void Harness::deliver(const SendToAgent& effect) {
  for (FakeAgent& agent : agents) {
    if (agent.peer != effect.peer) continue;
    agent.heard.push_back(effect.message);
    if (effect.message.header.session != agent.session) continue;
    if (const auto* m = std::get_if<to_agent::Registered>(&effect.message.body)) {
      agent.id = m->agent_id;
      agent.cluster_id = m->cluster_id;
      agent.epoch = effect.message.header.epoch;
    }
  }
}

void Harness::deliver(const SendToFramework& effect) {
  for (FakeFramework& framework : frameworks) {
    if (framework.stream != effect.stream || framework.closed) continue;
    framework.heard.push_back(effect.message);
    const SchedulerEvent& body = effect.message.body;
    if (const auto* e = std::get_if<event::Subscribed>(&body)) framework.facet.id = e->framework_id;
    if (const auto* e = std::get_if<event::Offers>(&body)) {
      framework.offers.insert(framework.offers.end(), e->offers.begin(), e->offers.end());
    }
    if (const auto* e = std::get_if<event::Rescind>(&body)) {
      std::erase_if(framework.offers, [&](const OfferFacet& o) { return o.id == e->offer_id; });
    }
  }
}

void Harness::advance(Duration by) {
  const Instant end = now.now + by;
  while (core.next_deadline() <= end) {
    const Instant due = std::max(now.now, core.next_deadline());
    now.wall = now.wall + (due - now.now);
    now.now = due;
    step(Tick{});
  }
  now.wall = now.wall + (end - now.now);
  now.now = end;
}

void Harness::restart_master() {
  ++config.seed;
  core = MasterCore(config);
  writes.clear();
  changes.clear();
  for (FakeAgent& agent : agents) agent.peer = PeerId(next_peer_++);
  for (FakeFramework& framework : frameworks) {
    framework.stream = PeerId(next_peer_++);
    framework.offers.clear();
  }
  lead(Registry(registry));
}

FakeAgent& Harness::add_agent(const std::string& host, const std::string& resources) {
  FakeAgent& agent = agents.emplace_back();
  agent.host = host;
  agent.peer = PeerId(next_peer_++);
  agent.total = res(resources);
  enroll(agent);
  return agent;
}

void Harness::enroll(FakeAgent& agent) {
  ++agent.session;
  agent.sender = {};
  AgentFacet facet;
  facet.id = agent.id;
  facet.hostname = agent.host;
  facet.http = {agent.host, "127.0.0.1", 5051};
  facet.total = agent.total;
  facet.domain = agent.domain;
  facet.attributes = agent.attributes;
  facet.description = agent.description;
  to_master::Register message;
  message.agent = std::make_shared<const AgentFacet>(facet);
  message.incarnation = agent.incarnation;
  message.cluster_id = agent.cluster_id;
  message.epoch_seen = agent.epoch;
  message.frameworks = agent.frameworks;
  message.executors = agent.executors;
  message.tasks = agent.tasks;
  message.total = agent.converted_total;
  message.operations = agent.operations;
  message.oversubscribed = agent.oversubscribed;
  message.leaks = agent.leaks;
  say_unsequenced(agent, std::move(message));
}

void Harness::say(FakeAgent& agent, decltype(AgentToMaster::body) body) {
  const LinkHeader header{agent.session, agent.sender.next(), agent.epoch};
  step(FromAgent{agent.peer, {}, {header, std::move(body)}});
}

void Harness::say_unsequenced(FakeAgent& agent, decltype(AgentToMaster::body) body) {
  const LinkHeader header{agent.session, 0, agent.epoch};
  step(FromAgent{agent.peer, {}, {header, std::move(body)}});
}

Uuid Harness::status(FakeAgent& agent, const FakeFramework& framework, const std::string& task,
                     TaskState state) {
  TaskStatus status;
  status.task_id = TaskId(task);
  status.state = state;
  status.source = StatusSource::executor;
  status.agent_id = agent.id;
  status.executor_id = ExecutorId(task);
  status.uuid = make_uuid(1, next_uuid_++);
  status.timestamp = now.wall;
  say(agent, to_master::StatusUpdate{framework.facet.id, status, state});
  return *status.uuid;
}

void Harness::break_connection(FakeAgent& agent) {
  const PeerId peer = agent.peer;
  agent.peer = PeerId(next_peer_++);
  step(PeerGone{peer});
}

FakeFramework& Harness::add_framework(const std::string& name, std::vector<std::string> roles) {
  FakeFramework& framework = frameworks.emplace_back();
  framework.stream = PeerId(next_peer_++);
  framework.facet.name = name;
  framework.facet.user = "root";
  framework.facet.roles = std::move(roles);
  framework.facet.failover_timeout = Duration::seconds(60);
  framework.facet.capabilities.set(Capabilities::partition_aware);
  if (framework.facet.roles.size() > 1) {
    framework.facet.capabilities.set(Capabilities::multi_role);
  }
  return framework;
}

void Harness::subscribe(FakeFramework& framework, std::vector<std::string> suppressed) {
  framework.closed = false;
  framework.sender = {};
  framework.session += framework.http ? 0 : 1;
  call::Subscribe body{framework.facet, std::move(suppressed), framework.constraints};
  const LinkHeader header{framework.http ? 0 : framework.session, 0, 0};
  const RequestId request = framework.http ? RequestId(next_request_++) : RequestId();
  step(FromFramework{
      framework.stream, {}, {header, SchedulerCall{framework.facet.id, body}}, request});
}

void Harness::call(FakeFramework& framework, decltype(SchedulerCall::body) body) {
  const LinkHeader header{framework.session, framework.sender.next(), 0};
  step(FromFramework{
      framework.stream, {}, {header, SchedulerCall{framework.facet.id, std::move(body)}}, {}});
}

Status Harness::http_call(FakeFramework& framework, decltype(SchedulerCall::body) body) {
  const RequestId request(next_request_++);
  step(FromFramework{framework.stream,
                     {},
                     {LinkHeader{}, SchedulerCall{framework.facet.id, std::move(body)}},
                     request});
  const auto it = answers.find(request);
  return it == answers.end() ? Status(Error{ErrorCode::timeout, "no answer"}) : it->second.status;
}

void Harness::break_connection(FakeFramework& framework) {
  const PeerId stream = framework.stream;
  framework.stream = PeerId(next_peer_++);
  framework.offers.clear();
  step(PeerGone{stream});
}

std::vector<OfferFacet> Harness::offers(FakeFramework& framework) {
  advance(config.offer_tick);
  return framework.offers;
}

void Harness::accept(FakeFramework& framework, const std::vector<OfferFacet>& offers,
                     std::vector<TaskFacet> tasks, Duration refuse) {
  call::Accept body;
  for (const OfferFacet& offer : offers) {
    body.offer_ids.push_back(offer.id);
    std::erase_if(framework.offers, [&](const OfferFacet& o) { return o.id == offer.id; });
  }
  body.operations.push_back({{}, LaunchOperation{std::move(tasks)}});
  body.filters.refuse = refuse;
  call(framework, std::move(body));
}

void Harness::decline(FakeFramework& framework, const std::vector<OfferFacet>& offers,
                      Duration refuse) {
  call::Decline body;
  for (const OfferFacet& offer : offers) {
    body.offer_ids.push_back(offer.id);
    std::erase_if(framework.offers, [&](const OfferFacet& o) { return o.id == offer.id; });
  }
  body.filters.refuse = refuse;
  call(framework, std::move(body));
}

void Harness::acknowledge(FakeFramework& framework, const FakeAgent& agent, const std::string& task,
                          Uuid uuid) {
  call(framework, call::Acknowledge{agent.id, TaskId(task), uuid});
}

TaskFacet Harness::task(const std::string& id, const FakeAgent& agent,
                        const std::string& resources) const {
  TaskFacet facet;
  facet.id = TaskId(id);
  facet.name = id;
  facet.agent_id = agent.id;
  facet.resources = res(resources);
  facet.has_command = true;
  return facet;
}

ExecutorFacet Harness::executor(const std::string& id, const std::string& resources) {
  ExecutorFacet facet;
  facet.id = ExecutorId(id);
  facet.name = id;
  facet.resources = res(resources);
  facet.description = Blob("executor " + id + " " + resources);
  return facet;
}

void Harness::run_task(FakeFramework& framework, FakeAgent& agent, const std::string& id,
                       const std::string& resources) {
  std::vector<OfferFacet> here;
  for (const OfferFacet& offer : offers(framework)) {
    if (offer.agent->id == agent.id && here.empty()) here.push_back(offer);
  }
  accept(framework, here, {task(id, agent, resources)}, Duration{});
  acknowledge(framework, agent, id, status(agent, framework, id, TaskState::running));
}

to_master::KnownTask Harness::known(const FakeAgent& agent, const std::string& task,
                                    TaskState state) const {
  for (const auto& launch : agent.heard_of<to_agent::Launch>()) {
    for (const TaskFacetPtr& facet : launch.tasks) {
      if (facet->id.raw() != task) continue;
      to_master::KnownTask out;
      out.framework_id = launch.framework->id;
      out.task = facet;
      out.launch_id = launch.launch_id;
      out.executor_id = launch.executor ? launch.executor->id : ExecutorId(task);
      out.command_task = launch.executor == nullptr;
      out.state = state;
      return out;
    }
  }
  std::abort();
}

const Agent& Harness::row(const FakeAgent& agent) const {
  return core.state().agents.at(core.state().agent_of.at(agent.id));
}

const Ledger& Harness::ledger(const FakeAgent& agent) const {
  return row(agent).ledger;
}

}  // namespace bourse::master::test
