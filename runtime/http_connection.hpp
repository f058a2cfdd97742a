// Private to runtime/http_*.cpp: one accepted connection of an HttpServer. Includes Asio and Beast.
//
// Phases: reading a request -> handling (the handler owes an answer) -> writing it -> reading, or
// streaming instead of writing, or lingering before a close so that an error answer is not lost to
// a reset. Everything runs on the server's loop.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/http_server.hpp"

namespace bourse::runtime {

class HttpServerCore;

// Shared by the handles of one stream (any thread) and its connection.
struct HttpStreamState {
  LoopRef loop;
  std::weak_ptr<HttpConnection> connection;  // locked on the loop only
  std::size_t limit = 0;

  std::mutex mutex;  // guards what follows
  std::deque<std::string> pending;
  std::size_t queued_bytes = 0;  // pending and being written
  bool closed = false;           // takes no more
  bool finish = false;           // closed by its owner: end the response properly
  bool flush_posted = false;
  std::optional<Error> ended;  // why, if not by its owner
  UniqueFunction<void(const Error&)> on_closed;

  // Runs the callback on the loop if the stream has ended by itself.
  static void notify(const std::shared_ptr<HttpStreamState>& self);
};

struct HttpResponderState {
  ~HttpResponderState();

  LoopRef loop;
  std::weak_ptr<HttpConnection> connection;  // locked on the loop only
  std::uint64_t request = 0;
  bool gzip_accepted = false;
  std::size_t stream_limit = 0;
  std::atomic<bool> answered{false};
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpServerCore* server, boost::asio::ip::tcp::socket socket,
                 std::string remote_address);
  ~HttpConnection();

  void start();
  // Called about every check_interval; closes what is overdue.
  void check_deadline(Instant now);
  // The server is going away, or the connection is not wanted: closes without any callback.
  void abandon();
  const std::string& remote_address() const { return remote_address_; }

  // Answers of the request with this number; late ones for an earlier request are ignored.
  void respond(std::uint64_t request, HttpResponse response);
  void open_stream(std::uint64_t request, HttpResponse head, std::shared_ptr<HttpStreamState> s);
  void flush_stream();
  // Of a body that is handed over in pieces.
  void receive_body(std::uint64_t request, HttpBodyHandlers handlers);
  void set_reading_body(std::uint64_t request, bool reading);
  // The stream's queue is exceeded: ends the connection if it still carries this stream.
  void abort_stream(const HttpStreamState& stream);

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  static constexpr std::size_t kReadBlock = 16u << 10;
  // receiving: handling, while the body still arrives.
  enum class Phase { idle, reading, receiving, handling, writing, streaming, lingering, closed };
  struct Piece {
    std::string owned;
    std::shared_ptr<const std::string> shared;
    std::string_view view() const { return shared ? std::string_view(*shared) : owned; }
  };

  void enter(Phase phase);
  void new_parser();
  void read();
  void on_read(std::size_t count);
  void parse();
  bool framing_too_large() const;
  bool check_head();
  void handle_request();
  bool body_is_streamed() const;
  void begin_body();
  void parse_body();
  void end_body(bool whole);
  void refuse(int status, const std::string& why);
  void queue_response(HttpResponse response);
  std::string head_text(const HttpResponse& response, std::optional<std::size_t> length,
                        bool chunked) const;
  void write();
  void on_written(std::size_t count);
  void response_done();
  void notice_vanished_peer();
  void linger();
  void close_stream(const Error& why);
  void close(const Error& why);

  HttpServerCore* server_;
  boost::asio::ip::tcp::socket socket_;
  const std::string remote_address_;
  Phase phase_ = Phase::idle;
  Instant deadline_ = Instant::max();
  std::optional<Parser> parser_;
  bool head_checked_ = false;
  std::size_t consumed_ = 0;  // bytes of the current request that the parser has taken
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  bool read_pending_ = false;
  bool read_ended_ = false;
  std::size_t lingered_bytes_ = 0;

  std::uint64_t request_ = 0;  // number of the current one
  bool head_only_ = false;
  bool http_1_0_ = false;
  bool keep_alive_ = true;

  std::shared_ptr<HttpBodyHandlers> body_;  // from receive() to the end of the body
  bool body_reading_ = false;
  std::size_t body_bytes_ = 0;

  std::deque<Piece> output_;
  std::size_t output_offset_ = 0;  // written of the front piece
  bool write_pending_ = false;
  std::shared_ptr<HttpStreamState> stream_;
  std::size_t stream_in_flight_ = 0;  // payload bytes in output_
  bool stream_finished_ = false;
};

// What connections need of their server.
class HttpServerCore {
 public:
  virtual ~HttpServerCore() = default;
  virtual Loop& loop() = 0;
  virtual const HttpServerOptions& options() const = 0;
  virtual HttpServerStats& stats() = 0;
  virtual HttpHandler& handler() = 0;
  virtual void forget(HttpConnection& connection) = 0;
};

}  // namespace bourse::runtime
