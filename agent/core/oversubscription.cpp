#include "agent/core/oversubscription.hpp"

#include <algorithm>

#include "agent/core/context.hpp"
#include "agent/core/plug_ins.hpp"
#include "base/assert.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

std::int64_t memory_milli_of(std::int64_t bytes) {
  return (bytes >> 10) * 1000 >> 10;
}

// Rates of counters. A container that is looked at for the first time has none yet.
UsageSample metered(Context& c, const UsageSampled& event) {
  UsageSample out;
  out.at = c.stamp.now;
  out.total = c.state.total.non_revocable();
  out.pressure = event.pressure;
  std::map<ContainerId, Oversubscription::Meter>& meters = c.state.oversubscription.meters;
  std::map<ContainerId, Oversubscription::Meter> next;
  for (const ContainerUsage& usage : event.containers) {
    const auto known = c.state.by_container.find(usage.container_id);
    if (known == c.state.by_container.end()) continue;
    const Executor& executor = c.state.executors.at(known->second);
    if (is_over(executor.phase)) continue;
    const auto before = meters.find(usage.container_id);
    const bool fresh = before == meters.end() || usage.cpu_ns < before->second.cpu_ns ||
                       c.stamp.now <= before->second.at;
    const Instant since = before == meters.end() ? c.stamp.now : before->second.since;
    next.insert_or_assign(usage.container_id,
                          Oversubscription::Meter{since, c.stamp.now, usage.cpu_ns});
    if (fresh) continue;
    const Duration passed = c.stamp.now - before->second.at;
    UsageSample::Use use;
    use.container_id = usage.container_id;
    use.framework_id = known->second.first;
    use.executor_id = known->second.second;
    use.allocated = resources_of(c.state, known->second);
    use.since = since;
    use.cpu_milli =
        (usage.cpu_ns - before->second.cpu_ns) / std::max<std::int64_t>(passed.ns / 1000, 1);
    use.memory_milli = memory_milli_of(usage.memory_bytes);
    out.uses.push_back(std::move(use));
  }
  meters = std::move(next);
  std::sort(out.uses.begin(), out.uses.end(),
            [](const auto& a, const auto& b) { return a.container_id < b.container_id; });
  return out;
}

// Its tasks end when its container has: what they hold is free only then.
void preempt(Context& c, const Eviction& eviction) {
  const auto known = c.state.by_container.find(eviction.container_id);
  if (known == c.state.by_container.end()) return;
  const ExecutorKey key = known->second;
  Executor& executor = c.state.executors.at(key);
  if (is_over(executor.phase) || executor.phase == ExecutorPhase::storing) return;
  if (executor.shutting_down || !executor.preempted.empty()) return;
  if (resources_of(c.state, key).revocable().empty()) {
    PROBE("agent.keeps_what_is_not_lent");
    c.note(Note::Level::error, "container.not_preempted",
           {{"container_id", eviction.container_id.raw()},
            {"reason", "it holds nothing that was lent"}});
    return;
  }
  PROBE("agent.preempts_container");
  ++c.state.counts.preempted;
  executor.preempted = "Preempted: " + eviction.reason;
  executor.shutting_down = true;  // nothing more is started in it
  c.note(Note::Level::warning, "container.preempted",
         {{"container_id", eviction.container_id.raw()},
          {"framework_id", key.first.raw()},
          {"executor_id", key.second.raw()},
          {"reason", eviction.reason}});
  c.emit(KillContainer{eviction.container_id, Duration{}});
}

void correct(Context& c, const UsageSample& sample) {
  Oversubscription& own = c.state.oversubscription;
  const Duration least = c.config.oversubscription.correction_interval_min;
  if (!own.controller) return;
  if (own.corrected_at && c.stamp.now - *own.corrected_at < least) return;
  own.corrected_at = c.stamp.now;
  for (const Eviction& eviction : own.controller->look(sample)) preempt(c, eviction);
}

// Never more of a name than the agent has of its own.
Resources lendable(const AgentState& state, const Quantities& estimate) {
  const Resources own = state.total.non_revocable();
  ResourceMeta meta;
  meta.revocable = true;
  Resources out;
  for (const auto& [name, milli] : estimate) {
    const std::int64_t least = std::min(milli, own.scalar_milli(name));
    if (least > 0) out.add(Resource::scalar(name, least).with(meta));
  }
  return out;
}

}  // namespace

void begin_oversubscription(Context& c) {
  const OversubscriptionConfig& config = c.config.oversubscription;
  const EstimatorKind* estimator = find_estimator(config.estimator);
  const ControllerKind* controller = find_controller(config.controller);
  ASSERT(estimator != nullptr && controller != nullptr);
  Parameters parameters = default_parameters();
  for (const auto& [name, value] : config.parameters) parameters[name] = value;
  Oversubscription& own = c.state.oversubscription;
  own.estimator = Owned<ResourceEstimator>(estimator->make(parameters));
  own.controller = Owned<QosController>(controller->make(parameters));
  if (own.on()) c.arm(Kind::usage_sample, config.sample_interval);
  if (own.estimator) c.arm(Kind::lending_report, config.report_interval);
}

void sample_usage(Context& c) {
  c.arm(Kind::usage_sample, c.config.oversubscription.sample_interval);
  c.emit(SampleUsage{});
}

void on_usage_sampled(Context& c, const UsageSampled& event) {
  Oversubscription& own = c.state.oversubscription;
  if (!own.on()) return;
  const UsageSample sample = metered(c, event);
  if (own.estimator) own.estimator->look(sample);
  correct(c, sample);
}

void report_lending(Context& c) {
  Oversubscription& own = c.state.oversubscription;
  c.arm(Kind::lending_report, c.config.oversubscription.report_interval);
  Resources lent = lendable(c.state, own.estimator->estimate(c.stamp.now));
  if (lent == own.lent) return;
  PROBE("agent.lends_more_or_less");
  own.lent = std::move(lent);
  send_to_master(c, to_master::Oversubscribed{own.lent});
}

void fingerprint_oversubscription(const Oversubscription& own, Fingerprint& fp) {
  own.lent.fingerprint(fp);
  for (const auto& [id, meter] : own.meters) {
    fp.add(id.raw());
    fp.add(meter.since.ns);
    fp.add(meter.at.ns);
    fp.add(meter.cpu_ns);
  }
  if (own.estimator) own.estimator->fingerprint(fp);
  if (own.controller) own.controller->fingerprint(fp);
}

}  // namespace bourse::agent
