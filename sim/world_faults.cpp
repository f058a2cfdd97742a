// What a seed breaks, and how: each fault draws from a seed of its own.
#include <algorithm>

#include "base/prng.hpp"
#include "sim/world.hpp"

namespace bourse::sim {

namespace {

Duration ms(Prng& dice, std::int64_t low, std::int64_t high) {
  return Duration::milliseconds(dice.between(low, high));
}

Duration long_or_short(Prng& dice) {
  return dice.chance(1, 4) ? ms(dice, 5'000, 40'000) : ms(dice, 10, 5'000);
}

}  // namespace

void World::schedule_faults() {
  for (const FaultPlan& fault : plan_.faults) {
    env_.schedule.in(fault.at, [this, &fault] {
      dice_ = Prng(fault.seed);
      strike(fault.kind);
    });
  }
}

Wire* World::pick_wire() {
  std::uint64_t at = dice_.below(agents_.size() + frameworks_.size() + services_.size());
  if (at < agents_.size()) return &agents_[at]->wire();
  at -= agents_.size();
  if (at < frameworks_.size()) return frameworks_[at]->wire();
  return services_[at - frameworks_.size()]->wire();
}

void World::block_a_wire(bool one_way) {
  Wire* wire = pick_wire();
  if (wire == nullptr) return;
  const bool up = dice_.chance(1, 2);
  const Duration span = dice_.chance(1, 3) ? ms(dice_, 20'000, 90'000) : ms(dice_, 100, 20'000);
  if (masters_.size() > 1 && dice_.chance(1, 2)) {
    wire->block_to(pick_master().hub(), !one_way || up, !one_way || !up, span);
  } else {
    wire->block(!one_way || up, !one_way || !up, span);
  }
}

void World::strike(FaultKind kind) {
  if (env_.healed) return;
  if (is_of_operator(kind)) {
    if (MasterNode* leading = leader()) operator_.act(kind, dice_, *leading);
    return;
  }
  if (kind == FaultKind::app_changes) {
    apps_.change(dice_);
    return;
  }
  ++env_.faults;
  env_.trace("fault", name_of(kind));
  AgentNode& agent = *agents_[dice_.below(agents_.size())];
  FrameworkNode& framework = *frameworks_[dice_.below(frameworks_.size())];
  const Duration away = long_or_short(dice_);
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
      agent.crash_and_return(away, kind == FaultKind::agent_reboot ? AgentNode::Machine::reboots
                                                                   : AgentNode::Machine::stays);
      return;
    case FaultKind::power_fails:
      agent.crash_and_return(away, AgentNode::Machine::loses_power);
      return;
    case FaultKind::disk_fills:
    case FaultKind::disk_fails:
      return strike_disk(kind, agent.disk());
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
        agent.host().exited(process->container(), 11, dice_.chance(1, 4));
      }
      return;
    case FaultKind::wall_clock_jump:
      if (plan_.clocks_stay) return;
      // Now and then by a day, back or on.
      pick_clock().set_wall_offset(dice_.chance(1, 4)
                                       ? Duration::seconds(dice_.chance(1, 2) ? -86'400 : 86'400)
                                       : ms(dice_, -36'000'000, 36'000'000));
      return;
    case FaultKind::slow_disk:
      env_.disk_slowness = dice_.chance(1, 3) ? Duration{} : ms(dice_, 10, 2'000);
      return;
    case FaultKind::master_crash:
    case FaultKind::master_cut_off:
    case FaultKind::master_stops:
    case FaultKind::leader_stops:
      return strike_master(kind);
    case FaultKind::service_dies:
    case FaultKind::service_stops:
      return strike_service(kind);
    default:
      return strike_ensemble(kind);
  }
}

void World::strike_master(FaultKind kind) {
  MasterNode* leading = leader();
  const bool the_leader = leading != nullptr && dice_.chance(2, 3);
  MasterNode& master = the_leader ? *leading : pick_master();
  const Duration span = long_or_short(dice_);
  if (kind == FaultKind::master_crash) {
    if (master.up()) master.crash_and_return(span);
  } else if (kind == FaultKind::master_cut_off) {
    const std::uint64_t way = dice_.below(3);
    master.hub().block(way != 0, way != 1, span);
  } else if (kind == FaultKind::master_stops) {
    master.freeze(span, MasterNode::Moment::now);
  } else if (leading != nullptr) {
    leading->freeze(span, dice_.chance(1, 2) ? MasterNode::Moment::before_messages
                                             : MasterNode::Moment::before_transaction);
    CoordinationNode* client = leading->coordination();
    // An operator who takes it for dead removes its node.
    if (client != nullptr && dice_.chance(1, 3)) {
      env_.schedule.in(Duration{dice_.between(0, span.ns)},
                       [this, client] { remove_candidate(client); });
    }
  }
}

// Mostly an agent's: elsewhere there may be none.
void World::strike_disk(FaultKind kind, Disk& of_agent) {
  Disk* disk = nullptr;
  if (dice_.chance(1, 2)) {
    const std::uint64_t at = dice_.below(1 + services_.size());
    disk = at == 0 ? masters_.front()->disk() : services_[at - 1]->disk();
  }
  if (disk == nullptr) disk = &of_agent;
  const Duration span = dice_.chance(1, 3) ? ms(dice_, 15'000, 90'000) : ms(dice_, 500, 15'000);
  if (kind == FaultKind::disk_fills) return disk->fill(span);
  disk->fail(span / 4);
}

// Mostly the one that leads.
void World::strike_service(FaultKind kind) {
  ServiceNode* scheduler = services_[dice_.below(services_.size())].get();
  for (const auto& one : services_) {
    if (one->leads() && dice_.chance(2, 3)) scheduler = one.get();
  }
  const Duration span = long_or_short(dice_);
  if (kind == FaultKind::service_stops) return scheduler->freeze(span);
  if (scheduler->up()) scheduler->crash_and_return(span);
}

void World::strike_ensemble(FaultKind kind) {
  if (kind == FaultKind::ensemble_away) {
    zookeeper_->set_available(false);
    const Duration span = dice_.chance(1, 4) ? ms(dice_, 20'000, 120'000) : ms(dice_, 100, 15'000);
    env_.schedule.in(span, [this] { zookeeper_->set_available(true); });
    return;
  }
  CoordinationNode* client = pick_client();
  if (client == nullptr || client->handle() == 0) return;
  const ZooKeeperModel::Handle handle = client->handle();
  switch (kind) {
    case FaultKind::ensemble_cut: {
      const std::uint64_t way = dice_.below(3);
      zookeeper_->cut_ways(handle, way != 0, way != 1);
      env_.schedule.in(long_or_short(dice_), [this, handle] { zookeeper_->cut(handle, false); });
      return;
    }
    case FaultKind::ensemble_link:
      zookeeper_->break_connection(handle);
      return;
    case FaultKind::ensemble_doubt:
      zookeeper_->lose_next_write(handle, dice_.chance(1, 2));
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
  const std::string path = is_of_service(client) ? "/services/" : "/bourse/";
  (void)zookeeper_->by_hand(coordination::zk::Remove{path + own});
}

bool World::is_of_service(const CoordinationNode* client) const {
  return std::any_of(services_.begin(), services_.end(),
                     [&](const auto& one) { return one->coordination() == client; });
}

// A master's client, mostly the leader's; now and then an agent's or a service scheduler's.
CoordinationNode* World::pick_client() {
  if (!services_.empty() && dice_.chance(1, 5)) {
    return services_[dice_.below(services_.size())]->coordination();
  }
  MasterNode* leading = leader();
  if (leading != nullptr && dice_.chance(1, 2)) return leading->coordination();
  if (dice_.chance(1, 4)) {
    LeaderWatchNode* watch = agents_[dice_.below(agents_.size())]->watch();
    return watch == nullptr ? nullptr : &watch->coordination();
  }
  return pick_master().coordination();
}

MasterNode& World::pick_master() {
  return *masters_[dice_.below(masters_.size())];
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
  const std::uint64_t at = dice_.below(masters_.size() + agents_.size() + frameworks_.size());
  if (at < masters_.size()) return masters_[at]->clock();
  if (at < masters_.size() + agents_.size()) return agents_[at - masters_.size()]->clock();
  return frameworks_[at - masters_.size() - agents_.size()]->clock();
}

}  // namespace bourse::sim
