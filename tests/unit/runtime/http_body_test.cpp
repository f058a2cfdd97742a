// A request's body, handed over while it arrives.
#include <catch2/catch.hpp>

#include "runtime/http_client.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

using namespace bourse;
using namespace bourse::runtime;
using namespace bourse::runtime::test;

namespace {

const std::string kChunked =
    "POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/recordio\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

HttpServerOptions streaming() {
  HttpServerOptions options;
  options.streamed_content_types = {"application/recordio"};
  options.max_body_bytes = 1000;
  options.body_timeout = Duration::milliseconds(50);
  return options;
}

struct Taken {
  HttpFixture http{streaming()};
  std::string bytes;
  std::string seen_body = "unset";
  std::optional<bool> whole;
  HttpResponder responder;
  HttpBody body;

  Taken() {
    http.router.add("take", [this](HttpRequest request, HttpResponder r) {
      seen_body = request.body;
      responder = std::move(r);
      body = responder.body();
      HttpBodyHandlers handlers;
      handlers.on_piece = [this](std::string_view piece) { bytes += piece; };
      handlers.on_end = [this](bool end) { whole = end; };
      body.receive(std::move(handlers));
    });
  }
};

}  // namespace

TEST_CASE("a body of a streamed type is handed over while it arrives, of any length and age") {
  Taken t;
  RawSocket raw = t.http.connect();
  raw.send(kChunked + "5\r\nfirst\r\n");
  run_until(t.http.loop, [&] { return t.bytes == "first"; });
  CHECK(t.seen_body.empty());
  CHECK_FALSE(t.whole);
  for (int i = 0; i < 30; ++i) raw.send("64\r\n" + std::string(100, 'x') + "\r\n");
  run_until(t.http.loop, [&] { return t.bytes.size() == 3005; });
  const auto later = t.http.loop.after(Duration::milliseconds(100), [&] { raw.send("0\r\n\r\n"); });
  run_until(t.http.loop, [&] { return t.whole.has_value(); });
  CHECK(*t.whole);
  t.responder.respond(HttpResponse::text(200, "done"));
  run_until(t.http.loop, [&] { return raw.received().find("done") != std::string::npos; });
  CHECK(begins_with(raw.received(), "HTTP/1.1 200"));
}

TEST_CASE("a streamed body with a length is one like any other, and the connection goes on") {
  Taken t;
  RawSocket raw = t.http.connect();
  raw.send(request_text("POST", "/take", "Content-Type: application/recordio\r\n", "hello"));
  run_until(t.http.loop, [&] { return t.whole.has_value(); });
  CHECK(t.bytes == "hello");
  t.responder.respond(HttpResponse::text(200, "one"));
  raw.send(request_text("GET", "/hello?name=two", "Connection: close\r\n"));
  run_until(t.http.loop, [&] { return raw.ended(); });
  CHECK(raw.received().find("hello two") != std::string::npos);
}

TEST_CASE("a body that is not read waits in its client's socket") {
  Taken t;
  RawSocket raw = t.http.connect();
  raw.send(kChunked + "1\r\na\r\n");
  run_until(t.http.loop, [&] { return t.bytes == "a"; });
  t.body.set_reading(false);
  raw.send("1\r\nb\r\n");
  t.http.loop.run_for(Duration::milliseconds(50));
  CHECK(t.bytes == "a");
  t.body.set_reading(true);
  run_until(t.http.loop, [&] { return t.bytes == "ab"; });
}

TEST_CASE("a body whose client leaves or writes nonsense ends short") {
  Taken t;
  {
    RawSocket raw = t.http.connect();
    raw.send(kChunked + "1\r\na\r\n");
    run_until(t.http.loop, [&] { return t.bytes == "a"; });
  }
  run_until(t.http.loop, [&] { return t.whole.has_value(); });
  CHECK_FALSE(*t.whole);
  t.whole.reset();
  RawSocket raw = t.http.connect();
  raw.send(kChunked + "zz\r\n");
  run_until(t.http.loop, [&] { return raw.ended(); });
  CHECK(begins_with(raw.received(), "HTTP/1.1 400"));
  CHECK_FALSE(t.whole.value());
  CHECK(t.http.serves());
}

TEST_CASE("an answer before the end of the body ends the conversation") {
  Taken t;
  RawSocket raw = t.http.connect();
  raw.send(kChunked + "1\r\na\r\n");
  run_until(t.http.loop, [&] { return t.bytes == "a"; });
  t.responder.respond(HttpResponse::text(409, "no more"));
  run_until(t.http.loop, [&] { return raw.received().find("no more") != std::string::npos; });
  raw.send("1\r\nb\r\n0\r\n\r\n");
  run_until(t.http.loop, [&] { return raw.ended(); });
  CHECK(t.bytes == "a");
  CHECK_FALSE(t.whole);
}

TEST_CASE("a client sends a body piece by piece and hears an answer before its end") {
  Taken t;
  HttpClientRequest request;
  request.method = "POST";
  request.url = "http://127.0.0.1:" + std::to_string(t.http.server->port()) + "/take";
  request.headers.add("Content-Type", "application/recordio");
  request.open_body = true;
  std::optional<int> status;
  HttpClientCallbacks callbacks;
  callbacks.on_response = [&](const HttpResponse& response) { status = response.status; };
  const HttpCall call = http_request(t.http.loop, std::move(request), std::move(callbacks));
  call.send("early");  // before it is connected
  run_until(t.http.loop, [&] { return t.bytes == "early"; });
  call.send(" late");
  call.finish();
  run_until(t.http.loop, [&] { return t.whole.has_value(); });
  CHECK(t.bytes == "early late");
  CHECK(call.queued_bytes() == 0);
  t.responder.respond(HttpResponse::text(202, ""));
  run_until(t.http.loop, [&] { return status.has_value(); });
  CHECK(*status == 202);
}
