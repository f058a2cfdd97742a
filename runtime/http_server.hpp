// HttpServer: HTTP/1.1 on one loop (Boost.Beast parses). A handler gets the whole request and an
// HttpResponder, and may answer at once, later, or from another thread, with a body or by opening
// a stream. Requests of one connection are answered one after the other; what a client pipelines
// meanwhile waits in its socket.
//
// Ownership and thread: the server belongs to its loop's thread; do not destroy it inside a handler
// (post the destruction). HttpResponder and HttpStream are
// handles for any thread; they may outlive the server and then do nothing. An HttpResponder that
// is dropped without an answer answers 500.
//
// Bounds (each with its answer): header over 16 KiB 431, body over max_body_bytes 413, malformed
// 400, a Host or Origin that is not allowed 403, slow to send 408 or a plain close, over
// max_connections (or per address) 503, a stream whose client does not read is closed with `full`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/http_message.hpp"
#include "runtime/loop.hpp"

namespace bourse::runtime {

class HttpConnection;
struct HttpStreamState;
struct HttpResponderState;

// An open response of unknown length: every send() is one HTTP chunk, written at once.
class HttpStream {
 public:
  HttpStream() = default;
  explicit HttpStream(std::shared_ptr<HttpStreamState> state) : state_(std::move(state)) {}

  // False if the stream is closed, or was closed by this call because the client has not read
  // stream_queue_bytes. Empty bytes are ignored.
  bool send(std::string bytes) const;
  // The bytes as one RecordIO record in one chunk.
  bool send_record(std::string_view bytes) const { return send(recordio_frame(bytes)); }
  bool closed() const;
  // Bytes sent and not yet taken by the network.
  std::size_t queued_bytes() const;
  // Ends the response after what was sent.
  void close() const;
  // Drops what waits for the client and the connection with it, and calls on_closed with `why`.
  void abort(Error why) const;
  // Runs on the server's loop once, when the stream has ended for whatever reason except close():
  // `unavailable` the client left, `full` it does not read. Replaces an earlier callback; runs soon
  // even if the stream has ended already.
  void on_closed(UniqueFunction<void(const Error&)> callback) const;

 private:
  std::shared_ptr<HttpStreamState> state_;
};

struct HttpBodyHandlers {
  UniqueFunction<void(std::string_view)> on_piece = {};
  // Once: true when the body is whole, false when the client left or wrote what is no HTTP.
  UniqueFunction<void(bool)> on_end = {};
};

// The body of a request that came with one of `streamed_content_types`, while it arrives. For the
// server's loop alone; after the answer nothing is called any more.
class HttpBody {
 public:
  HttpBody() = default;
  HttpBody(std::weak_ptr<HttpConnection> connection, std::uint64_t request)
      : connection_(std::move(connection)), request_(request) {}

  // Nothing of the body is read before this. The handlers run later, never inside the call.
  void receive(HttpBodyHandlers handlers) const;
  // Stops and resumes reading: what is not read waits in the client's socket.
  void set_reading(bool reading) const;

 private:
  std::weak_ptr<HttpConnection> connection_;
  std::uint64_t request_ = 0;
};

class HttpResponder {
 public:
  HttpResponder() = default;
  explicit HttpResponder(std::shared_ptr<HttpResponderState> state) : state_(std::move(state)) {}

  // The first answer counts; a second one is ignored.
  void respond(HttpResponse response) const;
  // Sends the head (Transfer-Encoding: chunked) and leaves the body open. `head.body`, if any, is
  // the first chunk. At most `queue_bytes` wait for the client; 0: the server's stream_queue_bytes.
  HttpStream open_stream(HttpResponse head, std::size_t queue_bytes = 0) const;
  // Of a request whose Content-Type is one of streamed_content_types: its `body` came empty.
  HttpBody body() const;

 private:
  std::shared_ptr<HttpResponderState> state_;
};

using HttpHandler = UniqueFunction<void(HttpRequest, HttpResponder)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_body_bytes = 2u << 20;
  std::size_t max_connections = 4096;
  std::size_t max_connections_per_address = 4096;
  std::size_t stream_queue_bytes = 8u << 20;
  Duration header_timeout = Duration::seconds(10);  // from the first byte of a request
  Duration body_timeout = Duration::seconds(60);
  Duration idle_timeout = Duration::seconds(75);   // between requests
  Duration write_timeout = Duration::seconds(30);  // without progress, for responses and streams
  // Host names this server answers to, besides IP addresses, "localhost" and "*.localhost". A name
  // that an attacker's DNS points here is not among them.
  std::vector<std::string> allowed_hosts = {};
  // Origins of web pages that may call, besides those served from here ("http://ui.example:80").
  std::vector<std::string> allowed_origins = {};
  // A request of one of these is handled at the end of its head, and its body of any length is
  // handed over in pieces (HttpResponder::body()).
  std::vector<std::string> streamed_content_types = {};
};

struct HttpServerStats {
  std::uint64_t requests = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t malformed = 0;
  std::size_t connections = 0;
  std::size_t streams = 0;
};

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> listen(Loop& loop, HttpServerOptions options,
                                                    HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  const std::string& address() const;
  HttpServerStats stats() const;

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace bourse::runtime
