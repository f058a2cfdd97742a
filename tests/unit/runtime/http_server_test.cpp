#include "runtime/http_server.hpp"

#include <zlib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/runtime/http_fixture.hpp"

namespace bourse::runtime {
namespace {

using test::begins_with;
using test::HttpFixture;
using test::RawSocket;
using test::request_text;
using test::run_until;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++count;
  }
  return count;
}

std::string gunzip(const std::string& bytes) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int rc = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return rc == Z_STREAM_END ? out : "broken gzip";
}

std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

TEST_CASE("many requests share one connection, also when they are pipelined") {
  HttpFixture f;
  RawSocket raw = f.connect();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(raw.send(request_text("GET", "/hello?name=" + std::to_string(i))));
    REQUIRE(run_until(f.loop, [&] {
      return raw.received().find("hello " + std::to_string(i)) != std::string::npos;
    }));
  }
  std::string pipelined;
  for (int i = 10; i < 510; ++i) {
    pipelined += request_text("POST", "/echo", "", "n" + std::to_string(i) + ";");
  }
  raw.forget_received();
  REQUIRE(raw.send(pipelined));
  REQUIRE(run_until(f.loop, [&] { return count_of(raw.received(), "POST:n") == 500; }));
  std::size_t at = 0;
  for (int i = 10; i < 510; ++i) {
    at = raw.received().find("POST:n" + std::to_string(i) + ";", at);
    REQUIRE(at != std::string::npos);
  }
  REQUIRE(f.server->stats().connections == 1);
  REQUIRE_FALSE(raw.ended());
}

TEST_CASE("a request body may be chunked, or wait for 100-continue") {
  HttpFixture f;
  const std::string chunked = f.exchange(
      request_text("POST", "/echo", "Transfer-Encoding: chunked\r\nConnection: close\r\n") +
      "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n");
  REQUIRE(body_of(chunked) == "POST:abcde");
  RawSocket raw = f.connect();
  REQUIRE(
      raw.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
               "Expect: 100-continue\r\n\r\n"));
  REQUIRE(
      run_until(f.loop, [&] { return begins_with(raw.received(), "HTTP/1.1 100 Continue\r\n"); }));
  REQUIRE(raw.send("xyz"));
  REQUIRE(run_until(f.loop, [&] { return raw.received().find("POST:xyz") != std::string::npos; }));
}

TEST_CASE("connection close, HTTP 1.0 and HEAD are honoured") {
  HttpFixture f;
  const std::string closed = f.exchange(request_text("GET", "/hello", "Connection: close\r\n"));
  REQUIRE(closed.find("Connection: close\r\n") != std::string::npos);
  const std::string old = f.exchange("GET /hello?name=old HTTP/1.0\r\n\r\n");
  REQUIRE(body_of(old) == "hello old");
  const std::string head =
      f.exchange(request_text("HEAD", "/hello?name=x", "Connection: close\r\n"));
  REQUIRE(head.find("Content-Length: 7\r\n") != std::string::npos);
  REQUIRE(body_of(head).empty());
}

TEST_CASE("a response may come later and from another thread") {
  HttpFixture f;
  std::vector<std::thread> threads;
  f.router.add("later", [&](HttpRequest, HttpResponder responder) {
    threads.emplace_back([responder] { responder.respond(HttpResponse::text(200, "from afar")); });
  });
  const std::string text = f.exchange(request_text("GET", "/later", "Connection: close\r\n"));
  for (auto& thread : threads) thread.join();
  REQUIRE(body_of(text) == "from afar");
}

TEST_CASE("a request whose responder is dropped is answered 500, and the first answer counts") {
  HttpFixture f;
  f.router.add("drop", [](HttpRequest, HttpResponder) {});
  f.router.add("twice", [](HttpRequest, HttpResponder responder) {
    responder.respond(HttpResponse::text(200, "first"));
    responder.respond(HttpResponse::text(200, "second"));
    REQUIRE_FALSE(responder.open_stream({}).send("third"));
  });
  REQUIRE(begins_with(f.exchange(request_text("GET", "/drop", "Connection: close\r\n")),
                      "HTTP/1.1 500"));
  REQUIRE(body_of(f.exchange(request_text("GET", "/twice", "Connection: close\r\n"))) == "first");
}

