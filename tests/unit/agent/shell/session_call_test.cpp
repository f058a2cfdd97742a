// What the calls about sessions say, and what their output is written as.
#include "agent/shell/session_call.hpp"

#include <catch2/catch.hpp>

#include "agent/shell/session_output.hpp"
#include "model/session_limits.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/record_io.hpp"
#include "proto/v1/process_io.pb.h"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::agent;
using mesos::v1::agent::Call;
using mesos::v1::agent::ProcessIO;

namespace {

Call call_of(const std::string& json) {
  Call call;
  const Status read = codec::from_json(json, call);
  INFO((read.ok() ? "" : read.error().message));
  REQUIRE(read.ok());
  return call;
}

const std::string kId = R"("container_id":{"value":"s","parent":{"value":"c"}})";

Call launch(const std::string& rest) {
  return call_of(
      R"({"type":"LAUNCH_NESTED_CONTAINER_SESSION","launch_nested_container_session":{)" + kId +
      rest + "}}");
}

Result<isolation::SessionSpec> spec_of(const std::string& rest) {
  return read_session(launch(rest), {ContainerId("c"), "s"}, "user");
}

std::string refusal_of(const std::string& rest) {
  const auto spec = spec_of(rest);
  REQUIRE_FALSE(spec.ok());
  return spec.error().message;
}

Result<SessionInput> input_of(const std::string& json) {
  return read_session_input(
      call_of(R"({"type":"ATTACH_CONTAINER_INPUT","attach_container_input":{)" + json + "}}"));
}

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a session's command is a line for a shell, or words") {
  auto spec = spec_of(R"(,"command":{"value":"ls | wc","environment":{"variables":[
    {"name":"A","value":"1"}]}})");
  REQUIRE(spec.ok());
  CHECK(spec->argv == std::vector<std::string>{"/bin/sh", "-c", "ls | wc"});
  CHECK(spec->env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}});
  CHECK(spec->user == "user");
  CHECK_FALSE(spec->tty);
  spec = spec_of(R"(,"command":{"shell":false,"value":"/bin/ls","arguments":["ls","-l"]},
    "container":{"type":"MESOS","tty_info":{"window_size":{"rows":3,"columns":4}}})");
  REQUIRE(spec.ok());
  CHECK(spec->argv == std::vector<std::string>{"/bin/ls", "-l"});
  CHECK((spec->tty && spec->rows == 3 && spec->columns == 4));
  CHECK(asks_for_tty(launch(R"(,"container":{"type":"MESOS","tty_info":{}})")));
}

TEST_CASE("what a session cannot have is named") {
  CHECK(has(refusal_of(""), "command: is missing"));
  CHECK(has(refusal_of(R"(,"command":{})"), "command.value: is empty"));
  CHECK(has(refusal_of(R"(,"command":{"value":"a","uris":[{"value":"/x"}]})"), "command.uris"));
  CHECK(has(refusal_of(R"(,"command":{"value":"a","user":"root"})"), "'root' is not 'user'"));
  CHECK(has(refusal_of(R"(,"command":{"value":"a"},"container":{"type":"MESOS","volumes":[
    {"mode":"RW","container_path":"v"}]})"),
            "container.volumes"));
  CHECK(has(refusal_of(R"(,"command":{"value":"a"},"container":{"type":"MESOS","mesos":{
    "image":{"type":"DOCKER","docker":{"name":"x"}}}})"),
            "container.mesos.image"));
  const std::string longest(limits::kMaxSessionCommandBytes, 'x');
  CHECK(
      has(refusal_of(R"(,"command":{"shell":false,"value":")" + longest + "\"}"), "at most 65536"));
}

TEST_CASE("a session is named by itself and one parent") {
  mesos::v1::ContainerID id;
  id.set_value("s");
  CHECK(has(read_session_key(id).error().message, "container_id.parent: is missing"));
  id.mutable_parent()->set_value("c");
  CHECK(*read_session_key(id) == SessionKey{ContainerId("c"), "s"});
  id.mutable_parent()->mutable_parent()->set_value("d");
  CHECK(read_session_key(id).error().code == ErrorCode::unsupported);
}

