#include <catch2/catch.hpp>

#include "proto/codec/credential_form.hpp"
#include "proto/v1/framework_info.pb.h"

using namespace bourse;
using namespace bourse::codec;

namespace {

std::string refused(const std::string& text) {
  const auto read = read_credentials(text);
  return read.ok() ? "taken" : read.error().message;
}

std::string one(const std::string& principal, const std::string& secret) {
  return R"({"credentials":[{"principal":")" + principal + R"(","secret":")" + secret + R"("}]})";
}

}  // namespace

TEST_CASE("credentials are read as Mesos has them") {
  const auto read = read_credentials(
      R"({ "credentials": [{"principal": "a b", "secret": "s:1"}, {"principal": "c", "secret": "$"}] })");
  REQUIRE(read.ok());
  CHECK(read.value() == std::vector<Credential>{{"a b", "s:1"}, {"c", "$"}});
  CHECK(read_credential(R"({"principal":"me","secret":"mine"})").value() ==
        Credential{"me", "mine"});
}

TEST_CASE("credentials that are none name the field, what is wrong, and never a secret") {
  CHECK(refused("{}").find("credentials: is empty") == 0);
  CHECK(refused(R"({"credentials":[{"principal":"a"}]})") ==
        "credentials[0].secret: is missing for 'a'");
  CHECK(refused(one("", "hidden")) == "credentials[0].principal: is empty; give a name");
  CHECK(refused(one("a:b", "hidden")).find("credentials[0].principal: 'a:b' has a ':'") == 0);
  CHECK(refused(one("a", "hid\\nden")).find("credentials[0].secret: of 'a' has a control") == 0);
  CHECK(refused(one(std::string(257, 'p'), "hidden")).find("257 bytes; 256 are the most") !=
        std::string::npos);
  CHECK(refused(one("a", std::string(513, 's'))).find("513 bytes; 512 are the most") !=
        std::string::npos);
  CHECK(
      refused(R"({"credentials":[{"principal":"a","secret":"x"},{"principal":"a","secret":"y"}]})")
          .find("credentials[1].principal: 'a' is there twice") == 0);
  for (const std::string bad :
       {R"({"credentials":[{"principal":"a","secret":["hidden"]}]})",
        R"({"credentials":[{"principal":"a","secret":{"hidden":1}}]})",
        R"({"credentials":[{"principal":"a","secret":"hidden})", R"(a hidden)",
        R"({"credentials":"hidden"})", R"({"credentials":[{"principal":["hidden"]}]})"}) {
    const std::string why = refused(bad);
    INFO(why);
    CHECK(why != "taken");
    CHECK(why.find("hidden") == std::string::npos);
  }
  std::string many = R"({"credentials":[)";
  for (std::size_t i = 0; i <= limits::kMaxCredentials; ++i) {
    many += (i == 0 ? "" : ",") + std::string(R"({"principal":"p)") + std::to_string(i) +
            R"(","secret":"s"})";
  }
  CHECK(refused(many + "]}") == "credentials: are 4097; 4096 are the most");
}

TEST_CASE("a framework that is given a principal is described as if it had named it") {
  mesos::v1::FrameworkInfo info;
  info.set_user("u");
  info.set_name("n");
  FrameworkFacet named;
  named.description = Blob(info.SerializeAsString());
  named = with_principal(named, "me");
  CHECK(named.principal == "me");
  mesos::v1::FrameworkInfo described;
  REQUIRE(described.ParseFromString(std::string(named.description.bytes())));
  CHECK(described.principal() == "me");
  CHECK(described.name() == "n");
}