TEST_CASE("a responder that outlives its server does nothing") {
  HttpResponder kept;
  HttpStream stream;
  Loop loop;
  {
    HttpHandler handler = [&](HttpRequest request, HttpResponder responder) {
      if (request.path == "/stream") {
        stream = responder.open_stream({});
      } else {
        kept = responder;
      }
    };
    auto server = std::move(HttpServer::listen(loop, {}, std::move(handler))).value();
    RawSocket a(server->port());
    RawSocket b(server->port());
    REQUIRE(a.send(request_text("GET", "/x")));
    REQUIRE(b.send(request_text("GET", "/stream")));
    REQUIRE(run_until(loop, [&] { return server->stats().requests == 2; }));
    loop.run_for(Duration::milliseconds(5));
  }
  kept.respond(HttpResponse::text(200, "too late"));
  stream.send("too late");
  loop.run_for(Duration::milliseconds(5));
  REQUIRE_FALSE(stream.send("too late"));
}

TEST_CASE("a large body is compressed only for clients that ask") {
  HttpFixture f;
  const std::string large(5000, 'z');
  f.router.add("large", [&](HttpRequest, HttpResponder responder) {
    responder.respond(HttpResponse::json(large));
  });
  const std::string packed =
      f.exchange(request_text("GET", "/large", "Accept-Encoding: gzip\r\nConnection: close\r\n"));
  REQUIRE(packed.find("Content-Encoding: gzip\r\n") != std::string::npos);
  REQUIRE(packed.size() < 1000);
  REQUIRE(gunzip(body_of(packed)) == large);
  const std::string plain = f.exchange(request_text("GET", "/large", "Connection: close\r\n"));
  REQUIRE(body_of(plain) == large);
  const std::string small =
      f.exchange(request_text("GET", "/hello", "Accept-Encoding: gzip\r\nConnection: close\r\n"));
  REQUIRE(small.find("gzip") == std::string::npos);
}

TEST_CASE("an answer of 1,024 bytes is compressed, one of 1,023 is not") {
  HttpFixture f;
  for (const auto& [bytes, compressed] : {std::pair(1'023, false), {1'024, true}}) {
    const std::string body(static_cast<std::size_t>(bytes), 'z');
    f.router.add("body", [body](HttpRequest, HttpResponder responder) {
      responder.respond(HttpResponse::json(body));
    });
    const std::string answer =
        f.exchange(request_text("GET", "/body", "Accept-Encoding: gzip\r\nConnection: close\r\n"));
    CAPTURE(bytes);
    CHECK((answer.find("Content-Encoding: gzip\r\n") != std::string::npos) == compressed);
    CHECK((compressed ? gunzip(body_of(answer)) : body_of(answer)) == body);
  }
}

