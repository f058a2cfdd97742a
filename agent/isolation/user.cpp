#include "agent/isolation/user.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace bourse::isolation {

namespace {
constexpr int kMostGroups = 65'536;  // NGROUPS_MAX of the kernel
}

Result<UserIds> resolve_user(const std::string& name) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error != 0 || found == nullptr) {
    return Error{ErrorCode::not_found, "user '" + name + "' does not exist on this agent"};
  }
  UserIds ids{entry.pw_uid, entry.pw_gid, {}};
  int count = 64;
  ids.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(name.c_str(), ids.gid, ids.groups.data(), &count) < 0) {
    if (count <= 0 || count > kMostGroups) {
      return Error{ErrorCode::too_large, "user '" + name + "' is in too many groups"};
    }
    ids.groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), ids.gid, ids.groups.data(), &count) < 0) count = 0;
  }
  ids.groups.resize(static_cast<std::size_t>(count));
  return ids;
}

std::string own_user_name() {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? std::string(entry.pw_name) : std::to_string(::geteuid());
}

}  // namespace bourse::isolation
