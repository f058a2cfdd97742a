#include "agent/shell/executor_api.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::agent;
using runtime::test::RawSocket;
using runtime::test::request_text;
using runtime::test::run_until;

namespace {

const char* const kIds = R"("framework_id":{"value":"F"},"executor_id":{"value":"E"})";
const std::string kSubscribe = std::string("{") + kIds + R"(,"type":"SUBSCRIBE","subscribe":{}})";
const std::string kMessage =
    std::string("{") + kIds + R"(,"type":"MESSAGE","message":{"data":"aGk="}})";

// The API behind a real server, and in place of the core a list of what reached it.
struct ApiWorld {
  runtime::test::HttpFixture http;
  std::vector<FromExecutor> calls;
  std::vector<ExecutorGone> gone;
  ExecutorApi api;

  explicit ApiWorld(ExecutorApiOptions options = {})
      : api({[this](FromExecutor event) { calls.push_back(std::move(event)); },
             [this](ExecutorGone event) { gone.push_back(event); }},
            std::move(options)) {
    http.router.add("api/v1/executor",
                    [this](runtime::HttpRequest request, runtime::HttpResponder responder) {
                      api.call(request, responder);
                    });
  }

  RawSocket send(const std::string& body, const std::string& headers = "",
                 const std::string& method = "POST") {
    RawSocket raw = http.connect();
    raw.send(request_text(method, "/slave(1)/api/v1/executor", headers, body));
    return raw;
  }
  RawSocket send_json(const std::string& body, const std::string& headers = "") {
    return send(body, "Content-Type: application/json\r\n" + headers);
  }
  // Sends it and gives what reached the core.
  FromExecutor call(RawSocket& raw, const std::string& body, const std::string& headers = "") {
    const std::size_t before = calls.size();
    raw = send_json(body, headers);
    REQUIRE(run_until(http.loop, [&] { return calls.size() > before; }));
    return calls.back();
  }
  bool hears(RawSocket& raw, const std::string& text) {
    return run_until(http.loop, [&] { return raw.received().find(text) != std::string::npos; });
  }
  // The status line and all of the answer to a request that never reaches the core.
  std::string refused(RawSocket raw) {
    REQUIRE(hears(raw, "\r\n\r\n"));
    CHECK(calls.empty());
    return raw.received();
  }
};

}  // namespace

