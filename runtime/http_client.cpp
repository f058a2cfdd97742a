#include "runtime/http_client.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <optional>

#include "runtime/loop_impl.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadBlock = 64u << 10;
constexpr std::uint32_t kMaxHead = 64u << 10;

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return Error{ErrorCode::unsupported, "'" + std::string(url) + "' is not an http:// address"};
  }
  std::string_view rest = url.substr(kScheme.size());
  HttpUrl out;
  const std::size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) {
    out.target = (rest[slash] == '?' ? "/" : "") + std::string(rest.substr(slash));
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return invalid("'" + std::string(url) + "' lacks a ']'");
    out.host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    out.host = std::string(authority.substr(0, colon));
    port = authority.substr(colon);
  }
  if (!port.empty()) {
    unsigned number = 0;
    const char* const last = port.data() + port.size();
    const auto [end, error] = std::from_chars(port.data() + 1, last, number);
    if (port[0] != ':' || error != std::errc() || end != last || number == 0 || number > 65535) {
      return invalid("'" + std::string(url) + "' has no valid port: 1 to 65535 is expected");
    }
    out.port = std::string(port.substr(1));
  }
  if (out.host.empty()) return invalid("'" + std::string(url) + "' names no host");
  for (const char c : out.host + out.target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return invalid("the address holds a space or a control character");
    }
  }
  return out;
}

struct HttpExchange : std::enable_shared_from_this<HttpExchange> {
  using Parser = http::response_parser<http::string_body>;

  HttpExchange(Loop& loop_arg, HttpClientRequest request_arg, HttpClientCallbacks callbacks_arg)
      : loop(loop_arg),
        request(std::move(request_arg)),
        callbacks(std::move(callbacks_arg)),
        socket(context_of(loop_arg)),
        resolver(context_of(loop_arg)) {}

  void start();
  void resolve();
  void connect(const std::vector<tcp::endpoint>& endpoints, std::size_t next);
  void send();
  void send_piece(std::string piece);
  void flush();
  void read();
  void on_read(const error_code& error, std::size_t count);
  bool parse();
  void deliver_head();
  void finish();
  void fail(Error error);
  void stop();
  std::string head_text() const;

  Loop& loop;
  HttpClientRequest request;
  HttpClientCallbacks callbacks;
  HttpUrl url;
  tcp::socket socket;
  tcp::resolver resolver;
  Timer deadline;
  std::string head;
  std::string upload;  // of an open body, waiting for the write that is under way
  std::string upload_in_flight;
  bool connected = false;
  Parser parser;
  std::vector<char> input = std::vector<char>(kReadBlock);
  std::size_t input_end = 0;
  std::size_t consumed = 0;        // by the parser
  std::size_t body_bytes = 0;      // of the body so far
  std::size_t streamed_bytes = 0;  // of it, given to on_data
  bool head_delivered = false;
  bool done = false;
};

void HttpExchange::start() {
  if (done) return;
  auto parsed = parse_http_url(request.url);
  if (!parsed.ok()) return fail(parsed.error());
  url = std::move(parsed).value();
  parser.header_limit(kMaxHead);
  parser.eager(true);
  if (callbacks.on_data) {
    parser.body_limit(boost::none);
  } else {
    parser.body_limit(request.max_body_bytes);
  }
  if (request.method == "HEAD") parser.skip(true);
  deadline = loop.after(request.timeout, [this] {
    const auto self = shared_from_this();
    fail({ErrorCode::timeout, "no answer from " + url.host + ":" + url.port + " in " +
                                  std::to_string(request.timeout.ms()) + " ms"});
  });
  resolve();
}

