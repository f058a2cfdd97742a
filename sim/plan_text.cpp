// A plan in words: every field of it, so that what a seed drew can be read and compared.
#include <string>
#include <string_view>
#include <type_traits>

#include "sim/plan.hpp"

namespace bourse::sim {

namespace {

// "12s", "250ms", "7us", "3ns": nothing is rounded.
std::string words_of(Duration span) {
  if (span.ns == 0) return "0";
  if (span.ns % 1'000'000'000 == 0) return std::to_string(span.ns / 1'000'000'000) + "s";
  if (span.ns % 1'000'000 == 0) return std::to_string(span.ns / 1'000'000) + "ms";
  if (span.ns % 1'000 == 0) return std::to_string(span.ns / 1'000) + "us";
  return std::to_string(span.ns) + "ns";
}

// Fields as " name=value"; a flag only where it is set.
class Fields {
 public:
  explicit Fields(std::string heading) : text_(std::move(heading)) {}

  Fields& add(std::string_view name, Duration value) { return append(name, words_of(value)); }
  Fields& add(std::string_view name, const std::string& value) {
    return append(name, value.empty() ? "''" : value);
  }
  template <typename T>
  requires std::is_integral_v<T> &&
      (!std::is_same_v<T, bool>)Fields& add(std::string_view name, T value) {
    return append(name, std::to_string(value));
  }
  Fields& flag(std::string_view name, bool set) {
    if (set) text_.append(" ").append(name);
    return *this;
  }
  Fields& permille(std::string_view name, int value) {
    return append(name, value == 0 ? "off" : std::to_string(value) + "/1000");
  }
  std::string line() const { return text_ + "\n"; }

 private:
  Fields& append(std::string_view name, const std::string& value) {
    text_.append(" ").append(name).append("=").append(value);
    return *this;
  }

