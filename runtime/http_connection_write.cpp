// The writing half of HttpConnection: responses, streams and the end of the connection.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <cstdio>
#include <ctime>

#include "runtime/clock.hpp"
#include "runtime/http_connection.hpp"

namespace bourse::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxBuffers = 16;
constexpr std::size_t kStreamBatch = 64;  // chunks taken into one write

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

// The wall clock as HTTP writes it; made once a second.
std::string http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const auto now = static_cast<std::time_t>(wall_now().ns / 1'000'000'000);
  if (now != made_at || text.empty()) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    char buffer[40];
    const std::size_t size =
        std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text.assign(buffer, size);
    made_at = now;
  }
  return text;
}

std::string chunk_head(std::size_t size) {
  char text[24];
  const int written = std::snprintf(text, sizeof text, "%zx\r\n", size);
  return {text, static_cast<std::size_t>(written)};
}

}  // namespace

void HttpConnection::respond(std::uint64_t request, HttpResponse response) {
  if (request != request_) return;
  if (phase_ == Phase::receiving) {
    body_.reset();
    keep_alive_ = false;  // what is left of the body is not looked at
  } else if (phase_ != Phase::handling) {
    return;
  }
  queue_response(std::move(response));
}

void HttpConnection::queue_response(HttpResponse response) {
  enter(Phase::writing);
  const std::size_t length = response.bytes().size();
  output_.push_back({head_text(response, length, false), nullptr});
  if (!head_only_ && has_body(response.status) && length > 0) {
    output_.push_back({std::move(response.body), std::move(response.shared_body)});
  }
  write();
}

std::string HttpConnection::head_text(const HttpResponse& response,
                                      std::optional<std::size_t> length, bool chunked) const {
  std::string out = "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: " + http_date() + "\r\n";
  for (const auto& [name, value] : response.headers.entries()) {
    append_clean(out, name);
    out += ": ";
    append_clean(out, value);
    out += "\r\n";
  }
  if (length && has_body(response.status)) {
    out += "Content-Length: " + std::to_string(*length) + "\r\n";
  }
  if (chunked) out += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive_) {
    out += "Connection: close\r\n";
  } else if (http_1_0_) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  return out;
}

void HttpConnection::write() {
  if (write_pending_ || output_.empty() || phase_ == Phase::closed) return;
  std::vector<asio::const_buffer> buffers;
  std::size_t skip = output_offset_;
  for (const Piece& piece : output_) {
    if (buffers.size() == kMaxBuffers) break;
    const std::string_view view = piece.view().substr(skip);
    skip = 0;
    buffers.emplace_back(view.data(), view.size());
  }
  write_pending_ = true;
  if (phase_ == Phase::writing || phase_ == Phase::streaming) {
    deadline_ = monotonic_now() + server_->options().write_timeout;
  }
  socket_.async_write_some(buffers,
                           [self = shared_from_this()](const error_code& error, std::size_t count) {
                             self->write_pending_ = false;
                             if (self->phase_ == Phase::closed) return;
                             if (error)
                               return self->close({ErrorCode::unavailable, "the client is gone"});
                             self->on_written(count);
                           });
}

void HttpConnection::on_written(std::size_t count) {
  count += output_offset_;
  while (!output_.empty() && count >= output_.front().view().size()) {
    count -= output_.front().view().size();
    output_.pop_front();
  }
  output_offset_ = count;
  if (!output_.empty()) return write();
  if (phase_ == Phase::writing) return response_done();
  if (phase_ == Phase::streaming) {
    deadline_ = Instant::max();
    flush_stream();
  }
}

void HttpConnection::response_done() {
  if (!keep_alive_ || read_ended_) return linger();
  new_parser();
  if (input_begin_ < input_end_) {
    enter(Phase::reading);
    return parse();
  }
  enter(Phase::idle);
  if (input_.size() > kReadBlock && !read_pending_) {
    std::vector<char>().swap(input_);
    input_begin_ = input_end_ = 0;
  }
  read();
}

// Closing with unread input makes the kernel send a reset, which can overtake the answer.
void HttpConnection::linger() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (read_ended_) return close({ErrorCode::unavailable, "the connection has ended"});
  enter(Phase::lingering);
  input_begin_ = input_end_ = 0;
  read();
}

