// Who may do what. Every event carries a Principal; every handler asks authorize(). In this build
// the policy allows everybody everything: the question is asked everywhere so that the answer can
// change in one place. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse {

struct Principal {
  std::string name;  // empty: anonymous

  auto operator<=>(const Principal&) const = default;
};

enum class Action : std::uint8_t {
  register_agent,
  register_framework,
  call_as_framework,  // object: the framework's principal
  run_task,           // object: the user the task runs as
  teardown_framework,
  kill_task,
  maintain_agent,  // drain, deactivate, reactivate, mark gone; object: the agent's id
  manage_app,      // object: the app's id
  view,
  change_resources,  // reserve them, make volumes of them; object: the role, or "*"
  update_quota,      // object: the role
  update_weight,     // object: the role
  maintain_machine,  // schedule, take down and up; object: its host name, or its address
};

Status authorize(const Principal& principal, Action action, std::string_view object);

}  // namespace bourse
