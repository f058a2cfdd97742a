#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "proto/codec/json.hpp"
#include "proto/codec/json_text.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/framework_info.pb.h"
#include "proto/v1/labels.pb.h"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/task.pb.h"

using namespace bourse;
using namespace bourse::codec;
namespace v1 = mesos::v1;

namespace {

std::string text_of(double value) {
  std::string out;
  write_json_double(value, out);
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out;
  write_json_string(text, out);
  return out;
}

}  // namespace

TEST_CASE("doubles are written with a fraction or exponent, shortest form that reads back") {
  CHECK(text_of(4) == "4.0");
  CHECK(text_of(0) == "0.0");
  CHECK(text_of(-0.0) == "-0.0");
  CHECK(text_of(0.5) == "0.5");
  CHECK(text_of(0.1) == "0.1");
  CHECK(text_of(1795357989.8324947) == "1795357989.8324947");
  CHECK(text_of(0.007884799999999999) == "0.007884799999999999");
  CHECK(text_of(20257701888) == "20257701888.0");
  CHECK(text_of(1e300) == "1e+300");
  CHECK(text_of(1e16) == "10000000000000000.0");
  CHECK(text_of(std::numeric_limits<double>::infinity()) == "\"Infinity\"");
  CHECK(text_of(-std::numeric_limits<double>::infinity()) == "\"-Infinity\"");
  for (const double value : {5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e-5, 123456789.125}) {
    CHECK(std::strtod(text_of(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("strings are escaped, and bytes that are not UTF-8 are replaced, so output is JSON") {
  CHECK(in_quotes("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(in_quotes("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(in_quotes(std::string("\0\x1f", 2)) == R"("\u0000\u001f")");
  CHECK(in_quotes("f\xc3\xbcr \xf0\x9f\x9a\x80") == "\"f\xc3\xbcr \xf0\x9f\x9a\x80\"");
  CHECK(in_quotes("a\xff z") == "\"a\xef\xbf\xbd z\"");
  CHECK(in_quotes("\xed\xa0\x80").find("\xef\xbf\xbd") != std::string::npos);  // a surrogate
}

TEST_CASE("a character that must be escaped is seen wherever it stands in a string of any length") {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string plain(size, '~');
    CHECK(in_quotes(plain) == '"' + plain + '"');
    for (std::size_t at = 0; at < size; ++at) {
      for (const char c : {'"', '\\', '\n', '\0', '\x1f'}) {
        std::string text = plain;
        text[at] = c;
        const std::string alone = in_quotes(std::string(1, c));
        REQUIRE(in_quotes(text) == '"' + plain.substr(0, at) + alone.substr(1, alone.size() - 2) +
                                       plain.substr(at + 1) + '"');
      }
      std::string bad = plain;
      bad[at] = '\x80';
      REQUIRE(in_quotes(bad).find("\xef\xbf\xbd") == at + 1);
      for (const char c : {' ', '!', '#', '[', ']', '\x7f'}) {
        std::string text = plain;
        text[at] = c;
        REQUIRE(in_quotes(text) == '"' + text + '"');
      }
    }
  }
}

TEST_CASE("thousandths are written as their double is") {
  const auto written = [](std::int64_t milli) {
    std::string out = "before";
    JsonText(out).milli(milli);
    return out.substr(6);
  };
  std::uint64_t drawn = 88172645463325252;
  for (int i = 0; i < 20000; ++i) {
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    const auto milli = static_cast<std::int64_t>(drawn >> (i % 64));
    REQUIRE(written(milli) == text_of(double_from_milli(milli)));
  }
  for (std::int64_t milli = -20; milli < 3000; ++milli) {
    REQUIRE(written(milli) == text_of(double_from_milli(milli)));
  }
  CHECK(written(999'999'999'999'999) == "999999999999.999");
}

TEST_CASE("what stands in front of written JSON stays, however much is written") {
  std::string out = "front";
  for (int i = 0; i < 200; ++i)
    write_json_string(std::string(static_cast<std::size_t>(i), 'x'), out);
  std::string wanted = "front";
  for (int i = 0; i < 200; ++i) wanted += '"' + std::string(static_cast<std::size_t>(i), 'x') + '"';
  CHECK(out == wanted);
}

TEST_CASE("64-bit integers are numbers, bytes are base64, enums are names, output is one line") {
  v1::TaskStatus status;
  status.mutable_task_id()->set_value("a\nb");
  status.set_state(v1::TASK_RUNNING);
  status.set_data(std::string("\x00\xff\x10", 3));
  status.mutable_unreachable_time()->set_nanoseconds(1795357987969777152);
  CHECK(to_json(status) == R"({"task_id":{"value":"a\nb"},"state":"TASK_RUNNING","data":"AP8Q",)"
                           R"("unreachable_time":{"nanoseconds":1795357987969777152}})");
}

TEST_CASE("base64 of every length comes back") {
  std::string data;
  for (int i = 0; i < 70; ++i) {
    v1::TaskStatus status, again;
    status.mutable_task_id()->set_value("t");
    status.set_state(v1::TASK_RUNNING);
    status.set_data(data);
    REQUIRE(from_json(to_json(status), again).ok());
    CHECK(again.data() == data);
    data.push_back(static_cast<char>(i * 37));
  }
}

TEST_CASE("fields with a declared default are written even when unset, deprecated ones are not") {
  v1::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  CHECK(to_json(info) == R"({"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false})");
}

TEST_CASE("null is unset, unknown fields are ignored whatever they hold") {
  v1::scheduler::Call call;
  const Status ok = from_json(
      R"({"type":"DECLINE","framework_id":null,"nope":{"a":[1,{"b":null}]},"accept":null,
          "decline":{"offer_ids":[{"value":"o","x":1}],"filters":null}})",
      call);
  REQUIRE(ok.ok());
  CHECK_FALSE(call.has_framework_id());
  CHECK_FALSE(call.has_accept());
  CHECK_FALSE(call.decline().has_filters());
  CHECK(call.decline().offer_ids(0).value() == "o");
}

TEST_CASE("numbers and booleans are accepted inside strings") {
  v1::agent::Call call;
  REQUIRE(from_json(R"({"type":"READ_FILE","read_file":{"path":"/x","offset":"7","length":12.0}})",
                    call)
              .ok());
  CHECK(call.read_file().offset() == 7);
  CHECK(call.read_file().length() == 12);
  v1::FrameworkInfo info;
  REQUIRE(from_json(R"({"user":"u","name":"n","checkpoint":"true","failover_timeout":"2.5"})", info)
              .ok());
  CHECK(info.checkpoint());
  CHECK(info.failover_timeout() == 2.5);
}

TEST_CASE("maps and Infinity are read and written with sorted keys") {
  v1::TaskInfo task;
  const char* text = R"({"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},)"
                     R"("limits":{"cpus":{"value":2.0},"mem":{"value":"Infinity"}}})";
  REQUIRE(from_json(text, task).ok());
  CHECK(task.limits().at("mem").value() == std::numeric_limits<double>::infinity());
  CHECK(to_json(task) == text);
}

TEST_CASE("an enum value that only newer peers know reads as unset") {
  v1::scheduler::Call call;
  REQUIRE(from_json(R"({"type":"FROM_THE_FUTURE"})", call).ok());
  CHECK_FALSE(call.has_type());
  v1::TaskStatus status;
  const Status ok = from_json(R"({"task_id":{"value":"t"},"state":"TASK_NEW"})", status);
  REQUIRE_FALSE(ok.ok());
  CHECK(ok.error().message.find("'state' is 'TASK_NEW'") != std::string::npos);
}
