#include "api/realms.hpp"

#include <catch2/catch.hpp>

#include "runtime/http_router.hpp"

using namespace bourse;
using namespace bourse::api;

namespace {

Access of_master(const std::string& route) {
  return master_access(&route);
}
Access of_agent(const std::string& route) {
  return agent_access(&route);
}

}  // namespace

TEST_CASE("each route of a master is in the realm that Mesos has it in") {
  for (const char* route : {"health", "version", "redirect"})
    CHECK(of_master(route) == Access::open);
  CHECK(master_access(nullptr) == Access::open);
  for (const char* route : {"state", "state-summary", "slaves", "frameworks", "tasks", "roles",
                            "flags", "metrics/snapshot", "metrics", "maintenance/status"}) {
    CHECK(of_master(route) == Access::readonly);
  }
  // Whatever the method: Mesos asks before it looks at it.
  for (const char* route :
       {"api/v1", "quota", "weights", "reserve", "unreserve", "create-volumes", "destroy-volumes",
        "teardown", "maintenance/schedule", "machine/down", "machine/up"}) {
    CHECK(of_master(route) == Access::readwrite);
  }
  CHECK(of_master("api/v1/scheduler") == Access::scheduler);
}

TEST_CASE("each route of an agent is in the realm that Mesos has it in") {
  for (const char* route : {"health", "version"}) CHECK(of_agent(route) == Access::open);
  for (const char* route : {"state", "monitor/statistics", "containers", "flags", "files/read",
                            "files/browse", "files/download", "metrics", "metrics/snapshot"}) {
    CHECK(of_agent(route) == Access::readonly);
  }
  CHECK(of_agent("api/v1") == Access::readwrite);
  CHECK(of_agent("api/v1/executor") == Access::open);  // it has tokens of its own
}

TEST_CASE("who reads a gateway's metrics is asked, and who asks whether it lives is not") {
  const auto of_gateway = [](const std::string& route) { return gateway_access(&route); };
  for (const char* route : {"", "health", "version"}) CHECK(of_gateway(route) == Access::open);
  for (const char* route : {"metrics", "metrics/snapshot"}) {
    CHECK(of_gateway(route) == Access::readonly);
  }
  CHECK(of_gateway("new") == Access::readwrite);
}

TEST_CASE("a route that nobody put into a realm is closed, not open") {
  CHECK(of_master("new") == Access::readwrite);
  CHECK(of_agent("new") == Access::readwrite);
}

TEST_CASE("realms are called as Mesos calls them") {
  CHECK(realm_name("mesos-master", Access::readonly) == "mesos-master-readonly");
  CHECK(realm_name("mesos-master", Access::readwrite) == "mesos-master-readwrite");
  CHECK(realm_name("mesos-master", Access::scheduler) == "mesos-master-scheduler");
  CHECK(realm_name("mesos-agent", Access::readonly) == "mesos-agent-readonly");
}

TEST_CASE("the route that is asked about is the one that will answer, however it is written") {
  runtime::HttpRouter router({"master"});
  const auto nothing = [](runtime::HttpRequest, const runtime::HttpResponder&) {};
  router.add("api/v1", {"POST"}, nothing);
  router.add("api/v1/scheduler", {"POST"}, nothing);
  router.add("state", nothing);
  for (const char* path : {"/api/v1", "/master/api/v1", "//api/v1//", "/api/v1/x/y", "/api/v1.json",
                           "/master//api/v1"}) {
    INFO(path);
    const std::string* const route = router.route_of(path);
    REQUIRE(route != nullptr);
    CHECK(*route == "api/v1");
  }
  CHECK(*router.route_of("/api/v1/scheduler/") == "api/v1/scheduler");
  CHECK(*router.route_of("/master/state.json") == "state");
  CHECK(router.route_of("/") == nullptr);
  CHECK(router.route_of("/assets/app.js") == nullptr);
}
