#include "sim/plan.hpp"

#include <algorithm>
#include <iterator>

#include "base/prng.hpp"

namespace bourse::sim {

namespace {

Duration ms(Prng& rng, std::int64_t low, std::int64_t high) {
  return Duration::milliseconds(rng.between(low, high));
}

TaskPlan draw_task(Prng& rng, Duration safety, int custom_percent) {
  TaskPlan task;
  task.custom = rng.chance(static_cast<std::uint64_t>(custom_percent), 100);
  task.group = task.custom && rng.chance(1, 4);
  task.stubborn = !task.custom && rng.chance(1, 8);
  task.forever = rng.chance(1, 6);
  task.wants_port = rng.chance(1, 4);
  task.run_time = rng.chance(1, 5) ? ms(rng, 10'000, 60'000) : ms(rng, 50, 8'000);
  if (rng.chance(1, 6)) task.wait_status = rng.chance(1, 3) ? 11 : 1 << 8;
  task.out_of_memory = rng.chance(1, 20);
  if (task.out_of_memory) task.wait_status = 9;
  task.ready_at = Duration{rng.between(0, safety.ns / 10 * 9)};
  if (task.forever || rng.chance(1, 5)) task.kill_after = ms(rng, 1, 20'000);
  task.cpu_milli = rng.between(1, 10) * 100;
  task.memory_milli = rng.between(16, 128) * 1000;
  return task;
}

FrameworkPlan draw_framework(Prng& rng, const Plan& plan, int index, int tasks) {
  static constexpr const char* kRoles[] = {"*", "web", "batch", "web/api"};
  FrameworkPlan framework;
  framework.partition_aware = rng.chance(1, 2);
  framework.killing_state = rng.chance(1, 2);
  framework.implicit_acknowledgements = rng.chance(2, 3);
  framework.role = kRoles[rng.below(4)];
  framework.failover_timeout = Duration::seconds(36'000);
  // The first one always stays: a run must carry tasks to their end.
  if (index > 0 && rng.chance(1, 4)) {
    framework.ending = rng.chance(1, 2) ? Ending::teardown : Ending::abandoned;
    framework.ends_at = Duration{rng.between(plan.safety.ns / 3, plan.safety.ns)};
    // Also for a TEARDOWN: it is said once, and may be lost with its connection.
    framework.failover_timeout = ms(rng, 5'000, 40'000);
  }
  const int custom_percent = static_cast<int>(rng.below(4)) * 20;
  for (int i = 0; i < tasks; ++i) {
    framework.tasks.push_back(draw_task(rng, plan.safety, custom_percent));
  }
  return framework;
}

void draw_times(Prng& rng, Plan& plan) {
  plan.master.master_id = "master";
  plan.master.cluster_name = "sim";
  plan.master.agent_heartbeat = ms(rng, 1'000, 5'000);
  plan.master.agent_silence = plan.master.agent_heartbeat * 3;
  plan.master.agent_timeout = plan.master.agent_silence * rng.between(2, 5);
  plan.master.agent_recovery = ms(rng, 20'000, 60'000);
  if (rng.chance(1, 3)) plan.master.agent_removal_interval = ms(rng, 200, 10'000);
  plan.master.agent_retry = ms(rng, 500, 5'000);
  plan.master.framework_heartbeat = Duration::seconds(5);
  plan.master.framework_silence = ms(rng, 15'000, 45'000);
  plan.master.offer_lifetime = ms(rng, 5'000, 60'000);
  plan.agent.update_retry = ms(rng, 1'000, 10'000);
  plan.agent.update_retry_max = ms(rng, 10'000, 60'000);
  plan.agent.register_retry_max = ms(rng, 2'000, 10'000);
  plan.agent.executor_register_timeout = ms(rng, 15'000, 60'000);
  plan.agent.executor_reregister_timeout = ms(rng, 15'000, 60'000);
  plan.scheduler.heartbeat_interval = Duration::seconds(5);
  plan.scheduler.silence_timeout = ms(rng, 15'000, 45'000);
  plan.scheduler.call_retry = ms(rng, 1'000, 5'000);
  plan.scheduler.call_retry_max = ms(rng, 5'000, 60'000);
  plan.executor.update_retry = ms(rng, 1'000, 10'000);
  plan.executor.recovery_timeout = ms(rng, 40'000, 120'000);
  plan.latency = Duration::microseconds(rng.between(50, 20'000));
  if (rng.chance(2, 3)) plan.jitter = ms(rng, 1, rng.chance(1, 5) ? 2'000 : 50);
  plan.reorders = plan.jitter.ns > 0 && rng.chance(1, 8);
  plan.disk_delay = Duration::microseconds(rng.between(100, 60'000));
  plan.container_delay = ms(rng, 1, 2'000);
}

void draw_masters(Prng& rng, Plan& plan) {
  plan.ensemble = rng.chance(3, 4);
  if (plan.ensemble) {
    static constexpr int kMasters[] = {1, 2, 3, 3, 3, 3, 3, 3, 4, 5};
    plan.masters = kMasters[rng.below(10)];
  }
  plan.zk_timeout = ms(rng, 4'000, 10'000);
  plan.zk_shards = static_cast<std::uint32_t>(rng.between(1, 12));
  plan.zk_pace.latency = Duration::microseconds(rng.between(100, 5'000));
  plan.zk_pace.jitter = ms(rng, 1, rng.chance(1, 4) ? 300 : 10);
  plan.zk_pace.lag = ms(rng, 1, rng.chance(1, 4) ? 1'500 : 50);
  plan.zk_pace.servers = rng.chance(3, 4) ? 3 : 5;
  plan.clock_drift_ppm = rng.chance(1, 4) ? 20'000 : 200;
  if (rng.chance(1, 2)) plan.wall_skew = ms(rng, 10, 30'000);
}

void draw_faults(Prng& rng, Plan& plan) {
  const auto permille = [&](int most) {
    return rng.chance(1, 2) ? 0 : static_cast<int>(rng.between(1, most));
  };
  plan.drop = permille(15);
  plan.duplicate = permille(30);
  plan.agent_write_rejected = permille(40);
  plan.master_write_rejected = permille(100);
  plan.container_leaks = permille(60);
  plan.container_fails = permille(60);
  const int kinds = plan.ensemble ? kFaultKinds : static_cast<int>(FaultKind::ensemble_cut);
  for (int kind = 0; kind < kinds; ++kind) {
    const int weight = rng.chance(1, 3) ? 0 : static_cast<int>(rng.between(1, 8));
    if (weight > 0) plan.weights[static_cast<FaultKind>(kind)] = weight;
  }
  if (plan.weights.empty()) plan.weights[FaultKind::link_break] = 1;
  int sum = 0;
  for (const auto& [kind, weight] : plan.weights) sum += weight;
  // As dense in a long run as in a short one.
  const std::int64_t most = std::max<std::int64_t>(1, plan.safety.ns / 180'000'000'000);
  const std::int64_t count = rng.between(25, 60) * most;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t at = rng.between(0, sum - 1);
    FaultPlan fault;
    for (const auto& [kind, weight] : plan.weights) {
      fault.kind = kind;
      at -= weight;
      if (at < 0) break;
    }
    fault.at = Duration{rng.between(2'000'000'000, plan.safety.ns - 1)};
    fault.seed = rng.next();
    plan.faults.push_back(fault);
  }
}

// Of a seed of their own: a world is otherwise what it is without them.
void draw_operators(Plan& plan) {
  Prng rng(plan.seed ^ 0x0be7a70125ULL);
  plan.operators = rng.chance(1, 2);
  if (!plan.operators) return;
  static constexpr FaultKind kOften[] = {
      FaultKind::operator_drains,      FaultKind::operator_drains,
      FaultKind::operator_drains,      FaultKind::operator_deactivates,
      FaultKind::operator_deactivates, FaultKind::operator_reactivates,
      FaultKind::operator_marks_gone,  FaultKind::operator_kills,
      FaultKind::operator_kills,       FaultKind::operator_tears_down};
  const std::int64_t most = std::max<std::int64_t>(1, plan.safety.ns / 180'000'000'000);
  const std::int64_t count = rng.between(3, 12) * most;
  for (std::int64_t i = 0; i < count; ++i) {
    FaultPlan act;
    act.kind = kOften[rng.below(std::size(kOften))];
    act.at = Duration{rng.between(5'000'000'000, plan.safety.ns - 1)};
    act.seed = rng.next();
    plan.faults.push_back(act);
  }
}

// Of a seed of its own too.
void draw_service(Plan& plan) {
  Prng rng(plan.seed ^ 0x5e271ceULL);
  if (!rng.chance(1, 2)) return;
  plan.service.in_ensemble = plan.ensemble && rng.chance(2, 3);
  plan.service.processes = plan.service.in_ensemble ? static_cast<int>(rng.between(1, 3)) : 1;
  const int apps = static_cast<int>(rng.between(1, 2));
  for (int i = 0; i < apps; ++i) {
    AppPlan app;
    app.instances = static_cast<std::uint32_t>(rng.between(1, 3));
    app.task.forever = rng.chance(2, 3);
    app.task.run_time = ms(rng, 20'000, 90'000);
    app.task.wait_status = rng.chance(1, 2) ? 1 << 8 : 0;
    app.task.stubborn = rng.chance(1, 8);
    app.task.wants_port = rng.chance(1, 3);
    plan.service.apps.push_back(app);
  }
  const std::int64_t most = std::max<std::int64_t>(1, plan.safety.ns / 180'000'000'000);
  const auto add = [&](FaultKind kind, std::int64_t low, std::int64_t high) {
    for (std::int64_t i = rng.between(low, high) * most; i > 0; --i) {
      const Duration at{rng.between(5'000'000'000, plan.safety.ns - 1)};
      plan.faults.push_back({kind, at, rng.next()});
    }
  };
  add(FaultKind::service_dies, 0, 6);
  add(FaultKind::service_stops, 0, 3);
  add(FaultKind::app_changes, 1, 6);
}

// Apart from all else, as quotas are.
void draw_demands(Plan& plan) {
  Prng rng(plan.seed ^ 0x3c79ac492ba7b653);
  if (rng.chance(1, 2)) return;
  for (FrameworkPlan& framework : plan.frameworks) framework.says_wants = rng.chance(1, 2);
}

// Likewise; most of them come early, so that much happens under them.
void draw_quotas(Plan& plan) {
  Prng rng(plan.seed ^ 0x9007a5ULL);
  if (!rng.chance(1, 3)) return;
  plan.operators = true;
  const std::int64_t count = rng.between(2, 8);
  for (std::int64_t i = 0; i < count; ++i) {
    FaultPlan act;
    act.kind = FaultKind::operator_sets_quotas;
    const std::int64_t latest = rng.chance(1, 2) ? plan.safety.ns / 4 : plan.safety.ns;
    act.at = Duration{rng.between(1'000'000'000, std::max(latest, 2'000'000'000L) - 1)};
    act.seed = rng.next();
    plan.faults.push_back(act);
  }
}

// Likewise.
void draw_disks(Plan& plan) {
  Prng rng(plan.seed ^ 0xd15c5ULL);
  if (!rng.chance(1, 3)) return;
  plan.disks.fill = rng.chance(2, 3);
  plan.disks.fail = rng.chance(1, 2);
  plan.disks.tear = rng.chance(1, 2);
  plan.disks.lie = rng.chance(1, 3);
  const std::int64_t most = std::max<std::int64_t>(1, plan.safety.ns / 180'000'000'000);
  const auto add = [&](FaultKind kind) {
    for (std::int64_t i = rng.between(1, 6) * most; i > 0; --i) {
      plan.faults.push_back(
          {kind, Duration{rng.between(1'000'000'000, plan.safety.ns - 1)}, rng.next()});
    }
  };
  if (plan.disks.fill) add(FaultKind::disk_fills);
  if (plan.disks.fail) add(FaultKind::disk_fails);
  if (plan.disks.lie) add(FaultKind::power_fails);
}

// Likewise: machines that are planned and taken down, and drains that must heed what frameworks
// demand.
void draw_maintenance(Plan& plan) {
  Prng rng(plan.seed ^ 0x3a1d7e9a5ULL);
  if (!rng.chance(1, 3)) return;
  plan.operators = true;
  for (FrameworkPlan& framework : plan.frameworks) {
    if (rng.chance(3, 4)) framework.min_running = static_cast<std::uint64_t>(rng.between(1, 6));
  }
  const auto add = [&](FaultKind kind, std::int64_t low, std::int64_t high) {
    for (std::int64_t i = rng.between(low, high); i > 0; --i) {
      const Duration at{rng.between(5'000'000'000, plan.safety.ns - 1)};
      plan.faults.push_back({kind, at, rng.next()});
    }
  };
  add(FaultKind::operator_drains, 2, 8);
  add(FaultKind::operator_reactivates, 0, 4);
  add(FaultKind::operator_plans_machines, 2, 10);
}

// Likewise: whose each framework is, if anybody's. Strangers speak for it too.
void draw_principals(Plan& plan) {
  Prng rng(plan.seed ^ 0x9217c1a15ULL);
  if (!rng.chance(1, 2)) return;
  for (std::size_t i = 0; i < plan.frameworks.size(); ++i) {
    if (rng.chance(3, 4)) plan.frameworks[i].principal = "owner" + std::to_string(i);
  }
}

// Likewise.
void draw_lending(Plan& plan) {
  Prng rng(plan.seed ^ 0x1e4d14675ULL);
  if (!rng.chance(1, 4)) return;
  for (int i = 0; i < plan.agents; ++i) plan.lending.push_back(rng.chance(2, 3));
  for (FrameworkPlan& framework : plan.frameworks) framework.takes_lent = rng.chance(1, 2);
  agent::OversubscriptionConfig& config = plan.agent.oversubscription;
  config.sample_interval = ms(rng, 500, 3'000);
  config.report_interval = ms(rng, 1'000, 10'000);
  config.parameters = {{"usage-window", ms(rng, 1'000, 6'000).ns},
                       {"usage-margin", rng.between(0, 200)},
                       {"pressure-cpus", rng.between(300, 950)},
                       {"pressure-for", ms(rng, 0, 10'000).ns},
                       {"pressure-victim", rng.between(0, 1)}};
}

// Likewise: now and then agents that are away are forgotten soon, all of them, or those of too
// many, or those that are so for long; and it is soon written down how long a framework is away.
void draw_forgetting(Plan& plan) {
  Prng rng(plan.seed ^ 0xf02637e5ULL);
  if (rng.chance(1, 6)) {
    plan.master.registry_gc_interval = ms(rng, 2'000, 40'000);
    const std::uint64_t by = rng.below(3);
    plan.forgets_by_clock = by != 0;
    if (by == 0) plan.master.registry_max_agent_count = 0;
    if (by == 1) plan.master.registry_max_agent_count = rng.between(1, 2);
    if (by == 2) plan.master.registry_max_agent_age = ms(rng, 5'000, 60'000);
  }
  if (rng.chance(1, 3)) plan.master.framework_recovery = ms(rng, 2'000, 20'000);
}

}  // namespace

int Plan::task_count() const {
  std::size_t count = 0;
  for (const FrameworkPlan& framework : frameworks) count += framework.tasks.size();
  return static_cast<int>(count);
}

Plan draw_plan(std::uint64_t seed, Plant plant, const Shape& shape) {
  Prng rng(seed * 0x9e3779b97f4a7c15ULL + 1);
  Plan plan;
  plan.seed = seed;
  plan.plant = plant;
  plan.safety = ms(rng, 120'000, 240'000);
  plan.agents = static_cast<int>(rng.between(2, 6));
  if (shape.simulated.ns > 0) plan.safety = shape.simulated;
  if (shape.agents > 0) plan.agents = shape.agents;
  for (int i = 0; i < plan.agents; ++i) {
    plan.agent_resources.push_back("cpus:" + std::to_string(rng.between(2, 8)) +
                                   ";mem:" + std::to_string(rng.between(512, 4096)) +
                                   ";disk:1000;ports:[31000-31019]");
  }
  draw_times(rng, plan);
  draw_masters(rng, plan);
  if (shape.masters > 0) plan.masters = shape.masters;
  if (shape.masters > 0) plan.ensemble = true;
  int frameworks = static_cast<int>(rng.between(1, 4));
  if (shape.frameworks > 0) frameworks = shape.frameworks;
  for (int i = 0; i < frameworks; ++i) {
    const int tasks = static_cast<int>(i == 0 ? rng.between(70, 100) : rng.between(10, 40));
    plan.frameworks.push_back(draw_framework(rng, plan, i, tasks));
  }
  draw_faults(rng, plan);
  draw_operators(plan);
  draw_service(plan);
  draw_quotas(plan);
  draw_disks(plan);
  draw_demands(plan);
  draw_maintenance(plan);
  draw_lending(plan);
  draw_principals(plan);
  draw_forgetting(plan);
  std::stable_sort(plan.faults.begin(), plan.faults.end(),
                   [](const FaultPlan& a, const FaultPlan& b) { return a.at < b.at; });
  return plan;
}

}  // namespace bourse::sim