TEST_CASE("a record of input is whose it is, bytes, a size or a heartbeat") {
  CHECK(input_of(R"("type":"CONTAINER_ID",)" + kId)->attach == SessionKey{ContainerId("c"), "s"});
  const std::string io = R"("type":"PROCESS_IO","process_io":)";
  CHECK(input_of(io + R"({"type":"DATA","data":{"type":"STDIN","data":"aGk="}})")->bytes == "hi");
  CHECK(input_of(io + R"({"type":"DATA","data":{"type":"STDIN"}})")->bytes == "");
  const auto size = input_of(io + R"({"type":"CONTROL","control":{"type":"TTY_INFO","tty_info":{
    "window_size":{"rows":7,"columns":8}}}})");
  CHECK(size->window == std::pair<std::uint32_t, std::uint32_t>{7, 8});
  const auto beat = input_of(io + R"({"type":"CONTROL","control":{"type":"HEARTBEAT","heartbeat":{
    "interval":{"nanoseconds":1}}}})");
  REQUIRE(beat.ok());
  CHECK((!beat->attach && !beat->bytes && !beat->window));
  for (const auto& [json, part] : std::vector<std::pair<std::string, const char*>>{
           {R"("type":"CONTAINER_ID")", "neither a CONTAINER_ID nor a PROCESS_IO"},
           {"", "neither a CONTAINER_ID nor a PROCESS_IO"},
           {io + "{}", "'UNKNOWN' is neither DATA nor CONTROL"},
           {io + R"({"type":"DATA","data":{"type":"STDOUT"}})", "'STDOUT' is not STDIN"},
           {io + R"({"type":"CONTROL","control":{}})", "is neither HEARTBEAT nor TTY_INFO"},
           {io + R"({"type":"CONTROL","control":{"type":"TTY_INFO"}})", "window_size: is missing"},
       }) {
    const auto read = input_of(json);
    INFO(json);
    REQUIRE_FALSE(read.ok());
    CHECK(has(read.error().message, part));
  }
}

TEST_CASE("readers of a session hear output and heartbeats, each in the encoding it asked for") {
  runtime::test::HttpFixture http;
  SessionOutput output;
  int gone = 0;
  for (const auto encoding : {codec::Encoding::json, codec::Encoding::protobuf}) {
    http.router.add(encoding == codec::Encoding::json ? "json" : "protobuf",
                    [&, encoding](runtime::HttpRequest, runtime::HttpResponder responder) {
                      const auto number = static_cast<std::uint64_t>(encoding);
                      output.add(responder, encoding, true, number, [&, number] {
                        output.remove(number);
                        ++gone;
                      });
                    });
  }
  auto json = http.connect();
  json.send(runtime::test::request_text("GET", "/json"));
  auto protobuf = std::make_unique<runtime::test::RawSocket>(http.connect());
  protobuf->send(runtime::test::request_text("GET", "/protobuf"));
  const auto heard = [&](runtime::test::RawSocket& raw, const std::string& text) {
    return raw.received().find(text) != std::string::npos;
  };
  runtime::test::run_until(http.loop,
                           [&] { return heard(json, "recordio") && heard(*protobuf, "recordio"); });
  CHECK(heard(json, "Message-Content-Type: application/json"));
  output.write(OutputKind::err, "hi");
  output.heartbeat();
  runtime::test::run_until(http.loop, [&] {
    return heard(json, R"("type":"STDERR","data":"aGk=")") &&
           heard(json, R"("interval":{"nanoseconds":30000000000})");
  });
  ProcessIO message;
  message.set_type(ProcessIO::DATA);
  message.mutable_data()->set_type(ProcessIO::Data::STDERR);
  message.mutable_data()->set_data("hi");
  std::string record;
  codec::append_record(message.SerializeAsString(), record);
  runtime::test::run_until(http.loop, [&] { return heard(*protobuf, record); });
  protobuf.reset();
  runtime::test::run_until(http.loop, [&] { return gone == 1; });
  CHECK_FALSE(output.backed_up());
  for (int i = 0; i < 12; ++i) output.write(OutputKind::out, std::string(50'000, 'x'));
  CHECK(output.backed_up());
  output.close();
  runtime::test::run_until(http.loop, [&] { return heard(json, "0\r\n\r\n"); });
  CHECK(gone == 1);
}
