#include "master/shell/scheduler_api.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::master;
using runtime::PushOutcome;
using runtime::test::RawSocket;
using runtime::test::request_text;
using runtime::test::run_until;

namespace {

const char* const kSubscribe =
    R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}})";
const char* const kRevive = R"({"type":"REVIVE","framework_id":{"value":"F"}})";

// The API behind a real server, and in place of the core a list of what reached it.
struct World {
  runtime::test::HttpFixture http;
  std::vector<CoreRunner::EventBody> events;
  PushOutcome outcome = PushOutcome::accepted;
  SchedulerApi api;

  explicit World(SchedulerApiLimits limits = {})
      : api(
            http.loop,
            [this](CoreRunner::EventBody body, std::size_t) {
              if (outcome != PushOutcome::full) events.push_back(std::move(body));
              return outcome;
            },
            {"M", "host", "127.0.0.1", 5050, "1.11.0", {}}, limits) {
    http.router.add("api/v1/scheduler", {"POST"},
                    [this](runtime::HttpRequest request, runtime::HttpResponder responder) {
                      api.call(std::move(request), std::move(responder));
                    });
  }

  RawSocket send(const std::string& body, const std::string& headers = "") {
    RawSocket raw = http.connect();
    raw.send(request_text("POST", "/api/v1/scheduler",
                          "Content-Type: application/json\r\n" + headers, body));
    return raw;
  }
  // Sends it and gives what reached the core.
  FromFramework call(RawSocket& raw, const std::string& body, const std::string& headers = "") {
    const std::size_t before = events.size();
    raw = send(body, headers);
    REQUIRE(run_until(http.loop, [&] { return events.size() > before; }));
    return std::get<FromFramework>(events.back());
  }
  void tell(PeerId stream, SchedulerEvent event) {
    std::vector<Outgoing> batch;
    batch.emplace_back(SendToFramework{stream, {}, {{}, std::move(event)}});
    api.send(batch);
    CHECK(batch.empty());
  }
  void close(PeerId stream) {
    std::vector<Outgoing> batch;
    batch.emplace_back(ClosePeer{stream, "why"});
    api.send(batch);
  }
  bool hears(RawSocket& raw, const std::string& text) {
    return run_until(http.loop, [&] { return raw.received().find(text) != std::string::npos; });
  }
};

std::string stream_id(const std::string& head) {
  const std::string name = "Mesos-Stream-Id: ";
  const std::size_t at = head.find(name);
  REQUIRE(at != std::string::npos);
  return head.substr(at + name.size(), 36);
}

}  // namespace

TEST_CASE("an event of a stream may overtake the answer that opens it, and is not lost") {
  World world;
  RawSocket raw;
  const FromFramework subscribe = world.call(raw, kSubscribe);
  REQUIRE_FALSE(subscribe.request.empty());
  world.tell(subscribe.stream, event::Heartbeat{});
  REQUIRE(world.hears(raw, "20\n{\"type\":\"HEARTBEAT\"}"));
  CHECK(raw.received().find("HTTP/1.1 200 OK") == 0);
  world.api.on_answers({Answer{subscribe.request, {}, 0}});
  world.tell(subscribe.stream, event::Error{"over"});
  world.close(subscribe.stream);
  REQUIRE(world.hears(raw, "over\"}}\r\n0\r\n\r\n"));
  CHECK(raw.received().find("200 OK", 20) == std::string::npos);
  CHECK(world.api.stats().streams == 0);
}

TEST_CASE("a subscription that the core refuses opens no stream and says why") {
  World world;
  RawSocket raw;
  const FromFramework subscribe = world.call(raw, kSubscribe);
  world.close(subscribe.stream);
  world.api.on_answers({Answer{subscribe.request, Error{ErrorCode::unavailable, "disk full"}, 0}});
  REQUIRE(world.hears(raw, "disk full"));
  CHECK(raw.received().find("HTTP/1.1 503") == 0);
  CHECK(world.api.stats().streams == 0);
}

TEST_CASE("a call names its stream; one that names none or an unknown one reaches the core so") {
  World world;
  RawSocket raw, other;
  const FromFramework subscribe = world.call(raw, kSubscribe);
  world.api.on_answers({Answer{subscribe.request, {}, 0}});
  REQUIRE(world.hears(raw, "Mesos-Stream-Id: "));
  const std::string id = stream_id(raw.received());
  CHECK(world.call(other, kRevive, "mesos-stream-id: " + id + "\r\n").stream == subscribe.stream);
  CHECK(world.call(other, kRevive).stream.empty());
  const FromFramework wrong = world.call(other, kRevive, "Mesos-Stream-Id: wrong\r\n");
  CHECK_FALSE(wrong.stream.empty());
  CHECK(wrong.stream != subscribe.stream);
  world.api.on_answers({Answer{wrong.request, invalid("it does not match"), 0}});
  REQUIRE(world.hears(other, "it does not match (no stream 'wrong' is open here)"));
}

