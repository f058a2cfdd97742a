#include "proto/codec/executor.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "model/limits.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/status_address.hpp"
#include "proto/v1/task.pb.h"
#include "tests/unit/proto/codec/sample.hpp"

using namespace bourse;
using namespace bourse::codec;
using Catch::Matchers::Contains;

TEST_CASE("every executor call comes back from protobuf and from JSON") {
  std::size_t kinds = 0;
  for (const ExecutorCall& call : sample::executor_calls()) {
    CAPTURE(call.body.index());
    for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
      const auto again = decode_executor_call(encoding, encode_executor_call(encoding, call));
      if (!again) FAIL(again.error().message);
      CHECK(again->token.empty());  // travels as a header
      CHECK(again->body.index() == call.body.index());
      CHECK(encode_executor_call(encoding, *again) == encode_executor_call(encoding, call));
    }
    kinds = std::max(kinds, call.body.index() + 1);
  }
  CHECK(kinds == std::variant_size_v<decltype(ExecutorCall::body)>);
}

TEST_CASE("every executor event comes back from protobuf and from JSON") {
  std::size_t kinds = 0;
  for (const ExecutorEvent& event : sample::executor_events()) {
    CAPTURE(event.index());
    for (const Encoding encoding : {Encoding::protobuf, Encoding::json}) {
      const auto again = decode_executor_event(encoding, encode_executor_event(encoding, event));
      if (!again) FAIL(again.error().message);
      CHECK(again->index() == event.index());
      CHECK(encode_executor_event(encoding, *again) == encode_executor_event(encoding, event));
    }
    kinds = std::max(kinds, event.index() + 1);
  }
  CHECK(kinds == std::variant_size_v<ExecutorEvent>);
}

TEST_CASE("SUBSCRIBED names executor and framework by objects with nothing but their value") {
  const std::string json = encode_executor_event(Encoding::json, sample::executor_events()[0]);
  CHECK_THAT(json, Contains(R"("executor_id":{"value":"E1"})"));
  CHECK_THAT(json, Contains(R"("id":{"value":"F1"})"));
  CHECK_THAT(json, Contains(R"("container_id":{"value":"C1"})"));
}

TEST_CASE("an executor may leave out who speaks and when") {
  const auto call = decode_executor_call(Encoding::json, R"({"framework_id":{"value":"F"},
      "executor_id":{"value":"E"},"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},
      "state":"TASK_RUNNING","uuid":"3X37Fhf9QBuY8x85+21tBw=="}}})");
  REQUIRE(call.ok());
  const TaskStatus& status = std::get<executor_call::Update>(call->body).status;
  CHECK(status.source == StatusSource::executor);
  CHECK(status.agent_id.empty());
  CHECK(status.timestamp.ns == 0);
  CHECK(status.uuid.has_value());
}

TEST_CASE("executor calls without their body, with a bad uuid or too much data are refused") {
  const auto refused = [](const std::string& members) {
    const auto call = decode_executor_call(
        Encoding::json,
        R"({"framework_id":{"value":"F"},"executor_id":{"value":"E"},)" + members + "}");
    REQUIRE_FALSE(call.ok());
    return call.error();
  };
  CHECK_THAT(refused(R"("type":"UPDATE")").message, Contains("Expecting 'update'"));
  CHECK_THAT(refused(R"("type":null)").message, Contains("Expecting 'type'"));
  CHECK_THAT(refused(R"("type":"UPDATE","update":{"status":{"task_id":{"value":"t"},
                        "state":"TASK_RUNNING","uuid":"AAA="}})")
                 .message,
             Contains("'update.status.uuid'"));
  for (
      const auto& [members, words] : std::map<std::string, std::string>{
          {R"("state":"TASK_RUNNING")", "Expecting 'uuid'"},
          {R"("state":"TASK_STAGING","uuid":"3X37Fhf9QBuY8x85+21tBw==")", "TASK_STAGING"},
          {R"("state":"TASK_RUNNING","uuid":"3X37Fhf9QBuY8x85+21tBw==","source":"SOURCE_AGENT")",
           "SOURCE_EXECUTOR"},
          {R"("state":"TASK_RUNNING","uuid":"3X37Fhf9QBuY8x85+21tBw==","executor_id":{"value":"X"})",
           "'X': the call is of executor 'E'"}}) {
    CHECK_THAT(
        refused(R"("type":"UPDATE","update":{"status":{"task_id":{"value":"t"},)" + members + "}}")
            .message,
        Contains(words));
  }
  ExecutorCall large{FrameworkId("F"), ExecutorId("E"), "", executor_call::Message{}};
  std::get<executor_call::Message>(large.body)
      .data.assign(limits::kMaxFrameworkMessageBytes + 1, 'x');
  const auto call =
      decode_executor_call(Encoding::protobuf, encode_executor_call(Encoding::protobuf, large));
  REQUIRE_FALSE(call.ok());
  CHECK(call.error().code == ErrorCode::too_large);
}

TEST_CASE("an agent's address is added to a status that names none, and to no other") {
  const auto addresses = [](const TaskStatus& status) {
    mesos::v1::TaskStatus message;
    write_status(status, message);
    std::vector<std::string> out;
    for (const auto& network : message.container_status().network_infos()) {
      for (const auto& address : network.ip_addresses()) out.push_back(address.ip_address());
    }
    return out;
  };
  TaskStatus plain;
  plain.task_id = TaskId("t");
  plain.container_id = ContainerId("C");
  TaskStatus made = plain;
  made.extra = address_extra("10.0.0.1");
  CHECK(addresses(made) == std::vector<std::string>{"10.0.0.1"});
  add_address("10.0.0.1", plain);
  CHECK(plain == made);
  add_address("10.0.0.2", plain);
  CHECK(plain == made);
  // The sample's executor told its own, among other things.
  TaskStatus told = sample::status();
  add_address("10.0.0.1", told);
  CHECK(told == sample::status());
  CHECK(addresses(told) == std::vector<std::string>{"127.0.0.1"});
}
