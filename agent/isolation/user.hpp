// Who a task runs as: a user name of this machine as numbers, because the shim is static and must
// not load name services. Blocking (may ask a directory server); any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bourse::isolation {

struct UserIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary, gid included
};

// not_found names the user and the machine's lack of it.
Result<UserIds> resolve_user(const std::string& name);
// The name behind the effective uid; its number as text when it has none.
std::string own_user_name();

}  // namespace bourse::isolation
