#include <fcntl.h>

#include <catch2/catch.hpp>

#include "base/prng.hpp"
#include "tests/unit/runtime/http_fixture.hpp"

namespace bourse::runtime {
namespace {

using test::begins_with;
using test::HttpFixture;
using test::RawSocket;
using test::request_text;
using test::run_until;

TEST_CASE("malformed requests are answered 400 and close only their connection") {
  HttpFixture f;
  const std::string host = "Host: localhost\r\n";
  for (const std::string& bad : {
           std::string("nonsense\r\n\r\n"),
           std::string("GET\r\n\r\n"),
           "GET /hello HTTP/9.9\r\n" + host + "\r\n",
           "GET /%zz HTTP/1.1\r\n" + host + "\r\n",
           "GET /hello?a=%4 HTTP/1.1\r\n" + host + "\r\n",
           "GET /%00 HTTP/1.1\r\n" + host + "\r\n",
           "GET hello HTTP/1.1\r\n" + host + "\r\n",
           "GET /hello HTTP/1.1\r\n" + host + "bad header line\r\n\r\n",
           "GET /hello HTTP/1.1\r\n" + host + "X:\x01y\r\n\r\n",
           std::string("GET /hello HTTP/1.1\r\n\r\n"),  // no Host
           "POST /echo HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
           "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
           "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "POST /echo HTTP/1.1\r\n" + host +
               "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
           "POST /echo HTTP/1.1\r\n" + host +
               "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n",
       }) {
    CAPTURE(bad);
    const std::string answer = f.exchange(bad);
    const bool refused = begins_with(answer, "HTTP/1.1 400 ") ||
                         begins_with(answer, "HTTP/1.1 413 ") ||
                         begins_with(answer, "HTTP/1.1 505 ");
    CAPTURE(answer);
    REQUIRE(refused);
  }
  REQUIRE(f.serves());
}

TEST_CASE("a header over 16 KiB is answered 431, however it is made") {
  HttpFixture f;
  REQUIRE(begins_with(
      f.exchange(request_text("GET", "/hello", "X: " + std::string(20000, 'x') + "\r\n")),
      "HTTP/1.1 431 "));
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  const std::string answer = f.exchange(request_text("GET", "/hello", many));
  CAPTURE(answer);
  REQUIRE(begins_with(answer, "HTTP/1.1 431 "));
  REQUIRE(begins_with(f.exchange("GET /" + std::string(200000, 'a')), "HTTP/1.1 431 "));
  REQUIRE(f.serves());
}

TEST_CASE("trailers and chunk extensions without an end are refused") {
  HttpFixture f;
  const std::string head = request_text("POST", "/echo", "Transfer-Encoding: chunked\r\n");
  std::string trailers = head + "1\r\nx\r\n0\r\n";
  for (int i = 0; i < 20000; ++i) trailers += "T" + std::to_string(i) + ": y\r\n";
  REQUIRE(begins_with(f.exchange(trailers), "HTTP/1.1 431 "));
  REQUIRE(begins_with(f.exchange(head + "1;" + std::string(100000, 'e')), "HTTP/1.1 4"));
  std::string many = head;
  for (int i = 0; i < 5000; ++i) many += "1\r\nx\r\n";  // small chunks are legal
  REQUIRE(begins_with(f.exchange(many + "0\r\n\r\n", "\r\n\r\nPOST:x"), "HTTP/1.1 200 "));
  REQUIRE(f.serves());
}

TEST_CASE("a body over the limit is answered 413, announced or chunked, without reading it all") {
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  HttpFixture f(options);
  const std::string announced =
      f.exchange(request_text("POST", "/echo", "Content-Length: 1000000000\r\n"));
  REQUIRE(begins_with(announced, "HTTP/1.1 413 "));
  std::string chunked = request_text("POST", "/echo", "Transfer-Encoding: chunked\r\n");
  for (int i = 0; i < 20; ++i) chunked += "64\r\n" + std::string(100, 'x') + "\r\n";
  REQUIRE(begins_with(f.exchange(chunked), "HTTP/1.1 413 "));
  REQUIRE(begins_with(
      f.exchange(request_text("POST", "/echo", "Connection: close\r\n", std::string(1000, 'x'))),
      "HTTP/1.1 200 "));
}

TEST_CASE("a foreign Host or Origin is answered 403 before the body is read") {
  HttpFixture f;
  REQUIRE(begins_with(f.exchange("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
                      "HTTP/1.1 403 "));
  REQUIRE(
      begins_with(f.exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
                  "HTTP/1.1 40"));
  REQUIRE(begins_with(f.exchange(request_text("POST", "/echo",
                                              "Origin: http://evil.example\r\n"
                                              "Content-Length: 100000\r\n")),
                      "HTTP/1.1 403 "));
  REQUIRE(
      begins_with(f.exchange(request_text("GET", "/hello", "Origin: null\r\n")), "HTTP/1.1 403 "));
  REQUIRE(
      begins_with(f.exchange(request_text(
                      "GET", "/hello", "Origin: http://localhost:5050\r\nConnection: close\r\n")),
                  "HTTP/1.1 200 "));
}

TEST_CASE("a request that trickles in is ended when its time is up, an idle connection too") {
  HttpServerOptions options;
  options.header_timeout = Duration::milliseconds(60);
  options.body_timeout = Duration::milliseconds(60);
  options.idle_timeout = Duration::milliseconds(60);
  HttpFixture f(options);
  RawSocket header = f.connect();
  RawSocket body = f.connect();
  RawSocket idle = f.connect();
  REQUIRE(body.send(request_text("POST", "/echo", "Content-Length: 100\r\n") + "some"));
  REQUIRE(run_until(f.loop, [&] {
    header.send("G");  // a byte now and then is not progress
    return header.ended() && body.ended() && idle.ended();
  }));
  REQUIRE(begins_with(header.received(), "HTTP/1.1 4"));
  REQUIRE(begins_with(body.received(), "HTTP/1.1 408 "));
  REQUIRE(idle.received().empty());
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().connections == 0; }));
}

