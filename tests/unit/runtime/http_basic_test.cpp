#include "runtime/http_basic.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::runtime;

TEST_CASE("a login over Basic is read as it was written, whatever is in the password") {
  for (const std::string password :
       {"", "s", "se", "sec", "a:b:c", "p\xc3\xa4ss wort", "====", "~?>"}) {
    const std::string header = basic_authorization("some one", password);
    const auto login = parse_basic_login(header);
    REQUIRE(login.ok());
    CHECK(login->user == "some one");
    CHECK(login->password == password);
  }
  CHECK(basic_authorization("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(parse_basic_login("bAsIc   YTpi")->user == "a");
}

TEST_CASE("an Authorization header that is no login says what is wrong and not what was sent") {
  for (const std::string header : {"", "Basic", "Basic ", "BasicYTpi", "Bearer YTpi", "Basic YTp",
                                   "Basic YT=i", "Basic Y===", "Basic ====", "Basic YTpj YTpj",
                                   "Basic YTpiYR==", "Basic YWI=", "Basic Y\nTp"}) {
    const auto login = parse_basic_login(header);
    INFO(header);
    REQUIRE_FALSE(login.ok());
    CHECK(login.error().message.starts_with("Authorization: "));
    CHECK(login.error().message.find("YT") == std::string::npos);
  }
}
