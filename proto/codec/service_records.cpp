#include "proto/codec/service_records.hpp"

#include "proto/codec/record_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/service.pb.h"

namespace bourse::codec {

namespace {

namespace message = internal::service;
using namespace bourse::service;
using PairList = google::protobuf::RepeatedPtrField<message::Pair>;

constexpr const char* kWhat = "service record";

Error corrupt(const std::string& why) {
  return {ErrorCode::corrupt, std::string(kWhat) + " with " + why};
}

// Of a map or of a list of pairs.
template <typename Pairs>
void write_pairs(const Pairs& in, PairList& out) {
  for (const auto& [key, value] : in) {
    message::Pair& pair = *out.Add();
    pair.set_key(key);
    pair.set_value(value);
  }
}

void write_check(const AppCheck& in, message::AppCheck& out) {
  out.set_kind(static_cast<std::uint32_t>(in.kind));
  out.set_shell(in.shell);
  out.set_path(in.path);
  out.set_port_index(in.port_index);
  out.set_port(in.port);
  out.set_delay_ns(in.delay.ns);
  out.set_interval_ns(in.interval.ns);
  out.set_timeout_ns(in.timeout.ns);
  out.set_grace_ns(in.grace.ns);
  out.set_failures(in.failures);
}

void write_task(const AppTask& in, message::AppTask& out) {
  out.set_shell(in.shell);
  for (const std::string& argument : in.arguments) out.add_arguments(argument);
  write_pairs(in.environment, *out.mutable_environment());
  out.set_user(in.user);
  out.set_cpu_milli(in.cpu_milli);
  out.set_memory_mb(in.memory_mb);
  out.set_disk_mb(in.disk_mb);
  out.set_gpus(in.gpus);
  out.set_ports(in.ports);
  write_pairs(in.labels, *out.mutable_labels());
  for (const PlaceRule& rule : in.rules) {
    message::PlaceRule& to = *out.add_rules();
    to.set_attribute(rule.attribute);
    to.set_kind(static_cast<std::uint32_t>(rule.kind));
    to.set_value(rule.value);
    to.set_count(rule.count);
  }
  out.set_kill_grace_ns(in.kill_grace.ns);
  if (in.check) write_check(*in.check, *out.mutable_check());
  if (in.health_check) write_check(*in.health_check, *out.mutable_health_check());
}

void write_policy(const AppPolicy& in, message::AppPolicy& out) {
  out.set_instances(in.instances);
  out.set_max_unavailable(in.max_unavailable);
  out.set_max_surge(in.max_surge);
  out.set_ready_after_ns(in.ready_after.ns);
  out.set_backoff_first_ns(in.backoff_first.ns);
  out.set_backoff_most_ns(in.backoff_most.ns);
  out.set_backoff_reset_ns(in.backoff_reset.ns);
  out.set_replace_unreachable_after_ns(in.replace_unreachable_after.ns);
}

// One overload per kind of command.
struct Sealer {
  std::size_t kind;

  std::string operator()(const SetFramework& in) const {
    message::SetFramework out;
    out.set_framework_id(in.framework_id);
    out.set_next_incarnation(in.next_incarnation);
    return seal_record(kind, out);
  }
  std::string operator()(const PutApp& in) const {
    message::PutApp out;
    out.set_app_id(in.app_id.raw());
    out.set_incarnation(in.incarnation);
    out.set_version(in.version.version);
    out.set_task_version(in.version.task_version);
    out.set_cause(static_cast<std::uint32_t>(in.version.cause));
    out.set_at_ns(in.version.at.ns);
    write_task(in.version.definition.task, *out.mutable_task());
    write_policy(in.version.definition.policy, *out.mutable_policy());
    out.set_next_number(in.next_number);
    return seal_record(kind, out);
  }
  std::string operator()(const RemoveApp& in) const { return mark(in.app_id, 0); }
  std::string operator()(const ForgetApp& in) const { return mark(in.app_id, 0); }
  std::string operator()(const AddInstance& in) const {
    message::AddInstance out;
    out.set_app_id(in.app_id.raw());
    out.set_number(in.instance.number);
    out.set_version(in.instance.version);
    out.set_agent_id(in.instance.agent_id.raw());
    out.set_hostname(in.instance.hostname);
    out.set_launched_at_ns(in.instance.launched_at.ns);
    write_pairs(in.instance.places, *out.mutable_places());
    for (const std::uint32_t port : in.instance.ports) out.add_ports(port);
    if (in.instance.health_checked) out.set_health_checked(true);
    return seal_record(kind, out);
  }
  std::string operator()(const EndInstance& in) const { return mark(in.app_id, in.number); }

