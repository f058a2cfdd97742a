#include "runtime/http_message.hpp"

#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "runtime/http_accept.hpp"
#include "runtime/http_assets.hpp"
#include "runtime/http_client.hpp"
#include "runtime/http_form.hpp"
#include "runtime/http_host_check.hpp"

namespace bourse::runtime {
namespace {

TEST_CASE("an error is a 4xx where the caller is wrong and a 5xx where we are") {
  const std::pair<ErrorCode, int> wanted[] = {
      {ErrorCode::invalid, 400},   {ErrorCode::not_found, 404},   {ErrorCode::already_exists, 409},
      {ErrorCode::too_large, 413}, {ErrorCode::unavailable, 503}, {ErrorCode::denied, 403},
      {ErrorCode::corrupt, 500},   {ErrorCode::full, 503},        {ErrorCode::io, 500},
      {ErrorCode::timeout, 503},   {ErrorCode::unsupported, 501}, {ErrorCode::conflict, 409}};
  for (const auto& [code, status] : wanted) CHECK(http_status_of(Error{code, "why"}) == status);
}

TEST_CASE("percent-decoding turns escapes into bytes and refuses broken ones") {
  REQUIRE(percent_decode("slave%281%29/state", false).value() == "slave(1)/state");
  REQUIRE(percent_decode("a+b%2Bc", true).value() == "a b+c");
  REQUIRE(percent_decode("a+b", false).value() == "a+b");
  REQUIRE(percent_decode("%e2%82%ac", false).value() == "\xe2\x82\xac");
  for (const char* bad : {"%", "%4", "a%", "%zz", "%4g", "%%41", "%-1", "%00", "x%0"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(percent_decode(bad, true).ok());
  }
}

TEST_CASE("percent-decoding of random bytes never fails hard and reverses encoding") {
  Prng prng(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(prng.below(12), '\0');
    for (char& c : bytes) c = static_cast<char>(prng.chance(1, 3) ? '%' : prng.below(256));
    static_cast<void>(percent_decode(bytes, true));
    static_cast<void>(parse_target("/" + bytes));
    static_cast<void>(parse_http_url("http://" + bytes));
    static_cast<void>(host_allowed(bytes, {}));
    static_cast<void>(header_accepts(bytes, {"a/b", "*/*"}));
    if (bytes.find('\0') == std::string::npos) {
      REQUIRE(percent_decode(percent_encode(bytes), true).value() == bytes);
    }
  }
}

TEST_CASE("a target is split into a decoded path and a decoded query") {
  const HttpTarget target =
      parse_target("/slave%281%29/files?path=%2Ftmp%2Fa%20b&offset=0&empty=&flag&x=1=2").value();
  REQUIRE(target.path == "/slave(1)/files");
  REQUIRE(target.query ==
          std::map<std::string, std::string>{
              {"path", "/tmp/a b"}, {"offset", "0"}, {"empty", ""}, {"flag", ""}, {"x", "1=2"}});
  REQUIRE(parse_target("/?").value().query.empty());
  REQUIRE(parse_target("/?&&a=1&").value().query.size() == 1);
  for (const char* bad : {"", "state", "/a b", "/%zz", "/?a=%", "/?%=1", "/a\tb", "/\x7f"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_target(bad).ok());
  }
}

TEST_CASE("a form is split into names and values, escaped or as they stand") {
  const auto form = parse_form("slaveId=S%200&resources=[{\"name\":\"cpus\"}]&x=a+b&x=c&y").value();
  REQUIRE(form == std::map<std::string, std::string>{
                      {"slaveId", "S 0"}, {"resources", "[{\"name\":\"cpus\"}]"}, {"x", "c"}});
  REQUIRE(parse_form("").value().empty());
  REQUIRE_FALSE(parse_form("a=%zz").ok());
  std::string many;
  for (int i = 0; i < 100; ++i) many += "a" + std::to_string(i) + "=1&";
  REQUIRE(parse_form(many).value().size() == kMaxFormFields);
  REQUIRE(parse_form(many + "b=1").error().code == ErrorCode::too_large);
}

TEST_CASE("header names compare without case and list headers are searched by token") {
  HttpHeaders headers;
  headers.add("Accept-Encoding", "deflate, GZIP;q=0.5");
  headers.add("Connection", "Keep-Alive , Upgrade");
  REQUIRE(headers.get("accept-encoding") == "deflate, GZIP;q=0.5");
  REQUIRE(headers.has_token("connection", "upgrade"));
  REQUIRE_FALSE(headers.has_token("connection", "up"));
  REQUIRE(accepts_gzip(headers));
  for (const auto& [value, expected] : std::map<std::string, bool>{{"gzip", true},
                                                                   {"gzip;q=0", false},
                                                                   {"gzip;q=0.000", false},
                                                                   {"*", true},
                                                                   {"identity", false},
                                                                   {"", false},
                                                                   {"x-gzip", false},
                                                                   {"gzip;q=0, *", false},
                                                                   {"*, gzip;q=0", false},
                                                                   {"*;q=0, gzip", true},
                                                                   {"*;q=0", false},
                                                                   {"GZIP;Q=0", false},
                                                                   {"gzip;q=some", false},
                                                                   {"gzip;q=", false},
                                                                   {"gzip;q=-1", false},
                                                                   {"gzip;level=9;q=0", false},
                                                                   {"gzip;level=9", true},
                                                                   {";q=1", false},
                                                                   {"br, gzip ; q=1", true}}) {
    HttpHeaders one;
    one.add("Accept-Encoding", value);
    CAPTURE(value);
    REQUIRE(accepts_gzip(one) == expected);
  }
}

TEST_CASE("the most exact name in a list of what is taken decides, whatever else stands there") {
  const auto takes_json = [](std::string_view header) {
    return header_accepts(header, {"application/json", "application/*", "*/*"});
  };
  for (const char* good :
       {"application/json", "APPLICATION/Json", "application/*", "*/*", "*/*;q=0, application/json",
        "application/*;q=0, application/json;q=0.001", "text/html, */*;q=1e-3",
        "application/json; charset=x; q=0.5", "application/json;q=1, application/json;q=0",
        "application/json;quality=0"}) {
    CAPTURE(good);
    REQUIRE(takes_json(good));
  }
  for (const char* bad :
       {"", ",", ";", "text/html", "application/json;q=0, */*", "*/*, application/json;q=0.000",
        "application/*;q=0, */*", "application/json;q=x", "application/json;q=0.5x", "*/*;q=",
        "application/json;q=nan", "application/jsonx", "application/json;q=0, application/json"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(takes_json(bad));
  }
}

TEST_CASE("a record is its decimal length, a line feed and the bytes") {
  REQUIRE(recordio_frame("hello") == "5\nhello");
  REQUIRE(recordio_frame("") == "0\n");
  REQUIRE(recordio_frame(std::string(1234, 'x')).substr(0, 6) == "1234\nx");
}

TEST_CASE("only addresses, localhost and listed names are valid hosts") {
  const std::vector<std::string> allowed = {"master.example"};
  for (const char* good : {"127.0.0.1", "127.0.0.1:5050", "10.1.2.3:80", "[::1]:5050", "localhost",
                           "LOCALHOST:1", "ui.localhost:5050", "Master.Example:5050"}) {
    CAPTURE(good);
    REQUIRE(host_allowed(good, allowed));
  }
  for (const char* bad : {"", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                          "evil-localhost", "1.2.3", "[::1", "[::1]x", "localhost:", "localhost:x",
                          "localhost:999999", "user@localhost", ".localhost"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(host_allowed(bad, allowed));
  }
}

TEST_CASE("a page may call only the host it came from, or if its origin is listed") {
  const std::vector<std::string> allowed = {"http://dash.example"};
  REQUIRE(origin_allowed("http://localhost:5050", "localhost:5050", allowed));
  REQUIRE(origin_allowed("http://dash.example", "localhost:5050", allowed));
  for (const char* bad : {"null", "", "http://localhost:5051", "http://evil.example",
                          "localhost:5050", "http://localhost:5050.evil.example"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(origin_allowed(bad, "localhost:5050", allowed));
  }
}

TEST_CASE("an asset has a type, security headers and an etag that saves the second transfer") {
  HttpAssets assets;
  assets.add("index.html", "<html></html>");
  assets.add("assets/app.js", "1");
  HttpRequest request;
  request.method = "GET";
  const HttpResponse page = assets.serve(request, "");
  REQUIRE(page.status == 200);
  REQUIRE(page.bytes() == "<html></html>");
  REQUIRE(page.headers.get("Content-Type") == "text/html; charset=utf-8");
  REQUIRE(page.headers.get("X-Content-Type-Options") == "nosniff");
  const std::string policy(page.headers.get("Content-Security-Policy"));
  REQUIRE(policy.find("default-src 'self'") != std::string::npos);
  REQUIRE(policy.find("frame-ancestors 'none'") != std::string::npos);
  request.headers.add("If-None-Match", std::string(page.headers.get("ETag")));
  const HttpResponse again = assets.serve(request, "index.html");
  REQUIRE(again.status == 304);
  REQUIRE(again.bytes().empty());
  REQUIRE(assets.serve(request, "assets/app.js").status == 200);
  REQUIRE(assets.serve(request, "../etc/passwd").status == 404);
  request.method = "POST";
  REQUIRE(assets.serve(request, "index.html").status == 405);
}

TEST_CASE("an http address is taken apart, others are refused") {
  const HttpUrl url = parse_http_url("http://127.0.0.1:5050/api/v1?x=1").value();
  REQUIRE((url.host == "127.0.0.1" && url.port == "5050" && url.target == "/api/v1?x=1"));
  REQUIRE(parse_http_url("http://[::1]:80").value().host == "::1");
  REQUIRE(parse_http_url("http://host").value().target == "/");
  REQUIRE(parse_http_url("http://host?x").value().target == "/?x");
  for (const char* bad : {"https://x", "x", "http://", "http://:80", "http://h:0", "http://h:65536",
                          "http://h:8x", "http://[::1", "http://h/a b", "http://h/\r\nX: y"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(parse_http_url(bad).ok());
  }
}

}  // namespace
}  // namespace bourse::runtime
