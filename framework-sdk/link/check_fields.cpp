#include "framework-sdk/link/check_fields.hpp"

#include <string>

#include "framework-sdk/link/command_fields.hpp"
#include "proto/codec/check_form.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::sdk {

namespace {

namespace v1 = mesos::v1;

// What both kinds of check have by the same names.
template <typename Message>
void fill_common(const Check& from, Message& to) {
  to.set_type(static_cast<typename Message::Type>(from.kind));
  to.set_delay_seconds(static_cast<double>(from.delay_ms) / 1000.0);
  to.set_interval_seconds(static_cast<double>(from.interval_ms) / 1000.0);
  to.set_timeout_seconds(static_cast<double>(from.timeout_ms) / 1000.0);
  if (from.kind == Check::Kind::http) {
    to.mutable_http()->set_port(from.port);
    to.mutable_http()->set_path(from.path);
  } else if (from.kind == Check::Kind::tcp) {
    to.mutable_tcp()->set_port(from.port);
  }
}

// The codec judges what the message says; this, what it cannot say any more.
Status check_one(const Check& check, const std::string& field) {
  if (check.kind < Check::Kind::command || check.kind > Check::Kind::tcp) {
    return invalid(field + ".kind: must be command, http or tcp");
  }
  if (check.kind == Check::Kind::command) {
    if (check.command.shell.empty() == check.command.arguments.empty()) {
      return invalid(field + ".command: give either shell or arguments, exactly one of them");
    }
    return {};
  }
  if (check.port == 0 && check.port_index) {
    return invalid(field + ".port_index: " + std::to_string(*check.port_index) +
                   " names no port: the offer matcher fills it in, for a Shape with more ports "
                   "than that");
  }
  return {};
}

}  // namespace

Status fill_checks(const TaskSpec& task, v1::TaskInfo& to) {
  const std::string name = "task '" + task.id + "'.";
  if (task.check) {
    if (Status ok = check_one(*task.check, name + "check"); !ok.ok()) return ok;
    fill_common(*task.check, *to.mutable_check());
    if (task.check->kind == Check::Kind::command) {
      fill_command(task.check->command, *to.mutable_check()->mutable_command()->mutable_command());
    }
  }
  if (task.health_check) {
    const HealthCheck& health = *task.health_check;
    if (Status ok = check_one(health.check, name + "health_check.check"); !ok.ok()) return ok;
    if (health.failures == 0) {
      return invalid(name + "health_check.failures: 0 must be at least 1");
    }
    v1::HealthCheck& out = *to.mutable_health_check();
    fill_common(health.check, out);
    if (health.check.kind == Check::Kind::command) {
      fill_command(health.check.command, *out.mutable_command());
    }
    out.set_grace_period_seconds(static_cast<double>(health.grace_ms) / 1000.0);
    out.set_consecutive_failures(health.failures);
  }
  if (Status judged = codec::check_checks(to); !judged.ok()) {
    return invalid("task '" + task.id + "': " + judged.error().message);
  }
  return {};
}

std::optional<CheckStatus> public_check_status(const Blob& extra) {
  const auto said = codec::read_check_status(extra);
  if (!said) return std::nullopt;
  return CheckStatus{static_cast<Check::Kind>(said->type), said->value};
}

}  // namespace bourse::sdk
