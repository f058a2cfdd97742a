#include "runtime/http_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>

#include "runtime/clock.hpp"
#include "runtime/http_host_check.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

// A client that sends all of its body before it reads would miss the answer that refuses it.
constexpr std::size_t kLingerBytes = 8u << 20;
constexpr Duration kLingerTime = Duration::seconds(1);

int status_of(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  return 400;
}

}  // namespace

HttpConnection::HttpConnection(HttpServerCore* server, asio::ip::tcp::socket socket,
                               std::string remote_address)
    : server_(server), socket_(std::move(socket)), remote_address_(std::move(remote_address)) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::enter(Phase phase) {
  phase_ = phase;
  if (server_ == nullptr) return;
  const HttpServerOptions& o = server_->options();
  Duration limit = Duration::max();
  switch (phase) {
    case Phase::idle:
      limit = o.idle_timeout;
      break;
    case Phase::reading:
      limit = head_checked_ ? o.body_timeout : o.header_timeout;
      break;
    case Phase::writing:
      limit = o.write_timeout;
      break;
    case Phase::lingering:
      limit = kLingerTime;
      break;
    case Phase::receiving:  // a conversation has no end that we know
    case Phase::handling:   // the handler's time
    case Phase::streaming:  // counted only while something waits to be written
    case Phase::closed:
      break;
  }
  deadline_ = monotonic_now() + limit;
}

void HttpConnection::check_deadline(Instant now) {
  if (now < deadline_) return;
  if (phase_ == Phase::reading) return refuse(408, "the request took too long to arrive");
  close({ErrorCode::timeout, "the client took too long"});
}

void HttpConnection::start() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  new_parser();
  enter(Phase::idle);
  read();
}

void HttpConnection::new_parser() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_->options().max_header_bytes));
  parser_->body_limit(server_->options().max_body_bytes);
  parser_->eager(false);  // stops at the end of the head: how the body is taken is decided there
  head_checked_ = false;
  consumed_ = 0;
}

// ---- reading ----------------------------------------------------------------------------------

void HttpConnection::read() {
  if (read_pending_ || read_ended_ || phase_ == Phase::closed) return;
  if (input_begin_ > 0) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(input_begin_),
              input_.begin() + static_cast<std::ptrdiff_t>(input_end_), input_.begin());
    input_end_ -= input_begin_;
    input_begin_ = 0;
  }
  // A head must fit, and some of what is pipelined behind it; not more.
  const std::size_t most = server_->options().max_header_bytes + 2 * kReadBlock;
  if (input_.size() - input_end_ < kReadBlock / 2) {
    if (input_.size() >= most) return;  // pipelined beyond reason: it waits in the socket
    input_.resize(std::min(most, std::max(kReadBlock, input_.size() * 2)));
  }
  read_pending_ = true;
  socket_.async_read_some(
      asio::buffer(input_.data() + input_end_, input_.size() - input_end_),
      [self = shared_from_this()](const error_code& error, std::size_t count) {
        self->read_pending_ = false;
        if (self->phase_ == Phase::closed) return;
        if (error) {
          self->read_ended_ = true;
          // Half-closed clients still get the answer they wait for; streams end with their reader.
          if (self->phase_ == Phase::handling || self->phase_ == Phase::writing) return;
          return self->close({ErrorCode::unavailable, "the client closed the connection"});
        }
        self->on_read(count);
      });
}

void HttpConnection::on_read(std::size_t count) {
  if (phase_ == Phase::lingering) {
    lingered_bytes_ += count;
    if (lingered_bytes_ > kLingerBytes) {
      return close({ErrorCode::unavailable, "the client does not stop sending"});
    }
    return read();
  }
  input_end_ += count;
  if (phase_ == Phase::receiving) return parse_body();
  if (phase_ == Phase::streaming) return read();  // pipelined; and its end is what we wait for
  if (phase_ == Phase::idle) enter(Phase::reading);
  parse();
}

// Beast applies its header limit to each piece it is given, and none to trailers and chunk
// extensions: what a request may cost besides its body is counted here.
bool HttpConnection::framing_too_large() const {
  const std::size_t head = server_->options().max_header_bytes;
  if (!parser_->is_header_done()) return consumed_ >= head;
  return consumed_ > 2 * head + 8 * parser_->get().body().size();
}

