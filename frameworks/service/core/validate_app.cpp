// Whether a definition can be kept at all. Each refusal names the field, the value and what would
// be right.
#include <algorithm>

#include "frameworks/service/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::service {

namespace {

// What an agent takes of an HTTP check.
constexpr std::size_t kMostPathBytes = 4096;

Error out_of_range(const std::string& field, std::int64_t value, std::int64_t least,
                   std::int64_t most) {
  return invalid(field + ": " + std::to_string(value) + " must be from " + std::to_string(least) +
                 " to " + std::to_string(most));
}

Status check_range(const std::string& field, std::int64_t value, std::int64_t least,
                   std::int64_t most) {
  if (value < least || value > most) return out_of_range(field, value, least, most);
  return {};
}

Status check_delay(const std::string& field, Duration value, Duration most) {
  if (value.ns >= 0 && value <= most) return {};
  return invalid(field + ": " + std::to_string(value.ms()) + " ms must be from 0 to " +
                 std::to_string(most.ms()) + " ms");
}

Error too_long(const std::string& field, std::size_t size, std::size_t most) {
  return {ErrorCode::too_large, field + ": has " + std::to_string(size) + ", at most " +
                                    std::to_string(most) + " are allowed"};
}

Status check_command(const AppTask& task) {
  if (task.shell.empty() == task.arguments.empty()) {
    return invalid("command: give either command (for a shell) or arguments, exactly one of them");
  }
  if (!task.arguments.empty() && task.arguments.front().empty()) {
    return invalid("arguments: the first, the program to run, is empty");
  }
  if (task.arguments.size() > limits::kMaxAppArguments) {
    return too_long("arguments", task.arguments.size(), limits::kMaxAppArguments);
  }
  std::size_t bytes = task.shell.size();
  for (const std::string& argument : task.arguments) bytes += argument.size();
  if (bytes > limits::kMaxAppCommandBytes) {
    return too_long("command: bytes", bytes, limits::kMaxAppCommandBytes);
  }
  if (task.user.size() > limits::kMaxNameBytes) {
    return too_long("user: bytes", task.user.size(), limits::kMaxNameBytes);
  }
  return {};
}

Status check_environment(const AppTask& task) {
  if (task.environment.size() > limits::kMaxAppVariables) {
    return too_long("env", task.environment.size(), limits::kMaxAppVariables);
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : task.environment) {
    bytes += name.size() + value.size();
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      return invalid("env: '" + name + "' must be a name without '='");
    }
    if (value.find('\0') != std::string::npos) {
      return invalid("env: the value of '" + name + "' has a zero byte in it");
    }
  }
  if (bytes > limits::kMaxAppEnvironmentBytes) {
    return too_long("env: bytes", bytes, limits::kMaxAppEnvironmentBytes);
  }
  return {};
}

Status check_resources(const AppTask& task) {
  constexpr std::int64_t kMostMb = limits::kMaxScalarMilli / 1000;
  if (task.cpu_milli < 10) {
    return invalid("cpus: " + std::to_string(task.cpu_milli) + " thousandths must be at least 10");
  }
  Status ok = check_range("mem", task.memory_mb, 4, kMostMb);
  if (ok.ok()) ok = check_range("disk", task.disk_mb, 0, kMostMb);
  if (ok.ok()) ok = check_range("gpus", task.gpus, 0, 1024);
  if (ok.ok()) ok = check_range("ports", task.ports, 0, limits::kMaxAppPorts);
  return ok;
}

Status check_rule(const PlaceRule& rule) {
  const std::string field = "constraints: '" + rule.attribute + "'";
  if (rule.attribute.empty() || rule.attribute.size() > limits::kMaxNameBytes) {
    return invalid("constraints: attribute must have 1 to " +
                   std::to_string(limits::kMaxNameBytes) + " bytes");
  }
  if (rule.value.size() > limits::kMaxNameBytes) {
    return too_long(field + ": value: bytes", rule.value.size(), limits::kMaxNameBytes);
  }
  const bool compares =
      rule.kind == PlaceRule::Kind::equals || rule.kind == PlaceRule::Kind::unlike;
  if (compares && rule.value.empty()) {
    return invalid(field + ": value is missing: name the one to compare with");
  }
  if (!compares && !rule.value.empty()) {
    return invalid(field + ": value '" + rule.value + "' means nothing to this operator");
  }
  if (rule.kind == PlaceRule::Kind::max_per && rule.count < 1) {
    return invalid(field + ": count: 0 must be at least 1");
  }
  return {};
}

Status check_target(const AppTask& task, const AppCheck& check, const std::string& field) {
  if (check.kind == AppCheck::Kind::command) {
    if (check.shell.empty()) return invalid(field + ".command: is missing: give the line to run");
    if (check.shell.size() > limits::kMaxAppCommandBytes) {
      return too_long(field + ".command: bytes", check.shell.size(), limits::kMaxAppCommandBytes);
    }
    return {};
  }
  if (check.port != 0) return check_range(field + ".port", check.port, 1, 65'535);
  if (check.port_index < task.ports) return {};
  return invalid(field + ".port_index: " + std::to_string(check.port_index) +
                 " must be less than ports, which is " + std::to_string(task.ports) +
                 ": ask for more ports, or give " + field + ".port");
}

Status check_path(const std::string& path, const std::string& field) {
  if (path.empty() || path.front() != '/') {
    return invalid(field + ": '" + path.substr(0, 64) + "' must begin with '/'");
  }
  if (path.size() > kMostPathBytes) {
    return too_long(field + ": bytes", path.size(), kMostPathBytes);
  }
  const auto plain = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '\x7f'; };
  if (std::all_of(path.begin(), path.end(), plain)) return {};
  return invalid(field + ": spaces and control characters must be written %XX");
}

