#include "agent/shell/http_api.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using runtime::test::request_text;

TEST_CASE("an agent that recovers answers executors 503, whatever they ask") {
  runtime::Loop loop;
  agent::AgentProcess process(loop, {});
  agent::AgentHttpApi api(loop, process, {});
  runtime::test::HttpFixture http;
  http.router.set_fallback(api.handler());
  for (const char* method : {"POST", "GET"}) {
    for (const char* path : {"/api/v1/executor", "/slave(1)/api/v1/executor"}) {
      const std::string answer = http.exchange(
          request_text(method, path, "Connection: close\r\nContent-Type: text/plain\r\n", "{}"));
      CHECK(answer.find("HTTP/1.1 503") == 0);
    }
  }
}
