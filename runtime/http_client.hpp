// A small asynchronous HTTP/1.1 client on a loop: one connection per request, a deadline and a size
// limit on each, bodies whole or streamed. Plain http only. Belongs to the loop's thread; callbacks
// run there, never inside http_request() itself. Destroying the handle cancels without a callback.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/http_message.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

struct HttpUrl {
  std::string host;  // without brackets for IPv6
  std::string port = "80";
  std::string target = "/";
};
// "http://host:port/path?query"; an "https" or other scheme is unsupported.
Result<HttpUrl> parse_http_url(std::string_view url);

struct HttpClientRequest {
  std::string method = "GET";
  std::string url = {};
  HttpHeaders headers = {};  // Host, Content-Length and Connection are added
  std::string body = {};
  // The body is what HttpCall::send() gives it up to finish(). The timeout is then for connecting.
  bool open_body = false;
  std::size_t max_body_bytes = 64u << 20;    // of the response, when it is not streamed
  Duration timeout = Duration::seconds(30);  // for all of it; of a stream only up to its head
};

struct HttpClientCallbacks {
  // Exactly one of the two, once, unless cancelled. A status of 400 is a response, not an error.
  UniqueFunction<void(HttpResponse)> on_response = {};
  UniqueFunction<void(const Error&)> on_error = {};
  // If set the body is streamed: on_head first, on_data for each piece, then on_response with an
  // empty body at the end of the stream (or on_error).
  UniqueFunction<void(const HttpResponse&)> on_head = {};
  UniqueFunction<void(std::string_view)> on_data = {};
};

struct HttpExchange;

class HttpCall {
 public:
  HttpCall() = default;
  explicit HttpCall(std::shared_ptr<HttpExchange> exchange);
  HttpCall(HttpCall&&) noexcept;
  HttpCall& operator=(HttpCall&&) noexcept;
  ~HttpCall();

  void cancel();
  // Of an open body: one more piece of it; its end.
  void send(std::string piece) const;
  void finish() const;
  // Bytes given to send() and not yet taken by the network.
  std::size_t queued_bytes() const;

 private:
  std::shared_ptr<HttpExchange> exchange_;
};

[[nodiscard]] HttpCall http_request(Loop& loop, HttpClientRequest request,
                                    HttpClientCallbacks callbacks);

}  // namespace bourse::runtime