  std::string text_;
};

std::string text_of(const std::string& name, const TaskPlan& task) {
  return Fields("    " + name + ":")
      .flag("custom", task.custom)
      .flag("group", task.group)
      .flag("stubborn", task.stubborn)
      .flag("forever", task.forever)
      .flag("out_of_memory", task.out_of_memory)
      .flag("port", task.wants_port)
      .add("status", task.wait_status)
      .add("runs", task.run_time)
      .add("ready", task.ready_at)
      .add("kill_after", task.kill_after)
      .add("cpu_milli", task.cpu_milli)
      .add("memory_milli", task.memory_milli)
      .line();
}

std::string text_of(std::size_t index, const FrameworkPlan& f) {
  static constexpr const char* kEndings[] = {"stays", "teardown", "abandoned"};
  const std::string number = std::to_string(index);
  std::string out = Fields("  framework " + number + ": role " + f.role + ", " +
                           std::to_string(f.tasks.size()) + " tasks,")
                        .flag(kEndings[static_cast<std::size_t>(f.ending)], true)
                        .add("ends", f.ends_at)
                        .add("failover", f.failover_timeout)
                        .flag("partition_aware", f.partition_aware)
                        .flag("killing_state", f.killing_state)
                        .flag("acknowledges_itself", !f.implicit_acknowledgements)
                        .flag("takes_lent", f.takes_lent)
                        .flag("says_wants", f.says_wants)
                        .add("min_running", f.min_running)
                        .add("principal", f.principal)
                        .line();
  for (std::size_t i = 0; i < f.tasks.size(); ++i) {
    out += text_of("f" + number + "-t" + std::to_string(i), f.tasks[i]);
  }
  return out;
}

std::string text_of(const ServicePlan& service) {
  if (service.processes == 0 && service.apps.empty() && !service.in_ensemble) return {};
  std::string out = "  service: " + std::to_string(service.processes) + " processes, " +
                    std::to_string(service.apps.size()) + " apps, book " +
                    (service.in_ensemble ? "in the ensemble" : "in a file") + "\n";
  for (std::size_t i = 0; i < service.apps.size(); ++i) {
    const AppPlan& app = service.apps[i];
    out += text_of("app" + std::to_string(i) + " x " + std::to_string(app.instances), app.task);
  }
  return out;
}

std::string text_of(const master::MasterConfig& m) {
  return Fields("  master:")
             .add("id", m.master_id)
             .add("name", m.cluster_name)
             .add("cluster", m.cluster_id)
             .add("epoch", m.epoch)
             .add("seed", m.seed)
             .add("region", m.region)
             .line() +
         Fields("   of agents:")
             .add("heartbeat", m.agent_heartbeat)
             .add("silence", m.agent_silence)
             .add("unreachable_after", m.agent_timeout)
             .add("recovery", m.agent_recovery)
             .add("removal_interval", m.agent_removal_interval)
             .add("retry", m.agent_retry)
             .add("forgets_every", m.registry_gc_interval)
             .add("forgets_after", m.registry_max_agent_age)
             .add("forgets_over", m.registry_max_agent_count)
             .line() +
         Fields("   of frameworks:")
             .add("heartbeat", m.framework_heartbeat)
             .add("link_heartbeat", m.framework_link_heartbeat)
             .add("silence", m.framework_silence)
             .add("recovery", m.framework_recovery)
             .add("removal_retry", m.removal_retry)
             .line() +
         Fields("   of offers:")
             .add("lifetime", m.offer_lifetime)
             .add("tick", m.offer_tick)
             .add("reoffer_min", m.reoffer_min)
             .add("filter_grain", m.filter_grain)
             .add("idle_per_second", m.idle_offers_per_second)
             .line();
}

std::string text_of(const agent::AgentConfig& a) {
  std::string out = Fields("  agent:")
                        .add("recover", static_cast<int>(a.recover))
                        .add("reconfiguration", static_cast<int>(a.reconfiguration))
                        .add("register_retry", a.register_retry)
                        .add("register_retry_max", a.register_retry_max)
                        .add("update_retry", a.update_retry)
                        .add("update_retry_max", a.update_retry_max)
                        .add("checkpoint_retry", a.checkpoint_retry)
                        .line();
  out += Fields("   of executors:")
             .add("register_timeout", a.executor_register_timeout)
             .add("reregister_timeout", a.executor_reregister_timeout)
             .add("cleanup_timeout", a.cleanup_report_timeout)
             .add("kill_grace", a.default_kill_grace)
             .flag("authenticate", a.authenticate_executors)
             .add("heartbeat", a.executor_heartbeat)
             .line();
  const agent::OversubscriptionConfig& lent = a.oversubscription;
  Fields lending("   of what it lends:");
  lending.add("estimator", lent.estimator)
      .add("controller", lent.controller)
      .add("sample", lent.sample_interval)
      .add("report", lent.report_interval)
      .add("correction_min", lent.correction_interval_min);
  for (const auto& [name, value] : lent.parameters) lending.add(name, value);
  return out + lending.line();
}

std::string text_of(const sdk::SchedulerConfig& s, const sdk::ExecutorConfig& e) {
  return Fields("  scheduler:")
             .add("subscribe_retry", s.subscribe_retry)
             .add("subscribe_retry_max", s.subscribe_retry_max)
             .add("call_retry", s.call_retry)
             .add("call_retry_max", s.call_retry_max)
             .add("heartbeat", s.heartbeat_interval)
             .add("silence", s.silence_timeout)
             .flag("acknowledges_itself", !s.implicit_acknowledgements)
             .add("remembered", s.remembered_acknowledgements)
             .add("pending_most", s.max_pending_calls)
             .line() +
         Fields("  executor:")
             .add("recovery", e.recovery_timeout)
             .add("update_retry", e.update_retry)
             .add("unacknowledged_most", e.max_unacknowledged)
             .line();
}

std::string text_of_machines(const Plan& plan) {
  std::string out = Fields("  ensemble:")
                        .flag("used", plan.ensemble)
                        .add("servers", plan.zk_pace.servers)
                        .add("session", plan.zk_timeout)
                        .add("shards", plan.zk_shards)
                        .add("latency", plan.zk_pace.latency)
                        .add("jitter", plan.zk_pace.jitter)
                        .add("lag", plan.zk_pace.lag)
                        .add("reconnect", plan.zk_pace.reconnect)
                        .line();
  for (std::size_t i = 0; i < plan.agent_resources.size(); ++i) {
    out += "  agent " + std::to_string(i) + ": " + plan.agent_resources[i] + "\n";
  }
  if (plan.lending.empty()) return out;
  out += "  lend:";
  for (const bool lends : plan.lending) out += lends ? " yes" : " no";
  return out + "\n";
}

// Their numbers are those of --keep.
std::string text_of_faults(const Plan& plan) {
  Fields heading("  faults: " + std::to_string(plan.faults.size()));
  for (const auto& [kind, weight] : plan.weights) heading.add(name_of(kind), weight);
  std::string out = heading.flag("operators", plan.operators).line();
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    const FaultPlan& fault = plan.faults[i];
    out += Fields("    fault " + std::to_string(i + 1) + ": " + std::string(name_of(fault.kind)))
               .add("at", fault.at)
               .add("seed", fault.seed)
               .line();
  }
  return out;
}

}  // namespace