TEST_CASE("connections over the cap are told 503 and those within it are served") {
  HttpServerOptions options;
  options.max_connections = 10;
  HttpFixture f(options);
  RawSocket first = f.connect();
  REQUIRE(first.send(request_text("GET", "/hello?name=first")));
  REQUIRE(run_until(f.loop, [&] { return !first.received().empty(); }));
  std::vector<RawSocket> flood;
  for (int i = 0; i < 100; ++i) flood.push_back(f.connect());
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().refused_connections == 91; }));
  REQUIRE(run_until(f.loop, [&] { return flood.back().ended(); }));
  REQUIRE(begins_with(flood.back().received(), "HTTP/1.1 503 "));
  REQUIRE(f.server->stats().connections == 10);
  first.forget_received();
  REQUIRE(first.send(request_text("GET", "/hello?name=second")));
  REQUIRE(run_until(f.loop,
                    [&] { return first.received().find("hello second") != std::string::npos; }));
  flood.clear();
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().connections == 1; }));
  REQUIRE(f.serves());
}

TEST_CASE("one address cannot take every connection") {
  HttpServerOptions options;
  options.max_connections_per_address = 3;
  HttpFixture f(options);
  std::vector<RawSocket> flood;
  for (int i = 0; i < 5; ++i) flood.push_back(f.connect());
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().refused_connections == 2; }));
  flood.clear();
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().connections == 0; }));
  REQUIRE(f.serves());
}

TEST_CASE("a stream whose client never reads costs its byte budget and is closed") {
  HttpServerOptions options;
  options.stream_queue_bytes = 1 << 20;
  HttpFixture f(options);
  std::vector<HttpStream> streams;
  std::vector<Error> ended;
  f.router.add("stream", [&](HttpRequest, HttpResponder responder) {
    streams.push_back(responder.open_stream({}));
    streams.back().on_closed([&](const Error& why) { ended.push_back(why); });
  });
  RawSocket mute = f.connect(4096);
  REQUIRE(mute.send(request_text("GET", "/stream")));
  REQUIRE(run_until(f.loop, [&] { return streams.size() == 1; }));
  RawSocket reader = f.connect();
  REQUIRE(reader.send(request_text("GET", "/stream")));
  REQUIRE(run_until(f.loop, [&] { return streams.size() == 2; }));
  const std::string block(64 << 10, 'x');
  std::size_t highest = 0;
  bool reader_open = true;
  REQUIRE(run_until(f.loop, [&] {
    streams[0].send(block);
    highest = std::max(highest, streams[0].queued_bytes());
    reader_open = reader_open && streams[1].send("tick");
    return ended.size() == 1;
  }));
  REQUIRE(ended[0].code == ErrorCode::full);
  REQUIRE(highest <= options.stream_queue_bytes);
  REQUIRE(reader_open);
  REQUIRE(streams[0].closed());
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().streams == 1; }));
}

TEST_CASE("a response whose client never reads is given up after the write timeout") {
  HttpServerOptions options;
  options.write_timeout = Duration::milliseconds(100);
  HttpFixture f(options);
  const auto large = std::make_shared<const std::string>(64 << 20, 'x');
  f.router.add("large", [&](HttpRequest, HttpResponder responder) {
    HttpResponse response;
    response.shared_body = large;
    responder.respond(std::move(response));
  });
  RawSocket mute = f.connect(4096);
  REQUIRE(mute.send(request_text("GET", "/large")));
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().requests == 1; }));
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().connections == 0; }));
  REQUIRE(large.use_count() == 1);  // no reference stays in the server
}

TEST_CASE("a client that pipelines without reading is held back by its own socket") {
  HttpFixture f;
  RawSocket raw = f.connect(4096);
  const std::string one = request_text("GET", "/hello");
  std::string many;
  for (int i = 0; i < 2000; ++i) many += one;
  ::fcntl(raw.fd(), F_SETFL, O_NONBLOCK);
  std::size_t sent = 0;
  for (int round = 0; round < 50; ++round) {
    const ssize_t n = ::send(raw.fd(), many.data(), many.size(), MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    f.loop.run_for(Duration::milliseconds(2));
  }
  // Far less than was pushed is taken up: answers nobody reads stop the next request.
  REQUIRE(f.server->stats().requests < sent / one.size());
  REQUIRE(f.serves());
}

TEST_CASE("a name in a response header cannot add a header") {
  HttpFixture f;
  f.router.add("split", [](HttpRequest, HttpResponder responder) {
    HttpResponse response = HttpResponse::text(200, "x");
    response.headers.add("X-Name", "a\r\nSet-Cookie: stolen=1");
    responder.respond(std::move(response));
  });
  const std::string text = f.exchange(request_text("GET", "/split", "Connection: close\r\n"));
  REQUIRE(text.find("\r\nSet-Cookie") == std::string::npos);
}

TEST_CASE("random bytes on the port never stop the server") {
  HttpFixture f;
  Prng prng(11);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = prng.chance(1, 2) ? request_text("POST", "/echo", "", "body") : "";
    for (std::uint64_t n = prng.below(200); n > 0; --n) {
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(prng.below(bytes.size() + 1)),
                   static_cast<char>(prng.below(256)));
    }
    RawSocket raw = f.connect();
    raw.send(bytes);
    f.loop.run_for(Duration::microseconds(300));
  }
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().connections == 0; }));
  REQUIRE(f.serves());
}

}  // namespace
}  // namespace bourse::runtime
