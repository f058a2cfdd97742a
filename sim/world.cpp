#include "sim/world.hpp"

#include <algorithm>

namespace bourse::sim {

namespace {

constexpr std::uint64_t kMostEvents = 600'000;
constexpr Duration kProgressWithin = Duration::seconds(900);

}  // namespace

World::World(const Plan& plan, bool trace) : plan_(plan), env_(plan, trace), judge_(env_) {
  env_.judge = &judge_;
  if (plan.ensemble) {
    zookeeper_ = std::make_unique<ZooKeeperModel>(env_.schedule, env_.rng.next(), plan.zk_pace);
    zookeeper_->on_commit = [this](const ZooKeeperModel::Commit& commit) {
      judge_.registry().committed(commit);
    };
  }
  for (int i = 0; i < plan.masters; ++i) {
    masters_.push_back(std::make_unique<MasterNode>(env_, network_, zookeeper_.get(), i));
  }
  for (int i = 0; i < plan.agents; ++i) {
    agents_.push_back(std::make_unique<AgentNode>(env_, network_, zookeeper_.get(), i));
  }
  for (int i = 0; i < static_cast<int>(plan.frameworks.size()); ++i) {
    frameworks_.push_back(std::make_unique<FrameworkNode>(env_, network_, zookeeper_.get(), i));
  }
}

Outcome World::run() {
  const Instant begin = env_.schedule.now();
  for (auto& master : masters_) {
    const Duration span = plan_.ensemble ? env_.between_ms(0, 2'000) : Duration{};
    env_.schedule.in(span, [node = master.get()] { node->start(); });
  }
  for (auto& agent : agents_) {
    env_.schedule.in(env_.between_ms(0, 3'000), [node = agent.get()] { node->start(); });
  }
  for (auto& framework : frameworks_) {
    env_.schedule.in(env_.between_ms(0, 3'000), [node = framework.get()] { node->start(); });
  }
  schedule_faults();
  if (run_until(begin + plan_.safety)) {
    heal();
    progress();
  }
  for (auto& master : masters_) master->replay();
  Outcome out;
  out.seed = plan_.seed;
  out.violation = judge_.violation();
  for (const auto& master : masters_) {
    if (master->leads()) env_.fingerprint.add(master->core().fingerprint());
  }
  for (const auto& agent : agents_) {
    if (agent->up()) env_.fingerprint.add(agent->core().fingerprint());
  }
  for (const auto& framework : frameworks_) env_.fingerprint.add(framework->fingerprint());
  out.fingerprint = env_.fingerprint.value();
  out.events = env_.core_events;
  out.faults = env_.faults;
  out.tasks_ended = judge_.tasks_ended();
  out.messages = env_.messages;
  out.simulated = env_.schedule.now() - begin;
  return out;
}

bool World::run_until(Instant end) {
  bool reached = false;
  env_.schedule.at(end, [&reached] { reached = true; });
  while (!reached && !judge_.broken() && env_.schedule.run_one()) {
    if (env_.core_events > kMostEvents) {
      judge_.violate("L", "the cores never come to rest: " + std::to_string(kMostEvents) +
                              " events, " + missing());
    }
  }
  return reached && !judge_.broken();
}

// -- faults

void World::schedule_faults() {
  int sum = 0;
  for (const auto& [kind, weight] : plan_.weights) sum += weight;
  for (int i = 0; i < plan_.fault_count; ++i) {
    std::int64_t at = env_.rng.between(0, sum - 1);
    FaultKind kind = plan_.weights.begin()->first;
    for (const auto& [candidate, weight] : plan_.weights) {
      kind = candidate;
      at -= weight;
      if (at < 0) break;
    }
    env_.schedule.in(Duration{env_.rng.between(2'000'000'000, plan_.safety.ns - 1)},
                     [this, kind] { strike(kind); });
  }
}

Wire* World::pick_wire() {
  const std::uint64_t at = env_.rng.below(agents_.size() + frameworks_.size());
  if (at < agents_.size()) return &agents_[at]->wire();
  return frameworks_[at - agents_.size()]->wire();
}

void World::block_a_wire(bool one_way) {
  Wire* wire = pick_wire();
  if (wire == nullptr) return;
  const bool up = env_.rng.chance(1, 2);
  const Duration span =
      env_.rng.chance(1, 3) ? env_.between_ms(20'000, 90'000) : env_.between_ms(100, 20'000);
  if (masters_.size() > 1 && env_.rng.chance(1, 2)) {
    wire->block_to(pick_master().hub(), !one_way || up, !one_way || !up, span);
  } else {
    wire->block(!one_way || up, !one_way || !up, span);
  }
}

void World::strike(FaultKind kind) {
  if (env_.healed) return;
  ++env_.faults;
  env_.trace("fault", name_of(kind));
  AgentNode& agent = *agents_[env_.rng.below(agents_.size())];
  FrameworkNode& framework = *frameworks_[env_.rng.below(frameworks_.size())];
  const Duration away =
      env_.rng.chance(1, 4) ? env_.between_ms(5'000, 40'000) : env_.between_ms(10, 5'000);
  switch (kind) {
    case FaultKind::link_break:
      if (Wire* wire = pick_wire()) wire->snap();
      return;
    case FaultKind::partition:
    case FaultKind::partition_one_way:
      block_a_wire(kind == FaultKind::partition_one_way);
      return;
    case FaultKind::agent_crash:
    case FaultKind::agent_reboot:
      agent.crash_and_return(away, kind == FaultKind::agent_reboot);
      return;
    case FaultKind::framework_crash:
      framework.crash_and_return(away);
      return;
    case FaultKind::framework_takeover:
      framework.take_over();
      return;
    case FaultKind::executor_connection:
      (void)agent.break_executor();
      return;
    case FaultKind::executor_crash:
      if (const auto process = agent.host().pick_executor()) {
        agent.host().exited(process->container(), 11, env_.rng.chance(1, 4));
      }
      return;
    case FaultKind::wall_clock_jump:
      // Now and then by a day, back or on.
      pick_clock().set_wall_offset(env_.rng.chance(1, 4)
                                       ? Duration::seconds(env_.rng.chance(1, 2) ? -86'400 : 86'400)
                                       : env_.between_ms(-36'000'000, 36'000'000));
      return;
    case FaultKind::slow_disk:
      env_.disk_slowness = env_.rng.chance(1, 3) ? Duration{} : env_.between_ms(10, 2'000);
      return;
    case FaultKind::master_crash:
    case FaultKind::master_cut_off:
    case FaultKind::master_stops:
    case FaultKind::leader_stops:
      return strike_master(kind);
    default:
      return strike_ensemble(kind);
  }
}

Duration long_or_short(Env& env) {
  return env.rng.chance(1, 4) ? env.between_ms(5'000, 40'000) : env.between_ms(10, 5'000);
}

void World::strike_master(FaultKind kind) {
  MasterNode* leading = leader();
  const bool the_leader = leading != nullptr && env_.rng.chance(2, 3);
  MasterNode& master = the_leader ? *leading : pick_master();
  const Duration span = long_or_short(env_);
  if (kind == FaultKind::master_crash) {
    if (master.up()) master.crash_and_return(span);
  } else if (kind == FaultKind::master_cut_off) {
    const std::uint64_t way = env_.rng.below(3);
    master.hub().block(way != 0, way != 1, span);
  } else if (kind == FaultKind::master_stops) {
    master.freeze(span, MasterNode::Moment::now);
  } else if (leading != nullptr) {
    leading->freeze(span, env_.rng.chance(1, 2) ? MasterNode::Moment::before_messages
                                                : MasterNode::Moment::before_transaction);
    CoordinationNode* client = leading->coordination();
    // An operator who takes it for dead removes its node.
    if (client != nullptr && env_.rng.chance(1, 3)) {
      env_.schedule.in(Duration{env_.rng.between(0, span.ns)},
                       [this, client] { remove_candidate(client); });
    }
  }
}

void World::strike_ensemble(FaultKind kind) {
  if (kind == FaultKind::ensemble_away) {
    zookeeper_->set_available(false);
    const Duration span =
        env_.rng.chance(1, 4) ? env_.between_ms(20'000, 120'000) : env_.between_ms(100, 15'000);
    env_.schedule.in(span, [this] { zookeeper_->set_available(true); });
    return;
  }
  CoordinationNode* client = pick_client();
  if (client == nullptr || client->handle() == 0) return;
  const ZooKeeperModel::Handle handle = client->handle();
  switch (kind) {
    case FaultKind::ensemble_cut: {
      const std::uint64_t way = env_.rng.below(3);
      zookeeper_->cut_ways(handle, way != 0, way != 1);
      env_.schedule.in(long_or_short(env_), [this, handle] { zookeeper_->cut(handle, false); });
      return;
    }
    case FaultKind::ensemble_link:
      zookeeper_->break_connection(handle);
      return;
    case FaultKind::ensemble_doubt:
      zookeeper_->lose_next_write(handle, env_.rng.chance(1, 2));
      return;
    case FaultKind::session_expires:
      judge_.registry().excuse(zookeeper_->session_of(handle));
      zookeeper_->expire(handle);
      return;
    default:
      remove_candidate(client);
      return;
  }
}

void World::remove_candidate(CoordinationNode* client) {
  if (!client->running() || client->handle() == 0 || env_.healed) return;
  const std::string& own = client->core().state().election.own;
  if (own.empty()) return;
  env_.trace("fault", "somebody removes " + own);
  judge_.registry().excuse(zookeeper_->session_of(client->handle()));
  (void)zookeeper_->by_hand(coordination::zk::Remove{"/bourse/" + own});
}

// A master's client, mostly the leader's; now and then an agent's.
CoordinationNode* World::pick_client() {
  MasterNode* leading = leader();
  if (leading != nullptr && env_.rng.chance(1, 2)) return leading->coordination();
  if (env_.rng.chance(1, 4)) {
    LeaderWatchNode* watch = agents_[env_.rng.below(agents_.size())]->watch();
    return watch == nullptr ? nullptr : &watch->coordination();
  }
  return pick_master().coordination();
}

MasterNode& World::pick_master() {
  return *masters_[env_.rng.below(masters_.size())];
}

MasterNode* World::leader() const {
  MasterNode* out = nullptr;
  for (const auto& master : masters_) {
    if (!master->leads()) continue;
    if (out == nullptr || out->core().state().epoch < master->core().state().epoch) {
      out = master.get();
    }
  }
  return out;
}

NodeClock& World::pick_clock() {
  const std::uint64_t at = env_.rng.below(masters_.size() + agents_.size() + frameworks_.size());
  if (at < masters_.size()) return masters_[at]->clock();
  if (at < masters_.size() + agents_.size()) return agents_[at - masters_.size()]->clock();
  return frameworks_[at - masters_.size() - agents_.size()]->clock();
}

// -- progress

void World::heal() {
  env_.trace("world", "healed: from here on nothing goes wrong and progress is demanded");
  env_.healed = true;
  for (auto& agent : agents_) {
    agent->wire().heal();
    if (LeaderWatchNode* watch = agent->watch()) heal_client(&watch->coordination());
  }
  for (auto& framework : frameworks_) {
    if (Wire* wire = framework->wire()) wire->heal();
  }
  if (zookeeper_) zookeeper_->set_available(true);
  for (auto& master : masters_) {
    master->thaw();
    master->hub().block(true, true, Duration{});
    heal_client(master->coordination());
    if (master->is_zombie()) master->crash_and_return(Duration::seconds(1));
  }
}

void World::heal_client(CoordinationNode* client) {
  if (client != nullptr && client->handle() != 0) zookeeper_->cut(client->handle(), false);
}

// Somebody leads soon after the last fault: when the session of who led is over, and one that could
// not lead or found no ensemble has waited its while.
void World::check_leader(Instant healed) {
  const coordination::CoordinationConfig waits;
  const Duration slack = Duration::seconds(2) + waits.reopen + waits.stand_again;
  env_.schedule.at(healed + plan_.zk_timeout + slack, [this] {
    if (leader() == nullptr) judge_.violate("L1", "nobody leads long after the last fault");
  });
}

void World::progress() {
  check_leader(env_.schedule.now());
  const Instant end = env_.schedule.now() + kProgressWithin;
  std::string waits = missing();
  while (!waits.empty() && env_.schedule.now() < end) {
    if (!run_until(env_.schedule.now() + Duration::seconds(2))) return;
    waits = missing();
  }
  if (!waits.empty()) {
    judge_.violate("S12", "no progress " + std::to_string(kProgressWithin.ms() / 1000) +
                              " s after the last fault: " + waits);
    return;
  }
  MasterNode* leading = leader();
  judge_.check_master(leading->core(), leading->clock().here(env_.schedule.now()));
}

std::string World::missing() {
  std::set<AgentId> names;
  for (const auto& agent : agents_) {
    if (agent->up()) names.insert(agent->core().state().identity->id);
  }
  bool given_up = false;
  if (const MasterNode* leading = leader()) {
    leading->core().state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
      given_up = given_up || agent.phase == AgentPhase::unreachable;
    });
  }
  for (const auto& framework : frameworks_) {
    if (std::string text = framework->missing(names, given_up); !text.empty()) return text;
  }
  for (const auto& agent : agents_) {
    if (!agent->up()) return "an agent is down";
    if (const std::string running = agent->host().running(); !running.empty()) {
      return agent->host().name() + " still runs" + running;
    }
    if (!agent->core().state().tasks.empty()) {
      return agent->host().name() + " still has " +
             agent->core().state().tasks.begin()->first.second.raw();
    }
    if (!agent->core().state().executors.empty()) {
      return agent->host().name() + " still has executor " +
             agent->core().state().executors.begin()->first.second.raw();
    }
  }
  return missing_at_master();
}

std::string World::missing_at_master() {
  const MasterNode* leading = leader();
  if (leading == nullptr) return "nobody leads";
  for (const auto& master : masters_) {
    if (!master->up()) return master->name() + " is down";
  }
  std::string out;
  const master::MasterState& state = leading->core().state();
  std::size_t active = 0;
  state.agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    if (agent.phase == AgentPhase::active) ++active;
    // What is not active may be the row of a name that an agent never learned.
    if (agent.phase == AgentPhase::unreachable) return;
    const master::Ledger& ledger = agent.ledger;
    if (!ledger.used().empty()) out = "used at " + agent.id.raw() + ": " + ledger.used().to_text();
    if (!ledger.held().empty()) out = "held at " + agent.id.raw() + ": " + ledger.held().to_text();
    if (!ledger.deficit().empty()) {
      out = "lacking at " + agent.id.raw() + ": " + ledger.deficit().to_text();
    }
  });
  if (!out.empty()) return out;
  if (active != agents_.size()) {
    return std::to_string(active) + " of " + std::to_string(agents_.size()) + " agents are active";
  }
  if (!state.tasks.empty()) {
    state.tasks.for_each([&](master::TaskSlot, const master::Task& task) {
      if (state.agents.at(task.agent).phase == AgentPhase::unreachable) return;
      out = "the master still has " + task.facet->id.raw() + " as " +
            std::string(name_of(task.state));
    });
  }
  return out;
}

}  // namespace bourse::sim
