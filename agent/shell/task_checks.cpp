#include "agent/shell/task_checks.hpp"

#include <utility>

#include "proto/codec/check_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::agent {

namespace {

using isolation::CheckSpec;

// Both checks say it in the same words and types of their own.
static_assert(static_cast<int>(CheckSpec::Kind::command) == mesos::v1::CheckInfo::COMMAND);
static_assert(static_cast<int>(CheckSpec::Kind::http) == mesos::v1::CheckInfo::HTTP);
static_assert(static_cast<int>(CheckSpec::Kind::tcp) == mesos::v1::CheckInfo::TCP);
static_assert(static_cast<int>(mesos::v1::HealthCheck::HTTP) == mesos::v1::CheckInfo::HTTP);

std::int64_t ms_of(double seconds) {
  const auto read = codec::duration_from_seconds(seconds, Duration::max(), "check");
  return read.ok() ? read.value().ms() : 0;  // refused before
}

template <typename Check>
CheckSpec with_times(const Check& check) {
  CheckSpec spec;
  spec.kind = static_cast<CheckSpec::Kind>(check.type());
  spec.delay_ms = ms_of(check.delay_seconds());
  spec.interval_ms = ms_of(check.interval_seconds());
  spec.timeout_ms = ms_of(check.timeout_seconds());
  return spec;
}

void fill_command(const mesos::v1::CommandInfo& command, std::map<std::string, std::string> env,
                  CheckSpec& spec) {
  if (spec.kind != CheckSpec::Kind::command) return;
  for (const auto& variable : command.environment().variables()) {
    if (variable.has_value()) env[variable.name()] = variable.value();
  }
  if (command.shell()) {
    spec.argv = {"/bin/sh", "-c", command.value()};
  } else {
    spec.argv = {command.value()};
    for (int i = 1; i < command.arguments_size(); ++i) spec.argv.push_back(command.arguments(i));
  }
  for (const auto& [name, value] : env) spec.env.push_back(name + "=" + value);
}

}  // namespace

Status fill_checks(const mesos::v1::TaskInfo& task, const std::map<std::string, std::string>& env,
                   isolation::ContainerSpec& spec) {
  if (Status good = codec::check_checks(task); !good.ok()) return good;
  if (task.has_health_check()) {
    const auto& check = task.health_check();
    spec.health = with_times(check);
    spec.health.grace_ms = ms_of(check.grace_period_seconds());
    spec.health.failures_most = check.consecutive_failures();
    fill_command(check.command(), env, spec.health);
    const bool http = spec.health.kind == CheckSpec::Kind::http;
    spec.health.port = static_cast<std::uint16_t>(http ? check.http().port() : check.tcp().port());
    spec.health.path = check.http().path();
    spec.health.ipv6 =
        (http ? check.http().protocol() : check.tcp().protocol()) == mesos::v1::NetworkInfo::IPv6;
  }
  if (task.has_check()) {
    const auto& check = task.check();
    spec.check = with_times(check);
    fill_command(check.command().command(), env, spec.check);
    const bool http = spec.check.kind == CheckSpec::Kind::http;
    spec.check.port = static_cast<std::uint16_t>(http ? check.http().port() : check.tcp().port());
    spec.check.path = check.http().path();
  }
  return {};
}

TaskChecked task_checked(const isolation::ContainerChecked& checked, const Blob& extra) {
  TaskChecked out;
  out.container_id = ContainerId(checked.container_id);
  out.healthy = checked.healthy;
  out.failures = static_cast<std::uint32_t>(checked.failures);
  out.ends = checked.unhealthy;
  if (checked.check != CheckSpec::Kind::none) {
    out.extra = codec::with_check_status(extra, static_cast<int>(checked.check), checked.value);
  }
  return out;
}

}  // namespace bourse::agent
