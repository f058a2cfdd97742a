#include "api/realms.hpp"

#include <algorithm>
#include <array>

namespace bourse::api {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view route, const std::array<std::string_view, N>& routes) {
  return std::find(routes.begin(), routes.end(), route) != routes.end();
}

constexpr std::array<std::string_view, 3> kOpen = {"health", "version", "redirect"};
constexpr std::array<std::string_view, 10> kMasterReads = {
    "flags", "frameworks", "maintenance/status", "metrics", "metrics/snapshot", "roles", "slaves",
    "state", "tasks",      "state-summary"};
constexpr std::array<std::string_view, 9> kAgentReads = {
    "containers", "files/browse",     "files/download", "files/read",        "flags",
    "metrics",    "metrics/snapshot", "state",          "monitor/statistics"};
constexpr std::array<std::string_view, 2> kGatewayReads = {"metrics", "metrics/snapshot"};

}  // namespace

Access master_access(const std::string* route) {
  if (route == nullptr || is_one_of(*route, kOpen)) return Access::open;
  if (*route == "api/v1/scheduler") return Access::scheduler;
  return is_one_of(*route, kMasterReads) ? Access::readonly : Access::readwrite;
}

Access agent_access(const std::string* route) {
  if (route == nullptr || is_one_of(*route, kOpen)) return Access::open;
  if (*route == "api/v1/executor") return Access::open;
  return is_one_of(*route, kAgentReads) ? Access::readonly : Access::readwrite;
}

Access gateway_access(const std::string* route) {
  if (route == nullptr || route->empty() || is_one_of(*route, kOpen)) return Access::open;
  return is_one_of(*route, kGatewayReads) ? Access::readonly : Access::readwrite;
}

Access service_access(const std::string* route, std::string_view method) {
  if (route == nullptr || route->empty() || is_one_of(*route, kOpen)) return Access::open;
  return method == "GET" || method == "HEAD" ? Access::readonly : Access::readwrite;
}

std::string realm_name(std::string_view owner, Access access) {
  std::string out(owner);
  switch (access) {
    case Access::open:
      break;
    case Access::readonly:
      out += "-readonly";
      break;
    case Access::readwrite:
      out += "-readwrite";
      break;
    case Access::scheduler:
      out += "-scheduler";
      break;
  }
  return out;
}

}  // namespace bourse::api
