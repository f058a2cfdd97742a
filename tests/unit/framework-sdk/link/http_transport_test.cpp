#include "framework-sdk/link/http_transport.hpp"

#include <catch2/catch.hpp>

#include "proto/codec/scheduler.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::sdk;
using runtime::HttpRequest;
using runtime::HttpResponder;
using runtime::HttpResponse;
using runtime::test::run_until;

namespace {

constexpr codec::Encoding kProtobuf = codec::Encoding::protobuf;

// A transport against a real server whose answers each test decides.
struct World {
  runtime::test::HttpFixture http;
  std::vector<std::pair<HttpRequest, HttpResponder>> requests;
  int connected = 0;
  int lost = 0;
  std::vector<MasterToFramework> heard;
  std::vector<std::string> refused;
  std::unique_ptr<HttpTransport> transport;

  World() {
    http.router.add("api/v1/scheduler", {"POST"}, [this](HttpRequest request, HttpResponder out) {
      requests.emplace_back(std::move(request), std::move(out));
    });
    TransportHandlers handlers;
    handlers.on_connected = [this] { ++connected; };
    handlers.on_lost = [this](const std::string&, bool) { ++lost; };
    handlers.on_message = [this](MasterToFramework message) { heard.push_back(message); };
    handlers.on_refused = [this](const std::string& reason) { refused.push_back(reason); };
    transport = std::make_unique<HttpTransport>(http.loop, std::vector<std::string>{address()},
                                                std::move(handlers));
    transport->start();
    wait([&] { return connected == 1; });
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(http.server->port()); }
  template <typename Condition>
  void wait(Condition condition) {
    REQUIRE(run_until(http.loop, condition));
  }
  void send(SchedulerCall call, std::uint64_t session = 7) {
    transport->send({{session, 0, 0}, std::move(call)});
  }
  // The request that came as number `index`.
  std::pair<HttpRequest, HttpResponder>& request(std::size_t index) {
    wait([&] { return requests.size() > index; });
    return requests[index];
  }
  void answer(std::size_t index, int status, const std::string& text = "") {
    request(index).second.respond(HttpResponse::text(status, text));
  }
  runtime::HttpStream open(std::size_t index, const std::string& id = "stream") {
    HttpResponse head;
    head.headers.add("Mesos-Stream-Id", id);
    const auto stream = request(index).second.open_stream(head);
    tell(stream, event::Subscribed{FrameworkId("F"), Duration::seconds(15)});
    const std::size_t before = heard.size();
    wait([&] { return heard.size() > before; });
    return stream;
  }
  static void tell(const runtime::HttpStream& stream, const SchedulerEvent& event) {
    (void)stream.send_record(codec::encode_scheduler_event(kProtobuf, event, {}));
  }
};

SchedulerCall subscribe(const std::string& name = "f") {
  FrameworkFacet facet;
  facet.name = name;
  facet.user = "root";
  return {FrameworkId(), call::Subscribe{facet, {}}};
}

SchedulerCall kill(const std::string& task) {
  return {FrameworkId("F"), call::Kill{TaskId(task), AgentId(), std::nullopt}};
}

}  // namespace

TEST_CASE("masters are given as http addresses, and anything else is refused with a sentence") {
  CHECK(parse_http_masters("http://a:5050").value() == std::vector<std::string>{"a:5050"});
  CHECK(parse_http_masters("http://a:1,b:2/,http://[::1]:3").value() ==
        std::vector<std::string>{"a:1", "b:2", "[::1]:3"});
  for (const char* wrong : {"http://", "https://a:1", "http://a:1/path", "http://a:1,,b:2",
                            "http://a:99999", "http://a b:1"}) {
    INFO(wrong);
    const auto read = parse_http_masters(wrong);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find(wrong) != std::string::npos);
  }
  CHECK(authority_of("//m2:5050/api/v1/scheduler") == "m2:5050");
  CHECK(authority_of("http://m2:5050") == "m2:5050");
  CHECK(authority_of("/elsewhere").empty());
}

TEST_CASE("events of the stream are numbered for the machine and calls name the stream") {
  World world;
  world.send(subscribe());
  CHECK(world.request(0).first.headers.get("Accept") == "application/x-protobuf");
  CHECK_FALSE(world.request(0).first.headers.contains("Mesos-Stream-Id"));
  const auto stream = world.open(0);
  World::tell(stream, event::Heartbeat{});
  World::tell(stream, event::Rescind{OfferId("O")});
  world.wait([&] { return world.heard.size() == 3; });
  CHECK(world.heard[0].header.sequence == 1);
  CHECK(world.heard[1].header.sequence == 1);  // a heartbeat: the last number
  CHECK(world.heard[2].header.sequence == 2);
  CHECK(world.heard[2].header.session == 7);
  world.send(kill("t"));
  CHECK(world.request(1).first.headers.get("Mesos-Stream-Id") == "stream");
}