void HttpExchange::resolve() {
  std::uint16_t port = 0;
  std::from_chars(url.port.data(), url.port.data() + url.port.size(), port);
  error_code error;
  // "localhost" is fixed here so that no resolver thread is started for it.
  const auto address =
      asio::ip::make_address(url.host == "localhost" ? std::string("127.0.0.1") : url.host, error);
  if (!error) return connect({tcp::endpoint(address, port)}, 0);
  resolver.async_resolve(
      url.host, url.port,
      [self = shared_from_this()](const error_code& failed, const tcp::resolver::results_type& r) {
        if (self->done) return;
        if (failed) {
          return self->fail({ErrorCode::unavailable,
                             "cannot resolve '" + self->url.host + "': " + failed.message()});
        }
        std::vector<tcp::endpoint> endpoints;
        for (const auto& entry : r) endpoints.push_back(entry.endpoint());
        self->connect(endpoints, 0);
      });
}

void HttpExchange::connect(const std::vector<tcp::endpoint>& endpoints, std::size_t next) {
  error_code ignored;
  socket.close(ignored);
  socket.async_connect(
      endpoints[next], [self = shared_from_this(), endpoints, next](const error_code& error) {
        if (self->done) return;
        if (!error) return self->send();
        if (next + 1 < endpoints.size()) return self->connect(endpoints, next + 1);
        self->fail({ErrorCode::unavailable, "cannot connect to " + self->url.host + ":" +
                                                self->url.port + ": " + error.message()});
      });
}

std::string HttpExchange::head_text() const {
  const bool v6 = url.host.find(':') != std::string::npos;
  std::string text = request.method + " " + url.target + " HTTP/1.1\r\n";
  if (!request.headers.contains("Host")) {
    text += "Host: " + (v6 ? "[" + url.host + "]" : url.host) + ":" + url.port + "\r\n";
  }
  for (const auto& [name, value] : request.headers.entries()) {
    std::string line = name + ": " + value;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    text += line + "\r\n";
  }
  if (request.open_body) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "Connection: close\r\n\r\n";
}

void HttpExchange::send() {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  head = head_text();
  if (request.open_body) {
    deadline.cancel();
    connected = true;
    upload = head + upload;
    flush();
    return read();
  }
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head),
                                                     asio::buffer(request.body)};
  // A server may answer before it has read everything (413): reading goes on whatever writing does.
  asio::async_write(socket, buffers,
                    [self = shared_from_this()](const error_code&, std::size_t) {});
  read();
}

// An empty piece is the end of the body.
void HttpExchange::send_piece(std::string piece) {
  if (done) return;
  char size[24];
  const auto [end, error] = std::to_chars(size, size + sizeof size, piece.size(), 16);
  upload.append(size, end);
  upload += "\r\n" + piece + "\r\n";
  if (connected) flush();
}

void HttpExchange::flush() {
  if (done || upload.empty() || !upload_in_flight.empty()) return;
  upload_in_flight = std::exchange(upload, std::string());
  asio::async_write(socket, asio::buffer(upload_in_flight),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      self->upload_in_flight.clear();
                      if (!error) self->flush();
                    });
}

void HttpExchange::read() {
  socket.async_read_some(asio::buffer(input.data() + input_end, input.size() - input_end),
                         [self = shared_from_this()](const error_code& error, std::size_t count) {
                           self->on_read(error, count);
                         });
}

void HttpExchange::on_read(const error_code& error, std::size_t count) {
  if (done) return;
  input_end += count;
  if (!parse()) return;
  if (!error) return read();
  error_code at_end;
  if (error == asio::error::eof && parser.got_some()) parser.put_eof(at_end);
  if (error == asio::error::eof && parser.is_done()) return finish();
  fail({ErrorCode::unavailable,
        url.host + ":" + url.port + " closed the connection " +
            (head_delivered ? "in the middle of its answer" : "without an answer")});
}

