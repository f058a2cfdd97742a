// Bodies recorded from a running Mesos: read as our messages and written again they must be the
// same text, key order and number formats included.

#include <google/protobuf/message.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "proto/codec/executor.hpp"
#include "proto/codec/json.hpp"
#include "proto/codec/scheduler.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/agent_response.pb.h"
#include "proto/v1/executor_call.pb.h"
#include "proto/v1/executor_event.pb.h"
#include "proto/v1/master_call.pb.h"
#include "proto/v1/master_event.pb.h"
#include "proto/v1/master_response.pb.h"
#include "proto/v1/scheduler_call.pb.h"
#include "proto/v1/scheduler_event.pb.h"

using namespace bourse;
using namespace bourse::codec;

namespace {

struct Exchange {
  std::vector<std::string> sent;
  std::vector<std::string> received;
};

// End of the JSON object that starts at `from`.
std::size_t object_end(const std::string& text, std::size_t from) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return std::string::npos;
}

// Without white space between tokens: the recordings of plain requests are pretty-printed.
std::string compact(const std::string& text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      out += c;
      out += text[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (quoted || (c != ' ' && c != '\n')) out += c;
  }
  return out;
}

// Every JSON object that starts a line (or follows "<<< record " or ">>> "), by direction.
Exchange load(const std::string& name) {
  std::ifstream in(BOURSE_TEST_DATA "/mesos-recordings/" + name);
  REQUIRE(in);
  std::stringstream buffer;
  buffer << in.rdbuf();
  const std::string text = buffer.str();
  Exchange out;
  bool sending = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t line_end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, line_end - at);
    std::size_t brace = std::string::npos;
    if (line.rfind(">>>", 0) == 0) sending = true;
    if (line.rfind("<<<", 0) == 0) sending = false;
    if (line.rfind("{", 0) == 0) brace = at;
    if (line.rfind(">>> {", 0) == 0) brace = at + 4;
    if (line.rfind("<<< record {", 0) == 0) brace = at + 11;
    if (brace == std::string::npos) {
      at = line_end + 1;
      continue;
    }
    const std::size_t end = object_end(text, brace);
    if (end == std::string::npos) {  // recorded malformed on purpose
      at = line_end + 1;
      continue;
    }
    (sending ? out.sent : out.received).push_back(text.substr(brace, end - brace));
    at = end;
  }
  return out;
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// Mesos writes the last of 17 digits one off now and then (another text of the same double): each
// number with a fraction is written anew.
std::string same_doubles(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    if (i > 0 && text[i - 1] == ':') end = text.find_first_not_of("0123456789.-e+", i);
    const std::string number = text.substr(i, end - i);
    if (number.find('.') != std::string::npos) {
      write_json_double(std::strtod(number.c_str(), nullptr), out);
      i = end;
    } else {
      out += text[i++];
    }
  }
  return out;
}

// What we write for a recorded body. Three differences from Mesos are known and meant:
// AgentInfo.checkpoint is not part of the v1 message, maps are written in the order of their keys,
// and doubles in their shortest form.
std::string expected(const std::string& recorded) {
  std::string text = compact(recorded);
  replace(text, R"(-S0"},"checkpoint":true})", R"(-S0"}})");
  replace(text, R"({"mem":{"value":512.0},"cpus":{"value":2.0}})",
          R"({"cpus":{"value":2.0},"mem":{"value":512.0}})");
  return same_doubles(text);
}

// Where two texts part, for a readable failure; empty when they are equal.
std::string difference(const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return "";
  std::size_t at = 0;
  while (at < ours.size() && at < theirs.size() && ours[at] == theirs[at]) ++at;
  const std::size_t from = at < 60 ? 0 : at - 60;
  return "ours: ..." + ours.substr(from, 160) + "\ntheirs: ..." + theirs.substr(from, 160);
}

template <typename Message>
int check_same(const std::vector<std::string>& bodies) {
  int compared = 0;
  for (const std::string& body : bodies) {
    if (compact(body).rfind(R"({"type":)", 0) != 0) continue;
    Message message;
    const Status ok = from_json(body, message);
    CAPTURE(body.substr(0, 200));
    REQUIRE(ok.ok());
    CHECK(difference(to_json(message), expected(body)) == "");
    ++compared;
  }
  return compared;
}

// What clients send has their own key order and number formats: then the message must survive.
template <typename Message>
int check_stable(const std::vector<std::string>& bodies) {
  int compared = 0;
  for (const std::string& body : bodies) {
    Message message, again;
    if (!from_json(body, message).ok()) continue;  // recorded refusals
    const std::string written = to_json(message);
    REQUIRE(from_json(written, again).ok());
    CHECK(to_json(again) == written);
    CHECK(written.find('\n') == std::string::npos);
    ++compared;
  }
  return compared;
}

}  // namespace

TEST_CASE("recorded scheduler events are written as Mesos wrote them") {
  int compared = 0;
  for (const char* file : {"scheduler-plain.txt", "scheduler-modern.txt",
                           "scheduler-plain-failover.txt", "scheduler-errors.txt"}) {
    CAPTURE(file);
    compared += check_same<mesos::v1::scheduler::Event>(load(file).received);
  }
  CHECK(compared > 50);
}

