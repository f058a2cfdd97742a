#include "sim/world.hpp"

#include <algorithm>

namespace bourse::sim {

namespace {

constexpr std::uint64_t kMostEvents = 600'000;
constexpr Duration kProgressWithin = Duration::seconds(900);

}  // namespace

World::World(const Plan& plan, bool trace)
    : plan_(plan), env_(plan, trace), dice_(plan.seed), judge_(env_) {
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
  for (std::size_t i = 0; i < plan.frameworks.size(); ++i) {
    if (plan.frameworks[i].min_running == 0) continue;
    judge_.budgets().demands("framework" + std::to_string(i), plan.frameworks[i].min_running);
  }
  for (int i = 0; i < plan.service.processes; ++i) {
    services_.push_back(std::make_unique<ServiceNode>(env_, network_, zookeeper_.get(), i));
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
  for (auto& scheduler : services_) {
    env_.schedule.in(env_.between_ms(0, 3'000), [node = scheduler.get()] { node->start(); });
  }
  if (!services_.empty()) apps_.start();
  schedule_faults();
  if (run_until(begin + plan_.safety)) {
    heal();
    progress();
  }
  for (auto& master : masters_) master->replay();
  Outcome out;
  out.seed = plan_.seed;
  out.violation = judge_.violation();
  out.decisions = env_.decisions.value();
  for (const auto& master : masters_) {
    if (master->leads()) env_.fingerprint.add(master->core().fingerprint());
  }
  for (const auto& agent : agents_) {
    if (agent->up()) env_.fingerprint.add(agent->core().fingerprint());
  }
  for (const auto& framework : frameworks_) env_.fingerprint.add(framework->fingerprint());
  for (const auto& scheduler : services_) env_.fingerprint.add(scheduler->fingerprint());
  out.fingerprint = env_.fingerprint.value();
  out.events = env_.core_events;
  out.faults = env_.faults;
  out.tasks_ended = judge_.tasks_ended();
  out.messages = env_.messages;
  out.simulated = env_.schedule.now() - begin;
  out.life_named_again = env_.life_named_again;
  return out;
}

bool World::run_until(Instant end) {
  bool reached = false;
  env_.schedule.at(end, [&reached] { reached = true; });
  while (!reached && !judge_.broken() && env_.schedule.run_one()) {
    if (env_.core_events > kMostEvents) {
      judge_.violate("L", "the cores never come to rest: " + std::to_string(kMostEvents) +
                              " events, " + missing().text);
    }
  }
  return reached && !judge_.broken();
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
  for (auto& scheduler : services_) {
    scheduler->thaw();
    if (Wire* wire = scheduler->wire()) wire->heal();
    heal_client(scheduler->coordination());
    if (LeaderWatchNode* watch = scheduler->watch()) heal_client(&watch->coordination());
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

// Whether a candidate is at the ensemble, and needs not wait before it may stand there.
bool World::somebody_stands() const {
  return std::any_of(masters_.begin(), masters_.end(), [](const auto& master) {
    CoordinationNode* client = master->coordination();
    if (!master->up() || client == nullptr || !client->running()) return false;
    const auto& state = client->core().state();
    return state.phase != coordination::Phase::withdrawn &&
           state.phase != coordination::Phase::stopped &&
           state.session.link == coordination::Session::Link::connected;
  });
}

// Somebody leads soon after the last fault: when the session of who led is over. Where nobody was
// there to follow, one that could not lead or found no ensemble first waits its while. To stand, to
// take the epoch and to read the registry takes ten questions, each as slow as was drawn.
void World::check_leader(Instant healed) {
  const coordination::CoordinationConfig waits;
  Duration slack = Duration::seconds(2);
  slack = slack + (plan_.zk_pace.latency + plan_.zk_pace.jitter) * 20 + plan_.zk_pace.lag;
  if (!somebody_stands()) slack = slack + waits.reopen + waits.stand_again;
  env_.schedule.at(healed + plan_.zk_timeout + slack, [this] {
    if (leader() == nullptr) judge_.violate("L1", "nobody leads long after the last fault");
  });
}

// What operators took out of service: now and then, until nothing is.
void World::take_back() {
  if (MasterNode* leading = leader()) {
    operator_.tidy(*leading);
    operator_.lift_quotas(*leading);
    operator_.end_maintenance(*leading);
  }
  env_.schedule.in(Duration::seconds(5), [this] { take_back(); });
}

void World::progress() {
  check_leader(env_.schedule.now());
  if (plan_.operators) take_back();
  const Instant end = env_.schedule.now() + kProgressWithin;
  Missing waits = missing();
  while (!waits.text.empty() && env_.schedule.now() < end) {
    liveness_.look(leader());
    if (!run_until(env_.schedule.now() + Duration::seconds(2))) return;
    waits = missing();
  }
  if (!waits.text.empty()) {
    judge_.violate(std::string(waits.promise), "no progress " +
                                                   std::to_string(kProgressWithin.ms() / 1000) +
                                                   " s after the last fault: " + waits.text);
    return;
  }
  MasterNode* leading = leader();
  judge_.check_master(leading->index(), leading->core(),
                      leading->clock().here(env_.schedule.now()));
}

World::Missing World::missing() {
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
    if (std::string text = framework->missing(names, given_up); !text.empty()) return {"S12", text};
  }
  if (!services_.empty()) {
    if (std::string text = apps_.missing(); !text.empty()) return {"O7", text};
    if (!apps_ran_ && env_.healed) {
      apps_ran_ = true;
      apps_.remove_all();
      return {"O7", "the apps run as they are defined, and are to be removed"};
    }
  }
  if (Missing at_agents = missing_at_agents(); !at_agents.text.empty()) return at_agents;
  return missing_at_master();
}

World::Missing World::missing_at_agents() {
  for (const auto& agent : agents_) {
    if (!agent->up()) return {"S12", "an agent is down"};
    const AgentId& id = agent->core().state().identity->id;
    if (const std::string lost = judge_.lost_and_running_on(id); !lost.empty()) {
      return {"S16", agent->host().name() + " still runs " + lost + ", which was told to be LOST"};
    }
    if (const std::string running = agent->host().running(); !running.empty()) {
      return {"L6", agent->host().name() + " still runs" + running};
    }
    if (!agent->core().state().tasks.empty()) {
      return {"S12", agent->host().name() + " still has " +
                         agent->core().state().tasks.begin()->first.second.raw()};
    }
    if (!agent->core().state().executors.empty()) {
      return {"S12", agent->host().name() + " still has executor " +
                         agent->core().state().executors.begin()->first.second.raw()};
    }
  }
  return {};
}

// Who ended, or is away for longer than it may, is not there any more, whoever leads.
World::Missing World::missing_of_frameworks(const MasterNode& leading) {
  for (const auto& framework : frameworks_) {
    const bool ends = framework->plan().ending != Ending::stays;
    if (!ends || framework->id().empty()) continue;
    if (!leading.core().state().framework_of.contains(framework->id())) continue;
    return {"S18", framework->name() + " is over, and " + leading.name() + " still has it"};
  }
  return {};
}

World::Missing World::missing_at_master() {
  const MasterNode* leading = leader();
  if (leading == nullptr) return {"L1", "nobody leads"};
  if (Missing there = missing_of_frameworks(*leading); !there.text.empty()) return there;
  for (const auto& master : masters_) {
    if (!master->up()) return {"S12", master->name() + " is down"};
  }
  std::string out;
  const master::MasterState& state = leading->core().state();
  std::size_t active = 0;
  state.agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    // What is not active may be the row of a name that an agent never learned.
    if (agent.phase == AgentPhase::unreachable || agent.phase == AgentPhase::gone) return;
    if (agent.phase == AgentPhase::active) ++active;
    if (agent.maintenance.duty != AgentDuty::serving) out = agent.id.raw() + " is not in service";
    const master::Ledger& ledger = agent.ledger;
    if (!ledger.used().empty()) out = "used at " + agent.id.raw() + ": " + ledger.used().to_text();
    if (!ledger.held().empty()) out = "held at " + agent.id.raw() + ": " + ledger.held().to_text();
    if (!ledger.deficit().empty()) {
      out = "lacking at " + agent.id.raw() + ": " + ledger.deficit().to_text();
    }
  });
  if (!out.empty()) return {"S12", out};
  if (active != agents_.size()) {
    return {"L2", std::to_string(active) + " of " + std::to_string(agents_.size()) +
                      " agents are active"};
  }
  if (!state.tasks.empty()) {
    state.tasks.for_each([&](master::TaskSlot, const master::Task& task) {
      if (state.agents.at(task.agent).phase == AgentPhase::unreachable) return;
      out = "the master still has " + task.facet->id.raw() + " as " +
            std::string(name_of(task.state));
    });
  }
  return {"S12", out};
}

}  // namespace bourse::sim