TEST_CASE("a subscription of an executor is a stream of records without a stream id") {
  ApiWorld world;
  RawSocket raw;
  const FromExecutor subscribe = world.call(raw, kSubscribe);
  REQUIRE_FALSE(subscribe.request.empty());
  REQUIRE_FALSE(subscribe.peer.empty());
  CHECK(subscribe.from_here);
  CHECK(subscribe.call.token.empty());
  world.api.answer({subscribe.request, {}});
  CHECK(world.api.send({subscribe.peer, executor_event::Heartbeat{}}));
  REQUIRE(world.hears(raw, "20\n{\"type\":\"HEARTBEAT\"}"));
  CHECK(raw.received().find("HTTP/1.1 200 OK") == 0);
  CHECK(raw.received().find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(raw.received().find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(raw.received().find("Mesos-Stream-Id") == std::string::npos);
  CHECK(world.api.close({subscribe.peer, "over"}));
  REQUIRE(world.hears(raw, "\r\n0\r\n\r\n"));
  CHECK(raw.received().find("ERROR") == std::string::npos);
  CHECK(world.api.streams() == 0);
  CHECK(world.gone.empty());
}

TEST_CASE("what is for executors on the socket is left to it") {
  ApiWorld world;
  CHECK_FALSE(world.api.send({PeerId(3), executor_event::Heartbeat{}}));
  CHECK_FALSE(world.api.close({PeerId(3), "over"}));
}

TEST_CASE("an executor's stream that is closed by the other side is told to the core") {
  ApiWorld world;
  RawSocket raw;
  const FromExecutor subscribe = world.call(raw, kSubscribe);
  world.api.answer({subscribe.request, {}});
  REQUIRE(world.hears(raw, "200 OK"));
  raw.close();
  REQUIRE(run_until(world.http.loop, [&] { return !world.gone.empty(); }));
  CHECK(world.gone.back().peer == subscribe.peer);
  CHECK(world.api.streams() == 0);
}

TEST_CASE("each answer of the agent's core has its status code") {
  const std::vector<std::pair<Status, std::string>> cases = {
      {Status{}, "202"},
      {invalid("x"), "400"},
      {Error{ErrorCode::not_found, "x"}, "400"},
      {Error{ErrorCode::denied, "x"}, "403"},
      {Error{ErrorCode::conflict, "x"}, "403"},
  };
  ApiWorld world;
  for (const auto& [status, code] : cases) {
    RawSocket raw;
    const FromExecutor call = world.call(raw, kMessage);
    CHECK(call.peer.empty());
    world.api.answer({call.request, status});
    REQUIRE(world.hears(raw, "\r\n\r\n"));
    CHECK(raw.received().find("HTTP/1.1 " + code) == 0);
  }
  RawSocket raw;
  const FromExecutor subscribe = world.call(raw, kSubscribe);
  world.api.answer({subscribe.request, Error{ErrorCode::not_found, "no such executor"}});
  REQUIRE(world.hears(raw, "no such executor"));
  CHECK(raw.received().find("HTTP/1.1 400") == 0);
  CHECK(world.api.streams() == 0);
}

TEST_CASE("an executor's request is judged in the order of Mesos before the core sees it") {
  const auto first_line = [](const std::string& answer) { return answer.substr(9, 3); };
  ApiWorld world;
  const std::string bad_accept = "Accept: text/html\r\n";
  CHECK(first_line(world.refused(world.send("", "", "GET"))) == "405");
  CHECK(first_line(world.refused(world.send("{}"))) == "400");
  CHECK(first_line(world.refused(world.send("{}", "Content-Type: text/plain\r\n"))) == "415");
  CHECK(first_line(world.refused(world.send_json("{"))) == "400");
  CHECK(first_line(world.refused(world.send_json("{}", bad_accept))) == "400");
  CHECK(first_line(world.refused(world.send_json(kSubscribe, bad_accept))) == "406");
  RawSocket raw;
  (void)world.call(raw, kMessage, bad_accept);  // only SUBSCRIBE has a body in its answer
}

TEST_CASE("where executors must show a token, a call without one is 401 and says what is wanted") {
  ExecutorApiOptions options;
  options.authenticate = true;
  ApiWorld world(std::move(options));
  for (const char* header : {"", "Authorization: Basic YTpi\r\n", "Authorization: Bearer \r\n"}) {
    const std::string answer = world.refused(world.send("{}", header, "GET"));
    CHECK(answer.find("HTTP/1.1 401") == 0);
    CHECK(answer.find("WWW-Authenticate: Bearer realm=\"mesos-agent-executor\"\r\n") !=
          std::string::npos);
    CHECK(answer.find("MESOS_EXECUTOR_AUTHENTICATION_TOKEN") != std::string::npos);
  }
  RawSocket raw;
  CHECK(world.call(raw, kMessage, "Authorization: Bearer abc\r\n").call.token == "abc");
}

TEST_CASE("an executor's stream over its byte budget is closed, and too many are told so") {
  ExecutorApiOptions options;
  options.streams = 1;
  options.stream_bytes = 1000;
  ApiWorld world(std::move(options));
  RawSocket raw;
  const FromExecutor subscribe = world.call(raw, kSubscribe);
  world.api.answer({subscribe.request, {}});
  REQUIRE(world.hears(raw, "200 OK"));
  RawSocket second = world.send_json(kSubscribe);
  REQUIRE(world.hears(second, "1 executors over HTTP, its limit"));
  CHECK(second.received().find("HTTP/1.1 503") == 0);
  CHECK(world.api.send({subscribe.peer, executor_event::Message{std::string(2000, 'x')}}));
  REQUIRE(run_until(world.http.loop, [&] { return !world.gone.empty() && raw.ended(); }));
  CHECK(world.gone.back().peer == subscribe.peer);
}

TEST_CASE("of executors that together leave too much unread, the one that reads least is closed") {
  ExecutorApiOptions options;
  options.all_streams_bytes = 10'000;
  ApiWorld world(std::move(options));
  RawSocket most, less;
  const FromExecutor first = world.call(most, kSubscribe);
  const FromExecutor second = world.call(less, kSubscribe);
  world.api.answer({first.request, {}});
  world.api.answer({second.request, {}});
  REQUIRE((world.hears(most, "200 OK") && world.hears(less, "200 OK")));
  // The loop stands meanwhile: nothing of it can have left.
  CHECK(world.api.send({first.peer, executor_event::Message{std::string(6'000, 'x')}}));
  CHECK(world.api.send({second.peer, executor_event::Message{std::string(5'000, 'y')}}));
  REQUIRE(run_until(world.http.loop, [&] { return !world.gone.empty() && most.ended(); }));
  CHECK(world.gone.back().peer == first.peer);
  CHECK(world.hears(less, "MESSAGE"));
  CHECK(world.api.streams() == 1);
}