std::string_view name_of(FaultKind kind) {
  static constexpr std::string_view kNames[] = {"link_break",
                                                "partition",
                                                "partition_one_way",
                                                "master_crash",
                                                "agent_crash",
                                                "agent_reboot",
                                                "framework_crash",
                                                "framework_takeover",
                                                "executor_connection",
                                                "executor_crash",
                                                "wall_clock_jump",
                                                "slow_disk",
                                                "master_cut_off",
                                                "master_stops",
                                                "leader_stops",
                                                "ensemble_cut",
                                                "ensemble_away",
                                                "ensemble_link",
                                                "ensemble_doubt",
                                                "session_expires",
                                                "candidate_removed",
                                                "operator_drains",
                                                "operator_deactivates",
                                                "operator_reactivates",
                                                "operator_marks_gone",
                                                "operator_tears_down",
                                                "operator_kills",
                                                "operator_sets_quotas",
                                                "operator_plans_machines",
                                                "service_dies",
                                                "service_stops",
                                                "app_changes",
                                                "disk_fills",
                                                "disk_fails",
                                                "power_fails"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Plant plant) {
  static constexpr std::string_view kNames[] = {"none",
                                                "amnesia",
                                                "early_promise",
                                                "leak_ledger",
                                                "swallow_terminal",
                                                "ignore_kill",
                                                "no_fencing",
                                                "zombie_leader",
                                                "epoch_not_checked",
                                                "lost_filter",
                                                "double_launch",
                                                "early_acknowledgement",
                                                "kill_said_once",
                                                "forgotten_drain",
                                                "gone_forgotten",
                                                "hasty_scheduler",
                                                "careless_scheduler",
                                                "full_disk_unheard",
                                                "torn_tail_believed",
                                                "hasty_drain",
                                                "removal_forgotten",
                                                "budget_unheard",
                                                "lost_too_soon",
                                                "return_unheard",
                                                "question_unheard",
                                                "wants_halved",
                                                "old_instance_obeyed",
                                                "boot_unnoticed",
                                                "leak_unheard",
                                                "lost_kept",
                                                "time_out_forgotten",
                                                "owner_forgotten",
                                                "time_of_day_drawn",
                                                "acknowledgement_lost",
                                                "stranger_obeyed",
                                                "double_share",
                                                "started_twice",
                                                "restart_kills",
                                                "change_swallowed",
                                                "run_before_remembered",
                                                "nobody_follows",
                                                "write_dropped",
                                                "freed_at_launch",
                                                "started_when_killed",
                                                "offers_stay",
                                                "limits_unheard",
                                                "update_invented",
                                                "lives_counted_down",
                                                "wrong_one_forgotten",
                                                "forgotten_too_soon",
                                                "forgotten_kept"};
  return kNames[static_cast<std::size_t>(plant)];
}

std::string Plan::to_text() const {
  std::string out = "seed " + std::to_string(seed) + ": " + std::to_string(agents) + " agents, " +
                    std::to_string(frameworks.size()) + " frameworks, " + std::to_string(masters) +
                    (ensemble ? " masters at an ensemble, " : " master, ") +
                    std::to_string(task_count()) + " tasks, faults for " + words_of(safety) + "\n";
  if (plant != Plant::none) out += "  planted: " + std::string(name_of(plant)) + "\n";
  out += Fields("  links:")
             .add("latency", latency)
             .add("jitter", jitter)
             .flag("reorders", reorders)
             .permille("drop", drop)
             .permille("duplicate", duplicate)
             .line();
  out += Fields("  disks:")
             .add("delay", disk_delay)
             .permille("agent_rejects", agent_write_rejected)
             .permille("master_rejects", master_write_rejected)
             .flag("fill", disks.fill)
             .flag("fail", disks.fail)
             .flag("tear", disks.tear)
             .flag("lie", disks.lie)
             .line();
  out += Fields("  containers:")
             .add("delay", container_delay)
             .permille("fail", container_fails)
             .permille("leak", container_leaks)
             .line();
  out += "  clocks: drift=" + std::to_string(clock_drift_ppm) +
         "ppm wall_skew=" + words_of(wall_skew) + (clocks_stay ? " stay" : "") +
         (forgets_by_clock ? " decide who is forgotten" : "") + "\n";
  out += text_of_machines(*this) + text_of(master) + text_of(agent) + text_of(scheduler, executor);
  for (std::size_t i = 0; i < frameworks.size(); ++i) out += text_of(i, frameworks[i]);
  return out + text_of(service) + text_of_faults(*this);
}

}  // namespace bourse::sim
