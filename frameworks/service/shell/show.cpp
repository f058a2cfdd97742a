#include "frameworks/service/shell/show.hpp"

#include "frameworks/service/core/progress.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/service_api.hpp"
#include "proto/internal/service_api.pb.h"

namespace bourse::service {

namespace {

using Phase = InstancePhase;

const char* name_of(VersionCause cause) {
  switch (cause) {
    case VersionCause::put:
      return "put";
    case VersionCause::scaled:
      return "scaled";
    case VersionCause::restarted:
      return "restarted";
  }
  return "put";
}

void show_counts(const Tally& tally, service_api::Counts& out) {
  out.set_waiting(tally.count(Phase::wanted) + tally.count(Phase::backing_off));
  out.set_launching(tally.count(Phase::placing) + tally.count(Phase::launching));
  out.set_running(tally.count(Phase::running));
  out.set_unreachable(tally.count(Phase::unreachable) + tally.count(Phase::recovering) +
                      tally.count(Phase::given_up));
  out.set_stopping(tally.count(Phase::stopping) + tally.count(Phase::ended));
}

void show_end(const RememberedEnd& end, service_api::End& out) {
  out.set_number(end.number);
  out.set_version(end.version);
  out.set_state(sdk::name_of(end.state));
  if (!end.reason.empty()) out.set_reason(end.reason);
  if (!end.message.empty()) out.set_message(end.message);
  out.set_hostname(end.hostname);
  out.set_at_seconds(codec::seconds_from_wall(end.at));
}

void show_version(const AppId& id, const AppVersion& version, service_api::Version& out) {
  out.set_version(version.version);
  out.set_task_version(version.task_version);
  out.set_cause(name_of(version.cause));
  out.set_at_seconds(codec::seconds_from_wall(version.at));
  codec::write_app(id, version.definition, *out.mutable_app());
}

}  // namespace

void show_app(const ServiceState& state, const App& app, Instant now, bool whole,
              service_api::AppState& out) {
  const AppRecord& record = state.book.apps.at(app.id);
  const AppVersion& version = record.current;
  out.set_id(app.id.raw());
  out.set_version(version.version);
  out.set_task_version(version.task_version);
  out.set_cause(name_of(version.cause));
  out.set_changed_at_seconds(codec::seconds_from_wall(version.at));
  out.set_instances(version.definition.policy.instances);
  show_counts(app.tally, *out.mutable_counts());
  const Progress progress = progress_of(state, app, now);
  service_api::Deployment& deployment = *out.mutable_deployment();
  deployment.set_state(name_of(progress.stage));
  deployment.set_ready(progress.ready);
  deployment.set_ready_of_current_version(progress.current);
  deployment.set_old(progress.old);
  if (!progress.why.empty()) deployment.set_why(progress.why);
  out.set_ends(app.ends_counted);
  if (!whole) return;
  codec::write_app(app.id, version.definition, *out.mutable_app());
  for (const RememberedEnd& end : app.ends) show_end(end, *out.add_last_ends());
}

void show_tasks(const ServiceState& state, const App& app, Instant now,
                service_api::TaskList& out) {
  const AppRecord& record = state.book.apps.at(app.id);
  for (const auto& [number, instance] : app.instances) {
    service_api::Task& task = *out.add_tasks();
    const InstanceRecord& row = instance.record;
    task.set_number(number);
    task.set_phase(name_of(instance.phase));
    task.set_ready(instance.ready);
    if (!instance.why.empty()) task.set_why(instance.why);
    task.set_phase_seconds(codec::seconds_from_duration(now - instance.since));
    if (row.version == 0) continue;  // without a place
    task.set_id(to_task_id({app.id, record.incarnation, row.version, number}));
    task.set_version(row.version);
    task.set_agent_id(row.agent_id.raw());
    if (!row.hostname.empty()) task.set_hostname(row.hostname);
    for (const std::uint32_t port : row.ports) task.add_ports(port);
    task.set_launched_at_seconds(codec::seconds_from_wall(row.launched_at));
    if (instance.phase != Phase::running) continue;
    if (instance.healthy) task.set_healthy(*instance.healthy);
    if (instance.checked && instance.checked->value) task.set_check(*instance.checked->value);
  }
}

void show_versions(const AppId& id, const AppRecord& record, service_api::VersionList& out) {
  show_version(id, record.current, *out.add_versions());
  for (auto it = record.earlier.rbegin(); it != record.earlier.rend(); ++it) {
    show_version(id, *it, *out.add_versions());
  }
}

}  // namespace bourse::service