void HttpConnection::parse() {
  while (phase_ == Phase::reading && input_begin_ < input_end_) {
    std::size_t size = input_end_ - input_begin_;
    const std::size_t head_room = server_->options().max_header_bytes - consumed_;
    const bool in_head = !parser_->is_header_done();
    if (in_head) size = std::min(size, head_room);
    error_code error;
    const std::size_t used =
        parser_->put(asio::const_buffer(input_.data() + input_begin_, size), error);
    input_begin_ += used;
    consumed_ += used;
    if (error && error != http::error::need_more) {
      ++server_->stats().malformed;
      return refuse(status_of(error), error.message());
    }
    if (parser_->is_header_done() && !head_checked_) {
      head_checked_ = true;
      if (!check_head()) return;
      parser_->eager(true);
      if (body_is_streamed()) return begin_body();
      enter(Phase::reading);  // the body has its own time
    }
    if (parser_->is_done()) return handle_request();
    const bool stuck = error == http::error::need_more && used == 0;
    if (framing_too_large() || (stuck && in_head && size == head_room) ||
        (stuck && size > server_->options().max_header_bytes)) {
      ++server_->stats().malformed;
      return refuse(431, "the header, a chunk line or the trailers are too large");
    }
    if (stuck) break;
  }
  if (phase_ == Phase::reading) read();
}

// False if the request was refused.
bool HttpConnection::check_head() {
  const auto& message = parser_->get();
  const HttpServerOptions& options = server_->options();
  const auto host = message.find(http::field::host);
  const bool old = message.version() < 11;
  if (host == message.end() && !old) {
    refuse(400, "a Host header is missing");
    return false;
  }
  const std::string_view host_value =
      host == message.end() ? std::string_view()
                            : std::string_view(host->value().data(), host->value().size());
  if (message.count(http::field::host) > 1 ||
      (host != message.end() && !host_allowed(host_value, options.allowed_hosts))) {
    refuse(403, "Host: does not name this server; a daemon is given more names by --allowed-hosts");
    return false;
  }
  const auto origin = message.find(http::field::origin);
  if (origin != message.end() && !origin_allowed({origin->value().data(), origin->value().size()},
                                                 host_value, options.allowed_origins)) {
    refuse(403,
           "Origin: pages from there may not call this server; a daemon is told of more that "
           "may by --allowed-origins");
    return false;
  }
  if (!parser_->is_done() &&
      same_header_name("100-continue", {message[http::field::expect].data(),
                                        message[http::field::expect].size()})) {
    output_.push_back({"HTTP/1.1 100 Continue\r\n\r\n", nullptr});
    write();
  }
  return true;
}

void HttpConnection::handle_request() {
  ++request_;
  ++server_->stats().requests;
  const bool whole = !body_is_streamed();
  auto& message = parser_->get();
  HttpRequest request;
  request.method = std::string(message.method_string().data(), message.method_string().size());
  request.target = std::string(message.target().data(), message.target().size());
  keep_alive_ = message.keep_alive();
  http_1_0_ = message.version() < 11;
  head_only_ = request.method == "HEAD";
  std::string_view target = request.target;
  if (target.starts_with("http://")) {  // absolute form: the path begins after the authority
    const std::size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  auto parsed = parse_target(target);
  if (!parsed.ok()) {
    ++server_->stats().malformed;
    return refuse(400, parsed.error().message);
  }
  request.path = std::move(parsed->path);
  request.query = std::move(parsed->query);
  for (const auto& field : message) {
    request.headers.add(std::string(field.name_string().data(), field.name_string().size()),
                        std::string(field.value().data(), field.value().size()));
  }
  request.body = std::move(message.body());
  request.remote_address = remote_address_;
  auto state = std::make_shared<HttpResponderState>();
  state->loop = server_->loop().ref();
  state->connection = weak_from_this();
  state->request = request_;
  state->gzip_accepted = accepts_gzip(request.headers);
  state->stream_limit = server_->options().stream_queue_bytes;
  enter(whole ? Phase::handling : Phase::receiving);
  server_->handler()(std::move(request), HttpResponder(std::move(state)));
}

void HttpConnection::refuse(int status, const std::string& why) {
  ++request_;  // no handler answers this one
  keep_alive_ = false;
  head_only_ = false;
  queue_response(HttpResponse::text(status, why + "\n"));
}

}  // namespace bourse::runtime
