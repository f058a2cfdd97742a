// Roles as operators see them: of each, and all below it, what is held, on offer and reserved, and
// what its quota has consumed. In the words of the older endpoints (/roles, /quota, /weights) too.
// Pure; the view's thread.
#pragma once

#include <string>
#include <vector>

#include "master/view/state.hpp"

namespace bourse::master {

struct RoleRow {
  std::string name;
  std::vector<FrameworkId> frameworks;  // in the role itself
  Resources allocated;
  Resources offered;
  Resources reserved;  // handed out or not
};

// Roles that a framework is in or holds something in, that something is reserved for, or that have
// a weight or quota; and all above them. By name.
std::vector<RoleRow> role_rows(const ViewState& state);

std::string roles_json(const ViewState& state);
std::string quotas_json(const ViewState& state);
std::string weights_json(const ViewState& state);

}  // namespace bourse::master
