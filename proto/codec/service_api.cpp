#include "proto/codec/service_api.hpp"

#include <algorithm>
#include <array>

#include "model/leader_finder.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/service_api.pb.h"

namespace bourse::codec {

namespace {

using namespace bourse::service;

// Beyond any limit of the scheduler, which names the field and its bounds.
constexpr Duration kMostSeconds = Duration::seconds(10LL * 365 * 24 * 3600);

constexpr std::array<std::pair<const char*, PlaceRule::Kind>, 5> kOperators = {{
    {"equals", PlaceRule::Kind::equals},
    {"unlike", PlaceRule::Kind::unlike},
    {"exists", PlaceRule::Kind::exists},
    {"unique", PlaceRule::Kind::unique},
    {"max_per", PlaceRule::Kind::max_per},
}};

JsonLimits strict() {
  JsonLimits out;
  out.strict = true;
  return out;
}

Result<PlaceRule> read_rule(const service_api::Constraint& in, const FieldPath& at) {
  PlaceRule out;
  out.attribute = in.attribute();
  out.value = in.value();
  for (const auto& [name, kind] : kOperators) {
    if (in.operator_() != name) continue;
    out.kind = kind;
    if (kind == PlaceRule::Kind::max_per && !in.has_count()) {
      return invalid(at.text() + ".count: is missing; give how many may share a value");
    }
    if (kind != PlaceRule::Kind::max_per && in.has_count()) {
      return invalid(at.text() + ".count: means nothing to '" + in.operator_() +
                     "'; max_per takes it");
    }
    if (in.has_count()) out.count = in.count();
    return out;
  }
  return invalid(at.text() + ".operator: " + shown(in.operator_()) +
                 " must be equals, unlike, exists, unique or max_per");
}

// Reads seconds one after the other; the first error stays.
struct Seconds {
  Status status;