  std::string mark(const AppId& app_id, std::uint64_t number) const {
    message::AppMark out;
    out.set_app_id(app_id.raw());
    if (number != 0) out.set_number(number);
    return seal_record(kind, out);
  }
};

std::map<std::string, std::string> read_map(const PairList& in) {
  std::map<std::string, std::string> out;
  for (const message::Pair& pair : in) out[pair.key()] = pair.value();
  return out;
}

Result<AppCheck> read_check(const message::AppCheck& in) {
  if (in.kind() < 1 || in.kind() > 3) {
    return corrupt("a check of kind " + std::to_string(in.kind()));
  }
  AppCheck out;
  out.kind = static_cast<AppCheck::Kind>(in.kind());
  out.shell = in.shell();
  out.path = in.path();
  out.port_index = in.port_index();
  out.port = in.port();
  out.delay = Duration{in.delay_ns()};
  out.interval = Duration{in.interval_ns()};
  out.timeout = Duration{in.timeout_ns()};
  out.grace = Duration{in.grace_ns()};
  out.failures = in.failures();
  return out;
}

Result<AppTask> read_task(const message::AppTask& in) {
  AppTask out;
  out.shell = in.shell();
  out.arguments.assign(in.arguments().begin(), in.arguments().end());
  out.environment = read_map(in.environment());
  out.user = in.user();
  out.cpu_milli = in.cpu_milli();
  out.memory_mb = in.memory_mb();
  out.disk_mb = in.disk_mb();
  out.gpus = in.gpus();
  out.ports = in.ports();
  out.labels = read_map(in.labels());
  for (const message::PlaceRule& rule : in.rules()) {
    if (rule.kind() < 1 || rule.kind() > 5) {
      return corrupt("a constraint of kind " + std::to_string(rule.kind()));
    }
    out.rules.push_back(
        {rule.attribute(), static_cast<PlaceRule::Kind>(rule.kind()), rule.value(), rule.count()});
  }
  out.kill_grace = Duration{in.kill_grace_ns()};
  if (in.has_check()) {
    auto check = read_check(in.check());
    if (!check.ok()) return check.error();
    out.check = std::move(check).value();
  }
  if (in.has_health_check()) {
    auto check = read_check(in.health_check());
    if (!check.ok()) return check.error();
    out.health_check = std::move(check).value();
  }
  return out;
}

AppPolicy read_policy(const message::AppPolicy& in) {
  AppPolicy out;
  out.instances = in.instances();
  out.max_unavailable = in.max_unavailable();
  out.max_surge = in.max_surge();
  out.ready_after = Duration{in.ready_after_ns()};
  out.backoff_first = Duration{in.backoff_first_ns()};
  out.backoff_most = Duration{in.backoff_most_ns()};
  out.backoff_reset = Duration{in.backoff_reset_ns()};
  out.replace_unreachable_after = Duration{in.replace_unreachable_after_ns()};
  return out;
}

Result<ServiceCommand> read_framework(std::string_view payload) {
  message::SetFramework in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  return ServiceCommand(SetFramework{in.framework_id(), in.next_incarnation()});
}

Result<ServiceCommand> read_put(std::string_view payload) {
  message::PutApp in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = check_id(in.app_id(), "app_id"); !ok) return ok.error();
  if (in.cause() < 1 || in.cause() > 3) return corrupt("cause " + std::to_string(in.cause()));
  Result<AppTask> task = read_task(in.task());
  if (!task) return task.error();
  AppVersion version{in.version(),
                     in.task_version(),
                     static_cast<VersionCause>(in.cause()),
                     WallTime{in.at_ns()},
                     {std::move(task).value(), read_policy(in.policy())}};
  return ServiceCommand(
      PutApp{AppId(in.app_id()), in.incarnation(), std::move(version), in.next_number()});
}

Result<ServiceCommand> read_mark(std::string_view payload, std::uint8_t kind) {
  message::AppMark in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = check_id(in.app_id(), "app_id"); !ok) return ok.error();
  if (kind == 3) return ServiceCommand(RemoveApp{AppId(in.app_id())});
  if (kind == 4) return ServiceCommand(ForgetApp{AppId(in.app_id())});
  if (in.number() == 0) return corrupt("the end of an instance without a number");
  return ServiceCommand(EndInstance{AppId(in.app_id()), in.number()});
}

Result<ServiceCommand> read_instance(std::string_view payload) {
  message::AddInstance in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = check_id(in.app_id(), "app_id"); !ok) return ok.error();
  if (in.number() == 0) return corrupt("an instance without a number");
  InstanceRecord out;
  out.number = in.number();
  out.version = in.version();
  out.agent_id = AgentId(in.agent_id());
  out.hostname = in.hostname();
  out.launched_at = WallTime{in.launched_at_ns()};
  for (const message::Pair& pair : in.places()) out.places.emplace_back(pair.key(), pair.value());
  out.ports.assign(in.ports().begin(), in.ports().end());
  out.health_checked = in.health_checked();
  return ServiceCommand(AddInstance{AppId(in.app_id()), std::move(out)});
}

}  // namespace

std::string encode_service_command(const ServiceCommand& command) {
  return std::visit(Sealer{command.index() + 1}, command);
}

Result<ServiceCommand> decode_service_command(std::string_view record) {
  Result<RecordBody> body = open_record(record, kWhat);
  if (!body) return body.error();
  switch (body->kind) {
    case 1:
      return read_framework(body->payload);
    case 2:
      return read_put(body->payload);
    case 3:
    case 4:
    case 6:
      return read_mark(body->payload, body->kind);
    case 5:
      return read_instance(body->payload);
    default:
      return unknown_kind(body->kind, kWhat);
  }
}

}  // namespace bourse::codec
