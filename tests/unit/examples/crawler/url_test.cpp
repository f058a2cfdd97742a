#include "examples/crawler/url/url.hpp"

#include <catch2/catch.hpp>

using namespace bourse::crawler;

namespace {

std::string normal(const char* text) {
  const auto url = parse_url(text);
  return url.ok() ? url->text() : "error";
}

std::string resolved(const char* base, const char* reference) {
  const auto url = resolve_url(*parse_url(base), reference);
  return url.ok() ? url->text() : "error";
}

}  // namespace

TEST_CASE("two spellings of an address become one") {
  CHECK(normal("HTTP://Shop-001.TEST:80/a/./b/../c") == "http://shop-001.test/a/c");
  CHECK(normal("http://a.test") == "http://a.test/");
  CHECK(normal("https://a.test:443/x#part") == "https://a.test/x");
  CHECK(normal("http://a.test/%7euser/%e9%2F") == "http://a.test/~user/%E9%2F");
  CHECK(normal("http://a.test/caf\xC3\xA9 x") == "http://a.test/caf%C3%A9%20x");
  CHECK(normal("http://a.test/?b=2&a=1&&b=1") == "http://a.test/?a=1&b=2&b=1");
  CHECK(normal("http://a.test/x?") == "http://a.test/x");
  CHECK(normal("http://a.test./x") == "http://a.test/x");
  CHECK(normal("  http://a.test/x \n") == "http://a.test/x");
}

TEST_CASE("session ids and tracking parameters are no part of an address") {
  CHECK(normal("http://a.test/x;jsessionid=77AF?id=1") == "http://a.test/x?id=1");
  CHECK(normal("http://a.test/x;v=2;JSESSIONID=1/y") == "http://a.test/x;v=2/y");
  CHECK(normal("http://a.test/?sid=9&id=1&utm_source=c&PHPSESSID=1") == "http://a.test/?id=1");
  CHECK(normal("http://a.test/?side=9") == "http://a.test/?side=9");
}

TEST_CASE("an address in its normal form is read as it is, or no address at all") {
  for (const char* text : {"http://a.test/x/.;sid=1/y", "http://a.test/?%73id=1&b=2",
                           "http://a.test/%%34%31", "http://a.test/x #part"}) {
    INFO(text);
    const std::string once = normal(text);
    CHECK(once != "error");
    CHECK(normal(once.c_str()) == once);
  }
  CHECK(normal("http://a.test/x/.;sid=1/y") == "http://a.test/x/y");
  CHECK(normal("http://a.test/?%73id=1&b=2") == "http://a.test/?b=2");
  CHECK(normal("http://a../x") == "error");
  CHECK(normal("http://.a/x") == "error");
  // Each of its bytes takes three as an escape, and then it is too long to be read again.
  const std::string spaced = "http://a.test/" + std::string(1'000, '\x01') + "x";
  CHECK(normal(spaced.c_str()) == "error");
  CHECK(resolved("http://a.test/", std::string(1'000, '\x80').c_str()) == "error");
}

TEST_CASE("references resolve as RFC 3986 section 5.4 lists them") {
  const char* base = "http://a/b/c/d;p?q";
  CHECK(resolved(base, "g") == "http://a/b/c/g");
  CHECK(resolved(base, "./g") == "http://a/b/c/g");
  CHECK(resolved(base, "g/") == "http://a/b/c/g/");
  CHECK(resolved(base, "/g") == "http://a/g");
  CHECK(resolved(base, "//g") == "http://g/");
  CHECK(resolved(base, "?y") == "http://a/b/c/d;p?y");
  CHECK(resolved(base, "g?y") == "http://a/b/c/g?y");
  CHECK(resolved(base, "#s") == "http://a/b/c/d;p?q");
  CHECK(resolved(base, "") == "http://a/b/c/d;p?q");
  CHECK(resolved(base, ";x") == "http://a/b/c/;x");
  CHECK(resolved(base, ".") == "http://a/b/c/");
  CHECK(resolved(base, "..") == "http://a/b/");
  CHECK(resolved(base, "../g") == "http://a/b/g");
  CHECK(resolved(base, "../../../g") == "http://a/g");
  CHECK(resolved(base, "/./g") == "http://a/g");
  CHECK(resolved(base, "g;x=1/../y") == "http://a/b/c/y");
  CHECK(resolved(base, "https://h/x") == "https://h/x");
}

TEST_CASE("what is no web address is refused with a reason") {
  for (const char* text : {"", "a.test/x", "mailto:a@b", "javascript:void(0)", "http:", "http://",
                           "http://user:pw@a.test/", "http://a.test:0/", "http://a.test:99999/",
                           "http://a b/", "ftp://a.test/"}) {
    INFO(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url.ok());
    CHECK_FALSE(url.error().message.empty());
  }
  CHECK_FALSE(parse_url("http://a.test/" + std::string(3'000, 'x')).ok());
}

TEST_CASE("pages of one kind have one pattern") {
  const auto pattern = [](const char* text) { return pattern_of(*parse_url(text)); };
  CHECK(pattern("http://a.test/calendar/2026/11/3?x=1&y=2") == "/calendar/#/#/#?x&y");
  CHECK(pattern("http://a.test/products/1042-jacket") == "/products/#");
  CHECK(pattern("http://a.test/c/jackets/") == "/c/jackets/");
  CHECK(pattern("http://a.test/") == "/");
}
