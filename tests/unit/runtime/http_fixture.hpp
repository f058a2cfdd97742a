// Test support: a server with a router on a free port, and plain requests against it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "runtime/http_router.hpp"
#include "tests/unit/runtime/raw_socket.hpp"
#include "tests/unit/runtime/wait_for.hpp"

namespace bourse::runtime::test {

struct HttpFixture {
  Loop loop;
  HttpRouter router{{"master", "slave(1)"}};
  std::unique_ptr<HttpServer> server;

  explicit HttpFixture(HttpServerOptions options = {}) {
    server = std::move(HttpServer::listen(loop, std::move(options), router.handler())).value();
    router.add("hello", [](HttpRequest request, HttpResponder responder) {
      responder.respond(
          HttpResponse::text(200, "hello " + std::string(request.query_value("name"))));
    });
    router.add("echo", [](HttpRequest request, HttpResponder responder) {
      responder.respond(HttpResponse::text(200, request.method + ":" + request.body));
    });
  }

  RawSocket connect(int receive_buffer = 0) { return RawSocket(server->port(), receive_buffer); }

  // Sends bytes on a new connection and returns all that came until the server closed, or until
  // `expected` has been received.
  std::string exchange(const std::string& bytes, const std::string& expected = "") {
    RawSocket raw = connect();
    raw.send(bytes);
    run_until(loop, [&] {
      return raw.ended() ||
             (!expected.empty() && raw.received().find(expected) != std::string::npos);
    });
    return raw.received();
  }

  // The status line must begin so.
  bool serves() {
    return exchange("GET /hello?name=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
               .find("\r\n\r\nhello x") != std::string::npos;
  }
};

inline std::string request_text(const std::string& method, const std::string& target,
                                const std::string& headers = "", const std::string& body = "") {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost:5050\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body;
}

inline bool begins_with(const std::string& text, std::string_view start) {
  return text.compare(0, start.size(), start) == 0;
}

}  // namespace bourse::runtime::test