TEST_CASE("each record of a stream is one chunk, flushed, and the stream can be ended") {
  HttpFixture f;
  HttpStream stream;
  f.router.add("stream", [&](HttpRequest, HttpResponder responder) {
    HttpResponse head = HttpResponse::json("");
    stream = responder.open_stream(std::move(head));
    stream.send_record("{\"a\":1}");
  });
  RawSocket raw = f.connect();
  REQUIRE(raw.send(request_text("POST", "/stream", "Accept-Encoding: gzip\r\n")));
  REQUIRE(run_until(
      f.loop, [&] { return raw.received().find("9\r\n7\n{\"a\":1}\r\n") != std::string::npos; }));
  REQUIRE(raw.received().find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  REQUIRE(raw.received().find("gzip") == std::string::npos);
  REQUIRE(f.server->stats().streams == 1);
  raw.forget_received();
  stream.send("abc");
  stream.send("de");
  REQUIRE(run_until(f.loop, [&] { return raw.received() == "3\r\nabc\r\n2\r\nde\r\n"; }));
  // What is sent just before the end still arrives, and the connection serves on.
  raw.forget_received();
  stream.send("last");
  stream.close();
  REQUIRE_FALSE(stream.send("after"));
  REQUIRE(run_until(f.loop, [&] { return raw.received() == "4\r\nlast\r\n0\r\n\r\n"; }));
  raw.forget_received();
  REQUIRE(raw.send(request_text("GET", "/hello?name=again")));
  REQUIRE(
      run_until(f.loop, [&] { return raw.received().find("hello again") != std::string::npos; }));
  REQUIRE(f.server->stats().streams == 0);
}

TEST_CASE("a stream can be fed from another thread and loses nothing") {
  HttpFixture f;
  std::vector<std::thread> threads;
  f.router.add("stream", [&](HttpRequest, HttpResponder responder) {
    threads.emplace_back([stream = responder.open_stream({})] {
      for (int i = 0; i < 5000; ++i) stream.send_record(std::to_string(i));
      stream.close();
    });
  });
  RawSocket raw = f.connect();
  REQUIRE(raw.send(request_text("GET", "/stream")));
  REQUIRE(
      run_until(f.loop, [&] { return raw.received().find("\r\n0\r\n\r\n") != std::string::npos; }));
  for (auto& thread : threads) thread.join();
  std::size_t at = 0;
  for (int i = 0; i < 5000; ++i) {
    at = raw.received().find("\n" + std::to_string(i) + "\r\n", at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("a stream tells when its client leaves") {
  HttpFixture f;
  HttpStream stream;
  std::vector<Error> ended;
  f.router.add("stream", [&](HttpRequest, HttpResponder responder) {
    stream = responder.open_stream({});
    stream.on_closed([&](const Error& why) { ended.push_back(why); });
  });
  RawSocket raw = f.connect();
  REQUIRE(raw.send(request_text("GET", "/stream")));
  REQUIRE(run_until(f.loop, [&] { return f.server->stats().streams == 1; }));
  raw.close();
  REQUIRE(run_until(f.loop, [&] { return ended.size() == 1; }));
  REQUIRE(ended[0].code == ErrorCode::unavailable);
  REQUIRE(stream.closed());
  REQUIRE_FALSE(stream.send("x"));
  REQUIRE(f.server->stats().streams == 0);
}

TEST_CASE("paths are found the way Mesos clients write them") {
  HttpFixture f;
  const auto reply = [&](const char* name) {
    return [name](HttpRequest request, HttpResponder responder) {
      responder.respond(HttpResponse::text(200, std::string(name) + "|" + request.rest));
    };
  };
  f.router.add("", reply("root"));
  f.router.add("state", reply("state"));
  f.router.add("api/v1", reply("operator"));
  f.router.add("api/v1/scheduler", reply("scheduler"));
  f.router.add("files/read", reply("read"));
  f.router.add("only", {"POST"}, reply("only"));
  const auto ask = [&](const std::string& target, const std::string& method = "GET") {
    const std::string text = f.exchange(request_text(method, target, "Connection: close\r\n"));
    return begins_with(text, "HTTP/1.1 200") ? body_of(text) : text.substr(9, 3);
  };
  REQUIRE(ask("/") == "root|");
  REQUIRE(ask("/state") == "state|");
  REQUIRE(ask("/master/state") == "state|");
  REQUIRE(ask("/master/state/") == "state|");
  REQUIRE(ask("//master//state//") == "state|");
  REQUIRE(ask("/master/state.json?x=%41") == "state|");
  REQUIRE(ask("/state.json") == "state|");
  REQUIRE(ask("/slave%281%29/state") == "state|");
  REQUIRE(ask("/slave(1)/files/read/a/b") == "read|a/b");
  REQUIRE(ask("/api/v1/scheduler", "POST") == "scheduler|");
  REQUIRE(ask("/master/api/v1/scheduler") == "scheduler|");
  REQUIRE(ask("/api/v1/unknown") == "operator|unknown");
  REQUIRE(ask("/nonsense") == "404");
  REQUIRE(ask("/masterstate") == "404");
  REQUIRE(ask("/only") == "405");
  REQUIRE(ask("/only", "POST") == "only|");
}

TEST_CASE("an address that cannot be listened on is an error that says why") {
  HttpFixture f;
  HttpServerOptions taken;
  taken.port = f.server->port();
  const auto second = HttpServer::listen(f.loop, taken, f.router.handler());
  REQUIRE(second.error().message.find("in use") != std::string::npos);
  HttpServerOptions nonsense;
  nonsense.address = "nonsense";
  REQUIRE_FALSE(HttpServer::listen(f.loop, nonsense, f.router.handler()).ok());
}

}  // namespace
}  // namespace bourse::runtime
