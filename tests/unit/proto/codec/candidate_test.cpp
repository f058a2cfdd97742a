#include <catch2/catch.hpp>

#include "proto/codec/candidate.hpp"

using namespace bourse;

namespace {

codec::Candidate sample() {
  codec::Candidate out;
  out.master = {"3b1d", "m1.example", "127.0.0.1", 5050, "1.11.0", {"north", "n1"}};
  out.link = "127.0.0.1:5060";
  return out;
}

}  // namespace

TEST_CASE("a candidate's znode reads as the MasterInfo that clients of Mesos expect") {
  const std::string text = codec::encode_candidate(sample());
  CHECK(text.find('\n') == std::string::npos);
  for (const char* part :
       {"\"id\":\"3b1d\"", "\"ip\":16777343", "\"port\":5050", "\"pid\":\"master@127.0.0.1:5050\"",
        "\"hostname\":\"m1.example\"", "\"version\":\"1.11.0\"",
        "\"address\":{\"hostname\":\"m1.example\",\"ip\":\"127.0.0.1\",\"port\":5050}",
        "\"capabilities\":[{\"type\":\"AGENT_UPDATE\"},{\"type\":\"AGENT_DRAINING\"},"
        "{\"type\":\"QUOTA_V2\"}]",
        R"("domain":{"fault_domain":{"region":{"name":"north"},"zone":{"name":"n1"}}})",
        "\"bourse_link\":\"127.0.0.1:5060\"}"}) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("a candidate survives its znode") {
  const auto read = codec::decode_candidate(codec::encode_candidate(sample()));
  REQUIRE(read.ok());
  CHECK(read->master.id == "3b1d");
  CHECK(read->master.hostname == "m1.example");
  CHECK(read->master.ip == "127.0.0.1");
  CHECK(read->master.port == 5050);
  CHECK(read->link == "127.0.0.1:5060");
}

TEST_CASE("a znode of somebody else is refused with the field that is wrong") {
  CHECK_FALSE(codec::decode_candidate("{").ok());
  CHECK_FALSE(codec::decode_candidate("{\"id\":\"x\",\"ip\":1,\"port\":5050}").ok());
  const std::string text = codec::encode_candidate(sample());
  for (const char* bad : {"\"nowhere\"", "\"h:0\"", "\"a:1,b:2\"", "7"}) {
    std::string changed = text;
    const std::string good = "\"127.0.0.1:5060\"";
    changed.replace(changed.find(good), good.size(), bad);
    INFO(changed);
    const auto read = codec::decode_candidate(changed);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("bourse_link") != std::string::npos);
  }
  // A Mesos master has no such link; it can be redirected to all the same.
  std::string mesos = text;
  mesos.replace(mesos.find(",\"bourse_link\":\"127.0.0.1:5060\""), 31, "");
  const auto read = codec::decode_candidate(mesos);
  REQUIRE(read.ok());
  CHECK(read->link.empty());
}
