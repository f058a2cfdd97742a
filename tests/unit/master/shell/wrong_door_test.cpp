// Who answers for the cluster: before anything is wrong with a request, it is at the wrong door.
#include "master/shell/leader_gate.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using runtime::test::begins_with;
using runtime::test::request_text;

namespace {

const codec::MasterDescription kSelf = {"M", "host", "127.0.0.1", 5050, "1.11.0", {}};

// The gate behind a real server, and behind it an API that says it was reached.
struct DoorWorld {
  runtime::test::HttpFixture http;
  LeaderGate gate{http.router.handler(), kSelf, [] { return true; }};

  DoorWorld() {
    for (const char* route : {"api/v1/scheduler", "api/v1", "health"}) {
      http.router.add(route, {"POST", "GET"},
                      [](runtime::HttpRequest, runtime::HttpResponder responder) {
                        responder.respond(runtime::HttpResponse::text(200, "reached"));
                      });
    }
    http.server = std::move(runtime::HttpServer::listen(http.loop, {}, gate.handler())).value();
  }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& headers = "", const std::string& body = "") {
    return http.exchange(request_text(method, target, headers + "Connection: close\r\n", body));
  }
  // Whatever else is wrong with a call, this comes first.
  void every_call_is_503(const std::string& sentence) {
    const std::tuple<const char*, const char*, const char*> wrong[] = {
        {"GET", "", ""},
        {"POST", "", "{}"},
        {"POST", "Content-Type: text/plain\r\n", "{}"},
        {"POST", "Content-Type: application/json\r\n", "{"},
        {"POST", "Content-Type: application/json\r\n", "{}"},
    };
    for (const char* path : {"/api/v1/scheduler", "/master/api/v1/scheduler", "/api/v1"}) {
      for (const auto& [method, headers, body] : wrong) {
        const std::string answer = ask(method, path, headers, body);
        CHECK(begins_with(answer, "HTTP/1.1 503"));
        CHECK(answer.find(sentence) != std::string::npos);
      }
    }
    CHECK(begins_with(ask("GET", "/health"), "HTTP/1.1 200"));
  }
};

codec::Candidate other() {
  return {{"L", "leader.example", "10.0.0.1", 5051, "1.11.0", {}}, "10.0.0.1:5060"};
}

}  // namespace

TEST_CASE("while nobody leads every call is 503, before all that is wrong with it") {
  DoorWorld world;
  world.every_call_is_503("no master leads this cluster now; try again");
  CHECK(begins_with(world.ask("GET", "/redirect"), "HTTP/1.1 503"));
  CHECK(begins_with(world.ask("GET", "/redirect/x"), "HTTP/1.1 404"));
}

TEST_CASE("a master that was elected and reads the registry is 503, and sends nobody to another") {
  DoorWorld world;
  world.gate.follow(other());
  CHECK(begins_with(world.ask("POST", "/api/v1"), "HTTP/1.1 307"));
  world.gate.follow(codec::Candidate{kSelf, "127.0.0.1:5060"});
  world.every_call_is_503("this master has been elected and reads the registry; try again");
  world.gate.lead();
  const std::string answer = world.ask("POST", "/api/v1/scheduler");
  CHECK(begins_with(answer, "HTTP/1.1 200"));
  CHECK(answer.find("reached") != std::string::npos);
}

TEST_CASE("clients are sent on to the host name of the leader, with path and query") {
  DoorWorld world;
  world.gate.follow(other());
  for (const char* target : {"/api/v1/scheduler", "/master/state?x=1&y=%2F", "/nothing"}) {
    const std::string answer = world.ask("POST", target, "Content-Type: text/plain\r\n", "{");
    CHECK(begins_with(answer, "HTTP/1.1 307"));
    CHECK(answer.find("\r\nLocation: //leader.example:5051" + std::string(target) + "\r\n") !=
          std::string::npos);
  }
  CHECK(world.ask("GET", "/master/redirect").find("\r\nLocation: //leader.example:5051\r\n") !=
        std::string::npos);
  CHECK(begins_with(world.ask("GET", "/health"), "HTTP/1.1 200"));
}
