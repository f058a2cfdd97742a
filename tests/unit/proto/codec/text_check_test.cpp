#include "proto/codec/text_check.hpp"

#include <catch2/catch.hpp>

using namespace bourse;
using namespace bourse::codec;

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const char* good : {"", "plain", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x9a\x80",
                           "0123456789\xc3\xbc", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "12345678\xfe"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("ids that could leave their directory or confuse a log are refused, naming the field") {
  CHECK(check_id("a.b-c_1:2", "task_id").ok());
  CHECK(check_id(std::string(256, 'x'), "task_id").ok());
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a\nb"),
        std::string("\0", 1), std::string("\x7f"), std::string(257, 'x'), std::string("\xff")}) {
    const Status status = check_id(bad, "kill.task_id");
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().message.find("'kill.task_id' is ") == 0);
    CHECK(status.error().message.size() < 200);
    CHECK(is_utf8(status.error().message));
  }
}

TEST_CASE("roles are paths without odd parts") {
  for (const char* good :
       {"*", "eng", "eng/web", "a-b/c.d", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"}) {
    CHECK(check_role(good, "role").ok());
  }
  for (const char* bad : {"", "/bad", "bad/", "a//b", ".", "a/..", "*/a", "-a", "a b", "a\tb",
                          "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_role(bad, "role").ok());
  }
}
