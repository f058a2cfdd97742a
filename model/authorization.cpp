#include "model/authorization.hpp"

namespace bourse {

Status authorize(const Principal& principal, Action action, std::string_view object) {
  // A framework that named a principal is spoken for by that principal only: otherwise anybody who
  // knows an id could act for it. All else is allowed until a policy can be configured.
  if (action == Action::call_as_framework && !principal.name.empty() && !object.empty() &&
      principal.name != object) {
    return Error{ErrorCode::denied, "principal: '" + principal.name +
                                        "' is not the framework's principal '" +
                                        std::string(object) + "'"};
  }
  return {};
}

}  // namespace bourse