TEST_CASE("calls go one after the other, and what a busy master refuses is made again") {
  World world;
  world.send(subscribe());
  const auto stream = world.open(0);
  world.send(kill("first"));
  world.send(kill("second"));
  world.answer(1, 503, "busy");
  const auto again = codec::decode_scheduler_call(kProtobuf, world.request(2).first.body);
  CHECK(std::get<call::Kill>(again->body).task_id == TaskId("first"));
  CHECK(world.requests.size() == 3);
  world.answer(2, 429, "too often");
  world.answer(3, 202);
  const auto next = codec::decode_scheduler_call(kProtobuf, world.request(4).first.body);
  CHECK(std::get<call::Kill>(next->body).task_id == TaskId("second"));
  world.answer(4, 400, "no such thing");
  world.wait([&] { return !world.refused.empty(); });
  CHECK(world.refused.front().find("no such thing") != std::string::npos);
  CHECK(world.lost == 0);
}

TEST_CASE("a master that does not lead sends on to the leader") {
  World world;
  world.send(subscribe());
  HttpResponse elsewhere;
  elsewhere.status = 307;
  // The same server under another name is another authority all the same.
  elsewhere.headers.add(
      "Location", "//localhost:" + std::to_string(world.http.server->port()) + "/api/v1/scheduler");
  world.request(0).second.respond(std::move(elsewhere));
  CHECK(world.request(1).first.headers.get("Host").substr(0, 10) == "localhost:");
  const auto stream = world.open(1);
  CHECK(world.lost == 0);
  CHECK(world.connected == 1);
}

TEST_CASE("a stream that ends and a master without a leader are left and asked again later") {
  World world;
  world.send(subscribe());
  world.open(0).close();
  world.wait([&] { return world.lost == 1; });
  world.wait([&] { return world.connected == 2; });
  world.send(subscribe(), 8);
  world.answer(1, 503, "no master leads");
  world.wait([&] { return world.lost == 2 && world.connected == 3; });
  world.send(subscribe(), 9);
  const auto stream = world.open(2);
  CHECK(world.heard.back().header.session == 9);
}

TEST_CASE("a subscription that is asked for again while it waits is not sent twice") {
  World world;
  world.send(subscribe(), 7);
  world.request(0);
  world.send(subscribe(), 8);
  const auto stream = world.open(0);
  CHECK(world.requests.size() == 1);
  CHECK(world.heard.back().header.session == 8);
}

TEST_CASE("a subscription that cannot be is told as the master's error and not repeated") {
  World world;
  world.send(subscribe());
  world.answer(0, 400, "'subscribe.framework_info.user' is missing");
  world.wait([&] { return !world.heard.empty(); });
  const auto& error = std::get<event::Error>(world.heard.front().body);
  CHECK(error.message == "'subscribe.framework_info.user' is missing");
  CHECK(world.lost == 0);
}

TEST_CASE("a master that sends no records is left") {
  World world;
  world.send(subscribe());
  HttpResponse head;
  head.headers.add("Mesos-Stream-Id", "s");
  SECTION("a length that is none") {
    head.body = "12x\n";
  }
  SECTION("a record that is no event") {
    head.body = "2\n\xff\xff";
  }
  const auto stream = world.request(0).second.open_stream(head);
  world.wait([&] { return world.lost == 1; });
  CHECK(world.heard.empty());
}

TEST_CASE("a document is published over HTTP like any call") {
  World world;
  world.send(subscribe());
  const auto stream = world.open(0);
  world.send({FrameworkId("F"), call::Publish{"name", "content"}});
  const HttpRequest& request = world.request(1).first;
  CHECK(request.headers.get("Mesos-Stream-Id") == "stream");
  const auto call = codec::decode_scheduler_call(kProtobuf, request.body);
  REQUIRE(call.ok());
  CHECK(std::get<call::Publish>(call->body).content == "content");
  CHECK(world.refused.empty());
}

TEST_CASE("calls beyond what may wait for a master are refused with a sentence") {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.send({FrameworkId("F"), call::Message{AgentId("a"), ExecutorId("e"),
                                                std::string(kMaxWaitingBytes / 2, 'x')}});
  }
  CHECK(world.refused.size() == 2);
}
