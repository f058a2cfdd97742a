// The launcher: a small process that the agent starts early and asks for shims, so that the agent,
// which may be large, never forks. It lives in the cgroup of the shims, serves one agent over one
// socket, and leaves when that socket closes; the shims stay.
#pragma once

#include <string>
#include <vector>

namespace bourse::shim {

// `bourse-shim --launcher DIR...`: the socket is descriptor 3, DIRs are cgroups to move into.
int run_launcher(const std::vector<std::string>& cgroup_dirs, char** argv);

}  // namespace bourse::shim