// False when the exchange has ended.
bool HttpExchange::parse() {
  std::size_t begin = 0;
  while (begin < input_end) {
    error_code error;
    const std::size_t used =
        parser.put(asio::const_buffer(input.data() + begin, input_end - begin), error);
    begin += used;
    consumed += used;
    if (error == http::error::body_limit) {
      fail({ErrorCode::too_large,
            "the answer is larger than " + std::to_string(request.max_body_bytes) + " bytes"});
      return false;
    }
    if (error && error != http::error::need_more) {
      fail({ErrorCode::invalid,
            url.host + ":" + url.port + " does not speak HTTP: " + error.message()});
      return false;
    }
    if (parser.is_header_done()) deliver_head();
    if (done) return false;
    body_bytes = std::max(body_bytes, streamed_bytes + parser.get().body().size());
    // Beast limits each piece of a head, not their sum, and trailers not at all.
    if (consumed > 2 * kMaxHead + 8 * body_bytes) {
      fail({ErrorCode::invalid, url.host + ":" + url.port + " sends headers without an end"});
      return false;
    }
    if (callbacks.on_data && !parser.get().body().empty()) {
      const std::string piece = std::exchange(parser.get().body(), std::string());
      streamed_bytes += piece.size();
      callbacks.on_data(piece);
      if (done) return false;
    }
    if (parser.is_done()) {
      finish();
      return false;
    }
    if (error == http::error::need_more && used == 0) break;
  }
  std::copy(input.begin() + static_cast<std::ptrdiff_t>(begin),
            input.begin() + static_cast<std::ptrdiff_t>(input_end), input.begin());
  input_end -= begin;
  if (input_end < input.size()) return true;
  if (input.size() < 2 * kMaxHead) {
    input.resize(2 * kMaxHead);
    return true;
  }
  fail({ErrorCode::invalid, url.host + ":" + url.port + " sends lines without an end"});
  return false;
}

void HttpExchange::deliver_head() {
  if (head_delivered) return;
  head_delivered = true;
  if (callbacks.on_data) deadline.cancel();
  if (!callbacks.on_head) return;
  HttpResponse response;
  response.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    response.headers.add(std::string(field.name_string().data(), field.name_string().size()),
                         std::string(field.value().data(), field.value().size()));
  }
  callbacks.on_head(response);
}

void HttpExchange::finish() {
  HttpResponse response;
  response.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    response.headers.add(std::string(field.name_string().data(), field.name_string().size()),
                         std::string(field.value().data(), field.value().size()));
  }
  response.body = std::move(parser.get().body());
  stop();
  if (auto callback = std::move(callbacks.on_response)) callback(std::move(response));
}

void HttpExchange::fail(Error error) {
  if (done) return;
  stop();
  if (auto callback = std::move(callbacks.on_error)) callback(error);
}

void HttpExchange::stop() {
  done = true;
  deadline.cancel();
  resolver.cancel();
  error_code ignored;
  socket.close(ignored);
}

HttpCall::HttpCall(std::shared_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}
HttpCall::HttpCall(HttpCall&&) noexcept = default;
HttpCall& HttpCall::operator=(HttpCall&& other) noexcept {
  if (this != &other) {
    cancel();
    exchange_ = std::move(other.exchange_);
  }
  return *this;
}
HttpCall::~HttpCall() {
  cancel();
}
void HttpCall::send(std::string piece) const {
  if (exchange_ && !piece.empty()) exchange_->send_piece(std::move(piece));
}
void HttpCall::finish() const {
  if (exchange_) exchange_->send_piece({});
}
std::size_t HttpCall::queued_bytes() const {
  return exchange_ ? exchange_->upload.size() + exchange_->upload_in_flight.size() : 0;
}
void HttpCall::cancel() {
  if (!exchange_) return;
  if (!exchange_->done) exchange_->stop();
  exchange_.reset();
}

HttpCall http_request(Loop& loop, HttpClientRequest request, HttpClientCallbacks callbacks) {
  auto exchange = std::make_shared<HttpExchange>(loop, std::move(request), std::move(callbacks));
  loop.post([exchange] { exchange->start(); });
  return HttpCall(std::move(exchange));
}

}  // namespace bourse::runtime
