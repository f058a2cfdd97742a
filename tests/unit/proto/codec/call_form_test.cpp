#include "proto/codec/call_form.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/codec/json.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/master_call.pb.h"

namespace bourse::codec {
namespace {

template <typename Call>
std::string refusal_of(Encoding encoding, const std::string& body) {
  Call call;
  if (encoding == Encoding::json) {
    REQUIRE(from_json(body, call).ok());
  } else {
    REQUIRE(call.ParsePartialFromString(body));
  }
  const Status formed = check_call_form(call, encoding, body, {"GET_METRICS"});
  return formed.ok() ? "" : formed.error().message;
}

TEST_CASE("a call of an unknown type is refused by what it gave, with the types that there are") {
  const auto json = [](const std::string& body) {
    const std::string master = refusal_of<mesos::v1::master::Call>(Encoding::json, body);
    const std::string agent = refusal_of<mesos::v1::agent::Call>(Encoding::json, body);
    CHECK(master.find("GET_AGENTS, ") != std::string::npos);
    CHECK(agent.find("GET_CONTAINERS, ") != std::string::npos);
    CHECK(master.find("UNKNOWN") == std::string::npos);
    CHECK(master.substr(0, master.find(';')) == agent.substr(0, agent.find(';')));
    return master.substr(0, master.find(';'));
  };
  CHECK(json(R"({"type":"GET_AGENTZ"})") == "type: is 'GET_AGENTZ', which no call here has");
  CHECK(json(R"({"get_agents":{},"type":"get-agents"})") ==
        "type: is 'get-agents', which no call here has");
  CHECK(json("{}") == "type: is missing");
  CHECK(json(R"({"type":null})") == "type: is missing");

  const auto protobuf = [](const std::string& body) {
    const std::string said = refusal_of<mesos::v1::master::Call>(Encoding::protobuf, body);
    CHECK(said.substr(0, said.find(';')) ==
          refusal_of<mesos::v1::agent::Call>(Encoding::protobuf, body).substr(0, said.find(';')));
    return said.substr(0, said.find(';'));
  };
  CHECK(protobuf("\x08\x7f") == "type: is 127, which no call here has");
  CHECK(protobuf("") == "type: is missing");

  using Call = mesos::v1::master::Call;
  CHECK(refusal_of<Call>(Encoding::json, R"({"type":"GET_AGENTS"})").empty());
  CHECK(refusal_of<Call>(Encoding::protobuf, "\x08\x0a").empty());
}

}  // namespace
}  // namespace bourse::codec