// ---- streaming --------------------------------------------------------------------------------

// A stream lives for days: a machine that is gone without a word must not hold it for the hours
// that the kernel would wait. Bytes that nobody confirms end it, and so does silence when none are
// sent.
void HttpConnection::notice_vanished_peer() {
  constexpr int kUnconfirmedMs = 30'000;
  constexpr int kIdleSeconds = 20;
  constexpr int kProbeSeconds = 5;
  const int socket = socket_.native_handle();
  const auto set = [socket](int level, int name, int value) {
    // What a kernel does not know it does not do: nothing else depends on it.
    (void)::setsockopt(socket, level, name, &value, sizeof(value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kProbeSeconds);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnconfirmedMs);
}

void HttpConnection::open_stream(std::uint64_t request, HttpResponse head,
                                 std::shared_ptr<HttpStreamState> state) {
  if (phase_ != Phase::handling || request != request_ || read_ended_) {
    stream_ = std::move(state);
    close_stream({ErrorCode::unavailable, "the client is gone"});
    if (read_ended_ && phase_ == Phase::handling) close({ErrorCode::unavailable, "gone"});
    return;
  }
  stream_ = std::move(state);
  stream_finished_ = false;
  stream_in_flight_ = 0;
  ++server_->stats().streams;
  notice_vanished_peer();
  if (http_1_0_) keep_alive_ = false;
  enter(Phase::streaming);
  output_.push_back({head_text(head, std::nullopt, !http_1_0_), nullptr});
  write();
  read();  // tells when the client leaves
}

void HttpConnection::flush_stream() {
  if (phase_ != Phase::streaming) return;
  const auto state = stream_;
  bool finish = false;
  {
    const std::lock_guard lock(state->mutex);
    state->flush_posted = false;
    if (write_pending_) return;  // on_written() comes back here
    state->queued_bytes -= stream_in_flight_;
    stream_in_flight_ = 0;
    for (std::size_t i = 0; i < kStreamBatch && !state->pending.empty(); ++i) {
      std::string bytes = std::move(state->pending.front());
      state->pending.pop_front();
      stream_in_flight_ += bytes.size();
      if (head_only_) continue;
      if (http_1_0_) {
        output_.push_back({std::move(bytes), nullptr});
        continue;
      }
      output_.push_back({chunk_head(bytes.size()), nullptr});
      bytes += "\r\n";
      output_.push_back({std::move(bytes), nullptr});
    }
    finish = state->finish && state->pending.empty();
  }
  if (finish && output_.empty() && stream_finished_) {
    stream_.reset();
    --server_->stats().streams;
    return response_done();
  }
  if (finish && !stream_finished_) {
    stream_finished_ = true;
    if (!http_1_0_ && !head_only_) output_.push_back({"0\r\n\r\n", nullptr});
    if (output_.empty()) return flush_stream();
  }
  write();
}

void HttpConnection::abort_stream(const HttpStreamState& stream) {
  if (stream_.get() == &stream) close({ErrorCode::full, "the client does not read"});
}

void HttpConnection::close_stream(const Error& why) {
  const auto state = std::exchange(stream_, nullptr);
  if (!state) return;
  {
    const std::lock_guard lock(state->mutex);
    state->closed = true;
    state->pending.clear();
    state->queued_bytes = 0;
    if (state->finish) return;
    if (!state->ended) state->ended = why;
  }
  HttpStreamState::notify(state);
}

void HttpConnection::close(const Error& why) {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  if (phase_ == Phase::streaming) --server_->stats().streams;
  phase_ = Phase::closed;
  deadline_ = Instant::max();
  error_code ignored;
  socket_.close(ignored);
  output_.clear();
  end_body(false);
  close_stream(why);
  server_->forget(*this);
  server_ = nullptr;
}

void HttpConnection::abandon() {
  phase_ = Phase::closed;
  server_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
  body_.reset();
  if (const auto state = std::exchange(stream_, nullptr)) {
    const std::lock_guard lock(state->mutex);
    state->closed = true;
    state->pending.clear();
    state->on_closed = nullptr;
  }
}

}  // namespace bourse::runtime
