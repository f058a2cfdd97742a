#include "master/shell/leader_gate.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;

namespace {

// A gate with a lease that the test ends, before an API that answers everything.
struct GateWorld {
  runtime::Loop loop;
  bool lease = true;
  LeaderGate gate{[](HttpRequest request, HttpResponder responder) {
                    responder.respond(HttpResponse::text(200, "told " + request.path));
                  },
                  {"M", "host", "127.0.0.1", 5050, "1.11.0", {}},
                  [this] { return lease; }};
  std::unique_ptr<runtime::HttpServer> server =
      std::move(runtime::HttpServer::listen(loop, {}, gate.handler())).value();

  std::string get(const std::string& target) {
    runtime::test::RawSocket raw(server->port());
    raw.send(runtime::test::request_text("GET", target, "Connection: close\r\n"));
    runtime::test::run_until(loop, [&] { return raw.ended(); });
    return raw.received();
  }
  std::string status_of(const std::string& target) { return get(target).substr(9, 3); }
};

codec::Candidate candidate(const std::string& hostname) {
  return {{"N", hostname, "127.0.0.1", 5051, "1.11.0", {}}, "127.0.0.1:5061"};
}

}  // namespace

TEST_CASE("a standby sends clients on to the leader, and says so while nobody leads") {
  GateWorld world;
  CHECK(world.status_of("/state") == "503");
  CHECK(world.status_of("/health") == "200");
  world.gate.follow(candidate("other"));
  CHECK(world.get("/master/state?x=1").find("Location: //other:5051/master/state?x=1\r\n") !=
        std::string::npos);
  CHECK(world.get("/redirect").find("Location: //other:5051\r\n") != std::string::npos);
}

TEST_CASE("a leader whose lease is over tells nothing of the cluster, not even that it leads") {
  GateWorld world;
  world.gate.follow(std::nullopt);
  world.gate.lead();
  CHECK(world.get("/state").find("told /state") != std::string::npos);
  CHECK(world.get("/redirect").find("Location: //host:5050\r\n") != std::string::npos);
  CHECK(world.gate.leading());

  world.lease = false;
  for (const char* target : {"/state", "/master/tasks", "/api/v1", "/redirect"}) {
    CHECK(world.status_of(target) == "503");
  }
  CHECK(world.status_of("/health") == "200");
  CHECK(world.status_of("/metrics/snapshot") == "200");
  CHECK_FALSE(world.gate.leading());
}
