// What the reader of JSON refuses, and what it says.

#include <catch2/catch.hpp>
#include <string>

#include "proto/codec/json.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/offer_constraints.pb.h"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/task.pb.h"

using namespace bourse;
using namespace bourse::codec;
namespace v1 = mesos::v1;

namespace {

template <typename Message>
Error refusal(const std::string& text, const JsonLimits& limits = {}) {
  Message message;
  const Status ok = from_json(text, message, limits);
  CAPTURE(text.substr(0, 200));
  REQUIRE_FALSE(ok.ok());
  return ok.error();
}

using Catch::Matchers::Contains;

std::string decline_with(const std::string& filters) {
  return R"({"type":"DECLINE","decline":{"offer_ids":[],"filters":)" + filters + "}}";
}

}  // namespace

TEST_CASE("a wrong type is refused with the field's path, the value and what would be right") {
  const Error error = refusal<v1::scheduler::Call>(
      R"({"accept":{"operations":[{},{"launch":{"task_infos":[{"name":7}]}}]}})");
  CHECK(error.code == ErrorCode::invalid);
  CHECK(error.message ==
        "Failed to convert JSON into Call protobuf: "
        "'accept.operations[1].launch.task_infos[0].name' is 7: it must be a string");
  CHECK_THAT(refusal<v1::scheduler::Call>(R"({"accept":[]})").message,
             Contains("'accept' is an array: it must be an object"));
  CHECK_THAT(refusal<v1::scheduler::Call>(R"({"accept":{"offer_ids":{}}})").message,
             Contains("'accept.offer_ids' is an object: it must be an array"));
  CHECK_THAT(refusal<v1::scheduler::Call>(decline_with(R"({"refuse_seconds":"soon"})")).message,
             Contains("'decline.filters.refuse_seconds' is 'soon': it must be a number"));
}

TEST_CASE("NaN is refused in every spelling") {
  for (const char* text : {"NaN", "nan", "-NaN", "Inf", "infinity"}) {
    refusal<v1::scheduler::Call>(decline_with(std::string(R"({"refuse_seconds":)") + text + "}"));
    refusal<v1::scheduler::Call>(
        decline_with(std::string(R"({"refuse_seconds":")") + text + "\"}"));
  }
  refusal<v1::scheduler::Call>(decline_with(R"({"refuse_seconds":1e999})"));
}

TEST_CASE("whole numbers out of range or with a fraction are refused") {
  for (const char* value :
       {"-1", "1.5", "18446744073709551616", "1e30", "\"\"", "\"0x10\"", "\" 7\"", "true"}) {
    refusal<v1::agent::Call>(std::string(R"({"read_file":{"path":"/","offset":)") + value + "}}");
  }
}

TEST_CASE("a key given twice is refused") {
  CHECK_THAT(refusal<v1::scheduler::Call>(R"({"type":"REVIVE","type":"REVIVE"})").message,
             Contains("'type' is given twice"));
  CHECK_THAT(refusal<v1::TaskInfo>(R"({"limits":{"cpus":{"value":1},"cpus":{"value":2}}})").message,
             Contains("'limits' has 'cpus' twice"));
}

TEST_CASE("two choices of one oneof are refused") {
  CHECK_THAT(refusal<v1::scheduler::AttributeConstraint>(
                 R"({"selector":{"pseudoattribute_type":"ZONE","attribute_name":"x"}})")
                 .message,
             Contains("only one may be"));
}

TEST_CASE("text that is not UTF-8 or has half a surrogate pair is refused") {
  CHECK_THAT(refusal<v1::scheduler::Call>("{\"type\":\"\xff\"}").message, Contains("UTF-8"));
  CHECK_THAT(refusal<v1::scheduler::Call>("{\"x\":\"\xc0\xaf\"}").message, Contains("UTF-8"));
  for (const char* escape : {R"(\ud800)", R"(\udc00)", R"(\ud800\u0041)", R"(\u12g4)"}) {
    refusal<v1::scheduler::Call>(std::string(R"({"framework_id":{"value":")") + escape + "\"}}");
  }
  v1::scheduler::Call call;
  REQUIRE(from_json(R"({"framework_id":{"value":"\ud83d\ude80"}})", call).ok());
  CHECK(call.framework_id().value() == "\xf0\x9f\x9a\x80");
}

TEST_CASE("nesting up to 64 levels is read, deeper is refused") {
  const auto nested = [](int depth) {
    // The object itself is the first level.
    return R"({"x":)" + std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  v1::scheduler::Call call;
  CHECK(from_json(nested(63), call).ok());
  const Error error = refusal<v1::scheduler::Call>(nested(66));
  CHECK(error.code == ErrorCode::invalid);  // it does not parse, as Mesos says
  CHECK_THAT(error.message, Contains("deeper than 64"));
  refusal<v1::scheduler::Call>(std::string(100'000, '['));
}

TEST_CASE("too many bytes and too many values are refused") {
  JsonLimits bytes;
  bytes.bytes = 10;
  CHECK(refusal<v1::scheduler::Call>(R"({"type":"REVIVE"})", bytes).code == ErrorCode::too_large);
  JsonLimits elements;
  elements.elements = 5;
  CHECK(refusal<v1::scheduler::Call>(R"({"x":[1,2,3,4,5]})", elements).code ==
        ErrorCode::too_large);
  v1::scheduler::Call call;
  CHECK(from_json(R"({"x":[1,2,3,4]})", call, elements).ok());
}

TEST_CASE("every cut of a valid text is refused without reading past its end") {
  const std::string text =
      R"({"type":"DECLINE","decline":{"offer_ids":[{"value":"o\u00e9"}],"filters":{"refuse_seconds":1.5}}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    v1::scheduler::Call call;
    CHECK_FALSE(from_json(text.substr(0, size), call).ok());
  }
  v1::scheduler::Call call;
  CHECK(from_json(text, call).ok());
  CHECK_FALSE(from_json(text + "{}", call).ok());
  CHECK_FALSE(from_json(text + "x", call).ok());
}

TEST_CASE("bad base64 is refused") {
  for (const char* text : {"A", "AB=", "A===", "AP8Q!", "AP 8Q", "AB", "A-_="}) {
    const Error error = refusal<v1::TaskStatus>(
        std::string(R"({"task_id":{"value":"t"},"state":"TASK_LOST","data":")") + text + "\"}");
    CHECK_THAT(error.message, Contains("base64"));
  }
}

TEST_CASE("missing required fields are named by their paths") {
  CHECK(refusal<v1::TaskInfo>(R"({"name":"n","command":{"uris":[{}]}})").message ==
        "Failed to convert JSON into TaskInfo protobuf: Missing required fields: task_id, "
        "agent_id, command.uris[0].value");
}
