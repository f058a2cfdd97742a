#include "runtime/http_client.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/runtime/http_fixture.hpp"

namespace bourse::runtime {
namespace {

using test::HttpFixture;
using test::run_until;

struct Outcome {
  std::optional<HttpResponse> response;
  std::optional<Error> error;
  int heads = 0;
  std::string streamed;

  HttpClientCallbacks callbacks(bool stream = false) {
    HttpClientCallbacks c;
    c.on_response = [this](HttpResponse r) { response = std::move(r); };
    c.on_error = [this](const Error& e) { error = e; };
    if (stream) {
      c.on_head = [this](const HttpResponse&) { ++heads; };
      c.on_data = [this](std::string_view bytes) { streamed += bytes; };
    }
    return c;
  }
  bool done() const { return response || error; }
};

std::string url_of(const HttpFixture& f, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(f.server->port()) + path;
}

// A listener that answers every connection with fixed bytes and then closes it.
class FixedServer {
 public:
  explicit FixedServer(std::string answer, bool close_after = true) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 10);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, close_after] {
      const int peer = ::accept(fd_, nullptr, nullptr);
      char block[4096];
      if (::recv(peer, block, sizeof block, 0) > 0) {
        ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      if (!close_after) {
        while (::recv(peer, block, sizeof block, 0) > 0) {
        }
      }
      ::close(peer);
    });
  }
  ~FixedServer() {
    thread_.join();
    ::close(fd_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  std::string answer_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_CASE("a client sends method, headers and body and gets status, headers and body") {
  HttpFixture f;
  Outcome outcome;
  HttpClientRequest request;
  request.method = "POST";
  request.url = url_of(f, "/echo");
  request.body = std::string(300000, 'b');
  const HttpCall call = http_request(f.loop, request, outcome.callbacks());
  REQUIRE(run_until(f.loop, [&] { return outcome.done(); }));
  REQUIRE(outcome.response);
  REQUIRE(outcome.response->status == 200);
  REQUIRE(outcome.response->body == "POST:" + request.body);
  REQUIRE(outcome.response->headers.get("content-type") == "text/plain; charset=utf-8");
  Outcome missing;
  const HttpCall second = http_request(f.loop, {.url = url_of(f, "/no")}, missing.callbacks());
  REQUIRE(run_until(f.loop, [&] { return missing.done(); }));
  REQUIRE(missing.response->status == 404);
}

TEST_CASE("a streamed response arrives piece by piece and its end is told") {
  HttpFixture f;
  HttpStream stream;
  f.router.add("stream", [&](HttpRequest, HttpResponder r) { stream = r.open_stream({}); });
  Outcome outcome;
  const HttpCall call =
      http_request(f.loop, {.url = url_of(f, "/stream")}, outcome.callbacks(true));
  REQUIRE(run_until(f.loop, [&] { return outcome.heads == 1; }));
  stream.send_record("one");
  REQUIRE(run_until(f.loop, [&] { return outcome.streamed == "3\none"; }));
  REQUIRE_FALSE(outcome.done());
  stream.send_record("two");
  stream.close();
  REQUIRE(run_until(f.loop, [&] { return outcome.done(); }));
  REQUIRE(outcome.response);
  REQUIRE(outcome.streamed == "3\none3\ntwo");
}

TEST_CASE("a cancelled call closes its connection and calls nobody back") {
  HttpFixture f;
  HttpStream stream;
  bool left = false;
  f.router.add("stream", [&](HttpRequest, HttpResponder r) {
    stream = r.open_stream({});
    stream.on_closed([&](const Error&) { left = true; });
  });
  Outcome outcome;
  HttpCall call = http_request(f.loop, {.url = url_of(f, "/stream")}, outcome.callbacks(true));
  REQUIRE(run_until(f.loop, [&] { return outcome.heads == 1; }));
  call.cancel();
  REQUIRE(run_until(f.loop, [&] { return left; }));
  REQUIRE_FALSE(outcome.done());
}

TEST_CASE("no listener, no answer in time, too large an answer: each is one clear error") {
  HttpFixture f;
  f.router.add("never",
               [held = std::vector<HttpResponder>()](HttpRequest, HttpResponder r) mutable {
                 held.push_back(std::move(r));
               });
  f.router.add("large", [](HttpRequest, HttpResponder r) {
    r.respond(HttpResponse::text(200, std::string(10000, 'x')));
  });
  Outcome refused;
  std::string dead;
  {
    HttpFixture gone;
    dead = url_of(gone, "/");
  }
  const HttpCall a = http_request(f.loop, {.url = dead}, refused.callbacks());
  Outcome late;
  const HttpCall b =
      http_request(f.loop, {.url = url_of(f, "/never"), .timeout = Duration::milliseconds(50)},
                   late.callbacks());
  Outcome large;
  const HttpCall c =
      http_request(f.loop, {.url = url_of(f, "/large"), .max_body_bytes = 9999}, large.callbacks());
  Outcome bad;
  const HttpCall d = http_request(f.loop, {.url = "ftp://x/"}, bad.callbacks());
  REQUIRE(run_until(f.loop,
                    [&] { return refused.done() && late.done() && large.done() && bad.done(); }));
  REQUIRE(refused.error->code == ErrorCode::unavailable);
  REQUIRE(late.error->code == ErrorCode::timeout);
  REQUIRE(large.error->code == ErrorCode::too_large);
  REQUIRE(bad.error->code == ErrorCode::unsupported);
}

TEST_CASE("a body without a length ends with the connection") {
  Loop loop;
  FixedServer server("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  Outcome outcome;
  const HttpCall call = http_request(loop, {.url = server.url()}, outcome.callbacks());
  REQUIRE(run_until(loop, [&] { return outcome.done(); }));
  REQUIRE(outcome.response);
  REQUIRE(outcome.response->body == "until the end");
}

std::string endless_head() {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 20000; ++i) head += "X" + std::to_string(i) + ": y\r\n";
  return head;
}

TEST_CASE("an answer that is cut off, lies about its length or is not HTTP is an error") {
  for (const std::string& answer :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        std::string("HTTP/1.1 200 OK\r\nX: y"), std::string("SSH-2.0-OpenSSH\r\n"),
        std::string("HTTP/1.1 200 OK\r\nX: " + std::string(200000, 'x')), endless_head()}) {
    CAPTURE(answer.substr(0, 60));
    Loop loop;
    Outcome outcome;
    FixedServer server(answer);
    const HttpCall call = http_request(loop, {.url = server.url()}, outcome.callbacks());
    REQUIRE(run_until(loop, [&] { return outcome.done(); }));
    REQUIRE(outcome.error);
  }
}

}  // namespace
}  // namespace bourse::runtime