TEST_CASE("recorded scheduler calls survive reading and writing") {
  int compared = 0;
  for (const char* file : {"scheduler-plain.txt", "scheduler-modern.txt"}) {
    compared += check_stable<mesos::v1::scheduler::Call>(load(file).sent);
  }
  CHECK(compared > 20);
}

TEST_CASE("recorded executor events are written as Mesos wrote them") {
  CHECK(check_same<mesos::v1::executor::Event>(load("executor-custom.txt").received) >= 6);
}

TEST_CASE("recorded executor calls survive reading and writing") {
  CHECK(check_stable<mesos::v1::executor::Call>(load("executor-custom.txt").sent) >= 4);
}

TEST_CASE("recorded operator events are written as Mesos wrote them") {
  CHECK(check_same<mesos::v1::master::Event>(load("operator-events.txt").received) > 10);
}

TEST_CASE("recorded answers of the master to operators are written as Mesos wrote them") {
  int compared = 0;
  for (const char* file : {"operator-master-empty-cluster.txt", "operator-master-with-tasks.txt",
                           "operator-master-reservations-and-pods.txt", "operator-writes.txt"}) {
    CAPTURE(file);
    compared += check_same<mesos::v1::master::Response>(load(file).received);
  }
  CHECK(compared > 30);
}

TEST_CASE("recorded answers of an agent to operators are written as Mesos wrote them") {
  int compared = 0;
  for (const char* file : {"operator-agent-empty.txt", "operator-agent-with-tasks.txt"}) {
    CAPTURE(file);
    compared += check_same<mesos::v1::agent::Response>(load(file).received);
  }
  CHECK(compared > 15);
}

TEST_CASE("recorded operator calls survive reading and writing") {
  CHECK(check_stable<mesos::v1::master::Call>(load("operator-writes.txt").sent) > 10);
  CHECK(check_stable<mesos::v1::master::Call>(load("operator-master-with-tasks.txt").sent) > 5);
  CHECK(check_stable<mesos::v1::agent::Call>(load("operator-agent-with-tasks.txt").sent) >= 5);
}

TEST_CASE("every recorded call that Mesos accepted becomes a facet and an equal call again") {
  int compared = 0;
  for (const char* file :
       {"scheduler-plain.txt", "scheduler-modern.txt", "scheduler-plain-failover.txt"}) {
    for (const std::string& body : load(file).sent) {
      CAPTURE(body.substr(0, 300));
      // Its recorded uuid is an object, which Mesos refused too.
      if (body.find("ACKNOWLEDGE_OPERATION_STATUS") != std::string::npos) continue;
      const auto call = decode_scheduler_call(Encoding::json, body);
      if (!call) FAIL(call.error().message);
      if (std::holds_alternative<call::Unsupported>(call->body)) continue;
      const std::string bytes = encode_scheduler_call(Encoding::protobuf, *call);
      const auto again = decode_scheduler_call(Encoding::protobuf, bytes);
      REQUIRE(again.ok());
      CHECK(encode_scheduler_call(Encoding::protobuf, *again) == bytes);
      ++compared;
    }
  }
  CHECK(compared > 20);
  for (const std::string& body : load("executor-custom.txt").sent) {
    CHECK(decode_executor_call(Encoding::json, body).ok());
  }
}

TEST_CASE("a refused call has the sentence that Mesos answers") {
  const auto refusal = [](const char* body) {
    const auto call = decode_scheduler_call(Encoding::json, body);
    REQUIRE_FALSE(call.ok());
    return call.error().message;
  };
  CHECK(refusal("{}") == "Failed to validate scheduler::Call: Expecting 'type' to be present");
  CHECK(refusal(R"({"type": "NO_SUCH", "framework_id": {"value": "x"}})") ==
        "Failed to validate scheduler::Call: Expecting 'type' to be present");
  CHECK(refusal(R"({"type": "TEARDOWN"})") ==
        "Failed to validate scheduler::Call: Expecting 'framework_id' to be present");
  CHECK(refusal(R"({"type": "SUBSCRIBE"})") ==
        "Failed to validate scheduler::Call: Expecting 'subscribe' to be present");
  CHECK(refusal(R"({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"name": "x"}}})") ==
        "Failed to convert JSON into Call protobuf: Missing required fields: "
        "subscribe.framework_info.user");
  CHECK(refusal(R"({"type": "SUBSCRIBE", "framework_id": {"value": "a"}, "subscribe":
                 {"framework_info": {"user": "root", "name": "x", "id": {"value": "b"}}}})") ==
        "Failed to validate scheduler::Call: 'framework_id' differs from "
        "'subscribe.framework_info.id'");
  CHECK(refusal("") == "Failed to parse body into JSON: syntax error at line 1 near: ");
  CHECK(refusal("[]") == "Failed to convert JSON into Call protobuf: Expecting a JSON object");
  const auto executor = decode_executor_call(Encoding::json, "{}");
  REQUIRE_FALSE(executor.ok());
  CHECK(executor.error().message ==
        "Failed to convert JSON into Call protobuf: Missing required fields: executor_id, "
        "framework_id");
  const auto bytes = decode_scheduler_call(Encoding::protobuf, "\xff\xff\xff");
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.error().message == "Failed to parse body into Call protobuf");
}
