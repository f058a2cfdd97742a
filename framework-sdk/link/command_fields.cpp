#include "framework-sdk/link/command_fields.hpp"

#include "proto/v1/task.pb.h"

namespace bourse::sdk {

namespace v1 = mesos::v1;

void fill_command(const Command& from, v1::CommandInfo& to) {
  if (!from.shell.empty()) {
    to.set_shell(true);
    to.set_value(from.shell);
  } else {
    to.set_shell(false);
    if (!from.arguments.empty()) to.set_value(from.arguments.front());
    for (const std::string& argument : from.arguments) to.add_arguments(argument);
  }
  for (const auto& [name, value] : from.environment) {
    auto* variable = to.mutable_environment()->add_variables();
    variable->set_name(name);
    variable->set_value(value);
  }
  if (!from.user.empty()) to.set_user(from.user);
}

Command read_command(const v1::CommandInfo& from) {
  Command out;
  if (from.shell()) {
    out.shell = from.value();
  } else {
    out.arguments.assign(from.arguments().begin(), from.arguments().end());
  }
  for (const auto& variable : from.environment().variables()) {
    out.environment[variable.name()] = variable.value();
  }
  out.user = from.user();
  return out;
}

}  // namespace bourse::sdk