  void operator()(double from, const FieldPath& field, Duration& to) {
    if (!status.ok()) return;
    const auto read = duration_from_seconds(from, kMostSeconds, field);
    if (!read.ok()) {
      status = read.error();
    } else {
      to = read.value();
    }
  }
};

constexpr std::array<std::pair<const char*, AppCheck::Kind>, 3> kCheckTypes = {{
    {"command", AppCheck::Kind::command},
    {"http", AppCheck::Kind::http},
    {"tcp", AppCheck::Kind::tcp},
}};

// What both kinds of check have by the same names.
template <typename Message>
Status read_check(const Message& in, const FieldPath& at, AppCheck& out) {
  const auto type = std::find_if(kCheckTypes.begin(), kCheckTypes.end(),
                                 [&](const auto& known) { return in.type() == known.first; });
  if (type == kCheckTypes.end()) {
    return invalid(at.text() + ".type: " + shown(in.type()) + " must be command, http or tcp");
  }
  out.kind = type->second;
  const bool runs = out.kind == AppCheck::Kind::command;
  const auto strange = [&](bool given, bool fits, const char* field) {
    return given && !fits
               ? invalid(at.text() + "." + field + ": means nothing to '" + in.type() + "'")
               : Status();
  };
  for (const Status& wrong :
       {strange(in.has_command(), runs, "command"), strange(in.has_port(), !runs, "port"),
        strange(in.has_port_index(), !runs, "port_index"),
        strange(in.has_path(), out.kind == AppCheck::Kind::http, "path")}) {
    if (!wrong.ok()) return wrong;
  }
  if (in.has_port() && in.has_port_index()) {
    return invalid(at.text() + ".port: give either port or port_index, not both");
  }
  if (in.has_port() && in.port() == 0) {
    return invalid(at.text() + ".port: 0 must be from 1 to 65535");
  }
  out.shell = in.command();
  if (in.has_path()) out.path = in.path();
  out.port = in.port();
  out.port_index = in.port_index();
  Seconds seconds;
  seconds(in.delay_seconds(), at.at("delay_seconds"), out.delay);
  seconds(in.interval_seconds(), at.at("interval_seconds"), out.interval);
  seconds(in.timeout_seconds(), at.at("timeout_seconds"), out.timeout);
  return seconds.status;
}

Status read_checks(const service_api::App& in, AppTask& out) {
  if (in.has_check()) {
    const Status read = read_check(in.check(), "check", out.check.emplace());
    if (!read.ok()) return read;
  }
  if (!in.has_health_check()) return {};
  AppCheck& health = out.health_check.emplace();
  const Status read = read_check(in.health_check(), "health_check", health);
  if (!read.ok()) return read;
  health.failures = in.health_check().failures();
  Seconds seconds;
  seconds(in.health_check().grace_seconds(), "health_check.grace_seconds", health.grace);
  return seconds.status;
}

Result<AppTask> read_task(const service_api::App& in) {
  AppTask out;
  out.shell = in.command();
  out.arguments.assign(in.arguments().begin(), in.arguments().end());
  out.environment.insert(in.env().begin(), in.env().end());
  out.user = in.user();
  const auto cpus = milli_from_double(in.cpus(), "cpus");
  if (!cpus.ok()) return cpus.error();
  out.cpu_milli = cpus.value();
  out.memory_mb = in.mem();
  out.disk_mb = in.disk();
  out.gpus = in.gpus();
  out.ports = in.ports();
  out.labels.insert(in.labels().begin(), in.labels().end());
  const FieldPath root("constraints");
  for (int i = 0; i < in.constraints_size(); ++i) {
    auto rule = read_rule(in.constraints(i), root.item(i));
    if (!rule.ok()) return rule.error();
    out.rules.push_back(std::move(rule).value());
  }
  Seconds seconds;
  seconds(in.kill_grace_seconds(), "kill_grace_seconds", out.kill_grace);
  if (!seconds.status.ok()) return seconds.status.error();
  if (Status checks = read_checks(in, out); !checks.ok()) return checks.error();
  return out;
}

Result<AppPolicy> read_policy(const service_api::App& in) {
  AppPolicy out;
  out.instances = in.instances();
  out.max_unavailable = in.max_unavailable();
  out.max_surge = in.max_surge();
  Seconds seconds;
  seconds(in.ready_after_seconds(), "ready_after_seconds", out.ready_after);
  seconds(in.backoff().first_seconds(), "backoff.first_seconds", out.backoff_first);
  seconds(in.backoff().most_seconds(), "backoff.most_seconds", out.backoff_most);
  seconds(in.backoff().reset_seconds(), "backoff.reset_seconds", out.backoff_reset);
  seconds(in.replace_unreachable_after_seconds(), "replace_unreachable_after_seconds",
          out.replace_unreachable_after);
  if (!seconds.status.ok()) return seconds.status.error();
  return out;
}

void write_rule(const PlaceRule& in, service_api::Constraint& out) {
  out.set_attribute(in.attribute);
  for (const auto& [name, kind] : kOperators) {
    if (in.kind == kind) out.set_operator_(name);
  }
  if (!in.value.empty()) out.set_value(in.value);
  if (in.kind == PlaceRule::Kind::max_per) out.set_count(in.count);
}

template <typename Message>
void write_check(const AppCheck& in, Message& out) {
  for (const auto& [name, kind] : kCheckTypes) {
    if (in.kind == kind) out.set_type(name);
  }
  if (in.kind == AppCheck::Kind::command) {
    out.set_command(in.shell);
  } else if (in.port != 0) {
    out.set_port(in.port);
  } else {
    out.set_port_index(in.port_index);
  }
  if (in.kind == AppCheck::Kind::http) out.set_path(in.path);
  out.set_delay_seconds(seconds_from_duration(in.delay));
  out.set_interval_seconds(seconds_from_duration(in.interval));
  out.set_timeout_seconds(seconds_from_duration(in.timeout));
}

void write_checks(const AppTask& in, service_api::App& out) {
  if (in.check) write_check(*in.check, *out.mutable_check());
  if (!in.health_check) return;
  write_check(*in.health_check, *out.mutable_health_check());
  out.mutable_health_check()->set_grace_seconds(seconds_from_duration(in.health_check->grace));
  out.mutable_health_check()->set_failures(in.health_check->failures);
}

}  // namespace

Result<AppDocument> decode_app(std::string_view json) {
  service_api::App in;
  if (Status ok = from_json(json, in, strict()); !ok) return ok.error();
  auto task = read_task(in);
  if (!task.ok()) return task.error();
  auto policy = read_policy(in);
  if (!policy.ok()) return policy.error();
  return AppDocument{in.id(), {std::move(task).value(), std::move(policy).value()}};
}

void write_app(const AppId& id, const AppDefinition& definition, service_api::App& out) {
  const AppTask& task = definition.task;
  const AppPolicy& policy = definition.policy;
  out.set_id(id.raw());
  if (!task.shell.empty()) out.set_command(task.shell);
  for (const std::string& argument : task.arguments) out.add_arguments(argument);
  out.mutable_env()->insert(task.environment.begin(), task.environment.end());
  if (!task.user.empty()) out.set_user(task.user);
  out.set_cpus(double_from_milli(task.cpu_milli));
  out.set_mem(task.memory_mb);
  out.set_disk(task.disk_mb);
  out.set_gpus(task.gpus);
  out.set_ports(task.ports);
  out.mutable_labels()->insert(task.labels.begin(), task.labels.end());
  for (const PlaceRule& rule : task.rules) write_rule(rule, *out.add_constraints());
  out.set_kill_grace_seconds(seconds_from_duration(task.kill_grace));
  write_checks(task, out);
  out.set_instances(policy.instances);
  out.set_max_unavailable(policy.max_unavailable);
  out.set_max_surge(policy.max_surge);
  out.set_ready_after_seconds(seconds_from_duration(policy.ready_after));
  out.mutable_backoff()->set_first_seconds(seconds_from_duration(policy.backoff_first));
  out.mutable_backoff()->set_most_seconds(seconds_from_duration(policy.backoff_most));
  out.mutable_backoff()->set_reset_seconds(seconds_from_duration(policy.backoff_reset));
  out.set_replace_unreachable_after_seconds(
      seconds_from_duration(policy.replace_unreachable_after));
}

Result<std::uint32_t> decode_scale(std::string_view json) {
  service_api::Scale in;
  if (Status ok = from_json(json, in, strict()); !ok) return ok.error();
  if (!in.has_instances()) return invalid("instances: is missing; give {\"instances\": N}");
  return in.instances();
}

Result<std::optional<std::uint64_t>> decode_restart(std::string_view json) {
  service_api::Restart in;
  if (!json.empty()) {
    if (Status ok = from_json(json, in, strict()); !ok) return ok.error();
  }
  return in.has_if_version() ? std::optional(in.if_version()) : std::nullopt;
}

std::string encode_service_candidate(const std::string& address) {
  service_api::Candidate out;
  out.set_service_scheduler(address);
  return to_json(out);
}

Result<std::string> decode_service_candidate(std::string_view json) {
  service_api::Candidate in;
  if (Status ok = from_json(json, in); !ok) return ok.error();
  auto address = parse_masters(in.service_scheduler(), "service_scheduler");
  if (!address.ok()) return address.error();
  if (address->size() != 1) return invalid("'service_scheduler' names more than one address");
  return address->front();
}

}  // namespace bourse::codec
