// What a definition becomes: the task of one instance.
#include "frameworks/service/core/handlers.hpp"

namespace bourse::service {

namespace {

sdk::Constraint constraint_of(const PlaceRule& rule) {
  using To = sdk::Constraint::Kind;
  sdk::Constraint out{rule.attribute, To::equals, rule.value, rule.count};
  switch (rule.kind) {
    case PlaceRule::Kind::equals:
      break;
    case PlaceRule::Kind::unlike:
      out.kind = To::not_equals;
      break;
    case PlaceRule::Kind::exists:
      out.kind = To::exists;
      break;
    case PlaceRule::Kind::unique:
      out.kind = To::unique;
      break;
    case PlaceRule::Kind::max_per:
      out.kind = To::max_per;
      break;
  }
  return out;
}

sdk::Check check_of(const AppCheck& from) {
  sdk::Check out;
  switch (from.kind) {
    case AppCheck::Kind::command:
      out.kind = sdk::Check::Kind::command;
      out.command.shell = from.shell;
      break;
    case AppCheck::Kind::http:
      out.kind = sdk::Check::Kind::http;
      out.path = from.path;
      break;
    case AppCheck::Kind::tcp:
      out.kind = sdk::Check::Kind::tcp;
      break;
  }
  out.port = from.port;
  if (from.kind != AppCheck::Kind::command && from.port == 0) out.port_index = from.port_index;
  out.delay_ms = from.delay.ms();
  out.interval_ms = from.interval.ms();
  out.timeout_ms = from.timeout.ms();
  return out;
}

std::string attribute_of(const sdk::Offer& offer, const std::string& name) {
  if (name == "hostname") return offer.hostname;
  if (name == "region") return offer.region;
  if (name == "zone") return offer.zone;
  const auto it = offer.attributes.find(name);
  return it == offer.attributes.end() ? std::string() : it->second;
}

}  // namespace

sdk::Shape shape_of(const AppId& app_id, const AppRecord& record, std::uint64_t number) {
  const AppTask& from = record.current.definition.task;
  InstanceRecord row;
  row.number = number;
  row.version = record.current.task_version;
  sdk::Shape shape;
  sdk::TaskSpec& task = shape.task;
  task.id = task_id_of(app_id, record, row);
  task.name = app_id.raw();
  task.resources.cpu_milli = from.cpu_milli;
  task.resources.memory_mb = from.memory_mb;
  task.resources.disk_mb = from.disk_mb;
  task.resources.gpus = from.gpus;
  task.labels = from.labels;
  task.kill_grace_ms = from.kill_grace.ms();
  sdk::Command command;
  command.shell = from.shell;
  command.arguments = from.arguments;
  command.user = from.user;
  command.environment = from.environment;
  command.environment["BOURSE_APP"] = app_id.raw();
  command.environment["BOURSE_APP_VERSION"] = std::to_string(row.version);
  command.environment["BOURSE_APP_INSTANCE"] = std::to_string(number);
  task.command = std::move(command);
  if (from.check) task.check = check_of(*from.check);
  if (from.health_check) {
    task.health_check = sdk::HealthCheck{
        check_of(*from.health_check), from.health_check->grace.ms(), from.health_check->failures};
  }
  shape.ports = from.ports;
  shape.group = app_id.raw();
  for (const PlaceRule& rule : from.rules) shape.constraints.push_back(constraint_of(rule));
  return shape;
}

std::vector<std::pair<std::string, std::string>> places_of(const AppTask& task,
                                                           const sdk::Offer& offer) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const PlaceRule& rule : task.rules) {
    if (rule.kind != PlaceRule::Kind::unique && rule.kind != PlaceRule::Kind::max_per) continue;
    out.emplace_back(rule.attribute, attribute_of(offer, rule.attribute));
  }
  return out;
}

}  // namespace bourse::service