TEST_CASE("each answer of the core has its status code") {
  const std::vector<std::pair<Status, std::string>> cases = {
      {Status{}, "202"},
      {invalid("x"), "400"},
      {Error{ErrorCode::not_found, "x"}, "400"},
      {Error{ErrorCode::denied, "x"}, "403"},
      {Error{ErrorCode::conflict, "x"}, "403"},
      {Error{ErrorCode::too_large, "x"}, "413"},
      {Error{ErrorCode::unsupported, "x"}, "501"},
      {Error{ErrorCode::unavailable, "x"}, "503"},
  };
  World world;
  for (const auto& [status, code] : cases) {
    RawSocket raw;
    const FromFramework call = world.call(raw, kRevive);
    // Others have answers too.
    world.api.on_answers({Answer{RequestId(1), {}, 0}, Answer{call.request, status, 0}});
    REQUIRE(world.hears(raw, "\r\n\r\n"));
    CHECK(raw.received().find("HTTP/1.1 " + code) == 0);
  }
}

TEST_CASE("a core that takes no more makes a call answered 503 and hears of a lost stream later") {
  World world;
  RawSocket raw;
  const FromFramework subscribe = world.call(raw, kSubscribe);
  world.api.on_answers({Answer{subscribe.request, {}, 0}});
  REQUIRE(world.hears(raw, "200 OK"));
  world.outcome = PushOutcome::full;
  RawSocket refused = world.send(kRevive);
  REQUIRE(world.hears(refused, "the master is overloaded"));
  CHECK(refused.received().find("HTTP/1.1 503") == 0);
  RawSocket no_stream = world.send(kSubscribe);
  REQUIRE(world.hears(no_stream, "HTTP/1.1 503"));
  raw.close();
  REQUIRE(run_until(world.http.loop, [&] { return world.api.stats().streams == 0; }));
  const std::size_t before = world.events.size();
  world.outcome = PushOutcome::accepted;
  REQUIRE(run_until(world.http.loop, [&] { return world.events.size() > before; }));
  CHECK(std::get<PeerGone>(world.events.back()).peer == subscribe.stream);
}

TEST_CASE("a stream over its byte budget is closed, and the next is told when there are too many") {
  World world({1, 1000});
  RawSocket raw;
  const FromFramework subscribe = world.call(raw, kSubscribe);
  world.api.on_answers({Answer{subscribe.request, {}, 0}});
  REQUIRE(world.hears(raw, "200 OK"));
  RawSocket second = world.send(kSubscribe);
  REQUIRE(world.hears(second, "1 schedulers over HTTP, its limit"));
  CHECK(second.received().find("HTTP/1.1 503") == 0);
  const std::size_t before = world.events.size();
  world.tell(subscribe.stream, event::Error{std::string(2000, 'x')});
  REQUIRE(run_until(world.http.loop, [&] { return world.events.size() > before && raw.ended(); }));
  CHECK(std::get<PeerGone>(world.events.back()).peer == subscribe.stream);
  CHECK(world.api.stats().streams_unread == 1);
}

TEST_CASE("of schedulers that together leave too much unread, the one that reads least is closed") {
  SchedulerApiLimits limits;
  limits.all_streams_bytes = 10'000;
  World world(limits);
  RawSocket most, less;
  const FromFramework first = world.call(most, kSubscribe);
  const FromFramework second = world.call(less, kSubscribe);
  world.api.on_answers({Answer{first.request, {}, 0}, Answer{second.request, {}, 0}});
  REQUIRE((world.hears(most, "200 OK") && world.hears(less, "200 OK")));
  const std::size_t before = world.events.size();
  // The loop stands meanwhile: nothing of it can have left.
  world.tell(first.stream, event::Error{std::string(6'000, 'x')});
  world.tell(second.stream, event::Error{std::string(5'000, 'y')});
  REQUIRE(run_until(world.http.loop, [&] { return world.events.size() > before && most.ended(); }));
  CHECK(std::get<PeerGone>(world.events.back()).peer == first.stream);
  CHECK(world.api.stats().streams_unread == 1);
  CHECK(world.hears(less, std::string(5'000, 'y')));
  // What was read counts no more: as much again is within the sum.
  world.tell(second.stream, event::Error{std::string(8'000, 'z')});
  CHECK(world.hears(less, std::string(8'000, 'z')));
  CHECK(world.api.stats().streams == 1);
}

TEST_CASE("what is for peers of the link stays in the batch") {
  World world;
  std::vector<Outgoing> batch;
  batch.emplace_back(SendToFramework{PeerId(7), {}, {{}, event::Heartbeat{}}});
  batch.emplace_back(ClosePeer{PeerId(7), "why"});
  batch.emplace_back(SendToAgent{});
  world.api.send(batch);
  CHECK(batch.size() == 3);
}
