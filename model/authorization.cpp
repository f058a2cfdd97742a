#include "model/authorization.hpp"

namespace bourse {

Status authorize(const Principal& principal, Action action, std::string_view object) {
  // A framework that named a principal is spoken for by that principal only: otherwise anybody who
  // knows an id could act for it. All else is allowed until a policy can be configured.
  if (action == Action::call_as_framework && !principal.name.empty() && !object.empty() &&
      principal.name != object) {
    // In Mesos' words and with its status, 400.
    return invalid("Authenticated principal '" + principal.name + "' does not match principal '" +
                   std::string(object) + "' set in `FrameworkInfo`");
  }
  return {};
}

}  // namespace bourse