Status check_check(const AppTask& task, const AppCheck& check, const std::string& field) {
  Status ok = check_target(task, check, field);
  if (ok.ok() && check.kind == AppCheck::Kind::http) ok = check_path(check.path, field + ".path");
  if (ok.ok()) ok = check_delay(field + ".delay_seconds", check.delay, limits::kMaxServiceDelay);
  if (ok.ok()) ok = check_delay(field + ".grace_seconds", check.grace, limits::kMaxServiceDelay);
  if (ok.ok()) ok = check_range(field + ".failures", check.failures, 1, 1'000);
  if (!ok.ok()) return ok;
  // A look costs a process or a connection.
  const std::pair<const char*, Duration> spans[] = {{".interval_seconds", check.interval},
                                                    {".timeout_seconds", check.timeout}};
  for (const auto& [name, span] : spans) {
    if (span >= Duration::milliseconds(100) && span <= limits::kMaxServiceDelay) continue;
    return invalid(field + name + ": " + std::to_string(span.ms()) + " ms must be from 100 to " +
                   std::to_string(limits::kMaxServiceDelay.ms()) + " ms");
  }
  return {};
}

Status check_policy(const AppPolicy& policy) {
  Status ok = check_range("instances", policy.instances, 0, limits::kMaxInstancesPerApp);
  if (!ok.ok()) return ok;
  ok = check_range("max_surge", policy.max_surge, 0, limits::kMaxInstancesPerApp);
  if (!ok.ok()) return ok;
  ok = check_range("max_unavailable", policy.max_unavailable, 0, limits::kMaxInstancesPerApp);
  if (!ok.ok()) return ok;
  if (policy.max_surge == 0 && policy.max_unavailable == 0) {
    return invalid(
        "max_surge: 0 beside max_unavailable 0 lets no change ever begin: one must be at least 1");
  }
  const std::pair<const char*, Duration> delays[] = {
      {"ready_after_seconds", policy.ready_after},
      {"backoff.most_seconds", policy.backoff_most},
      {"backoff.reset_seconds", policy.backoff_reset},
      {"replace_unreachable_after_seconds", policy.replace_unreachable_after}};
  for (const auto& [field, delay] : delays) {
    ok = check_delay(field, delay, limits::kMaxServiceDelay);
    if (!ok.ok()) return ok;
  }
  // A launch costs the whole cluster something: an app that exits at once must not spin.
  constexpr Duration kLeastBackoff = Duration::milliseconds(100);
  if (policy.backoff_first < kLeastBackoff || policy.backoff_first > policy.backoff_most) {
    return invalid("backoff.first_seconds: " + std::to_string(policy.backoff_first.ms()) +
                   " ms must be from 100 ms to backoff.most_seconds");
  }
  return {};
}

}  // namespace

Status validate_app_id(const AppId& id) {
  const std::string& text = id.raw();
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (!text.empty() && text.size() <= limits::kMaxAppIdBytes &&
      std::all_of(text.begin(), text.end(), good) && text.front() != '-' && text.back() != '-') {
    return {};
  }
  return invalid("id: '" + text.substr(0, limits::kMaxAppIdBytes) + "' must have 1 to " +
                 std::to_string(limits::kMaxAppIdBytes) +
                 " lower-case letters, digits and '-', none of them '-' at an end");
}

Status validate_definition(const AppDefinition& definition) {
  const AppTask& task = definition.task;
  Status ok = check_command(task);
  if (ok.ok()) ok = check_environment(task);
  if (ok.ok()) ok = check_resources(task);
  if (ok.ok()) ok = check_delay("kill_grace_seconds", task.kill_grace, limits::kMaxKillGrace);
  if (ok.ok() && task.check) ok = check_check(task, *task.check, "check");
  if (ok.ok() && task.health_check) ok = check_check(task, *task.health_check, "health_check");
  if (ok.ok()) ok = check_policy(definition.policy);
  if (!ok.ok()) return ok;
  if (task.labels.size() > limits::kMaxLabels) {
    return too_long("labels", task.labels.size(), limits::kMaxLabels);
  }
  for (const auto& [key, value] : task.labels) {
    if (key.empty() || key.size() > limits::kMaxNameBytes || value.size() > limits::kMaxNameBytes) {
      return invalid("labels: '" + key.substr(0, 64) + "' and its value must have 1 to " +
                     std::to_string(limits::kMaxNameBytes) + " bytes");
    }
  }
  if (task.rules.size() > limits::kMaxAppRules) {
    return too_long("constraints", task.rules.size(), limits::kMaxAppRules);
  }
  for (const PlaceRule& rule : task.rules) {
    if (Status wrong = check_rule(rule); !wrong.ok()) return wrong;
  }
  return {};
}

}  // namespace bourse::service
